"""The recipes of CONTRIBUTING.md, each followed to the letter on a copy of the code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import brie
from brie.bundle.merge import unbundle
from brie.checks import CHECKS
from brie.project import Project

ROOT = Path(__file__).parents[1]
OLD = ROOT / "tests" / "golden" / "few-made-by-0.1.0.zip"
MOST_FILES = {
    "A judge provider": 2,
    "A check": 2,
    "An audit format": 2,
    "A field of the report": 3,
    "A verb": 2,
}
"""Recipe -> code files that it may touch, new ones included."""
_SECTION = re.compile(r"^### (.+?)\n(.*?)(?=^#{2,3} |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Copy:
    """brie's code in a folder of its own."""

    root: Path

    @property
    def package(self) -> Path:
        return self.root / "src" / "brie"

    def run(self, *arguments: str, folder: Path | None = None) -> str:
        """What a command prints; it must succeed."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=folder or self.root, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(self.root / "src")}, timeout=280, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    root = tmp_path / "checkout"
    shutil.copytree(
        Path(brie.__file__).parent, root / "src" / "brie", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("judges", "prompt_suites"):
        (root / name).symlink_to(ROOT / name)
    return Copy(root)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one finished evaluation."""
    folder = tmp_path / "project"
    folder.mkdir()
    unbundle(OLD, Project(folder))
    return folder


def recipes() -> dict[str, str]:
    """Each recipe's text by its heading."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("\n## Recipes\n")[2]
    return dict(_SECTION.findall(text))


def follow(name: str, copy: Copy) -> set[str]:
    """Do what a recipe says; returns the code files that it made or changed."""
    touched = set()
    for kind, block in _BLOCK.findall(recipes()[name]):
        lines = block.splitlines()
        if kind == "":
            command, source, folder = lines[0].split()
            assert command == "cp"
            shutil.copy(ROOT / source, copy.root / folder)
            touched.add(f"{folder.removeprefix('src/brie/')}{Path(source).name}")
            continue
        path, _, new = lines[0].removeprefix("# ").partition(", ")
        touched.add(path)
        if kind == "python":
            assert new == "new"
            assert not (copy.package / path).exists()
            (copy.package / path).write_text("\n".join(lines[1:]) + "\n", "utf-8")
        else:
            edit(copy.package / path, lines[1:])
    return touched


def edit(path: Path, change: list[str]) -> None:
    """Apply a change without line numbers: what is not added stands together in the file, once."""
    lines = path.read_text("utf-8").splitlines()
    part: list[str] = []
    for line in [*change, "…"]:
        if line != "…":
            part.append(line)
            continue
        before = [one[1:] for one in part if not one.startswith("+")]
        after = [one[1:] for one in part if not one.startswith("-")]
        starts = [n for n in range(len(lines)) if lines[n : n + len(before)] == before]
        assert len(starts) == 1, f"{path.name} has these lines {len(starts)} times: {before}"
        lines[starts[0] : starts[0] + len(before)] = after
        part = []
    path.write_text("\n".join(lines) + "\n", "utf-8")


def test_what_it_tells_to_run_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    made = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {"test", "test-all", "mutants"} <= set(re.findall(r"\bmake ([a-z-]+)\b", text)) <= set(made)
    tried = re.findall(r"-m pytest (\S+?)(?: -k (\w+))?`", text)
    assert tried
    for path, words in tried:
        tests = ROOT / path
        sources = [tests] if tests.is_file() else list(tests.glob("test_*.py"))
        assert any(f"_{words}" in source.read_text("utf-8") for source in sources), path


def test_there_is_a_recipe_for_each_kind_of_change() -> None:
    assert list(recipes()) == list(MOST_FILES)


@pytest.mark.parametrize("name", MOST_FILES)
def test_a_recipe_touches_few_files_and_leaves_them_tidy(name: str, copy: Copy) -> None:
    touched = sorted(follow(name, copy))
    assert 0 < len(touched) <= MOST_FILES[name]
    shutil.copy(ROOT / "pyproject.toml", copy.root)
    files = [str(copy.package / path) for path in touched]
    copy.run("-m", "ruff", "check", "--no-cache", *files)
    copy.run("-m", "ruff", "format", "--no-cache", "--check", *files)


def test_an_added_provider_is_remote_and_paid(copy: Copy) -> None:
    follow("A judge provider", copy)
    code = """
from brie.judge.prices import is_local, is_paid
from brie.judge.providers import opener
from brie.records import PROVIDERS, JudgeSpec, Provider
opener(PROVIDERS[Provider.NEWCOMER].open)
spec = JudgeSpec(id="x", provider="newcomer", model="m")
print(is_local(spec), is_paid(spec))
"""
    assert copy.run("-c", code) == "False True\n"


def test_an_added_check_stands_in_an_audit_and_an_older_evaluation_still_verifies(
    copy: Copy, project: Path
) -> None:
    follow("A check", copy)
    file = project / "votes.jsonl"
    rows = [{"prompt": f"p{n}", "winner": "tie" if n else "candidate", "judge": "j"} for n in range(24)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    checks = json.loads(copy.run("-m", "brie", "audit", str(file), "--json", folder=project))["checks"]
    assert len(checks) == len(CHECKS) + 1
    (ties,) = (check for check in checks if check["id"] == "ties")
    assert ties["status"] == "warn"
    assert "96 % of the usable verdicts are ties" in ties["summary"]
    copy.run("-m", "brie", "verify", folder=project)


@pytest.mark.slow
def test_an_added_format_is_offered_and_found_by_itself(copy: Copy, project: Path) -> None:
    follow("An audit format", copy)
    file = project / "duels.jsonl"
    rows = [
        {"ask": f"q{n}", "mine": "Yes, it is.", "theirs": "No.", "first": ("mine", "theirs")[n % 2],
         "won": "mine" if n % 4 else "neither", "rater": "ann"}
        for n in range(24)
    ]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "duel" in copy.run("-m", "brie", "audit", "--help")
    found = json.loads(copy.run("-m", "brie", "audit", str(file), "--json", folder=project))
    assert found["win_rate"]["value"] == pytest.approx(0.875)
    assert found["audit"]["place_and_letter"]["identified"]
    assert not found["position"]["identified"]
    assert not found["label"]["identified"]


@pytest.mark.slow
def test_an_added_field_is_in_the_document_and_on_the_page_and_older_ones_verify(
    copy: Copy, project: Path
) -> None:
    follow("A field of the report", copy)
    copy.run("-m", "brie", "verify", folder=project)
    copy.run("-m", "brie", "report", folder=project)
    (path,) = project.glob("runs/eval-*/analysis.json")
    numbers = json.loads(path.read_text("utf-8"))
    outcomes = numbers["outcomes"]
    decided = outcomes["win"] + outcomes["loss"]
    assert numbers["decisive"] == pytest.approx(decided / (decided + outcomes["tie"]))
    for page in ("index.html", "report.md"):
        (shown,) = project.glob(f"reports/eval-*/{page}")
        assert "Not tied" in shown.read_text("utf-8")
    copy.run("-m", "brie", "verify", folder=project)


def test_an_added_verb_is_listed_and_runs(copy: Copy, project: Path) -> None:
    follow("A verb", copy)
    (path,) = project.glob("runs/eval-*/manifest.json")
    manifest = json.loads(path.read_text("utf-8"))
    assert "Print the digest of an evaluation's plan." in copy.run("-m", "brie", "help", "--all")
    said = copy.run("-m", "brie", "seal", folder=project)
    assert said == f"{manifest['seal']}  {manifest['id']}\n"
