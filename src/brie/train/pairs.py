"""Pairs as tokens: one prompt, two answers, each located and masked as an answer of a row is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from brie.data.encode import IGNORED, Encoded, Encoder, encode_all
from brie.errors import InputError
from brie.train.config import PairsInfo
from brie.train.sources import Source

if TYPE_CHECKING:
    from datasets import Dataset


def pairs_info(*sources: Source) -> PairsInfo | None:
    """What the files of a run's pairs say of themselves; None where it does not learn from pairs."""
    files = {source.shown: source.pairs for source in sources if source.pairs}
    if not files:
        return None
    every = list(files.values())
    teachers = {(t.id, t.model): t for pairs in every for t in pairs.teachers}
    return PairsInfo(
        prompts=tuple(sorted({name for pairs in every for name in pairs.prompts})),
        teachers=tuple(teachers[key] for key in sorted(teachers)),
        suites=tuple(sorted({name for pairs in every for name in pairs.suites})),
        evaluations=tuple(sorted({name for pairs in every for name in pairs.evaluations})),
        unsigned=sum(pairs.unsigned for pairs in every),
    )


def encode_pairs(source: Source, encoder: Encoder) -> list[Encoded]:
    """Both answers of every pair, the better one first; where nothing is left of one, both are lost.

    Raises:
        InputError: the template refuses a pair, or does not ask both answers alike; names the line.
    """
    rows: list[Encoded] = []
    for chosen, rejected in zip(source.rows, source.rejected, strict=True):
        two = encode_all((chosen, rejected), encoder)
        if any(row.cut == "lost" for row in two):
            two = [replace(row, cut="lost") for row in two]
        elif len(two) != 2 or _asked(two[0]) != _asked(two[1]):
            raise InputError(
                f"line {chosen.line}: the chat template writes the prompt of the two answers differently"
            )
        rows += two
    return rows


def paired(rows: Sequence[Encoded]) -> list[tuple[Encoded, Encoded]]:
    """Rows as pairs of a better and a worse answer."""
    return list(zip(rows[::2], rows[1::2], strict=True))


def dpo_rows(rows: Sequence[Encoded]) -> Dataset:
    """Pairs as TRL's collator for preferences takes them."""
    from datasets import Dataset

    pairs = paired(rows)
    return Dataset.from_dict(
        {
            "prompt_ids": [_asked(chosen) for chosen, _ in pairs],
            "chosen_ids": [_answer(chosen) for chosen, _ in pairs],
            "rejected_ids": [_answer(rejected) for _, rejected in pairs],
        }
    )


def kto_rows(rows: Sequence[Encoded], *, beside: int, seed: int) -> Dataset:
    """Answers as TRL's collator for single ones takes them, each with another prompt's answer.

    KTO estimates its KL term from answers that belong to other prompts of the same micro-batch, so the
    order is drawn here once and kept.

    Args:
        rows: pairs.
        beside: rows of a micro-batch, two or more.
        seed: of the order.
    """
    from datasets import Dataset

    labelled = [(row, at % 2 == 0) for at, row in enumerate(rows)]
    random.Random(seed).shuffle(labelled)  # noqa: S311 - a reproducible draw, not a secret
    answers = [_answer(row) for row, _ in labelled]
    return Dataset.from_dict(
        {
            "prompt_ids": [_asked(row) for row, _ in labelled],
            "completion_ids": answers,
            "KL_completion_ids": _neighbours(answers, beside),
            "label": [good for _, good in labelled],
        }
    )


def _neighbours(answers: Sequence[list[int]], beside: int) -> list[list[int]]:
    """Each answer's neighbour in its micro-batch; a last one that is alone takes the one before."""
    turned: list[list[int]] = []
    for start in range(0, len(answers), beside):
        part = list(answers[start : start + beside])
        turned += [part[-1], *part[:-1]] if len(part) > 1 else [answers[start - 1]]
    return turned


def _asked(row: Encoded) -> list[int]:
    """A row's tokens up to the answer."""
    return row.ids[: _first(row)]


def _answer(row: Encoded) -> list[int]:
    """The tokens of a row's answer, up to the last that is learned."""
    last = max((at for at, label in enumerate(row.labels) if label != IGNORED), default=-1)
    return row.ids[_first(row) : last + 1]


def _first(row: Encoded) -> int:
    return next((at for at, label in enumerate(row.labels) if label != IGNORED), len(row.labels))
