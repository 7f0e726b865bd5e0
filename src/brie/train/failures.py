"""What went wrong in the middle of a run, as a sentence with the command that goes on."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from brie.errors import BrieError, Stopped
from brie.pin.libraries import is_out_of_memory
from brie.train.recipes import Recipe

_WRITE_FAILED = ("No space left on device", "file write failed", "iostream error", "unexpected pos")
"""What the system, torch and the C++ library beneath it say of a write that had no room."""
_PEER_GONE = ("Connection closed by peer", "Connection reset by peer", "remote process exited")
"""What gloo and NCCL say where the process at the other end is no more."""
_NO_ROOM = 2**16
"""Free bytes below which a write that failed failed for want of room, whatever was said of it."""


def explain_failure(
    error: BaseException, recipe: Recipe, resume: str, saved: bool, *, folder: Path | None = None
) -> BrieError | None:
    """The sentence for a failure the user can do something about, None for a bug.

    Args:
        error: what was raised in the training loop.
        recipe: the run's settings, to say which of them to change.
        resume: the command that continues the run.
        saved: whether a checkpoint exists to continue from.
        folder: where it writes; None: not known.
    """
    go_on = f"continue with: {resume}" if saved else f"nothing was saved yet; start with: {resume}"
    if isinstance(error, KeyboardInterrupt):
        return Stopped(f"stopped at once; {go_on}")
    if is_out_of_memory(error):
        return Stopped(f"out of memory. {_smaller(recipe, resume)}")
    if any(words in str(error) for words in _PEER_GONE):
        return Stopped(f"another process of this run has ended; {go_on}")
    if is_disk_full(error, folder):
        return Stopped(f"the disk is full. Free some space (brie prune RUN), then {go_on}")
    return None


def is_disk_full(error: BaseException, folder: Path | None = None) -> bool:
    """Whether a write failed for want of room.

    torch and safetensors wrap the system's error in words of their own; where there is no room, none of
    them matters.

    Args:
        error: what was raised.
        folder: where it was written to; None: not known.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    if any(words in str(error) for words in _WRITE_FAILED):
        return True
    # safetensors' own error is a plain Exception
    may_have_written = isinstance(error, OSError | RuntimeError) or "afetensor" in type(error).__name__
    return may_have_written and folder is not None and _free(folder) < _NO_ROOM


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return _NO_ROOM


def _smaller(recipe: Recipe, resume: str) -> str:
    """The cheapest change that saves memory and keeps the run."""
    if recipe.micro_batch_size > 1:
        half = next(n for n in range(recipe.micro_batch_size // 2, 0, -1) if recipe.batch_size % n == 0)
        return (
            "Hold fewer rows at a time, the effective batch stays: "
            f"{resume} --set micro_batch_size={half}"
        )
    if not recipe.gradient_checkpointing:
        return (
            f"Recompute activations instead of keeping them: {resume} --set gradient_checkpointing=true"
        )
    return (
        "Nothing is left to save but length: start again with "
        f"--set max_length={recipe.max_length // 2} (brie data check says how many answers that "
        "cuts), or take a smaller base."
    )
