"""`micro_batch_size = auto` becomes a number that fits and divides."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.errors import BrieError
from brie.project import Project
from brie.train.config import DeviceInfo
from brie.train.explain import explain
from brie.train.micro_batch import decide_micro_batch
from brie.train.prepare import prepare
from brie.train.recipes import AUTO_ROWS, Recipe, load_recipe
from tests.train.world import Watcher, make_project, request


def decided(recipe: Recipe, memory: int | None, *, kind: str = "cuda", count: int = 1) -> int:
    """Rows for a device of so many bytes."""
    device = DeviceInfo(type=kind, name="x", memory_bytes=memory, count=count)
    return decide_micro_batch(
        recipe,
        recipe.architecture,
        device=device,
        dtype="bfloat16",
        tokens_a_row=1024,
        progress=Watcher(),
    ).micro_batch_size


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe("3b", Project(Path()), ("micro_batch_size=auto", "batch_size=24"))


def test_more_memory_holds_more_rows_and_every_number_divides(recipe: Recipe) -> None:
    rows = [decided(recipe, gib * 2**30) for gib in (8, 16, 40, 80, 640)]
    assert rows == sorted(rows)
    assert rows[0] < rows[-1] == 24
    assert all(24 % n == 0 for n in rows)


def test_it_is_the_most_that_the_estimate_allows(recipe: Recipe) -> None:
    from brie.train.memory import estimate

    rows = decided(recipe, 14 * 2**30)
    assert 1 < rows < 24
    after = next(n for n in range(rows + 1, 25) if 24 % n == 0)

    def total(n: int) -> int:
        assert recipe.architecture
        one = recipe.model_copy(update={"micro_batch_size": n})
        return estimate(recipe.architecture, one, "bfloat16", 1024).total

    assert total(rows) < 0.7 * 14 * 2**30 < total(after) + 600_000_000


def test_several_processes_share_the_batch(recipe: Recipe) -> None:
    assert decided(recipe, 640 * 2**30, count=4) == 6


def test_a_base_of_another_shape_gets_one_row() -> None:
    watcher = Watcher()
    asked = Recipe(name="x", base="y", micro_batch_size="auto")
    here = DeviceInfo(type="cpu", name="x", memory_bytes=2**36)
    got = decide_micro_batch(asked, None, device=here, dtype="float32", tokens_a_row=8, progress=watcher)
    assert got.micro_batch_size == 1
    assert "not known" in watcher.notes[0]


def test_a_run_records_the_number(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    watcher = Watcher()
    job = prepare(request(project, "micro_batch_size=auto"), project, watcher)
    assert job.config.recipe.micro_batch_size == 4
    assert job.config.accumulation == 2
    assert any(note.startswith("micro_batch_size 4") for note in watcher.notes)
    lines = dict(explain(request(project, "micro_batch_size=auto"), project, Watcher()))
    assert "4 at a time x 2 accumulated" in lines["batch"]


def test_auto_is_zero_until_it_is_decided_and_nothing_below() -> None:
    assert Recipe(name="x", base="y", micro_batch_size="auto").micro_batch_size == AUTO_ROWS
    with pytest.raises(BrieError, match="micro_batch_size"):
        load_recipe("tiny", Project(Path()), ("micro_batch_size=-1",))
