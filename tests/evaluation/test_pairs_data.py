"""From a candidate that learned from pairs to their prompts, its teachers, and what came before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from brie.catalog import load_suite
from brie.checks import Training
from brie.cli import cli
from brie.data.preferences import load_pairs
from brie.digest import file_digest
from brie.errors import UsageError
from brie.evaluation.training_data import compare, of_run, record, spent_words
from brie.pin import Resolved, write_pin
from brie.project import Project
from brie.records import Suite
from brie.studies.suite_plan import plan_table
from brie.train.config import CONFIG, PairsInfo, StartInfo, TrainConfig
from tests.data.rows import write
from tests.evaluation.test_training_data import ASKED, suite, write_run
from tests.flow.world import World

JUDGES = [{"judge": "haiku", "model": "haiku-4", "chosen_first": "chosen", "chosen_second": "chosen"}]
OTHER = "Which of the two brothers paints the boats that nobody wants to row any more?"


def pair(question: str) -> dict[str, Any]:
    return {"prompt": question, "chosen": "Better.", "rejected": "Worse.", "judges": JUDGES}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A run on answers, and one on pairs that went on from it."""
    project = Project(tmp_path.resolve())
    write_run(project, [{"prompt": ASKED, "completion": "He waits."}], [])
    return taught(project, [pair(ASKED.replace("old", "aged")), pair(OTHER)])


def taught(project: Project, rows: list[dict[str, Any]], start: str | None = "train-made") -> Project:
    """`runs/train-taught`, which learned from pairs."""
    path = write(project.root / "prefs.jsonl", rows)
    pairs = load_pairs(path)
    before = TrainConfig.model_validate_json((project.runs / "train-made" / CONFIG).read_text())
    part = before.train.model_copy(update={"path": "prefs.jsonl", "file": file_digest(path)})
    begun = StartInfo(reference="made:best", name="made:best", digest=before.base.digest, run=start)
    config = before.model_copy(
        update={
            "train": part,
            "val": part,
            "start": begun,
            "pairs": PairsInfo(prompts=pairs.prompts, teachers=pairs.teachers, suites=("asked",)),
        }
    )
    folder = project.runs / "train-taught"
    folder.mkdir(exist_ok=True)
    (folder / CONFIG).write_text(config.model_dump_json(), "utf-8")
    return project


@pytest.fixture
def candidate(tmp_path: Path) -> Resolved:
    side = World.make(tmp_path / "models").candidate
    return replace(side, pin=side.pin.model_copy(update={"run": "train-taught"}))


def known(project: Project, asked: Suite | None = None, **more: Any) -> Training:
    training = of_run(asked or suite(), "train-taught", project, **more)
    assert isinstance(training, Training)
    return training


def test_near_prompts_of_the_pairs_are_found_with_their_judges_and_what_came_before(
    project: Project,
) -> None:
    training = known(project)
    assert (training.file, training.rows) == ("prefs.jsonl", 2)
    assert {n: m.way for n, m in training.nearest.items()} == {"fog": "near"}
    assert training.taught is not None
    assert [t.model for t in training.taught.teachers] == ["haiku-4"]
    assert training.earlier is not None
    assert {n: m.way for n, m in training.earlier.nearest.items()} == {"fog": "exact"}
    assert [part.file for part in training.chain] == ["prefs.jsonl", "mine.jsonl"]
    assert training.all_nearest["fog"].way == "near"


def test_without_the_file_equal_prompts_are_still_found(project: Project) -> None:
    taught(project, [pair(ASKED.upper()), pair(OTHER)])
    (project.root / "prefs.jsonl").unlink()
    training = known(project)
    assert {n: m.way for n, m in training.nearest.items()} == {"fog": "exact"}
    assert training.taught is not None
    assert training.taught.by_digest
    assert training.earlier is not None


def test_a_start_whose_run_is_not_here_is_said(project: Project) -> None:
    for name, why in ((None, "was not trained here"), ("train-gone", "train-gone is not here")):
        taught(project, [pair(OTHER)], start=name)
        assert why in known(project).earlier_unknown


def test_what_was_found_is_kept_and_compared_again_in_the_same_way(
    project: Project, candidate: Resolved, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()

    def look(*, again: bool = False) -> Training | None:
        return compare(suite(), folder, candidate, project, again=again).trained.training

    first = look()
    record(folder, compare(suite(), folder, candidate, project).trained)
    assert look(again=True) == first
    (project.root / "prefs.jsonl").unlink()
    later = compare(suite(), folder, candidate, project, again=True)
    assert (later.now, later.trained.training) == (False, first)
    assert "prefs.jsonl is not here" in later.trained.reason


def test_before_anything_is_paid_it_is_said_that_the_verdict_would_be_withheld(
    project: Project, candidate: Resolved
) -> None:
    said = spent_words(suite(), candidate, ["haiku-4"], project)
    assert "1 of 2 prompts is in or near the pairs that run:10 learned from (prefs.jsonl)" in said
    assert "run:10 was taught by haiku-4, which alone judges it" in said
    far = suite().model_copy(update={"prompts": suite().prompts[1:]})
    assert spent_words(far, candidate, ["haiku-4", "gpt"], project) == ""
    assert spent_words(far, candidate, [], project) == ""
    own = replace(candidate, pin=candidate.pin.model_copy(update={"run": "train-made"}))
    assert spent_words(suite(), own, ["haiku-4"], project) == ""


@pytest.fixture
def pin(project: Project, candidate: Resolved) -> str:
    """The candidate by a pin file of its own."""
    assert candidate.adapter is not None
    placed = candidate.pin.model_copy(update={"base_location": str(candidate.base_folder)})
    write_pin(placed, project.root / "taught.json", checkpoint=candidate.adapter)
    return str(project.root / "taught.json")


def test_a_plan_counts_what_is_left_for_a_model(
    project: Project, pin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught(project, [pair(p.messages[-1].content) for p in load_suite("smoke", project).prompts[:3]])
    whole = plan_table("smoke", project, judges=("longer",))
    planned = plan_table("smoke", project, judges=("longer",), candidate=pin)
    assert planned.prompts == whole.prompts - 3
    assert planned.document().written()["trained_on"] == 3
    assert planned.rows[0].power.detectable != whole.rows[0].power.detectable
    monkeypatch.chdir(project.root)
    words = ("plan", "--suite", "smoke", "--judge", "longer", "--candidate", "taught.json")
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert f"3 of {whole.prompts} prompts are in or near what run:10 was trained on" in said
    assert "(prefs.jsonl and mine.jsonl)" in said


def test_where_nothing_is_left_another_suite_is_asked_for(project: Project, pin: str) -> None:
    asked = load_suite("smoke", project)
    taught(project, [pair(prompt.messages[-1].content) for prompt in asked.prompts])
    with pytest.raises(UsageError, match=r"every prompt of smoke is in or near what .* brie suite from"):
        plan_table("smoke", project, judges=("longer",), candidate=pin)


def test_a_teacher_that_alone_would_judge_is_said_in_the_plan(
    project: Project, pin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [pair(OTHER) | {"judges": [JUDGES[0] | {"judge": "longer", "model": "longer"}]}]
    taught(project, rows)
    monkeypatch.chdir(project.root)
    words = ("plan", "--suite", "smoke", "--judge", "longer", "--candidate", pin)
    assert "longer taught it, and cannot judge it alone" in CliRunner().invoke(cli, words).output
