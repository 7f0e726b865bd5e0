"""Would a wrong line be noticed? A seeded sample of changed lines, and the tests that touch them.

    python -m bench.mutants [--each 50] [--seed 7] [--rooms letters,keys] [--survivors]

Of each room so many places are drawn and changed, one at a time, in a copy of the checkout; the tests
that touch the changed line run, quickest first, until one fails. A change that none of them notices
survived: it is listed with its lines, and with a reason where `bench/equivalent_mutants.toml` gives
one why no test could notice it. `make mutants` runs it; continuous integration does not.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from bench.mutation import forks, trees
from bench.mutation.forks import Fork, Outcome
from bench.mutation.sites import Mutant, Site, mutate, sites
from bench.output import RESULTS, save, table

ROOT = Path(__file__).resolve().parents[1]
REASONS = Path(__file__).with_name("equivalent_mutants.toml")


@dataclass(frozen=True)
class Room:
    """Files that one promise rests on, and the tests that guard it; both as globs."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


ROOMS = {
    "letters": Room(
        (
            "src/brie/blinding/dealing.py",
            "src/brie/blinding/letters.py",
            "src/brie/judge/interface.py",
            "src/brie/evaluation/rows.py",
            "src/brie/evaluation/table.py",
            "src/brie/evaluation/views.py",
            "src/brie/evaluation/vote_file.py",
            "src/brie/records/verdicts.py",
            "src/brie/report/page.py",
            "src/brie/report/table.py",
            "src/brie/studies/judge_check.py",
            "src/brie/web/voting.py",
        ),
        (
            "tests/blinding", "tests/evaluation", "tests/records", "tests/judge", "tests/report",
            "tests/studies", "tests/web", "tests/flow", "tests/checks", "tests/test_*.py",
        ),
    ),
    "keys": Room(
        (
            "src/brie/digest.py",
            "src/brie/generate/keys.py",
            "src/brie/records/asked.py",
            "src/brie/records/base.py",
            "src/brie/records/models.py",
            "src/brie/records/plan.py",
            "src/brie/evaluation/plan.py",
            "src/brie/evaluation/work.py",
            "src/brie/evaluation/controls.py",
            "src/brie/evaluation/manifest.py",
        ),
        (
            "tests/records", "tests/evaluation", "tests/store", "tests/generate/test_keys.py",
            "tests/judge", "tests/flow", "tests/web", "tests/test_*.py",
        ),
    ),
    "money": Room(
        (
            "src/brie/judge/prices.py",
            "src/brie/judge/quote.py",
            "src/brie/judge/retry.py",
            "src/brie/judge/limiter.py",
            "src/brie/evaluation/budget.py",
            "src/brie/evaluation/judging.py",
            "src/brie/store/ledger.py",
        ),
        ("tests/judge", "tests/evaluation", "tests/store", "tests/flow", "tests/test_*.py"),
    ),
    "pins": Room(
        ("src/brie/pin/*.py",), ("tests/pin", "tests/train/test_hub_base.py", "tests/flow")
    ),
    "statistics": Room(("src/brie/analyse/*.py",), ("tests/analyse", "tests/checks", "tests/audit")),
    "audit": Room(("src/brie/audit/**/*.py",), ("tests/audit",)),
}  # fmt: skip
"""Where a wrong line would spoil a number unseen."""


@dataclass(frozen=True)
class Tried:
    """A mutant and what came of it."""

    mutant: Mutant
    room: str
    outcome: Outcome
    tests: int
    left_out: int
    """Tests that touch the line and were not run: beyond the time one mutant may take."""
    by: str
    """The test that noticed it."""
    seconds: float


def files_of(room: Room) -> list[str]:
    """A room's files in a fixed order.

    Raises:
        SystemExit: a glob of the table finds nothing.
    """
    found: list[str] = []
    for glob in room.files:
        paths = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(glob))
        if not paths:
            raise SystemExit(f"{glob} finds no file: mend the table at the head of bench/mutants.py")
        found += [path for path in paths if path not in found]
    return found


def drawn(name: str, each: int, seed: int) -> tuple[int, list[Mutant]]:
    """How many places a room has, and the sample of changes."""
    every = [site for file in files_of(ROOMS[name]) for site in sites(ROOT, file)]
    draw = Random(f"{seed} {name}")
    order: list[Site] = draw.sample(every, len(every))
    made = (mutate(ROOT, site, draw) for site in order)
    found = [mutant for mutant, _ in zip(filter(None, made), range(each), strict=False)]
    return len(every), found


def attempt(
    work: Sequence[tuple[str, Mutant]], reached: trees.Reached, places: Sequence[Path], most: float
) -> Iterator[Tried]:
    """Every mutant, as many at a time as there are trees."""
    queue, free = list(reversed(work)), list(places)
    running: list[tuple[Fork, str, int, int]] = []
    while queue or running:
        while queue and free:
            room, mutant = queue.pop()
            tests, left_out, cost = reached.chosen(mutant.site, most)
            if tests:
                fork = Fork.start(free.pop(), mutant, tests, 60 + 10 * cost)
                running.append((fork, room, len(tests), left_out))
            else:
                yield Tried(mutant, room, "survived", 0, 0, "", 0.0)
        time.sleep(0.05)
        for entry in list(running):
            fork, room, count, left_out = entry
            outcome = fork.ended()
            if outcome is not None:
                running.remove(entry)
                free.append(fork.tree)
                by, taken = fork.noticed(), round(fork.seconds, 2)
                yield Tried(fork.mutant, room, outcome, count, left_out, by, taken)


