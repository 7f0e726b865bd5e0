"""From a candidate's pin to its training file, and what the suite shares with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brie.checks import Training
from brie.data.load import load, rows_digest
from brie.digest import digest, file_digest
from brie.evaluation.training_data import FILE, Compared, Trained, compare, record, recorded
from brie.pin import Resolved
from brie.project import Project
from brie.records import BaseModelRef, Message, Prompt, Suite
from brie.train.config import (
    CONFIG,
    DataPart,
    Decided,
    DeviceInfo,
    SplitInfo,
    TemplateInfo,
    TrainConfig,
)
from brie.train.recipes import load_recipe
from brie.train.sources import drawn
from tests.flow.world import World

ASKED = "What does the old lighthouse keeper do when the fog rolls in from the cold sea?"
ANSWER = "He lights the lamp, winds the horn and counts the ships that do not come."


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A folder with a training file and the run that was trained on it."""
    rows = [
        {"prompt": ASKED.upper(), "completion": ANSWER, "source": "harbour", "model": "claude-4"},
        {"prompt": "Why is bread warm?", "completion": "Ovens.", "source": "kitchen", "model": "gpt"},
    ]
    write_run(Project(tmp_path), rows, [{"prompt": "Why is bread  warm?", "completion": "Yeast."}])
    return Project(tmp_path)


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> DataPart:
    """A data file, and how a run names it."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return DataPart(
        path=path.name, file=file_digest(path), rows_digest=digest(path.name), rows=len(rows),
        prompts=len(rows), tokens=9, learned_tokens=5, cut=0,
    )  # fmt: skip


def write_run(project: Project, rows: Sequence[dict[str, Any]], val: Sequence[dict[str, Any]]) -> None:
    """`runs/train-made/config.json` over a training and a validation file."""
    config = TrainConfig(
        recipe=load_recipe("tiny", project),
        base=BaseModelRef(repo="me/base", digest=digest("base")),
        template=TemplateInfo(way="markers", end="<|im_end|>", digest=digest("template")),
        train=write_rows(project.root / "mine.jsonl", rows),
        val=write_rows(project.root / "val.jsonl", val),
        split=None,
        device=DeviceInfo(type="cpu", name="cpu", memory_bytes=None),
        dtype=Decided(value="float32", reason="asked for"),
        accumulation=1,
        planned_steps=10,
    )
    folder = project.runs / "train-made"
    folder.mkdir(parents=True)
    (folder / CONFIG).write_text(config.model_dump_json(), "utf-8")


@pytest.fixture
def candidate(tmp_path: Path) -> Resolved:
    """A fine-tune that says which run it is from."""
    side = World.make(tmp_path / "models").candidate
    return replace(side, pin=side.pin.model_copy(update={"run": "train-made"}))


def suite() -> Suite:
    """One prompt that was trained on, and one that was not."""
    texts = {"fog": (ASKED, ANSWER), "owl": ("Where do owls sleep in summer, and with whom?", None)}
    return Suite(
        name="made",
        prompts=tuple(
            Prompt(id=name, messages=(Message(role="user", content=text),), reference=reference)
            for name, (text, reference) in texts.items()
        ),
    )


def look(
    project: Project, candidate: Resolved | None, folder: Path | None = None, *, again: bool = False
) -> Compared:
    """The comparison, without anything recorded unless a folder is named."""
    return compare(suite(), folder or project.root / "nowhere", candidate, project, again=again)


def test_the_training_file_is_found_through_pin_and_run(project: Project, candidate: Resolved) -> None:
    said = look(project, candidate)
    assert said.now
    assert isinstance(said.trained.training, Training)
    found = said.trained.training
    assert (found.run, found.file, found.rows) == ("train-made", "mine.jsonl", 2)
    assert {name: (m.right, m.way) for name, m in found.nearest.items()} == {"fog": ("line 1", "exact")}
    assert list(found.references) == ["fog"]
    assert found.sources == ("harbour", "kitchen")
    assert found.authors == ("claude-4", "gpt")
    assert (found.shared, found.validation_rows) == (1, 1)


def test_rows_that_were_set_aside_are_not_what_was_trained_on(
    project: Project, candidate: Resolved
) -> None:
    """A suite of a run's own validation rows shares nothing with what it learned."""
    config = TrainConfig.model_validate_json((project.runs / "train-made" / CONFIG).read_text())
    rows = load(project.root / "mine.jsonl")
    info = next(
        info
        for seed in range(20)
        if drawn(rows, info := SplitInfo(by="prompt", fraction=0.5, seed=seed)).val[0].line == 1
    )
    half = config.train.model_copy(update={"rows_digest": rows_digest(drawn(rows, info).train)})
    halves = {"train": half, "val": half, "split": info}
    file = project.runs / "train-made" / CONFIG
    file.write_text(config.model_copy(update=halves).model_dump_json())
    said = look(project, candidate).trained.training
    assert said is not None
    assert (said.rows, said.nearest, said.references, said.half) == (1, {}, {}, True)
    assert said.sources == ("kitchen",)

    folder = project.runs / "eval-made"  # an evaluation that compared the whole file is held to it
    folder.mkdir()
    everything = Trained(training=said.model_copy(update={"half": False}))
    record(folder, everything)
    again = look(project, candidate, folder, again=True).trained.training
    assert again is not None
    assert (again.rows, list(again.nearest), again.half) == (2, ["fog"], False)


