"""How judges agree: `agreement` of `analysis.json`, and of `brie.agreement/1` documents."""

from __future__ import annotations

from pydantic import Field

from brie.records.base import Record
from brie.records.estimates import Ends, Estimate

Shares = dict[str, float]
"""Outcome -> its share of verdicts."""


class PairAgreement(Record):
    """Two judges on the comparisons both have judged; a coefficient is None where it is not defined."""

    judges: tuple[str, str]
    n: int
    """Comparisons."""
    prompts: int = 0
    percent: Estimate | None = None
    kappa: Estimate | None = None
    alpha: Estimate | None = None
    alpha_ordinal: Estimate | None = None
    ac1: Estimate | None = None
    confusion: tuple[tuple[int, ...], ...] = ()
    """What the first judge said by what the second said, in the order of `outcomes`."""
    outcomes: tuple[str, ...] = ()
    marginals: dict[str, Shares] = Field(default_factory=dict)
    """Judge -> how often it says what."""
    marginal_intervals: dict[str, dict[str, Ends]] = Field(default_factory=dict)
    """Empty where prompts are too few."""


class PanelCoefficients(Record):
    """Coefficients over all judges at once."""

    percent: Estimate | None = None
    alpha: Estimate | None = None
    alpha_ordinal: Estimate | None = None
    ac1: Estimate | None = None


class PanelAgreement(PanelCoefficients):
    """The whole panel."""

    kappa: Estimate | None = None
    """Mean of the pairs' kappas."""
    unanimous: float
    """Share of comparisons on which all judges say the same."""
    marginals: Shares = Field(default_factory=dict)
    n: int
    """Comparisons with two verdicts."""
    prompts: int = 0
    precision_gain: Estimate | None = None
    """How far the panel narrows the interval; not validity."""
    effective_judges: float | None = None
    """From people's votes on drawn prompts; None without them."""


class CategoryAgreement(Record):
    """Pairs and panel on the prompts of one category."""

    pairs: tuple[PairAgreement, ...] = ()
    panel: PanelCoefficients | None = None
    prompts: int = 0


class Disagreement(Record):
    """A comparison that judges disagree on, to be read."""

    prompt: str
    sample: int
    spread: float
    """Largest score minus smallest."""
    scores: dict[str, float]
    """Judge -> score for the candidate."""
    id: str = ""
    """Of several evaluations: the prompt's own id."""
    evaluation: str = ""
    """Of several evaluations: which."""


class Consistency(Record):
    """A judge asked again in the same order."""

    same: Estimate | None
    """How often it says the same."""
    n: int
    """Verdicts asked for again."""


class Agreement(Record):
    """How far judges agree."""

    unit: str = "comparison"
    """"comparison" (orders averaged), or "row" where too few pairs were judged in both orders."""
    pairs: tuple[PairAgreement, ...] = ()
    panel: PanelAgreement | None = None
    by_category: dict[str, CategoryAgreement] = Field(default_factory=dict)
    disagreements: tuple[Disagreement, ...] = ()
    consistency: dict[str, Consistency] = Field(default_factory=dict)
    """Judges that were asked again."""


def coefficients(entry: PairAgreement | PanelCoefficients) -> dict[str, Estimate | None]:
    """Name -> coefficient, for those that were computed; None where one is not defined."""
    kappa = entry.kappa if isinstance(entry, PairAgreement | PanelAgreement) else None
    every = {
        "percent": entry.percent, "kappa": kappa, "alpha": entry.alpha,
        "alpha_ordinal": entry.alpha_ordinal, "ac1": entry.ac1,
    }  # fmt: skip
    return {name: value for name, value in every.items() if name in entry.model_fields_set}