def control(work: Sequence[tuple[str, Mutant]], reached: trees.Reached, tree: Path) -> None:
    """Without a change every test passes: what fails below fails for the change.

    Raises:
        SystemExit: one does not.
    """
    for room in dict.fromkeys(name for name, _ in work):
        mutant = next(one for name, one in work if name == room)
        same = replace(mutant, source=(tree / mutant.site.file).read_text("utf-8"))
        for one in attempt([(room, same)], reached, [tree], 5.0):
            if one.outcome != "survived":
                raise SystemExit(f"{one.by or one.mutant.site.file} fails without any change")


def reasons() -> dict[tuple[str, str], str]:
    """(file name, diff) -> why no test could notice the change."""
    listed = tomllib.loads(REASONS.read_text("utf-8")).get("mutant", [])
    return {(row["file"], row["diff"].strip()): row["reason"] for row in listed}


def document(
    tried: Sequence[Tried], places: dict[str, int], asked: argparse.Namespace
) -> dict[str, Any]:
    """What is kept of a run."""
    why, rooms, survivors = reasons(), {}, []
    kills = [[f"{one.mutant.site.file}:{one.mutant.site.line}", one.mutant.site.operator, one.by]
             for one in tried if one.outcome != "survived"]  # fmt: skip
    for room, total in places.items():
        own = [one for one in tried if one.room == room]
        count = Counter(one.outcome for one in own)
        named = [(one, why.get((Path(one.mutant.site.file).name, one.mutant.diff.strip())))
                 for one in own if one.outcome == "survived"]  # fmt: skip
        equivalent = sum(reason is not None for _, reason in named)
        killed = count["killed"] + count["timeout"]
        rooms[room] = {
            "places": total, "tried": len(own), "killed": killed, "by_time": count["timeout"],
            "survived": count["survived"], "equivalent": equivalent,
            "rate": round(killed / max(1, len(own) - equivalent), 4),
        }  # fmt: skip
        survivors += [_survivor(one, reason) for one, reason in named]
    return {
        "seed": asked.seed, "each": asked.each, "most_seconds": asked.most,
        "mutmut": version("mutmut"), "rooms": rooms, "survivors": survivors,
        "kills": kills,
    }  # fmt: skip


def _survivor(one: Tried, reason: str | None) -> dict[str, Any]:
    site = one.mutant.site
    return {
        "room": one.room, "file": site.file, "line": site.line, "operator": site.operator,
        "diff": one.mutant.diff, "tests": one.tests, "left_out": one.left_out, "reason": reason,
    }  # fmt: skip


def survived_before(name: str) -> set[tuple[str, str]]:
    """File and diff of the survivors of the last run that have no reason."""
    kept = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return {(row["file"], row["diff"]) for row in kept["survivors"] if row["reason"] is None}


def run(asked: argparse.Namespace) -> dict[str, Any]:
    """Draw, measure, try."""
    forks.warm()
    names = asked.rooms.split(",") if asked.rooms else list(ROOMS)
    samples = {name: drawn(name, asked.each, asked.seed) for name in names}
    work = [(name, mutant) for name, (_, found) in samples.items() for mutant in found]
    if asked.survivors:
        before = survived_before(asked.name)
        work = [(name, m) for name, m in work if (m.site.file, m.diff) in before]
    started, tried = time.monotonic(), []
    with TemporaryDirectory(prefix="mutants-") as folder:
        first = trees.copy(ROOT, Path(folder) / "tree-0")
        files = sorted({mutant.site.file for _, mutant in work})
        tests = list(dict.fromkeys(glob for name in names for glob in ROOMS[name].tests))
        reached = trees.measure(first, files, tests, asked.jobs)
        print(f"{len(reached.seconds)} tests measured in {time.monotonic() - started:.0f} s", flush=True)
        places = [first]
        for number in range(1, asked.jobs):
            places.append(shutil.copytree(first, Path(folder) / f"tree-{number}"))
        control(work, reached, first)
        for one in attempt(work, reached, places, asked.most):
            tried.append(one)
            _tell(len(tried), len(work), one)
        control(work, reached, first)
    found = document(tried, {name: total for name, (total, _) in samples.items()}, asked)
    return {**found, "minutes": round((time.monotonic() - started) / 60, 1)}


def _tell(number: int, total: int, one: Tried) -> None:
    site = one.mutant.site
    place = f"{site.file}:{site.line} {site.operator}"
    print(f"{number}/{total} {one.outcome} {place} ({one.tests} tests, {one.seconds} s)", flush=True)
    if one.outcome == "survived":
        print(one.mutant.diff, flush=True)


def main() -> None:
    """Try, print, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--each", type=int, default=50, help="changes a room")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rooms", default="", help=f"some of {','.join(ROOMS)}")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--most", type=float, default=15.0, help="seconds of tests a mutant")
    parser.add_argument("--survivors", action="store_true", help="only those of the last run")
    parser.add_argument("--name", default="mutants", help="of the file of results")
    asked = parser.parse_args()
    found = run(asked)
    print(table([{"room": name, **row} for name, row in found["rooms"].items()]))
    if not asked.survivors:
        save(asked.name, found)


if __name__ == "__main__":
    main()
