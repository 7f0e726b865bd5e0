"""Several evaluations as one table of verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from brie.analyse.arrays import Floats, Ints
from brie.analyse.joint import JointRows
from brie.analyse.table import PromptLengths, VerdictTable
from brie.evaluation.rows import EvaluationData
from brie.evaluation.side_keys import prompt_digest

Number = TypeVar("Number", bound=np.generic)


def prompt_names(gathered: Sequence[EvaluationData]) -> list[dict[str, str]]:
    """For each evaluation, its prompt ids as they are called across evaluations.

    A prompt is the same where its id and its text are. An id that another suite uses for another
    text gets the suite's name behind it: two prompts are never paired because of a number.
    """
    known: dict[str, str] = {}
    named = []
    for facts in gathered:
        here = {}
        for name, messages in facts.work.messages.items():
            what, suite = prompt_digest(messages), facts.manifest.plan.suite
            for shown in (name, f"{name} ({suite.name} {suite.version})", f"{name} ({what[-12:]})"):
                if known.setdefault(shown, what) == what:
                    here[name] = shown
                    break
        named.append(here)
    return named


def sample_offsets(tables: Sequence[VerdictTable]) -> Ints:
    """By how much each table's sample indices are moved, so that no two meet."""
    widths = [int(t.sample.max(initial=-1)) + 1 for t in tables]
    return np.cumsum([0, *widths[:-1]], dtype=np.int64)


def merge(tables: Sequence[VerdictTable]) -> VerdictTable:
    """One table: prompts by name, judges by id, samples of different tables kept apart."""
    prompts = list(dict.fromkeys(name for t in tables for name in t.prompts))
    judges = list(dict.fromkeys(name for t in tables for name in t.judges))
    prompt_code = {name: code for code, name in enumerate(prompts)}
    judge_code = {name: code for code, name in enumerate(judges)}
    category: dict[str, str] = {}
    source: dict[str, str] = {}
    for t in reversed(tables):
        for code, name in enumerate(t.prompts):
            category[name] = t.categories[t.category[code]]
            source[name] = t.sources[t.source[code]]
    return VerdictTable.build(
        prompts=prompts,
        judges=judges,
        prompt=_joined(_recoded(t.prompts, prompt_code)[t.prompt] for t in tables),
        judge=_joined(_recoded(t.judges, judge_code)[t.judge] for t in tables),
        score=_joined(t.score for t in tables),
        both_orders=all(t.both_orders for t in tables),
        category=[category[name] for name in prompts],
        source=[source[name] for name in prompts],
        sample=_joined(t.sample + o for t, o in zip(tables, sample_offsets(tables), strict=True)),
        position=_joined(t.position for t in tables),
        label=_joined(t.label for t in tables),
        status=_joined(t.status for t in tables),
        repeat=_joined(t.repeat for t in tables),
        identical=_joined(t.identical for t in tables),
        length_difference=_joined(_or_unknown(t, t.length_difference) for t in tables),
        features=_columns(tables, lambda t: t.features),
        criteria=_columns(tables, lambda t: t.criteria),
        joint=_joint(tables),
        lengths=_lengths(tables, prompts),
        criteria_order=_joined(
            np.zeros(len(t.score), np.int64) if t.criteria_order is None else t.criteria_order
            for t in tables
        ),
    )


def _joint(tables: Sequence[VerdictTable]) -> JointRows | None:
    """Which rows share one outcome; None where none does in any table."""
    if all(t.joint is None for t in tables):
        return None
    parts = [t.joint or JointRows.none(t.score) for t in tables]
    return JointRows(
        joint=_joined(part.joint for part in parts),
        half=_joined(part.half for part in parts),
        further=_joined(part.further for part in parts),
        alone=_joined(part.alone for part in parts),
    )


def _lengths(tables: Sequence[VerdictTable], names: Sequence[str]) -> PromptLengths | None:
    """Each prompt's lengths, as the first table has them; None where they are not of one unit."""
    units = {t.lengths.unit if t.lengths else None for t in tables}
    if len(units) != 1 or None in units:
        return None
    known: dict[str, tuple[float, float]] = {}
    for t in tables:
        if t.lengths is not None:
            each = zip(t.lengths.prompt.tolist(), t.lengths.answer.tolist(), strict=True)
            for name, pair in zip(t.prompts, each, strict=True):
                known.setdefault(name, pair)
    both = np.array([known[name] for name in names], np.float64).reshape(-1, 2)
    unit = next(t.lengths.unit for t in tables if t.lengths)
    return PromptLengths(both[:, 0], both[:, 1], unit)


def _columns(
    tables: Sequence[VerdictTable], of: Callable[[VerdictTable], Mapping[str, Floats]]
) -> dict[str, Floats]:
    """Every named column of any table; not known where a table lacks it."""
    names = dict.fromkeys(name for t in tables for name in of(t))
    return {name: _joined(_or_unknown(t, of(t).get(name)) for t in tables) for name in names}


def _or_unknown(t: VerdictTable, column: Floats | None) -> Floats:
    return np.full(len(t.score), np.nan) if column is None else column


def _recoded(names: Sequence[str], code: Mapping[str, int]) -> Ints:
    return np.array([code[name] for name in names], dtype=np.int64)


def _joined(columns: Iterable[npt.NDArray[Number]]) -> npt.NDArray[Number]:
    return np.concatenate(list(columns))
