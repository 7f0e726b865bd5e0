"""Whether judges err on the same comparisons, and how many independent ones they are worth
(docs/statistics.md 9.2).

Only people can tell: an error that all judges share looks like the truth. What people said is the
truth here, with its own noise; where fewer than three voted, that noise makes independent judges
look as if they erred together.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from brie.analyse.agreement import ratio
from brie.analyse.arrays import AnyInts, Floats, Ints, distinct
from brie.analyse.bootstrap import PromptBootstrap

RIGHT = ((1.0, 1.0), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
"""Whether the two judges are right on the four imagined prompts that join every resample."""
_PIECES = 4


@dataclass(frozen=True)
class SharedErrors:
    """Correlation of being right, of every pair of judges that both err; and their mean."""

    pairs: list[tuple[int, int]]
    values: Floats
    """(pairs,)"""
    draws: Floats
    """(resamples, pairs), imagined prompts included."""
    prompts: list[int]
    """Prompts behind each pair."""
    comparisons: list[int]

    @property
    def mean(self) -> tuple[float, Floats]:
        """Over the pairs: the value, and in every resample."""
        return float(self.values.mean()), self.draws.mean(axis=1)


def shared_errors(
    said: Floats, truth: AnyInts, prompt: Ints, bootstrap: PromptBootstrap
) -> SharedErrors | None:
    """Correlation of 1[right] between judges, within what is true: sums of squares and products
    around each class's own means, added up over the classes.

    Args:
        said: (items, judges) categories, NaN where a judge gave none.
        truth: (items,) the category that is right.
        prompt: (items,) the prompt of each.
        bootstrap: its resamples.

    Returns:
        None where no two judges both err and are right within some class.
    """
    classes = np.unique(truth, return_inverse=True)[1]
    right = np.where(np.isfinite(said), said == truth[:, None], np.nan)
    pairs, values, draws, prompts, comparisons = [], [], [], [], []
    for one, two in combinations(range(said.shape[1]), 2):
        both = np.isfinite(right[:, [one, two]]).all(axis=1)
        pieces = _pieces(right[both, one], right[both, two], classes[both], int(classes.max()) + 1)
        value = float(_correlation(pieces.sum(axis=0)[None])[0]) if both.any() else np.nan
        if not np.isfinite(value):
            continue
        drawn = bootstrap.sums(prompt[both], pieces)
        prompts.append(distinct(prompt[both]))
        drawn += bootstrap.imagined @ _imagined(pieces, prompts[-1])
        pairs.append((one, two))
        values.append(value)
        draws.append(_correlation(drawn))
        comparisons.append(len(pieces))
    if not pairs:
        return None
    return SharedErrors(pairs, np.array(values), np.stack(draws, axis=1), prompts, comparisons)


def worth_in_judges(judges: int, correlation: Floats) -> Floats:
    """How many independent judges J are worth: J / (1 + (J - 1) r), r at least 0.

    Judges that err apart more often than chance are not more than so many independent ones.
    """
    return np.asarray(judges / (1 + (judges - 1) * np.clip(correlation, 0.0, 1.0)))


def _pieces(one: Floats, two: Floats, classes: AnyInts, size: int) -> Floats:
    """(items, size * 4): in the columns of an item's class 1, both scores and their product."""
    each = np.stack([np.ones(len(one)), one, two, one * two], axis=1)
    within = np.eye(size)[classes]
    return (within[:, :, None] * each[:, None, :]).reshape(len(one), size * _PIECES)


def _imagined(pieces: Floats, prompts: int) -> Floats:
    """The imagined prompts' pieces (4, columns), spread over the classes as the comparisons are."""
    counts = pieces.reshape(len(pieces), -1, _PIECES)[:, :, 0].sum(axis=0) / prompts
    return np.stack([np.outer(counts, [1.0, one, two, one * two]).ravel() for one, two in RIGHT])


def _correlation(sums: Floats) -> Floats:
    """(draws, classes * 4) -> (draws,)"""
    n, one, two, both = np.moveaxis(sums.reshape(len(sums), sums.shape[1] // _PIECES, _PIECES), 2, 0)
    several = np.maximum(n, 1e-12)
    product = (both - one * two / several).sum(axis=1)
    square = (one - one**2 / several).sum(axis=1) * (two - two**2 / several).sum(axis=1)
    return ratio(product, np.sqrt(np.maximum(square, 0.0)))
