"""What a judge adds to people's votes, and its own rate corrected by them (docs/statistics.md 9.3).

All of it on prompt means: people's on the m prompts they voted on, the judges' on those and on the n
others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brie.analyse.agreement import ratio
from brie.analyse.arrays import Floats
from brie.analyse.bootstrap import PromptBootstrap

_PEOPLE = np.array([1.0, 0.0, 1.0, 0.0])
"""What people say of the four imagined prompts."""
_RIGHT_THEN_WRONG = np.array([[1.0], [0.0], [0.0], [1.0]])
"""What every judge says of them: twice what people say, twice the opposite."""


@dataclass(frozen=True)
class Drawn:
    """A quantity: its value and its resamples, a column a judge."""

    values: Floats
    """(judges,)"""
    draws: Floats
    """(resamples, judges), imagined prompts included."""


@dataclass(frozen=True)
class Worth:
    """What judges are worth beside people's votes."""

    correlation: Drawn
    """Of the judge's prompt means with people's."""
    narrows: Drawn
    """Share by which the variance of people's rate on new prompts falls with the judge."""
    corrected: Drawn
    """The judge's rate corrected for how often it is right; NaN where it is right no more often than a
    coin."""

    def tells(self, judge: int, level: float) -> bool:
        """Whether the votes show that a judge is right more often than a coin: else its corrected rate
        may be anything (Fieller 1954)."""
        undefined = float(np.isnan(self.corrected.draws[:, judge]).mean())
        return bool(np.isfinite(self.corrected.values[judge])) and undefined <= (1 - level) / 2


def worth(
    people: Floats,
    judged: Floats,
    others: Floats,
    *,
    rng: np.random.Generator,
    resamples: int = 9999,
    imagined: Floats | None = None,
) -> Worth:
    """Correlation, gain and the Rogan-Gladen rate of several judges.

    With lambda = cov(Y, f) / ((1 + m/n) var f) between 0 and 1, the variance of people's rate falls by
    (2 lambda cov(Y, f) - lambda^2 (1 + m/n) var f) / var Y: rho^2 n / (n + m) where lambda is not cut
    off (Angelopoulos, Duchi and Zrnic 2023).

    Args:
        people: (m,) people's mean of each labelled prompt.
        judged: (m, judges) the judges' of the same.
        others: (n, judges) of all other prompts, n may be 0.
        rng: of the resamples.
        resamples: how many.
        imagined: (4, judges) what they say of the imagined prompts, of which people say win, loss, win,
            loss; twice the same and twice the opposite by default.
    """
    m, n = len(people), len(others)
    pieces = _pieces(people, judged)
    boot = PromptBootstrap.draw(m, rng, resamples)
    said = np.broadcast_to(_RIGHT_THEN_WRONG, (4, judged.shape[1])) if imagined is None else imagined
    corners = _pieces(_PEOPLE, said)
    drawn = boot.sums(np.arange(m), pieces) + boot.imagined @ corners
    whole = pieces.sum(axis=0)[None]
    apart, apart_drawn = _means_of(others, judged.shape[1], rng, resamples)
    value, draws = _moments(whole), _moments(drawn)
    return Worth(
        Drawn(value.correlation[0], draws.correlation),
        Drawn(value.narrows(m, n)[0], draws.narrows(m, n)),
        Drawn(value.corrected(apart, m, n)[0], draws.corrected(apart_drawn, m, n)),
    )


def gain(
    people: Floats, judged: Floats, others: Floats, *, rng: np.random.Generator, resamples: int = 9999
) -> tuple[float, Floats]:
    """What a panel's `narrows` is more than without its first judge: the value, and its resamples.

    On two imagined prompts that judge alone is right, on two the others.

    Args:
        people: (m,) people's mean of each labelled prompt.
        judged: (m, judges) the panel's judges', of the same.
        others: (n, judges) of all other prompts.
        rng: of the resamples.
        resamples: how many.
    """

    def grouped(each: Floats) -> Floats:
        return np.stack([each.mean(axis=1), each[:, 1:].mean(axis=1)], axis=1)

    said = np.repeat(np.array([[0.0], [1.0], [1.0], [0.0]]), judged.shape[1], axis=1)
    said[:, 0] = 1 - said[:, 0]
    made = worth(
        people, grouped(judged), grouped(others), rng=rng, resamples=resamples, imagined=grouped(said)
    )
    whole, without = made.narrows.draws.T
    return float(made.narrows.values[0] - made.narrows.values[1]), whole - without


@dataclass(frozen=True)
class _Moments:
    """Of draws and judges: means, variances and covariance of people's means Y and a judge's f."""

    mean_y: Floats
    mean_f: Floats
    mean_yf: Floats
    var_y: Floats
    var_f: Floats

    @property
    def cov(self) -> Floats:
        return self.mean_yf - self.mean_y * self.mean_f

    @property
    def correlation(self) -> Floats:
        return ratio(self.cov, np.sqrt(np.maximum(self.var_y * self.var_f, 0.0)))

    def narrows(self, m: int, n: int) -> Floats:
        """Share of the variance that the judges take away; 0 where every prompt has a vote."""
        if n < 2:
            return np.zeros_like(self.mean_f)
        scale = (1 + m / n) * self.var_f
        weight = np.clip(np.nan_to_num(ratio(self.cov, scale)), 0.0, 1.0)
        saved = ratio(2 * weight * self.cov - weight**2 * scale, self.var_y)
        return np.asarray(np.clip(saved, 0.0, 1.0) + 0.0)

    def corrected(self, others: Floats, m: int, n: int) -> Floats:
        """Rogan and Gladen 1978: (f - (1 - specificity)) / (sensitivity + specificity - 1)."""
        sensitivity = ratio(self.mean_yf, self.mean_y)
        false_wins = ratio(self.mean_f - self.mean_yf, 1 - self.mean_y)
        apparent = (m * self.mean_f + n * others) / (m + n) if n else self.mean_f
        tells = sensitivity - false_wins
        rate = np.clip(ratio(apparent - false_wins, tells), 0.0, 1.0)
        return np.asarray(np.where(tells > 0, rate, np.nan))


def _pieces(people: Floats, judged: Floats) -> Floats:
    """(prompts, 3 + 3 judges): 1, Y, Y^2, and f, f^2, Y f of every judge."""
    y = people[:, None]
    return np.concatenate([np.ones_like(y), y, y**2, judged, judged**2, y * judged], axis=1)


def _moments(sums: Floats) -> _Moments:
    judges = (sums.shape[1] - 3) // 3
    mean = sums / sums[:, :1]
    y, square = mean[:, 1:2], mean[:, 2:3]
    f, f_square, yf = (mean[:, 3 + k * judges : 3 + (k + 1) * judges] for k in range(3))
    return _Moments(np.broadcast_to(y, f.shape), f, yf, np.broadcast_to(square - y**2, f.shape),
                    f_square - f**2)  # fmt: skip


def _means_of(
    others: Floats, judges: int, rng: np.random.Generator, resamples: int
) -> tuple[Floats, Floats]:
    """Mean of each judge over the prompts without votes, and in every resample of them."""
    if not len(others):
        return np.zeros((1, judges)), np.zeros((resamples, judges))
    boot = PromptBootstrap.draw(len(others), rng, resamples)
    sums = boot.sums(np.arange(len(others)), np.column_stack([others, np.ones(len(others))]))
    return others.mean(axis=0)[None], sums[:, :-1] / sums[:, -1:]
