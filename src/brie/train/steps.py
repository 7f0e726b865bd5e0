"""What a batch is made of, how long its longest is, and how many steps that makes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from brie.data.encode import Encoded, dataset
from brie.errors import InputError
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
