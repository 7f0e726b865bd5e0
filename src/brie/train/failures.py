"""What went wrong in the middle of a run, as a sentence with the command that goes on."""

from __future__ import annotations

import errno

from brie.errors import BrieError, Stopped
from brie.pin.libraries import is_out_of_memory
from brie.train.recipes import Recipe


def explain_failure(error: BaseException, recipe: Recipe, resume: str, saved: bool) -> BrieError | None:
    """The sentence for a failure the user can do something about, None for a bug.

    Args:
        error: what was raised in the training loop.
        recipe: the run's settings, to say which of them to change.
        resume: the command that continues the run.
        saved: whether a checkpoint exists to continue from.
    """
    go_on = f"continue with: {resume}" if saved else f"nothing was saved yet; start with: {resume}"
    if isinstance(error, KeyboardInterrupt):
        return Stopped(f"stopped at once; {go_on}")
    if is_out_of_memory(error):
        return Stopped(f"out of memory. {_smaller(recipe, resume)}")
    if is_disk_full(error):
        return Stopped(f"the disk is full. Free some space (brie prune RUN), then {go_on}")
    return None


def is_disk_full(error: BaseException) -> bool:
    """Whether a write failed for want of room; torch and safetensors wrap the system's error."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    message = str(error)
    return "No space left on device" in message or "file write failed" in message


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
