"""What a run will take is counted before anything of it is loaded."""

from __future__ import annotations

from pathlib import Path

from brie.train.load import TrainLoad, load_of
from brie.train.prepare import prepare, resolve_recipe
from brie.train.progress import Silent
from brie.train.sources import read_data
from tests.present import present
from tests.train.world import demo_rows, make_project, request

SETTINGS = ("max_steps=none", "epochs=4", "batch_size=1", "micro_batch_size=1", "max_length=512")


def test_packed_rows_are_counted_as_the_sequences_they_are_packed_into(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", demo_rows(48))

    def load(*settings: str) -> TrainLoad:
        asked = request(project, *SETTINGS, *settings)
        recipe = resolve_recipe(asked, project, Silent())
        train, val, _ = read_data(asked, recipe, project)
        return load_of(asked, recipe, project, train=train, val=val)

    alone, packed = load(), load("packing=true")
    asked = request(project, *SETTINGS, "packing=true")
    real = prepare(asked, project, Silent()).config.planned_steps
    assert real / 2 <= packed.steps <= real * 2 < alone.steps
    assert abs(packed.tokens - alone.tokens) < alone.tokens / 10
    assert present(packed.memory_bytes) > present(alone.memory_bytes)
