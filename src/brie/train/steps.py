"""What a batch is made of, how long its longest is, and how many steps that makes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from brie.data.encode import Encoded, dataset
from brie.digest import digest
from brie.errors import InputError, UsageError
from brie.train.config import BatchOrder, DeviceInfo, TrainConfig
from brie.train.quiet import quiet
from brie.train.recipes import Recipe


def sequences(rows: Sequence[Encoded], recipe: Recipe) -> int:
    """What a batch is made of: rows, pairs, or with packing the sequences they are packed into."""
    if recipe.method == "dpo":
        return len(rows) // 2
    if not recipe.packing:
        return len(rows)
    with quiet():
        from trl.data_utils import pack_dataset

        return len(pack_dataset(dataset(rows), recipe.max_length))


def refuse_grouping(recipe: Recipe) -> None:
    """Batches of like length, where rows have no lengths of their own.

    Raises:
        UsageError: they were asked for.
    """
    if recipe.group_by_length is True and (unfit := _unfit(recipe)):
        raise UsageError(f"group_by_length: {unfit}; leave it out.")


def _unfit(recipe: Recipe) -> str:
    """Why rows cannot be grouped by length; "" where they can."""
    if recipe.packing:
        return "packing fills every sequence"
    return f"{recipe.method} learns from pairs" if recipe.method != "sft" else ""


def batch_order(
    recipe: Recipe, device: DeviceInfo, train: Sequence[Encoded], *, before: TrainConfig | None = None
) -> BatchOrder | None:
    """The order in which rows of like length share batches; None where rows are merely shuffled.

    Args:
        recipe: whether that was asked for.
        device: `auto` takes it on MPS.
        train: the rows of an epoch; none where they are not in tokens yet.
        before: of a run that goes on, which keeps its order wherever it does.
    """
    wanted = recipe.group_by_length
    if wanted == "auto":
        begun_so = before is not None and before.order is not None
        wanted = begun_so or (before.device if before else device).type == "mps"
    if not wanted or _unfit(recipe):
        return None
    if device.count > 1 or not train:
        return BatchOrder(seed=recipe.seed, first_epoch=None)
    from brie.train.order import epoch_order

    lengths = [len(row.ids) for row in train]
    order = epoch_order(lengths, recipe.batch_size, seed=recipe.seed, epoch=0)
    return BatchOrder(seed=recipe.seed, first_epoch=digest([train[place].line for place in order]))


def longest(recipe: Recipe, train: Sequence[Encoded], val: Sequence[Encoded]) -> int:
    """Tokens of the longest sequence that will be seen, after truncation."""
    if recipe.packing:
        return min(recipe.max_length, sum(len(row.ids) for row in train))
    return max(len(row.ids) for row in (*train, *val))


def planned_steps(rows: int, recipe: Recipe) -> int:
    """Optimizer steps of a run over so many rows or sequences."""
    if not rows:
        raise InputError("no row is left to train on: every answer was cut away by max_length.")
    steps = math.ceil(recipe.epochs * math.ceil(rows / recipe.batch_size))
    return recipe.max_steps or steps
