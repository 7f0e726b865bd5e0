"""How many rows a device holds at a time: as asked, as processes share, or as fits."""

from __future__ import annotations

from brie.errors import UsageError
from brie.train.config import Decided, DeviceInfo
from brie.train.memory import LIBRARIES, estimate
from brie.train.progress import Progress
from brie.train.recipes import AUTO_ROWS, Architecture, Recipe

_SHARE = 0.7
"""Of a device's memory; the estimate of activations is within a few percent, fragments are not in it."""
_MOST = {"cuda": 64, "mps": 4, "cpu": 4}
"""Beyond so many rows nothing gets faster; a CPU or a Mac is busy with one."""


def fit_micro_batch(recipe: Recipe, processes: int, progress: Progress) -> Recipe:
    """The recipe with a micro-batch that divides each process's share of the batch.

    Raises:
        UsageError: the batch itself does not divide among the processes, or leaves them no two rows to
            hold beside one another, which `kto` needs.
    """
    share, rest = divmod(recipe.batch_size, processes)
    if rest:
        raise UsageError(
            f"batch_size {recipe.batch_size} does not divide among {processes} processes; "
            f"use --set batch_size={max(1, share) * processes}"
        )
    if recipe.micro_batch_size == AUTO_ROWS:
        return recipe
    micro = _divisors(share, recipe.micro_batch_size)[0]
    if micro == 1 and recipe.method == "kto":
        raise UsageError(
            "kto holds rows beside one another: give an even batch"
            f"{f' for each of {processes} processes' if processes > 1 else ''}: --set "
            f"batch_size={processes * (share + share % 2)}"
        )
    if micro == recipe.micro_batch_size:
        return recipe
    progress.note(
        f"micro_batch_size {micro}, so that {processes} processes share {recipe.batch_size} rows"
    )
    return _with_rows(recipe, micro)


def decide_micro_batch(
    recipe: Recipe,
    shape: Architecture | None,
    *,
    device: DeviceInfo,
    dtype: str,
    tokens_a_row: int,
    progress: Progress,
    copied: bool = False,
    attention: Decided | None = None,
) -> Recipe:
    """The recipe with a number where it says `auto`.

    Args:
        recipe: its batch divides among the processes.
        shape: the base's; None where it is no Llama-like one, which gets one row.
        device: the kind and memory of each process's device, and how many there are.
        dtype: the base's number format.
        tokens_a_row: the longest row that will be seen.
        progress: told of the decision.
        copied: a frozen copy of the adapter is held too.
        attention: what computes it; None is transformers' own choice.
    """
    if recipe.micro_batch_size != AUTO_ROWS:
        return recipe
    if shape is None or device.memory_bytes is None:
        progress.note("micro_batch_size 1: how much memory a row takes is not known for this base")
        return _with_rows(recipe, 1)
    allowed = _SHARE * device.memory_bytes - LIBRARIES
    share = recipe.batch_size // device.count

    parts = device.count if device.strategy == "fsdp2" else 1

    def fits(rows: int) -> bool:
        held = _with_rows(recipe, rows)
        need = estimate(
            shape, held, dtype, tokens_a_row, copied=copied, attention=attention, parts=parts
        )
        return need.total <= allowed

    rows = next((n for n in _divisors(share, _MOST[device.type]) if fits(n)), 1)
    progress.note(
        f"micro_batch_size {rows}: what is estimated to fit in {_SHARE:.0%} of {device.type}'s memory"
        if rows < share
        else f"micro_batch_size {rows}: the whole batch at once fits by the estimate"
    )
    return _with_rows(recipe, rows)


def _divisors(share: int, most: int) -> list[int]:
    """Numbers that divide a share, from the greatest that is allowed down."""
    return [n for n in range(min(most, share), 0, -1) if share % n == 0]


def _with_rows(recipe: Recipe, rows: int) -> Recipe:
    return recipe.model_copy(update={"micro_batch_size": rows})
