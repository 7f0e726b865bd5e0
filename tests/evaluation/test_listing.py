"""Evaluations as they are listed: newest first, in any width, and named by typed references."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from brie.cli import cli
from brie.errors import UsageError
from brie.evaluation.folders import find_evaluation
from brie.evaluation.listing import EvaluationRow, table
from brie.evaluation.manifest import write_manifest
from brie.project import Project
from brie.store import Store
from tests.flow.world import World


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Three evaluations of three days; the oldest has a name."""
    (tmp_path / "brie.toml").write_text("")
    (tmp_path / "runs").mkdir()
    Store.open(tmp_path / "runs" / "brie.sqlite").close()
    monkeypatch.chdir(tmp_path)
    made = Project(tmp_path)
    for day in (1, 2, 3):
        world = World.make(tmp_path / f"world {day}")
        analysis, manifest = world.evaluate(lambda side, prompt, sample: f"{side} {prompt}")
        dated = {"created": f"2026-01-0{day}T10:00:00+00:00", "id": f"eval-s-{day}{manifest.id[-7:]}"}
        named = manifest.model_copy(update={**dated, "name": "first try" if day == 1 else None})
        write_manifest(made.runs / named.id, named)
        (made.runs / named.id / "analysis.json").write_text(analysis.to_json())
    return made


def brie(*arguments: str) -> str:
    done = CliRunner().invoke(cli, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_reference_counts_from_the_newest(project: Project) -> None:
    ids = [find_evaluation(f"@{n}", project).manifest.id for n in (1, 2, 3)]
    assert [name[:8] for name in ids] == ["eval-s-3", "eval-s-2", "eval-s-1"]
    assert find_evaluation("first try", project).manifest.id == ids[2]


@pytest.mark.parametrize("name", ["@4", "@0", "@", "@latest"])
def test_a_reference_to_nothing_is_refused(project: Project, name: str) -> None:
    with pytest.raises(UsageError, match=r"brie ls"):
        find_evaluation(name, project)


def test_a_bare_command_lists_them_as_ls_does_and_takes_none(project: Project) -> None:
    with pytest.raises(UsageError) as refused:
        find_evaluation(None, project, command="brie report")
    said = str(refused.value)
    assert said.startswith("say which evaluation, for example the newest: brie report @1\n")
    listed = brie("ls").splitlines()
    assert [line.strip() for line in said.splitlines()[1:]] == [line.strip() for line in listed]


def test_ls_has_a_row_for_each_with_all_that_is_known(project: Project) -> None:
    lines = brie("ls").splitlines()
    assert lines[0].split() == ["when", "evaluation", "rate", "verdict", "checks", "cost"]
    assert [line[:20] for line in lines[1::2]] == [f"@{n}  2026-01-0{4 - n} 10:00" for n in (1, 2, 3)]
    assert "first try" in lines[5]
    assert "against" in lines[2]
    assert "suite" in lines[2]
    entries = json.loads(brie("ls", "--json"))["evaluations"]
    assert [entry["ref"] for entry in entries] == ["@1", "@2", "@3"]
    assert set(entries[0]["checks"]) == {"fail", "warn"}


def row(**changes: object) -> EvaluationRow:
    made: dict[str, object] = {
        "ref": "@1", "id": "eval-demo-6da24aa4", "name": None, "created": "2026-11-26T18:50:01+00:00",
        "suite": "demo", "candidate": "demo:best", "baseline": "brie/tiny", "state": "complete",
        "verdict": "better", "standing": {"state": "stands"}, "word": "Better",
        "win_rate": {"value": 0.86, "low": 0.79, "high": 0.91}, "checks": {"fail": 1, "warn": 3},
        "cost_usd": 1.5, "looks": 1, "next": "brie view eval-demo-6da24aa4",
    }  # fmt: skip
    return {**made, **changes}  # type: ignore[typeddict-item]


def test_a_row_says_what_fails_and_what_it_cost() -> None:
    shown = table([row()], 100)[1].split()
    assert shown[:4] == ["@1", "2026-11-26", "18:50", "eval-demo-6da24aa4"]
    assert shown[4:] == ["86", "(79–91)", "better", "x1", "!3", "$1.50"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"standing": {"state": "conditional"}}, "better, if"),
        ({"standing": {"state": "withheld"}}, "withheld"),
        ({"verdict": None, "standing": None}, "withheld"),
        ({"state": "unfinished", "verdict": None, "standing": None}, "unfinished"),
    ],
)
def test_the_word_of_a_row_says_whether_the_verdict_stands(
    changes: dict[str, object], word: str
) -> None:
    assert f"  {word}  " in table([row(**changes)], 100)[1]


def test_an_unfinished_evaluation_has_the_command_that_goes_on() -> None:
    unfinished = row(state="unfinished", next="brie eval --suite 'my suite' --judge a")
    assert "brie eval --suite 'my suite' --judge a" in "\n".join(table([unfinished], 80))


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("change", [lambda text: text, lambda text: text * 3, lambda text: "評価" * 9])
def test_the_table_keeps_its_width_and_loses_nothing(width: int, change: Callable[[str], str]) -> None:
    made = row(candidate=change("demo:best "), suite=change("a suite of mine "))
    lines = table([made], width)
    assert all(cell_len(line) <= width for line in lines)
    text = "".join("".join(lines).split())
    for value in ("better", "x1!3", "$1.50", made["candidate"], made["suite"]):
        assert "".join(value.split()) in text
