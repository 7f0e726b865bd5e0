"""Copies of the checkout to change: the checkout itself is never touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.mutation import reach
from bench.mutation.sites import Site

PYTEST = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0", "-m", "not slow")


def copy(root: Path, to: Path) -> Path:
    """The files git knows of, and those it would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, check=True, capture_output=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (root / name).is_file() and not (root / name).is_symlink():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, to / name)
    return to


def environment(tree: Path, **more: str) -> dict[str, str]:
    """Python looks for brie in the tree and nowhere else, in child processes too."""
    one_core = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    path = [str(tree / "src"), str(tree), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, **one_core, "PYTHONPATH": os.pathsep.join(path), **more}


@dataclass
class Reached:
    """Which tests touch which lines, and how long each takes."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Of each test, without what it shares with others."""
    shared: dict[str, float] = field(default_factory=dict)
    """Of each fixture that several tests share."""
    fixtures: dict[str, list[str]] = field(default_factory=dict)
    lines: dict[str, dict[int, set[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )

    def add(self, document: dict[str, Any]) -> None:
        """One run's record."""
        users: dict[str, set[str]] = defaultdict(set)
        self.shared |= document["shared"]
        for name, test in document["tests"].items():
            self.seconds[name], self.fixtures[name] = test["seconds"], test["fixtures"]
            for fixture in test["fixtures"]:
                users[fixture].add(name)
        for file, by_context in document["lines"].items():
            for context, lines in by_context.items():
                named = {context} if context in document["tests"] else users.get(context, set())
                for line in lines:
                    self.lines[file][line] |= named
                for name in named:
                    self.breadth[name] += len(lines)

    breadth: Counter[str] = field(default_factory=Counter)
    """Of each test, how many lines it touches: fewer are more about any one of them."""

    def chosen(self, site: Site, most: float) -> tuple[list[str], int, float]:
        """Tests that touch a site, how many more there are, and their seconds.

        Args:
            site: of one that is run at import, the tests of the whole file.
            most: seconds that these tests may take; one test is chosen in any case.
        """
        every, total, made = self._tests(site), 0.0, set[str]()
        for count, name in enumerate(every):
            cost = self._cost(name, made)
            if count and total + cost > most:
                return every[:count], len(every) - count, total
            total += cost
            made |= set(self.fixtures[name])
        return every, 0, total

    def _cost(self, name: str, made: AbstractSet[str]) -> float:
        return self.seconds[name] + sum(
            self.shared.get(f, 0) for f in self.fixtures[name] if f not in made
        )

    def _tests(self, site: Site) -> list[str]:
        """Quick and narrow ones first."""
        of_file = self.lines.get(site.file, {})
        found = of_file.get(site.line) or of_file.get(site.statement) or set()
        if site.at_import:
            found = set().union(*of_file.values())
        return sorted(found, key=lambda name: (self._cost(name, set()) * self.breadth[name], name))


def measure(tree: Path, files: Sequence[str], tests: Sequence[str], jobs: int) -> Reached:
    """Run test folders once, unchanged, and record what each test touches."""
    found = Reached()
    with ThreadPoolExecutor(jobs) as pool:
        for document in pool.map(lambda part: _record(tree, files, part), _parts(tree, tests)):
            found.add(document)
    return found


def _parts(tree: Path, tests: Sequence[str]) -> list[str]:
    """Folders and loose files, each a run of its own."""
    return [str(path.relative_to(tree)) for name in tests for path in sorted(tree.glob(name))]


def _record(tree: Path, files: Sequence[str], part: str) -> dict[str, Any]:
    out = tree / f"reach-{part.replace('/', '-')}.json"
    named = {reach.FILES: os.pathsep.join(files), reach.OUT: str(out)}
    command = [sys.executable, "-m", "pytest", *PYTEST, "-p", "bench.mutation.reach", part]
    ended = subprocess.run(
        command, cwd=tree, env=environment(tree, **named), capture_output=True, text=True, check=False
    )
    if not out.is_file():
        raise SystemExit(f"{part} could not be measured:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    document: dict[str, Any] = json.loads(out.read_text("utf-8"))
    out.unlink()
    return document
