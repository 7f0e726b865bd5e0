"""How much work a run is, counted from rows and shapes: nothing is loaded, so that it is known at once.

Floating point operations of a LoRA step (the forward pass, and the backward pass through frozen weights;
their own gradients are not computed):

    4 x parameters x tokens        6 where activations are computed again (gradient checkpointing)
    2 x parameters x tokens        of an evaluation, and of a reference that pairs are held against

after Kaplan et al. 2020, section 2.1: 2 x parameters for a token forward, as much again for a gradient.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from brie.pin import pin_base
from brie.pin.bases import PACKAGED_PREFIX
from brie.project import Project
from brie.records import Conversation
from brie.train.config import TrainRequest
from brie.train.explain import local_base
from brie.train.memory import LIBRARIES, adapter_parameters, estimate, parameters, read_architecture
from brie.train.recipes import AUTO_ROWS, Recipe
from brie.train.sources import Source
from brie.train.start import starting
from brie.train.steps import planned_steps

CHARACTERS_A_TOKEN = 4
"""Of English in the tokenizers of today; other scripts take more tokens."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class TrainLoad:
    """What a run will take; None where nothing is known of the base."""

    steps: int
    tokens: int
    """Seen in training, over all epochs; about, from characters."""
    flops: float | None
    memory_bytes: int | None
    """At once, the libraries included."""
    disk_bytes: int | None
    """Checkpoints with their optimizer, and the base where it is fetched."""
    base_digest: str | None
    """Of a base that is here and cannot be another one elsewhere."""


def load_of(
    request: TrainRequest, recipe: Recipe, project: Project, *, train: Source, val: Source
) -> TrainLoad:
    """Count a run's work.

    Args:
        request: what was asked for.
        recipe: its settings.
        project: where the base may be.
        train: the training rows.
        val: the validation rows.
    """
    start = starting(request, project)
    folder = start.base_folder if start else local_base(recipe.base, project)
    shape = (read_architecture(folder) if folder else None) or recipe.architecture
    steps = planned_steps(_learned(train, recipe), recipe)
    share = min(steps * recipe.batch_size / _learned(train, recipe), recipe.epochs)
    tokens = round(share * _tokens(train, recipe))
    known: tuple[float, int, int] | None = None
    if shape is not None:
        count = -(-steps // recipe.checkpoint_steps)
        passes = (6 if recipe.gradient_checkpointing else 4) + (0 if recipe.method == "sft" else 2)
        asked = (count + 1) * _tokens(val, recipe) * (2 if recipe.method == "sft" else 4)
        lengths = [_length(row) for row in train.rows]
        longest = min(recipe.max_length, sum(lengths) if recipe.packing else max(lengths))
        rows = recipe.micro_batch_size if recipe.micro_batch_size != AUTO_ROWS else 1
        settled = recipe.model_copy(update={"micro_batch_size": rows})
        dtype = "bfloat16" if recipe.dtype == "auto" else recipe.dtype
        need = estimate(shape, settled, dtype, longest, copied=start is not None)
        adapter = adapter_parameters(shape, recipe.r, recipe.target_modules)
        fetched = 0 if _is_packaged(recipe.base) else 2 * parameters(shape)
        known = (
            float(parameters(shape)) * (passes * tokens + asked),
            need.total + LIBRARIES,
            count * adapter * 12 * 2 + fetched,
        )
    flops, memory, disk = known or (None, None, None)
    fixed = _is_packaged(recipe.base) or _COMMIT.fullmatch(recipe.base.rpartition("@")[2]) is not None
    pinned = None
    if folder is not None and fixed:
        pinned = start.base.digest if start else pin_base(folder, repo=recipe.base).digest
    return TrainLoad(steps, tokens, flops, memory, disk, pinned)


def _is_packaged(base: str) -> bool:
    return "/" not in base.partition("@")[0].removeprefix(PACKAGED_PREFIX)


def _learned(source: Source, recipe: Recipe) -> int:
    """What a batch is made of: rows, with `kto` both answers of each; or sequences of packed rows."""
    if recipe.packing:
        return max(1, -(-_tokens(source, recipe) // recipe.max_length))
    return len(source.rows) * (2 if recipe.method == "kto" else 1)


def _tokens(source: Source, recipe: Recipe) -> int:
    """About how many tokens all rows have, worse answers included."""
    both: Sequence[Conversation] = (*source.rows, *source.rejected)
    return sum(min(recipe.max_length, _length(row)) for row in both)


def _length(row: Conversation) -> int:
    """About how many tokens a row has; a turn costs some beyond its text."""
    return sum(len(turn.content or "") // CHARACTERS_A_TOKEN + 5 for turn in row.messages)
