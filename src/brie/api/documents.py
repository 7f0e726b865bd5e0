"""Documents of several evaluations, and plans, as Python shows them: a line, a table, a DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brie.api.results import Row, frame
from brie.number_format import dollars, p_equals, percent, plural, signed, signed_span, two_digits
from brie.records.estimates import Estimate
from brie.records.studies import AgreementDocument, ComparisonDocument
from brie.report.agreement_words import lead
from brie.report.notebook import table_html
from brie.studies.planning import Design

if TYPE_CHECKING:
    from pandas import DataFrame


class Comparison(ComparisonDocument):
    """What `brie compare` says."""

    @classmethod
    def of(cls, document: ComparisonDocument) -> Comparison:
        """A document that shows itself."""
        return Comparison.model_construct(document.model_fields_set, **document.__dict__)

    def __repr__(self) -> str:
        told = "; ".join(f"{a} minus {b} {gap} (p {p})" for a, b, gap, _, p in self._lines())
        return f"<brie comparison of {plural(len(self.evaluations), 'evaluation')}: {told}>"

    def _repr_html_(self) -> str:
        rows = [(f"{a} minus {b}", gap, ends, p) for a, b, gap, ends, p in self._lines()]
        head = ("Candidates", "Points", "Interval", "p")
        return table_html("Compared prompt by prompt", head, rows, (self.scope, *self.warnings))

    def to_pandas(self) -> DataFrame:
        """One difference a row."""
        return frame([difference.model_dump(mode="json") for difference in self.differences])

    def _lines(self) -> list[tuple[str, str, str, str, str]]:
        names = {key: compared.candidate for key, compared in self.evaluations.items()}
        if len(set(names.values())) < len(names):
            names = {key: f"{name} ({key})" for key, name in names.items()}
        lines = []
        for gap in self.differences:
            low, high = gap.simultaneous or (gap.low, gap.high)
            ends = "–" if low is None or high is None else signed_span(low, high)
            pair = (names[gap.first], names[gap.second])
            lines.append((*pair, signed(gap.value), ends, p_equals(gap.p_adjusted)))
        return lines


class Agreed(AgreementDocument):
    """What `brie agreement` says."""

    @classmethod
    def of(cls, document: AgreementDocument) -> Agreed:
        """A document that shows itself."""
        return Agreed.model_construct(document.model_fields_set, **document.__dict__)

    def __repr__(self) -> str:
        told = lead(self).replace("`", "")
        return f"<brie agreement of {plural(len(self.judges), 'judge')}: {told}>"

    def _repr_html_(self) -> str:
        rows = [
            (
                " and ".join(pair.judges), f"{pair.n:,}", _share(pair.percent),
                _coefficient(pair.kappa), _coefficient(pair.alpha), _coefficient(pair.ac1),
            )
            for pair in self.agreement.pairs
        ]  # fmt: skip
        head = ("Judges", "Comparisons", "Equal", "Kappa", "Alpha", "AC1")
        return table_html(lead(self).replace("`", ""), head, rows, self.warnings)

    def to_pandas(self) -> DataFrame:
        """One pair of judges a row."""
        rows: list[Row] = []
        for pair in self.agreement.pairs:
            row: Row = {"first": pair.judges[0], "second": pair.judges[1], "comparisons": pair.n}
            for name, estimate in (
                ("percent", pair.percent), ("kappa", pair.kappa), ("alpha", pair.alpha),
                ("ac1", pair.ac1),
            ):  # fmt: skip
                row[name] = estimate.value if estimate else None
                row[f"{name}_low"] = estimate.low if estimate else None
                row[f"{name}_high"] = estimate.high if estimate else None
            rows.append(row)
        return frame(rows)


@dataclass(frozen=True, repr=False)
class Planned(Design):
    """What `brie plan` says."""

    @classmethod
    def of(cls, design: Design) -> Planned:
        """A plan that shows itself."""
        return cls(design.suite, design.prompts, design.rows, design.judges)

    def __repr__(self) -> str:
        told = "; ".join(f"{samples} finds {found}" for samples, _, found, *_ in self._lines())
        return f"<brie plan of suite {self.suite}, {plural(self.prompts, 'prompt')}: {told}>"

    def _repr_html_(self) -> str:
        head = ("Design", "Orders", "Finds a win rate from", "Prompts for equivalent", "Price")
        return table_html(f"Suite {self.suite}, {plural(self.prompts, 'prompt')}", head, self._lines())

    def to_pandas(self) -> DataFrame:
        """One design a row."""
        return frame([row.model_dump(mode="json") for row in self.document().rows])

    def _lines(self) -> Sequence[tuple[str, str, str, str, str]]:
        """The designs; where nothing was measured or priced, orders do not differ."""
        return [
            (
                plural(row.power.samples, "sample"), row.positions,
                "nothing" if row.power.detectable is None else percent(row.power.detectable),
                f"{row.power.equivalence:,}",
                "–" if row.price is None or row.price.usd is None else dollars(row.price.usd),
            )
            for row in self.rows
            if row.price or row.measured or row.positions == self.rows[0].positions
        ]  # fmt: skip


def _coefficient(estimate: Estimate | None) -> str:
    if estimate is None:
        return "–"
    if estimate.low is None or estimate.high is None:
        return two_digits(estimate.value)
    ends = f"{two_digits(estimate.low)} to {two_digits(estimate.high)}"
    return f"{two_digits(estimate.value)} ({ends})"


def _share(estimate: Estimate | None) -> str:
    return "–" if estimate is None else percent(estimate.value)
