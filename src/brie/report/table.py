"""All verdicts as one CSV table: one row a verdict, unblinded, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from brie.records import SCORE
from brie.records.analysis import ComparisonView, JudgedView
from brie.report.clean import cell, clip, one_line
from brie.report.examples import ordered_verdicts

COLUMNS = (
    "prompt", "category", "source", "sample", "judge", "order", "candidate_letter", "status", "winner",
    "score", "candidate_words", "baseline_words", "candidate_finish", "baseline_finish", "reason",
    "margin",
)  # fmt: skip


def verdict_table(comparisons: Sequence[ComparisonView]) -> str:
    """The table as CSV text (RFC 4180, UTF-8, CRLF), rows in the order of prompts and samples.

    After the fixed columns stands one pair of columns for each criterion judges scored. Texts
    that a spreadsheet would run as a formula begin with an apostrophe.
    """
    criteria = sorted({name for view in comparisons for v in view.verdicts for name in v.scores})
    out = io.StringIO()
    writer = csv.writer(out)
    sides = ("candidate", "baseline")
    writer.writerow([*COLUMNS, *(cell(f"{name} ({side})") for name in criteria for side in sides)])
    for view in sorted(comparisons, key=lambda v: (v.prompt_id, v.sample)):
        writer.writerows(_rows(view, criteria))
    return out.getvalue()


def _rows(view: ComparisonView, criteria: Iterable[str]) -> Iterator[list[str]]:
    names = list(criteria)
    words = [str(len(text.split())) for text in (view.candidate_text, view.baseline_text)]
    named = (view.prompt_id, view.category, view.source)
    shared = [*map(_name, named), str(view.sample)]
    for verdict in ordered_verdicts(view):
        yield [
            *shared,
            *_verdict(verdict),
            *words,
            view.candidate_finish,
            view.baseline_finish,
            _reason(verdict.reason),
            verdict.margin or "",
            *_scores(verdict, names),
        ]


def _reason(text: str) -> str:
    """A spreadsheet's cell holds some 32,000 characters; the store keeps the whole reason."""
    shown, remark = clip(text, 10_000)
    return cell(f"{shown} [{remark}]" if remark else shown)


def _verdict(verdict: JudgedView) -> list[str]:
    score = _figure(SCORE[verdict.winner]) if verdict.winner else ""
    return [
        _name(verdict.judge),
        verdict.order,
        verdict.candidate_letter,
        verdict.status.value,
        verdict.winner or "",
        score,
    ]


def _scores(verdict: JudgedView, names: Iterable[str]) -> list[str]:
    cells = [
        verdict.scores.get(name, {}).get(side) for name in names for side in ("candidate", "baseline")
    ]
    return ["" if score is None else _figure(score) for score in cells]


@lru_cache(maxsize=10_000)
def _name(name: str) -> str:
    return cell(one_line(name))


@lru_cache(maxsize=1_000)
def _figure(score: float) -> str:
    return f"{score:g}"
