"""An evaluation that stops when it is decided reads after each block what is new, and no more.

SQLite itself tells what is asked of it: a callback of the connection sees every statement.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from brie.evaluation.plan import ResolvedRequest
from brie.evaluation.results import Outcome
from brie.evaluation.run import planned, run_evaluation
from brie.evaluation.work import Work
from brie.project import Project
from brie.records import Side, Stopping
from brie.store import Store
from tests.flow.world import Quiet, World, rules

PROMPTS = 24


def text(side: Side, prompt: int, sample: int) -> str:
    """Answers of one length, so that nothing is ever decided by it."""
    return f"{side[0]} {prompt:03} {sample}"


@dataclass
class Counted:
    """Keys that were asked for, by what was read of them; statements; and walks over all verdicts."""

    keys: Counter[str]
    statements: Counter[str]
    walks: int = 0

    def __call__(self, statement: str) -> None:
        """See one statement, its values filled in."""
        self.statements[statement.split(None, 1)[0]] += 1
        read = re.match(r"SELECT (.+?) FROM (\w+) WHERE .*key IN \((.*)\)", statement, re.DOTALL)
        self.walks += statement.startswith("SELECT key FROM verdicts WHERE 1 ")
        if read:
            self.keys[f"{read[1]} FROM {read[2]}"] += read[3].count("sha256:")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path / "w")


def asked_in_blocks(world: World, block: int) -> ResolvedRequest:
    """Twenty-four prompts, and a judge that is never decided."""
    stopping = Stopping(max_prompts=PROMPTS, block=block)
    return world.asked(prompts=PROMPTS, panel_judges=rules("first"), stopping=stopping)


def run(
    world: World, asked: ResolvedRequest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Outcome, Counted]:
    """Run an evaluation whose answers are all there, and count what it asks of SQLite."""
    project = Project(folder)
    with Store.open(project.store) as store:
        store.add_completions(world.answers(Work(planned(asked)[0]), text))
    counted, connect = Counted(Counter(), Counter()), sqlite3.connect

    def connecting(*values: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*values, **named)
        connection.set_trace_callback(counted)
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", connecting)
        outcome = run_evaluation(asked, project, Quiet(), command="brie eval --until-decided")
    return outcome, counted


VERDICTS = "key, body FROM verdicts"
COMPLETIONS = "key, body FROM completions"


def test_no_row_is_parsed_again_because_there_are_more_blocks(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}
    for block in (PROMPTS, 6, 2):
        asked = asked_in_blocks(world, block)
        outcome, seen[block] = run(world, asked, tmp_path / f"by-{block}", monkeypatch)
        assert outcome.verdicts == 2 * PROMPTS
        assert outcome.stopped is None
        assert outcome.analysis.counts.prompts == PROMPTS
    assert seen[PROMPTS].keys[VERDICTS] >= 2 * PROMPTS
    for block in (6, 2):
        for what in (VERDICTS, COMPLETIONS):
            assert seen[block].keys[what] == seen[PROMPTS].keys[what], what
        assert seen[block].keys["key, status FROM verdicts"] == 0
        assert seen[block].walks <= 4 * PROMPTS // block


def test_statements_grow_by_a_constant_a_block_at_most(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    totals = {}
    for block in (12, 6, 3, 2):
        asked = asked_in_blocks(world, block)
        _, counted = run(world, asked, tmp_path / f"by-{block}", monkeypatch)
        totals[PROMPTS // block] = counted.statements.total()
    per_block = (totals[4] - totals[2]) / 2
    assert 0 < per_block < 60
    assert totals[8] - totals[4] <= 4 * per_block + 4
    assert totals[12] - totals[8] <= 4 * per_block + 4


def test_after_a_stop_verdicts_are_counted_once_and_not_after_every_block(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules never stop; the chain says that one was stopped once, and it has not finished since."""
    from brie.evaluation.manifest import amend, read_manifest, write_manifest

    seen = {}
    for block in (12, 2):
        folder = tmp_path / f"by-{block}"
        asked = replace(asked_in_blocks(world, block), panel_judges=rules("first", "longer"))
        first, _ = run(world, asked, folder, monkeypatch)
        with sqlite3.connect(folder / "runs" / "brie.sqlite") as database:
            database.execute("DELETE FROM verdicts")
        first.evaluation.analysis_file.unlink()  # finished numbers are not made from fewer rows
        manifest = read_manifest(first.evaluation.folder)
        link = {"judge": "longer", "said": "no key"}
        stopped = amend(manifest, "stopped", link, verdicts_before=0)
        write_manifest(first.evaluation.folder, stopped)
        again, seen[block] = run(world, asked, folder, monkeypatch)
        kinds = [link.kind for link in again.evaluation.manifest.amendments]
        assert kinds == ["stopped", "resumed"]
    planned_verdicts = 2 * 2 * PROMPTS
    for block, counted in seen.items():
        assert counted.keys["key, status FROM verdicts"] == 0
        assert counted.walks <= 4 * PROMPTS // block
        # Each is looked for where it is claimed; a block costs a look at the last prompt.
        assert counted.keys["key FROM verdicts"] <= planned_verdicts + 2 * PROMPTS // block


def test_where_nothing_came_no_verdict_is_read_and_the_numbers_stand(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = world.asked(prompts=PROMPTS, panel_judges=rules("first"))
    first, counted = run(world, asked, tmp_path, monkeypatch)
    assert first.verdicts == 2 * PROMPTS <= counted.keys[VERDICTS]
    again, counted = run(world, asked, tmp_path, monkeypatch)
    assert (again.verdicts, counted.keys[VERDICTS]) == (0, 0)
    assert (again.analysis, again.report) == (first.analysis, first.report)
    again.report.unlink()
    whole, _ = run(world, asked, tmp_path, monkeypatch)
    assert whole.report.is_file()
