"""What narrows people's rate most: votes, prompts, or one more judge (docs/statistics.md 9.4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

from brie.analyse.arrays import t_quantile


@dataclass(frozen=True)
class Anchored:
    """A design whose rate is people's, and what the judges are worth in it."""

    votes: int
    """Prompts that people voted on: m."""
    others: int
    """Prompts that only judges have judged: n."""
    correlation: float
    """rho: of the panel's prompt means with people's."""
    half_width: float
    """Of people's rate on new prompts as it is, in units of the win rate."""
    level: float = 0.95

    def with_votes(self, more: int) -> float:
        """Half-width after people vote on more of the prompts, at most all of them."""
        more = min(more, self.others)
        return self._scaled(replace(self, votes=self.votes + more, others=self.others - more))

    def with_prompts(self, more: int) -> float:
        """Half-width after the judges judge more prompts that nobody votes on."""
        return self._scaled(replace(self, others=self.others + more))

    def with_correlation(self, correlation: float) -> float:
        """Half-width with judges of another correlation with people."""
        return self._scaled(replace(self, correlation=correlation))

    def _scaled(self, design: Anchored) -> float:
        return self.half_width * _relative(design) / _relative(self)


def one_more_judge(judges: int, *, panel: float, alone: float) -> float:
    """The panel's correlation with people after one more judge like the ones it has.

    With rho_1 that of one judge and c the correlation between two, J judges have
    rho_J^2 = rho_1^2 J / (1 + (J - 1) c) (Spearman 1910, Brown 1910); c follows from rho_1 and rho_J.

    Args:
        judges: how many there are, at least 2: one says nothing of c.
        panel: their correlation with people together.
        alone: the mean of each one's.

    Raises:
        ValueError: fewer than two judges.
    """
    if judges < 2:
        raise ValueError("how alike judges are cannot be known from one")
    if panel <= 0 or alone <= 0:
        return panel
    alike = min(max((judges * alone**2 / panel**2 - 1) / (judges - 1), 0.0), 1.0)
    more = panel * sqrt((judges + 1) * (1 + (judges - 1) * alike) / (judges * (1 + judges * alike)))
    return min(more, 1.0)


def _relative(design: Anchored) -> float:
    """Half-width up to a factor: t(m - 1) sqrt((1 - rho^2 n / (n + m)) / m)."""
    m, n = design.votes, design.others
    saved = max(design.correlation, 0.0) ** 2 * n / (n + m)
    return t_quantile((1 + design.level) / 2, m - 1) * sqrt((1 - saved) / m)
