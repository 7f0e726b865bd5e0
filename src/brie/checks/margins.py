"""What is said of judges that give numbers: their raw letters, and whether their margins are even."""

from __future__ import annotations

from collections.abc import Mapping

from brie.analyse.controls import SUSPICIOUS
from brie.checks.evidence import Evidence
from brie.checks.findings import Figure, Finding
from brie.number_format import p_equals, p_value, percent, plural, quoted
from brie.records.analysis import Analysis
from brie.records.judges import MarginNumbers

LOW_MASS = 0.5
"""Below this mean mass of both letters a judge mostly wants to say something else."""


def by_numbers(evidence: Evidence) -> dict[str, MarginNumbers]:
    """The judges of the headline that give numbers."""
    judges = evidence.analysis.by_judge
    return {
        name: margins
        for name in evidence.table.judges
        if name in judges and (margins := judges[name].margins) is not None
    }


def by_numbers_alone(analysis: Analysis) -> bool:
    """Whether every judge of the headline gives numbers: exchanging the sides turns them round."""
    counting = [judge for judge in analysis.by_judge.values() if not judge.outside]
    return bool(counting) and all(judge.margins for judge in counting)


def margin_figures(numeric: Mapping[str, MarginNumbers]) -> dict[str, Figure]:
    """The figures of a check; none where no judge gives numbers."""
    if not numeric:
        return {}
    parts = {"raw", "spread", "lean", "lean_spread", "mass", "symmetry"}
    return {"margins": {n: m.model_dump(mode="json", include=parts) for n, m in numeric.items()}}


def raw_words(numeric: Mapping[str, MarginNumbers]) -> list[str]:
    """A sentence a judge of letters."""
    told = [(name, letter_words(margins)) for name, margins in numeric.items()]
    return [f"{quoted([name])}: {words}." for name, words in told if words]


def letter_words(margins: MarginNumbers) -> str:
    """ "raw letter A in 224 of 224; margins remove a constant lean, not one that varies by pair: …"."""
    shown = sum(margins.raw.values())
    if not shown or margins.lean is None or margins.lean_spread is None:
        return ""
    letter, often = max(margins.raw.items(), key=lambda entry: entry[1])
    words = (
        f"raw letter {letter} in {often:,} of {shown:,}; margins remove a constant lean "
        f"({margins.lean:+.2g} in log odds of A), not one that varies by pair (sd "
        f"{margins.lean_spread:.2g}, of margins {margins.spread or 0.0:.2g})"
    )
    if margins.mass is not None and margins.mass < LOW_MASS:
        words += f"; both letters together have {percent(margins.mass)} of the probability"
    return words


def uneven(numeric: Mapping[str, MarginNumbers]) -> list[Finding]:
    """Judges whose margins lean to a side although both answers are of one model."""
    return [
        Finding(
            "warn",
            f"Margins of {quoted([name])} between two answers of the same model do not lie evenly about "
            f"zero (p {p_value(margins.symmetry)}, below {p_value(SUSPICIOUS)}).",
            "Look at its verdicts on the controls; leave it out if need be.",
        )
        for name, margins in numeric.items()
        if margins.symmetry is not None and margins.symmetry < SUSPICIOUS
    ]


def evenly(numeric: Mapping[str, MarginNumbers]) -> list[str]:
    """That margins between answers of one model are not shown uneven, where that was asked."""
    known = {name: m.symmetry for name, m in numeric.items() if m.symmetry is not None}
    if not known:
        return ["Two answers of the same model were not compared, so nothing shows margins to be even."]
    least = min(known.values())
    return [f"Between two answers of the same model no lean is shown (p {p_equals(least)})."]


def recognised(numeric: Mapping[str, MarginNumbers]) -> list[str]:
    """How often damage was recognised, a sentence a judge."""
    rates = {name: m.damaged.win_rate for name, m in numeric.items() if m.damaged}
    return [
        f"{quoted([name])} recognised damaged answers in {percent(rate.value)} of "
        f"{plural(rate.prompts, 'prompt')}."
        for name, rate in rates.items()
        if rate is not None
    ]
