"""Labels seen equally often, and what two simple ways make of the same rows.

Balance is by repetition: an epoch has every row of a rare label several times, its number of times
recorded. The loss of a row, batches, resuming and packing then are what they are without it, which they
would not be with weights in the loss; and no row of a common label is left out.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from brie.data.encode import Encoded
from brie.data.labels import (
    ANSWER,
    Baselines,
    answer_of,
    asked_of,
    baselines,
    labels_of,
    repeats_of,
)
from brie.errors import UsageError
from brie.train.config import Balance, SplitInfo, TrainRequest
from brie.train.sources import Source


def balance_of(request: TrainRequest, train: Source) -> Balance | None:
    """How often rows are seen an epoch; None where no balance was asked for.

    Raises:
        UsageError: rows have no such label, or one label only.
    """
    if request.balance is None:
        return None
    key, labels = _labels(train, request.balance)
    weights = repeats_of(labels)
    counts = Counter(labels.values())
    rows = len(counts) * max(counts.values())
    return Balance(key=key, asked=request.balance, weights=weights, rows=rows)


def repeated(
    rows: Sequence[Encoded], balance: Balance | None, train: Source, seed: int
) -> list[Encoded]:
    """Encoded rows as an epoch has them: those of rare labels several times.

    Args:
        rows: in tokens; several may be of one line.
        balance: how often each label is seen.
        train: where the rows came from.
        seed: of the draw where a number of times is no whole one.
    """
    if balance is None:
        return list(rows)
    labels = _labels(train, balance.asked)[1]
    lines: dict[str, list[int]] = {}
    for line in dict.fromkeys(row.line for row in rows):
        lines.setdefault(labels[line], []).append(line)
    draw = random.Random(seed)  # noqa: S311 - a reproducible draw, not a secret
    times: dict[int, int] = {}
    for label in sorted(lines):
        wanted = round(balance.weights[label] * len(lines[label]))
        whole, rest = divmod(wanted, len(lines[label]))
        more = set(draw.sample(lines[label], rest))
        times |= {line: whole + (line in more) for line in lines[label]}
    most = max(times.values())
    return [row for turn in range(most) for row in rows if times[row.line] > turn]


def _labels(train: Source, asked: str) -> tuple[str, dict[int, str]]:
    """Where the labels stand, and line -> label for every row.

    Raises:
        UsageError: rows have none.
    """
    found = labels_of(train.rows, train.extras, asked)
    if found is None:
        raise UsageError(
            "--balance label: no row has a `label`, and the answers are not few and short; name a key "
            f"of rows: --balance KEY, or balance by the answers as they are: --balance {ANSWER}"
        )
    key, labels = found
    if lacking := next((row.line for row in train.rows if row.line not in labels), None):
        raise UsageError(f"--balance {asked}: {train.shown}:{lacking} has no `{key}`.")
    return key, labels


def baselines_of(train: Source, val: Source, split: SplitInfo | None) -> Baselines | None:
    """Always one answer, and words, on the rows of this run; None where its answers are no labels."""
    if labels_of(train.rows, {}) is None:
        return None
    halves = [[(asked_of(row), answer_of(row)) for row in source.rows] for source in (train, val)]
    how = split.words() if split else f"from {val.shown}"
    return baselines(halves[0], halves[1], f"validation rows {how}")
