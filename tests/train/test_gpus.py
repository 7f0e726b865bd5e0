"""`--gpus`: how many, whether a run would fit on them, and what cannot be shared."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.project import Project
from brie.train.config import DeviceInfo, TrainRequest
from brie.train.explain import explain
from brie.train.gpus import Gpus, gpus_of
from brie.train.memory import estimate
from brie.train.progress import Silent
from brie.train.recipes import Recipe, load_recipe
from brie.train.run import train
from brie.train.sharding import as_launched, refuse_sharding, shared

SHARDED = Recipe(name="x", base="tiny", sharding="fsdp")
TWO = shared(DeviceInfo(type="cuda", name="GPU", memory_bytes=24 * 10**9), SHARDED, 2)


@pytest.fixture(autouse=True)
def not_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "RANK", "ACCELERATE_USE_FSDP", "FSDP_VERSION"):
        monkeypatch.delenv(name, raising=False)


def told(project: Path, *, size: str, gpus: str) -> dict[str, str]:
    request = TrainRequest(size=size, gpus=gpus)
    return {line.label: line.text for line in explain(request, Project(project), Silent())}


def test_gpus_are_a_number_or_a_number_and_their_memory() -> None:
    assert gpus_of(TrainRequest(gpus="2")) == Gpus(2, None)
    assert gpus_of(TrainRequest(gpus="2x24")) == Gpus(2, 24)
    assert gpus_of(TrainRequest()) is None


@pytest.mark.parametrize("wrong", ["0", "two", "2x", "x24", "2x24GB", "-1"])
def test_anything_else_is_refused_with_an_example(wrong: str) -> None:
    with pytest.raises(UsageError, match="--gpus 2x24"):
        gpus_of(TrainRequest(gpus=wrong))


def test_a_7b_spread_over_two_gpus_of_24_gb_is_said_to_fit(tmp_path: Path) -> None:
    lines = told(tmp_path, size="7b-fsdp", gpus="2x24")
    assert lines["device"].startswith("2 x cuda, a GPU of 24 GB")
    assert "each holds a part of the weights" in lines["device"]
    assert lines["batch"] == "8 rows an update = 2 at a time x 2 accumulated x 2 processes"
    assert "weights 7.62 GB" in lines["memory"]
    assert "on each" in lines["memory"]
    assert lines["fits"] == "yes: each cuda device has 24.0 GB"


def test_gpus_that_are_too_small_are_told_what_to_change(tmp_path: Path) -> None:
    whole = told(tmp_path, size="7b", gpus="2x16")
    assert whole["fits"].startswith("hardly: each cuda device has 16.0 GB")
    assert whole["fits"].endswith("--fsdp")
    assert told(tmp_path, size="7b-fsdp", gpus="2x16")["fits"].startswith("hardly")
    assert told(tmp_path, size="7b-fsdp", gpus="4x16")["fits"].startswith("yes")


def test_a_sharded_model_takes_its_part_and_what_it_borrows() -> None:
    recipe = load_recipe("7b-fsdp", Project(Path("/nonexistent")))
    assert recipe.architecture is not None
    whole, half, eighth = (
        estimate(recipe.architecture, recipe, "bfloat16", 2048, parts=parts) for parts in (1, 2, 8)
    )
    assert whole.borrowed == 0
    assert half.weights == whole.weights // 2
    assert eighth.adapter == whole.adapter // 8
    assert half.borrowed == eighth.borrowed > 0
    assert (half.activations, half.logits) == (whole.activations, whole.logits)
    assert whole.total > half.total > eighth.total


def test_one_gpu_has_nobody_to_share_with() -> None:
    alone = TWO.model_copy(update={"count": 1, "strategy": None})
    with pytest.raises(UsageError, match="needs several GPUs: --gpus 2"):
        refuse_sharding(SHARDED, alone)
    refuse_sharding(SHARDED, TWO)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("quantize", "nf4"),
        ("optimizer", "adamw_8bit"),
        ("method", "dpo"),
        ("modules_to_save", ("embed_tokens",)),
        ("use_dora", True),
        ("packing", True),
    ],
)
def test_what_is_not_sharded_is_refused_by_name(key: str, value: str | bool | tuple[str, ...]) -> None:
    recipe = SHARDED.model_copy(update={key: value})
    with pytest.raises(UsageError, match=f"{key}.*--set sharding=none"):
        refuse_sharding(recipe, TWO)


def test_how_the_work_is_shared_is_recorded() -> None:
    assert (TWO.count, TWO.strategy) == (2, "fsdp2")
    plain = SHARDED.model_copy(update={"sharding": "none"})
    assert shared(TWO, plain, 2).strategy == "ddp"
    assert shared(TWO, plain, 1).strategy is None


def test_accelerates_own_word_for_sharding_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = SHARDED.model_copy(update={"sharding": "none"})
    assert as_launched(plain) == plain
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(UsageError, match="fsdp_version: 2"):
        as_launched(plain)
    monkeypatch.setenv("FSDP_VERSION", "2")
    assert as_launched(plain) == SHARDED


def test_a_run_over_several_gpus_is_started_by_the_command(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="brie train --gpus N"):
        train(TrainRequest(size="tiny", gpus="2"), Project(tmp_path), Silent())
