"""Splitting training data by group: equal prompts, or one source, never end up on both sides."""

from __future__ import annotations

import random
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from brie.errors import UsageError, unknown
from brie.records import Conversation

By = Literal["prompt", "source"]
UNNAMED_SOURCE = Conversation.model_fields["source"].default
"""The source of a row that names none."""


@dataclass(frozen=True)
class Split:
    """Two disjoint halves of a file, each in the file's order."""

    train: tuple[Conversation, ...]
    val: tuple[Conversation, ...]
    by: By
    seed: int | None
    """None where the halves were named, not drawn."""
    groups: tuple[int, int]
    """Distinct groups in train and val."""


def prompt_key(conversation: Conversation) -> str:
    """What makes two rows answers to one prompt: the first user turn, up to case and spacing.

    The system turn does not count: the same question under two system prompts is still one
    question, and its answers resemble each other.
    """
    first = next(m.content for m in conversation.messages if m.role == "user")
    return " ".join(unicodedata.normalize("NFKC", first).casefold().split())


def group_key(conversation: Conversation, by: By) -> str:
    """The group a row belongs to."""
    return prompt_key(conversation) if by == "prompt" else conversation.source


def split(
    conversations: Sequence[Conversation],
    *,
    by: By,
    fraction: float,
    generator: random.Random,
    seed: int,
) -> Split:
    """Draw whole groups into the validation half until it holds `fraction` of the rows.

    The draw depends on the groups and the generator only, not on the order of rows.

    Args:
        conversations: all rows.
        by: what a group is.
        fraction: share of rows wanted in the validation half, between 0 and 1.
        generator: source of the draw, seeded with `seed` by the caller.
        seed: recorded in the result.

    Raises:
        UsageError: `fraction` is out of range, or there is only one group.
    """
    if not 0 < fraction < 1:
        raise UsageError(f"the validation share must lie between 0 and 1, not {fraction:g}.")
    sizes = _sizes(conversations, by)
    if by == "source" and set(sizes) == {UNNAMED_SOURCE}:
        raise UsageError('no row says its "source"; add that key to the rows, or split by prompt.')
    if len(sizes) < 2:
        raise UsageError(
            f"all {len(conversations):,} rows share one {by}, so no split by {by} exists; "
            "give a validation file: --val FILE"
        )
    keys = sorted(sizes)
    generator.shuffle(keys)
    wanted, taken, chosen = fraction * len(conversations), 0, set()
    for key in keys[:-1]:
        if taken >= wanted:
            break
        chosen.add(key)
        taken += sizes[key]
    return _cut(conversations, by, chosen, seed)


def share_of(conversations: Sequence[Conversation], share: float, seed: int) -> tuple[Conversation, ...]:
    """A share of the prompts with all their rows, drawn from every source alike.

    Shares of one seed are nested: a smaller one lies within every larger one. A prompt's place is
    decided within its source (that of its first row), so each source keeps its part of the whole.

    Args:
        conversations: all rows.
        share: of the prompts, above 0 and up to 1; one prompt is taken at least.
        seed: of the draw.
    """
    if share >= 1:
        return tuple(conversations)
    sources: dict[str, dict[str, None]] = defaultdict(dict)
    home: dict[str, str] = {}
    for conversation in conversations:
        key = prompt_key(conversation)
        sources[home.setdefault(key, conversation.source)][key] = None
    place: dict[str, float] = {}
    for source, prompts in sources.items():
        generator = random.Random(f"{seed} {source}")  # noqa: S311 - reproducible, not a secret
        keys, start = sorted(prompts), generator.random()
        generator.shuffle(keys)
        place |= {key: (at + start) / len(keys) for at, key in enumerate(keys)}
    most = max(share, min(place.values()))
    return tuple(c for c in conversations if place[prompt_key(c)] <= most)


def hold_out(conversations: Sequence[Conversation], *held: str) -> Split:
    """Put every row of some sources into the validation half.

    Raises:
        UsageError: there is no such source, or no other.
    """
    sources = {c.source for c in conversations}
    for source in held:
        if source not in sources:
            raise unknown("source", source, sources)
    if sources <= set(held):
        named = " or ".join(map(repr, held))
        raise UsageError(f"every row is of source {named}; holding it out leaves nothing to train on.")
    return _cut(conversations, "source", set(held), None)


def _sizes(conversations: Sequence[Conversation], by: By) -> dict[str, int]:
    sizes: dict[str, int] = defaultdict(int)
    for conversation in conversations:
        sizes[group_key(conversation, by)] += 1
    return sizes


def _cut(conversations: Sequence[Conversation], by: By, chosen: set[str], seed: int | None) -> Split:
    train = tuple(c for c in conversations if group_key(c, by) not in chosen)
    val = tuple(c for c in conversations if group_key(c, by) in chosen)
    groups = (len({group_key(c, by) for c in train}), len(chosen))
    return Split(train=train, val=val, by=by, seed=seed, groups=groups)
