"""The rows an evaluation's numbers are made of: what each says, who counts, and their digest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from brie.analyse.table import StatusCode
from brie.evaluation.gather import gather
from brie.evaluation.manifest import amend
from brie.evaluation.rows import EvaluationData, VerdictRow, headline_judges, stopped_judges
from brie.evaluation.work import Work
from brie.judge.interface import Reply
from brie.records import Manifest, PanelJudge, Side, Status
from brie.store import Store
from tests.flow.world import World, rules, sealed


def text(side: Side, prompt: int, sample: int) -> str:
    """Answers that differ, but for the first prompt's."""
    return "the same" if prompt == 0 else f"{side} {prompt} {sample}"


def manifest_of(folder: Path, panel: tuple[PanelJudge, ...]) -> Manifest:
    return sealed(World.make(folder / "w").asked(panel_judges=panel, prompts=4))


@pytest.fixture
def found(tmp_path: Path) -> Iterator[EvaluationData]:
    """Four prompts: identical, won, invalid, missing."""
    world = World.make(tmp_path / "w")
    manifest = sealed(world.asked(panel_judges=rules("longer"), prompts=4))
    work = Work(manifest.plan)
    with Store.open(tmp_path / "brie.sqlite") as store:
        store.add_completions(world.answers(work, text))
        tasks = [task for task in work.tasks() if task.kind == "main"]
        won = [t.verdict(_won(t.presentation.candidate_letter)) for t in tasks if t.prompt == "p001"]
        failed = [t.verdict(Reply(Status.INVALID)) for t in tasks if t.prompt == "p002"]
        store.add_verdicts([*won, *failed], evaluation=manifest.id, judge="longer")
        yield gather(manifest, store)


def _won(letter: Any) -> Reply:
    return Reply(Status.OK, letter, reason="so it is", text="said", scores={"clarity": {letter: 5.0}})


def test_a_row_is_a_tie_without_a_call_a_win_a_failure_or_missing(found: EvaluationData) -> None:
    said = {
        row.task.prompt: (row.identical, row.status, row.winner, None if isnan(row.score) else row.score)
        for row in found.of("main")
    }
    assert said == {
        "p000": (True, StatusCode.OK, "tie", 0.5),
        "p001": (False, StatusCode.OK, "candidate", 1.0),
        "p002": (False, StatusCode.INVALID, None, None),
        "p003": (False, StatusCode.MISSING, None, None),
    }


def _with_verdict(found: EvaluationData, **changes: Any) -> EvaluationData:
    def changed(row: VerdictRow) -> VerdictRow:
        if row.verdict is None or row.task.prompt != "p001":
            return row
        return replace(row, verdict=replace(row.verdict, **changes))

    return replace(found, facts=tuple(changed(row) for row in found.facts))


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "k"},
        {"judge": "j"},
        {"presentation": "p"},
        {"status": Status.ERROR},
        {"letter": "tie"},
        {"reason": "other"},
        {"reply": "other"},
        {"scores": {"clarity": {"A": 1.0}}},
    ],
)
def test_the_digest_covers_all_of_a_verdict(found: EvaluationData, changes: dict[str, Any]) -> None:
    assert _with_verdict(found, **changes).digest != found.digest
    assert _with_verdict(found).digest == found.digest


@pytest.mark.parametrize(
    "changes",
    [{"text": "other"}, {"finish_reason": "length"}, {"tokens": 99}, {"measures": {"x": 1.0}}],
)
def test_the_digest_covers_what_of_an_answer_is_counted(
    found: EvaluationData, changes: dict[str, Any]
) -> None:
    key, row = next(iter(found.completions.items()))
    other = {**found.completions, key: replace(row, **changes)}
    assert replace(found, completions=other).digest != found.digest
    slower = {**found.completions, key: replace(row, seconds=9.0)}
    assert replace(found, completions=slower).digest == found.digest


def test_the_digest_does_not_hang_on_the_order_of_rows(found: EvaluationData) -> None:
    turned = dict(reversed(list(found.completions.items())))
    assert replace(found, completions=turned, facts=found.facts[::-1]).digest == found.digest


def stop(manifest: Manifest, *names: str) -> Manifest:
    for name in names:
        detail = {"judge": name, "said": f"{name} has no key"}
        manifest = amend(manifest, "stopped", detail, verdicts_before=0)
    return manifest


def test_a_stopped_judge_leaves_the_headline_until_it_has_finished(tmp_path: Path) -> None:
    manifest = manifest_of(tmp_path, rules("reference", "longer", "first"))
    assert headline_judges(manifest) == ["reference", "longer", "first"]
    stopped = stop(manifest, "longer")
    assert headline_judges(stopped) == ["reference", "first"]
    assert stopped_judges(stopped) == {"longer": "longer has no key"}
    resumed = amend(stopped, "resumed", {"judge": "longer"}, verdicts_before=0)
    assert headline_judges(resumed) == ["reference", "longer", "first"]
    assert stopped_judges(resumed) == {}


def test_where_every_judge_of_the_headline_was_stopped_none_has_left(tmp_path: Path) -> None:
    """An instrument that goes on is no reason to show nothing."""
    one, two, beside = rules("reference", "first", "longer")
    panel = (one, two, beside.model_copy(update={"instrument": True}))
    manifest = manifest_of(tmp_path, panel)
    assert headline_judges(manifest) == ["reference", "first"]
    assert headline_judges(stop(manifest, "longer")) == ["reference", "first"]
    assert stopped_judges(stop(manifest, "longer")) == {"longer": "longer has no key"}
    every = stop(manifest, "reference", "first")
    assert headline_judges(every) == ["reference", "first"]
    assert stopped_judges(every) == {}
