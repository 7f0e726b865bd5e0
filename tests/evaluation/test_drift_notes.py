"""What an evaluation knows of its judges' changes, and what is not set side by side then."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.digest import digest
from brie.errors import UsageError
from brie.evaluation.drift_notes import drift_of, refuse_mixed
from brie.evaluation.manifest import amend
from brie.evaluation.plan import panel_judge
from brie.records import JudgeSpec, Manifest, Provider, Rubric
from brie.records.judges import Drift
from brie.store import Store
from brie.studies.checkpoints import curve
from tests.flow.world import World, sealed

SPEC = JudgeSpec(id="far", provider=Provider.OPENAI, model="m", output="json_schema")
CHECK = digest("a check")
NOTE = Drift(
    check=CHECK, at="2026-11-08T00:00:00+00:00", since="2026-11-01T00:00:00+00:00", asked=60,
    changed=12, expected=1.8, limit=7, alarm=True,
)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.make(tmp_path_factory.mktemp("world"))


def judged(world: World, seed: int, *notes: Drift, spec: JudgeSpec = SPEC) -> Manifest:
    """An evaluation by a judge, with what is chained to it."""
    judge = panel_judge(spec, Rubric(name="general", text="Correctness first."))
    manifest = sealed(world.asked(panel_judges=(judge,), prompts=4, seed=seed))
    for note in notes:
        detail = {"judge": "far", **note.model_dump(mode="json")}
        manifest = amend(manifest, "drift", detail, verdicts_before=0)
    return manifest


def test_a_doubt_stays_and_else_the_last_check_counts(world: World) -> None:
    later = NOTE.model_copy(update={"check": digest("later"), "changed": 1, "alarm": False})
    assert drift_of(judged(world, 0)) == {}
    assert drift_of(judged(world, 0, NOTE, later)) == {"far": later}
    doubt = NOTE.model_copy(update={"doubt": True})
    assert drift_of(judged(world, 0, doubt, later)) == {"far": doubt}


def test_verdicts_before_and_after_a_change_are_not_set_side_by_side(
    world: World, tmp_path: Path
) -> None:
    changed = SPEC.model_copy(update={"after": CHECK})
    before, after = judged(world, 0), judged(world, 1, NOTE, spec=changed)
    words = r"far has changed between .* 12 of 60 stored verdicts changed \(2 expected\)"
    with pytest.raises(UsageError, match=words):
        refuse_mixed([before, after])
    with Store.open(tmp_path / "brie.sqlite") as store, pytest.raises(UsageError, match=words):
        curve({"10": before, "20": after}, store)
    doubtful = judged(world, 2, NOTE.model_copy(update={"doubt": True}))
    with pytest.raises(UsageError, match=words):
        refuse_mixed([before, doubtful])


def test_one_judge_and_judges_that_differ_anyway_are_compared(world: World) -> None:
    same = NOTE.model_copy(update={"alarm": False})
    refuse_mixed([judged(world, 0), judged(world, 1, same)])
    another = SPEC.model_copy(update={"model": "another"})
    refuse_mixed([judged(world, 0), judged(world, 1, NOTE, spec=another)])
