"""Failures in the middle of a run: the sentence says what to change and how to go on."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from brie.errors import Stopped
from brie.pin.libraries import is_out_of_memory
from brie.train.failures import explain_failure, is_disk_full
from brie.train.recipes import Recipe

RESUME = "brie train --resume x"


def recipe(**changes: object) -> Recipe:
    return Recipe.model_validate({"name": "x", "base": "tiny", **changes})


@pytest.mark.parametrize(
    ("error", "yes"),
    [
        (MemoryError(), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 18 GB)"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("CUDA error: an illegal memory access"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_out_of_memory_is_recognised_on_every_device(error: Exception, yes: bool) -> None:
    assert is_out_of_memory(error) is yes


def test_torchs_own_out_of_memory_error_is_recognised() -> None:
    import torch

    assert is_out_of_memory(torch.OutOfMemoryError("x"))


def test_advice_goes_from_the_cheapest_change_to_the_dearest() -> None:
    said = [
        str(explain_failure(MemoryError(), r, RESUME, saved=True))
        for r in (
            recipe(batch_size=12, micro_batch_size=6),
            recipe(micro_batch_size=1),
            recipe(micro_batch_size=1, gradient_checkpointing=True, max_length=2048),
        )
    ]
    assert f"{RESUME} --set micro_batch_size=3" in said[0]
    assert f"{RESUME} --set gradient_checkpointing=true" in said[1]
    assert "--set max_length=1024" in said[2]


@pytest.mark.parametrize(
    "words",
    ["basic_ios::clear: iostream error", "[enforce fail at inline_container.cc] file write failed"],
)
def test_a_full_disk_is_recognised_in_the_words_of_what_wrote(words: str, tmp_path: Path) -> None:
    said = explain_failure(RuntimeError(words), recipe(), RESUME, saved=True, folder=tmp_path)
    assert isinstance(said, Stopped)
    assert "the disk is full" in str(said)
    assert RESUME in str(said)
    assert explain_failure(RuntimeError("a bug"), recipe(), RESUME, saved=True, folder=tmp_path) is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_recognised_as_the_system_reports_it() -> None:
    with pytest.raises(OSError) as caught, Path("/dev/full").open("w") as handle:
        handle.write("x" * 100_000)
    assert is_disk_full(caught.value)
    said = explain_failure(caught.value, recipe(), RESUME, saved=True)
    assert isinstance(said, Stopped)
    assert "brie prune" in str(said)
    assert RESUME in str(said)


def test_torchs_and_safetensors_words_for_a_full_disk_are_known() -> None:
    assert is_disk_full(RuntimeError("[enforce fail at inline_container.cc] . file write failed"))
    assert is_disk_full(Exception("Error while serializing: I/O error: No space left on device"))
    assert is_disk_full(OSError(errno.EDQUOT, "quota"))
    assert not is_disk_full(OSError(errno.EACCES, "no"))


def test_a_second_interrupt_says_whether_anything_was_saved() -> None:
    saved = explain_failure(KeyboardInterrupt(), recipe(), RESUME, saved=True)
    unsaved = explain_failure(KeyboardInterrupt(), recipe(), RESUME, saved=False)
    assert "continue with" in str(saved)
    assert "nothing was saved yet" in str(unsaved)


def test_anything_else_is_a_bug_and_keeps_its_traceback() -> None:
    assert explain_failure(ZeroDivisionError(), recipe(), RESUME, saved=True) is None
