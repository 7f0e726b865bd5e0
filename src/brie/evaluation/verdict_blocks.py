"""All verdicts in the order of a table: from the rows' columns, and the reasons from the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from brie.analyse.arrays import Ints
from brie.blinding import by_sides
from brie.evaluation.columns import Columns, Given, Rows
from brie.evaluation.rows import EvaluationData, RowsInColumns, VerdictRow
from brie.records import VerdictLite
from brie.records.analysis import JudgedView
from brie.report.comparisons import Compared, Pair, VerdictBlock

SAME = "the answers are identical"
"""Stands where a judge's reason would, had one been asked."""
_TOGETHER = 2_000
"""Verdicts in one block."""


def verdict_blocks(
    facts: EvaluationData, rows: Rows, judged: Callable[[VerdictRow], JudgedView]
) -> Iterator[VerdictBlock]:
    """Verdicts as a table lists them.

    Args:
        facts: the evaluation's rows; where they have no texts, its store must be open.
        rows: which of them, in the order in which equal ones are listed.
        judged: a row as people read it.
    """
    columns = facts.columns
    rows = rows[_order(facts, rows)]
    said, alike = _alike(columns, rows)
    shown = [judged(facts.facts[at]) for at in said.tolist()]
    reasons = _reasons(facts, rows)
    for start in range(0, len(rows), _TOGETHER):
        part = slice(start, start + _TOGETHER)
        yield _block(facts, rows[part], [shown[at] for at in alike[part].tolist()], reasons(part))


def _order(facts: EvaluationData, rows: Rows) -> Rows:
    columns = facts.columns
    prompts, judges = _ranks(facts.manifest.plan.order), _ranks(columns.names)
    keys = (-columns.position, judges[columns.judge], columns.sample, prompts[columns.prompt])
    return np.lexsort([key[rows] for key in keys])


def _ranks(names: Sequence[str]) -> Ints:
    """Place of each name among them all, sorted."""
    ranks = np.empty(len(names), np.int64)
    ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return ranks


def _alike(columns: Columns, rows: Rows) -> tuple[Rows, Ints]:
    """One row of each kind that differ in who said what, and for every row its kind."""
    parts = (
        columns.judge, columns.position + 1, columns.label + 1, columns.status,
        np.nan_to_num(2 * columns.score + 1).astype(np.int64),
    )  # fmt: skip
    code = np.zeros(len(rows), np.int64)
    for part in parts:
        code = code * (int(part.max(initial=0)) + 1) + part[rows]
    _, first, number = np.unique(code, return_index=True, return_inverse=True)
    return rows[first], number


def _reasons(facts: EvaluationData, rows: Rows) -> Callable[[slice], list[str]]:
    """What stands as the reason in some of the rows."""
    source, same = facts.source, facts.columns.identical[rows]
    asked = facts.columns.heard[rows] & ~same
    numbers = np.zeros(len(rows), np.int64)
    if source is not None:
        keys = facts.keys(rows[asked])
        of_key = source.numbers_of(keys)
        numbers[asked] = np.fromiter((of_key[key] for key in keys), np.int64, len(keys))

    def read(part: slice) -> list[str]:
        if source is None:
            said = [verdict.reason if verdict else "" for verdict in _verdicts(facts, rows[part])]
        else:
            some = numbers[part].tolist()
            reasons = source.reasons(filter(None, some))
            said = [reasons.get(number, "") for number in some]
        return [SAME if alike else reason for reason, alike in zip(said, same[part], strict=True)]

    return read


def _verdicts(facts: EvaluationData, rows: Rows) -> list[VerdictLite | None]:
    return [facts.facts[at].verdict for at in rows.tolist()]


def _block(
    facts: EvaluationData, rows: Rows, said: Sequence[JudgedView], reasons: Sequence[str]
) -> VerdictBlock:
    columns, given = facts.columns, _given(facts, rows)
    new = np.diff(columns.comparison[rows], prepend=-1) != 0
    return VerdictBlock(
        compared=[_compared(facts, at) for at in rows[new].tolist()],
        comparison=(np.cumsum(new) - 1).tolist(),
        said=said,
        reason=reasons,
        margin=given.margin,
        scores={name: _by_side(each, columns.label[rows]) for name, each in given.scores.items()},
    )


def _given(facts: EvaluationData, rows: Rows) -> Given:
    if isinstance(facts.facts, RowsInColumns):
        return facts.facts.given(rows)
    return Given.of(_verdicts(facts, rows))


def _by_side(scores: tuple[Sequence[Mapping[str, float]], Ints], label: Ints) -> tuple[list[Pair], Ints]:
    by_letter, of_row = scores
    pairs = [by_sides(each, way) for each in by_letter for way in (-1, 1)]
    return pairs, 2 * of_row + (label > 0)


def _compared(facts: EvaluationData, at: int) -> Compared:
    columns = facts.columns
    prompt = facts.work.prompts[facts.manifest.plan.order[columns.prompt[at]]]
    candidate, baseline = (facts.completions[key] for key in columns.pairs[columns.pair[at]])
    return Compared(
        prompt.id, prompt.category, prompt.source, int(columns.sample[at]), candidate.text,
        baseline.text, candidate.finish_reason, baseline.finish_reason,
    )  # fmt: skip
