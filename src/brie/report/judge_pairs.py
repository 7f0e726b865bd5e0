"""How far judges agree, as it is shown: pair by pair, as a square, and the panel as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brie.number_format import percent, two_digits
from brie.records.agreement import PairAgreement
from brie.records.analysis import Analysis
from brie.report.clean import one_line
from brie.report.coefficients import Measured, measured


@dataclass(frozen=True)
class AgreementCell:
    """How far two judges agree."""

    kappa: Measured | None
    percent: Measured | None
    n: int

    @classmethod
    def of(cls, pair: PairAgreement) -> AgreementCell:
        """One pair of judges."""
        return cls(measured(pair.kappa), measured(pair.percent), pair.n)

    @property
    def shade(self) -> int:
        """0 to 4, for the heat map."""
        return 0 if self.kappa is None else min(4, max(0, int(self.kappa[0] * 5)))


@dataclass(frozen=True)
class AgreementSquare:
    """Judges by judges; None on the diagonal and where two judges share no comparison."""

    names: list[str]
    rows: list[list[AgreementCell | None]]


def agreement_square(pairs: Sequence[PairAgreement]) -> AgreementSquare | None:
    """Pairs of judges as a square; None where there are none."""
    if not pairs:
        return None
    names = list(dict.fromkeys(name for pair in pairs for name in pair.judges))
    cells: dict[tuple[str, str], AgreementCell] = {}
    for pair in pairs:
        first, second = pair.judges
        cells[first, second] = cells[second, first] = AgreementCell.of(pair)
    return AgreementSquare(names, [[cells.get((row, column)) for column in names] for row in names])


def people_agreement(analysis: Analysis) -> list[tuple[str, str, AgreementCell]]:
    """Voter, judge, and how far the two agree on the comparisons the voter voted on."""
    return [
        (
            one_line(voter, 80),
            one_line(pair.judges[1], 80),
            AgreementCell.of(pair),
        )
        for voter, judge in analysis.by_judge.items()
        for pair in judge.agreement
    ]


def panel_agreement(analysis: Analysis) -> list[str]:
    """What the panel as a whole agrees on, in sentences."""
    panel = analysis.agreement.panel if analysis.agreement else None
    if panel is None:
        return []
    alpha, gain, sentences = panel.alpha, panel.precision_gain, []
    if alpha:
        ends = ""
        if alpha.low is not None and alpha.high is not None:
            ends = f" ({two_digits(alpha.low)} to {two_digits(alpha.high)})"
        sentences.append(f"Krippendorff's alpha of the panel is {two_digits(alpha.value)}{ends}.")
    sentences.append(f"The judges were unanimous in {percent(panel.unanimous)} of shown pairs.")
    if gain:
        sentences.append(
            f"Together they narrow the interval like {gain.value:.1f} judges would; "
            "that says nothing about validity."
        )
    return sentences
