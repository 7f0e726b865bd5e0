"""A checkpoint can be continued from only if everything that continuing reads is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.train.resume import resumable

FILES = ("trainer_state.json", "optimizer.pt", "scheduler.pt", "adapter_model.safetensors")


@pytest.mark.parametrize("random_state", ["rng_state.pth", "rng_state_1.pth"])
def test_a_checkpoint_of_one_process_or_several_can_be_continued(
    tmp_path: Path, random_state: str
) -> None:
    for name in (*FILES, random_state):
        (tmp_path / name).touch()
    assert resumable(tmp_path)


@pytest.mark.parametrize("missing", [*FILES, "rng_state.pth"])
def test_a_checkpoint_that_lacks_anything_cannot(tmp_path: Path, missing: str) -> None:
    for name in {*FILES, "rng_state.pth"} - {missing}:
        (tmp_path / name).touch()
    assert not resumable(tmp_path)