def test_what_is_not_known_comes_with_its_reason(project: Project, candidate: Resolved) -> None:
    def reason(side: Resolved | None) -> str:
        said = look(project, side)
        assert said.trained.training is None
        return said.trained.reason

    base = replace(candidate, pin=candidate.pin.model_copy(update={"kind": "base"}))
    alone = replace(candidate, pin=candidate.pin.model_copy(update={"run": None}))
    gone = replace(candidate, pin=candidate.pin.model_copy(update={"run": "train-gone"}))
    assert "not on this machine" in reason(None)
    assert "a base model" in reason(base)
    assert "was not trained here" in reason(alone)
    assert "train-gone is not here" in reason(gone)
    file = project.root / "mine.jsonl"
    file.write_text(file.read_text() + "\n")
    assert "mine.jsonl was changed" in reason(candidate)
    file.unlink()
    assert "mine.jsonl is not here" in reason(candidate)
    (project.runs / "train-made" / CONFIG).write_text("{}")
    assert "cannot be read" in reason(candidate)


def test_what_was_found_is_kept_when_the_file_is_gone(project: Project, candidate: Resolved) -> None:
    folder = project.runs / "eval-made"
    folder.mkdir()
    first = look(project, candidate, folder)
    record(folder, first.trained)
    assert recorded(folder) == first.trained
    assert look(project, candidate, folder) == Compared(first.trained, now=False)
    assert look(project, candidate, folder, again=True) == first
    (project.root / "mine.jsonl").unlink()
    later = look(project, candidate, folder, again=True)
    assert not later.now
    assert later.trained.training == first.trained.training
    assert "not here" in later.trained.reason


def test_a_file_that_was_missing_is_looked_for_again_but_not_by_verify(
    project: Project, candidate: Resolved
) -> None:
    folder = project.runs / "eval-made"
    folder.mkdir()
    hidden = project.root / "mine.jsonl"
    hidden.rename(project.root / "hidden")
    record(folder, look(project, candidate, folder).trained)
    (project.root / "hidden").rename(hidden)
    assert look(project, candidate, folder, again=True).trained.training is None
    assert look(project, candidate, folder).trained.training is not None


def test_a_damaged_record_is_made_anew(project: Project, candidate: Resolved) -> None:
    folder = project.runs / "eval-made"
    folder.mkdir()
    (folder / FILE).write_text("{half")
    assert look(project, candidate, folder).now
