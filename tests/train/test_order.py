"""Rows of like length share a batch: the order is drawn by the seed, recorded, and found again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from brie.digest import digest
from brie.errors import Stopped, UsageError
from brie.project import Project
from brie.train.build import build_trainer
from brie.train.config import TrainRequest
from brie.train.metrics import MetricsFile
from brie.train.order import epoch_order
from brie.train.prepare import prepare
from brie.train.quiet import quiet
from brie.train.run import train
from brie.train.runs import read_manifest
from brie.train.steps import batch_order
from tests.train.world import Watcher, demo_rows, make_project, request, weights

GROUPED = "group_by_length=true"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", demo_rows(48))


def padding(order: list[int], lengths: list[int], rows: int) -> int:
    """Tokens of padding in batches of so many rows."""
    batches = [[lengths[i] for i in order[at : at + rows]] for at in range(0, len(order), rows)]
    return sum(max(batch) * len(batch) - sum(batch) for batch in batches)


def test_an_epoch_has_every_row_once_with_little_padding_and_another_order_each_time() -> None:
    lengths = [20 + 37 * number % 500 for number in range(400)]
    orders = [
        epoch_order(lengths, 8, seed=seed, epoch=epoch) for seed, epoch in ((1, 0), (1, 1), (2, 0))
    ]
    for order in orders:
        assert sorted(order) == list(range(400))
        assert padding(order, lengths, 8) < padding(list(range(400)), lengths, 8) / 5
    assert len({tuple(order) for order in orders}) == 3
    assert epoch_order(lengths, 8, seed=1, epoch=1) == orders[1]


def test_the_order_that_is_recorded_is_the_one_that_is_learned_from(
    project: Project, tmp_path: Path
) -> None:
    job = prepare(request(project, GROUPED), project, Watcher())
    assert job.config.order is not None
    with quiet():
        trainer = build_trainer(job, tmp_path / "x", MetricsFile(tmp_path), [], measuring=True)
        batches = list(trainer.get_train_dataloader())
    seen = [tuple(ids[mask.bool()].tolist()) for batch in batches
            for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)]  # fmt: skip
    line_of = {tuple(row.ids): row.line for row in job.train}
    assert job.config.order.first_epoch == digest([line_of[ids] for ids in seen])
    assert job.config.order.seed == job.config.recipe.seed


def test_a_run_that_is_stopped_in_an_epoch_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    settings = (GROUPED, "max_steps=8", "batch_size=4")
    folders = []
    for name, stop in (("whole", None), ("stopped", 6)):
        project = make_project(tmp_path / name, demo_rows(24))
        try:
            folders.append(train(request(project, *settings, name="it"), project, Watcher(stop)))
        except Stopped:
            folders.append(train(TrainRequest(resume="it"), project, Watcher()))
    whole, stopped = (read_manifest(folder) for folder in folders)
    assert stopped.resumed
    assert stopped.config.order == whole.config.order
    assert next(point.epoch for point in whole.history if point.step == 7) > 1  # stopped behind it
    assert weights(folders[0]).items() <= weights(folders[1]).items()
    assert [point.loss for point in whole.history] == [point.loss for point in stopped.history]


def test_without_it_nothing_is_recorded_and_with_it_the_dry_run_says_so(project: Project) -> None:
    from brie.train.explain import explain

    plain = prepare(replace(request(project), device="cpu"), project, Watcher())
    assert plain.config.order is None
    assert "order" not in json.loads(plain.config.model_dump_json())
    said = {line.label: line.text for line in explain(request(project, GROUPED), project, Watcher())}
    assert said["order"] == "rows of like length share a batch, drawn by seed 42"
    elsewhere = TrainRequest(size="0.5b", data=str(project.root / "rows.jsonl"), settings=(GROUPED,))
    unfetched = {line.label: line.text for line in explain(elsewhere, project, Watcher())}
    assert unfetched["order"] == said["order"]


def test_a_run_that_goes_on_elsewhere_keeps_the_order_it_was_begun_in(project: Project) -> None:
    begun = prepare(replace(request(project), device="cpu"), project, Watcher())
    recipe, here = begun.config.recipe, begun.config.device
    mps = here.model_copy(update={"type": "mps"})
    grouped = batch_order(recipe, mps, begun.train)
    assert grouped is not None
    on_mps = begun.config.model_copy(update={"device": mps, "order": grouped})
    assert batch_order(recipe, here, begun.train, before=on_mps) == grouped
    assert batch_order(recipe, mps, begun.train, before=begun.config) is None


def test_it_is_refused_where_rows_have_no_lengths_of_their_own(project: Project) -> None:
    asked = replace(request(project, GROUPED, "packing=true"), device="cpu")
    with pytest.raises(UsageError, match="packing fills every sequence"):
        prepare(replace(asked, data="not-looked-for.jsonl"), project, Watcher())
