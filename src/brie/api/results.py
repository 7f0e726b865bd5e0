"""What Python gets back: numbers that show themselves in a line, in a notebook, and as DataFrames."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import PosixPath
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import JsonValue

from brie.checks import standing_of
from brie.errors import UsageError, unknown
from brie.evaluation.gather import gather
from brie.evaluation.results import Outcome, write_audit
from brie.evaluation.views import comparison_views
from brie.number_format import plural, points
from brie.project import Project
from brie.records import SCORE
from brie.records.analysis import Analysis, ComparisonView, VerdictWord
from brie.records.estimates import WinRate
from brie.report.clean import one_line
from brie.report.leaderboard import table_of, title_of
from brie.report.notebook import result_html
from brie.report.opening import likely, prompts_words
from brie.store import Store

if TYPE_CHECKING:
    from pandas import DataFrame

Row: TypeAlias = dict[str, JsonValue]
What = Literal["verdicts", "prompts", "judges"]


class ReportFile(PosixPath):
    """Where a report lies: a path, and called it opens the page."""

    def __call__(self, *, open: bool = True) -> ReportFile:
        """Open the page in a browser, where there is one; `open=False` only gives the path."""
        if open:
            webbrowser.open(self.resolve().as_uri())
        return self


def frame(rows: Sequence[Row]) -> DataFrame:
    """Rows as a DataFrame.

    Raises:
        UsageError: pandas is not installed; says how to get it.
    """
    try:
        pandas = import_module("pandas")
    except ImportError as error:
        raise UsageError("this needs pandas: pip install 'brie-eval[pandas]'") from error
    made: DataFrame = pandas.DataFrame.from_records(list(rows))
    return made


def said(analysis: Analysis) -> str:
    """A result in one line."""
    table, rate = table_of(analysis), analysis.win_rate
    names = one_line(title_of(analysis), 120).replace("`", "")
    if table is not None:
        return f"<brie {names}: {plural(len(table.models), 'model')}>"
    if rate is None:
        return f"<brie {names}: no win rate>"
    standing = standing_of(analysis)
    word = "INTERIM" if analysis.interim else analysis.verdict or "no verdict"
    state = "" if standing is None or standing.state == "stands" else f", {standing.state}"
    share = f"{points(rate.value)} of 100, {likely(analysis, rate)}"
    return f"<brie {names}: {word}{state}; {share}; {prompts_words(analysis, rate)}>"


@dataclass(frozen=True, repr=False)
class Evaluated(Outcome):
    """An evaluation, as far as it has come; `report` is a path that opens when it is called."""

    project: Project = field(kw_only=True)

    @classmethod
    def of(cls, outcome: Outcome, project: Project) -> Evaluated:
        """An outcome with its project."""
        return cls(
            outcome.evaluation, outcome.analysis, ReportFile(outcome.report), outcome.completions,
            outcome.verdicts, outcome.stopped, project=project,
        )  # fmt: skip

    @property
    def id(self) -> str:
        """What commands call it."""
        return self.evaluation.manifest.id

    @property
    def verdict(self) -> VerdictWord | None:
        """`better`, `worse`, `equivalent` or `undecided`; what may be said of it is the standing."""
        return self.analysis.verdict

    @property
    def win_rate(self) -> WinRate | None:
        """The candidate's, with its interval."""
        return self.analysis.win_rate

    def __repr__(self) -> str:
        return said(self.analysis)

    def _repr_html_(self) -> str:
        report = self.project.relative(self.report)
        return result_html(self.analysis, self.evaluation.manifest, report)

    def to_pandas(self, what: What = "prompts") -> DataFrame:
        """Its verdicts, prompts or judges, one a row.

        Raises:
            UsageError: pandas is not installed, or `what` is none of the three.
        """
        tables: dict[str, Callable[[], Iterator[Row]]] = {
            "verdicts": lambda: _verdicts(self._views()),
            "prompts": lambda: _prompts(self._views()),
            "judges": lambda: _judges(self.analysis),
        }
        if what not in tables:
            raise unknown("table", what, tables)
        return frame(list(tables[what]()))

    def _views(self) -> list[ComparisonView]:
        with Store.open(self.project.store, read_only=True) as store:
            return list(comparison_views(gather(self.evaluation.manifest, store)))


@dataclass(frozen=True, repr=False)
class Audited:
    """What judgments of another tool show; nothing is written before `report` is called."""

    analysis: Analysis
    project: Project

    @property
    def verdict(self) -> VerdictWord | None:
        """As an evaluation's."""
        return self.analysis.verdict

    @property
    def win_rate(self) -> WinRate | None:
        """The candidate's, with its interval."""
        return self.analysis.win_rate

    def __repr__(self) -> str:
        return said(self.analysis)

    def _repr_html_(self) -> str:
        return result_html(self.analysis, None, "")

    def to_pandas(self, what: Literal["judges"] = "judges") -> DataFrame:
        """Its judges, one a row; verdicts and prompts are those of the files.

        Raises:
            UsageError: pandas is not installed, or `what` is another.
        """
        if what != "judges":
            raise unknown(
                "table", what, ("judges",), "Verdicts and prompts are in the files themselves."
            )
        return frame(list(_judges(self.analysis)))

    def report(self, *, open: bool = True) -> ReportFile:
        """Write the report, and open it in a browser where there is one."""
        return ReportFile(write_audit(self.analysis, self.project))(open=open)


# --- rows ------------------------------------------------------------------------------------


def _verdicts(views: Sequence[ComparisonView]) -> Iterator[Row]:
    for view in views:
        for verdict in view.verdicts:
            scores: Row = {
                f"{criterion} ({side})": score
                for criterion, by_side in verdict.scores.items()
                for side, score in by_side.items()
            }
            yield {
                "prompt": view.prompt_id, "category": view.category, "source": view.source,
                "sample": view.sample, "judge": verdict.judge, "order": verdict.order,
                "candidate_letter": verdict.candidate_letter, "status": verdict.status.value,
                "winner": verdict.winner,
                "score": SCORE[verdict.winner] if verdict.winner else None,
                "margin": verdict.margin, "reason": verdict.reason, **scores,
            }  # fmt: skip


def _prompts(views: Sequence[ComparisonView]) -> Iterator[Row]:
    by_prompt: dict[str, list[ComparisonView]] = {}
    for view in views:
        by_prompt.setdefault(view.prompt_id, []).append(view)
    for name, samples in by_prompt.items():
        scores = [view.score for view in samples if view.score is not None]
        first = samples[0]
        yield {
            "prompt": name, "category": first.category, "source": first.source,
            "text": first.messages[-1].content, "reference": first.reference,
            "samples": len(samples),
            "score": sum(scores) / len(scores) if scores else None,
            "verdicts": sum(len(view.verdicts) for view in samples),
            "candidate": first.candidate_text, "baseline": first.baseline_text,
        }  # fmt: skip


def _judges(analysis: Analysis) -> Iterator[Row]:
    for name, judge in analysis.by_judge.items():
        rate, outcomes = judge.win_rate, judge.outcomes
        low, high = (rate.ends if rate else None) or (None, None)
        yield {
            "judge": name, "provider": judge.provider, "model": judge.model,
            "instrument": judge.instrument, "win_rate": rate.value if rate else None,
            "low": low, "high": high, "prompts": rate.prompts if rate else 0,
            "win": outcomes.win if outcomes else None, "tie": outcomes.tie if outcomes else None,
            "loss": outcomes.loss if outcomes else None,
            "invalid": judge.invalid, "refused": judge.refused, "error": judge.error,
            "missing": judge.missing,
        }  # fmt: skip
