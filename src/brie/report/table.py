"""All verdicts as one CSV table: one row a verdict, unblinded, safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from brie.analyse.arrays import Ints
from brie.records import SCORE
from brie.records.analysis import ComparisonView, JudgedView
from brie.report.clean import cell, clip, not_run, one_line
from brie.report.comparisons import Compared, Comparisons, Pair, VerdictBlock, comparisons_of

COLUMNS = (
    "prompt", "category", "source", "sample", "judge", "order", "candidate_letter", "status", "winner",
    "score", "candidate_words", "baseline_words", "candidate_finish", "baseline_finish", "reason",
    "margin",
)  # fmt: skip


def verdict_table(comparisons: Comparisons | Sequence[ComparisonView]) -> str:
    """The whole table as one text: `table_pieces`."""
    return "".join(table_pieces(comparisons))


def table_pieces(comparisons: Comparisons | Sequence[ComparisonView]) -> Iterator[str]:
    """The table as CSV text (RFC 4180, UTF-8, CRLF), rows in the order of prompts and samples.

    After the fixed columns stands one pair of columns for each criterion judges scored. Texts
    that a spreadsheet would run as a formula begin with an apostrophe. It comes piece by piece: the
    whole of a large one need not be in memory.
    """
    every = comparisons_of(comparisons)
    criteria = every.criteria()
    sides = ("candidate", "baseline")
    yield _line([*COLUMNS, *(cell(f"{name} ({side})") for name in criteria for side in sides)]) + _END
    for block in every.blocks():
        yield _text(block, criteria)


_END = "\r\n"


def _text(block: VerdictBlock, criteria: Sequence[str]) -> str:
    """The lines of a block. What many of them share is written once, and a line is joined of it."""
    heads = [_head(each) for each in block.compared]
    answers = [_answers(each) for each in block.compared]
    said = {id(verdict): verdict for verdict in block.said}
    wrote = {name: _line(_verdict(verdict)) for name, verdict in said.items()}
    return "".join(
        f"{heads[at]},{wrote[id(verdict)]},{answers[at]},{_quoted(_reason(reason))},{margin or ''}"
        f"{scores}{_END}"
        for at, verdict, reason, margin, scores in zip(
            block.comparison, block.said, block.reason, block.margin, _scores(block, criteria),
            strict=True,
        )
    )  # fmt: skip


def _line(cells: Iterable[str]) -> str:
    return ",".join(map(_quoted, cells))


def _quoted(text: str) -> str:
    """A cell as `csv.writer` writes it, which takes ten times as long for a long text."""
    if "," in text or '"' in text or "\n" in text or "\r" in text:
        return '"' + text.replace('"', '""') + '"'
    return text


def _head(compared: Compared) -> str:
    named = (compared.prompt_id, compared.category, compared.source)
    return _line([*map(_name, named), str(compared.sample)])


def _answers(compared: Compared) -> str:
    words = [str(len(text.split())) for text in (compared.candidate_text, compared.baseline_text)]
    return _line([*words, compared.candidate_finish, compared.baseline_finish])


def _reason(text: str) -> str:
    """A spreadsheet's cell holds some 32,000 characters; the store keeps the whole reason."""
    shown, remark = clip(text, 10_000)
    return not_run(f"{shown} [{remark}]" if remark else shown)


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


def _scores(block: VerdictBlock, criteria: Sequence[str]) -> list[str]:
    """What stands after the fixed columns, one text a verdict."""
    columns = []
    nothing: tuple[list[Pair], Ints] = [(None, None)], np.zeros(len(block.said), np.int64)
    for pairs, of_verdict in (block.scores.get(name, nothing) for name in criteria):
        texts = np.array([f",{_figure(one)},{_figure(other)}" for one, other in pairs], np.object_)
        columns.append(texts[of_verdict].tolist())
    return ["".join(row) for row in zip(*columns, strict=True)] if columns else [""] * len(block.said)


@lru_cache(maxsize=10_000)
def _name(name: str) -> str:
    return cell(one_line(name))


@lru_cache(maxsize=1_000)
def _figure(score: float | None) -> str:
    return "" if score is None else f"{float(score):g}"
