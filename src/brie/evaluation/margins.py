"""Judges that give numbers: one outcome a comparison, and whether they may count (docs/statistics.md
8.7).

Such a judge enters a headline only where two things are shown: that it is right on the known pairs
more often than not (sealed with the plan), and that its controls pass in this very evaluation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, pstdev

import numpy as np

from brie.analyse.arrays import generator
from brie.analyse.controls import SUSPICIOUS, ControlTables, analyse_controls
from brie.analyse.known_pairs import METHOD
from brie.analyse.signflip import sign_flip
from brie.analyse.win_rate import Settings
from brie.blinding import Weighed, weigh
from brie.evaluation.columns import chosen
from brie.evaluation.rows import EvaluationData, Joint, VerdictRow, headline_judges
from brie.evaluation.table import table
from brie.number_format import interval, p_value, percent, plural
from brie.records import MarginRule, PanelJudge
from brie.records.estimates import ControlJudge, ControlNumbers, ControlResults, Estimate
from brie.records.judges import MarginNumbers

Comparison = tuple[str, str, str, int, int]
"""Kind, judge, prompt, sample, and which time it is asked."""


def with_joint(rows: Sequence[VerdictRow], judges: Sequence[PanelJudge]) -> list[VerdictRow]:
    """The rows, those of judges that give numbers with what their comparison's rows say together.

    Args:
        rows: all planned rows of some prompts.
        judges: the panel with the rules that were sealed.
    """
    rules = {seat.judge.id: seat.margins for seat in judges if seat.margins is not None}
    if not rules:
        return list(rows)
    groups: dict[Comparison, list[VerdictRow]] = {}
    for row in rows:
        if row.task.judge in rules and not row.identical:
            groups.setdefault(_comparison(row), []).append(row)
    joint = {key: _joint(group, rules[key[1]]) for key, group in groups.items()}
    first = {id(group[0].task) for group in groups.values()}
    return [
        replace(row, joint=replace(joint[_comparison(row)], counted=id(row.task) in first))
        if row.task.judge in rules and not row.identical
        else row
        for row in rows
    ]


def _comparison(row: VerdictRow) -> Comparison:
    task = row.task
    return task.kind, task.judge, task.prompt, task.sample, task.repeat


def _joint(group: Sequence[VerdictRow], rule: MarginRule) -> Joint:
    heard = [
        (row.task.presentation, row.verdict.measured.by_letter)
        for row in group
        if row.verdict is not None and row.alone is not None and row.verdict.measured is not None
    ]
    return Joint(weigh(heard) if len(heard) == len(group) else None, rule.tie, counted=False)


def counting_judges(facts: EvaluationData) -> list[str]:
    """Judges whose mean is the headline: those sealed for it, but for those that may not count."""
    aside = not_counted(facts)
    return [name for name in headline_judges(facts.manifest) if name not in aside]


def not_counted(facts: EvaluationData) -> dict[str, str]:
    """Judges that stand beside the headline because they are not shown able to tell, and why."""
    sealed = headline_judges(facts.manifest)
    return {
        name: why for name, rule in _rules(facts).items()
        if name in sealed and (why := _why_not(rule, _controls(facts, name), name))
    }  # fmt: skip


def margin_numbers(facts: EvaluationData, prompts: set[str]) -> dict[str, MarginNumbers]:
    """What the numbers of each judge that gives any are like, and whether it counts.

    Args:
        facts: the evaluation's rows.
        prompts: the prompts that the document is about.
    """
    kinds = {
        seat.judge.id: seat.judge.provided.scores for seat in facts.work.panel_judges if seat.margins
    }
    return {
        name: _numbers(facts, name, rule, prompts, rewards=kinds[name])
        for name, rule in _rules(facts).items()
    }


def _rules(facts: EvaluationData) -> dict[str, MarginRule]:
    return {s.judge.id: s.margins for s in facts.work.panel_judges if s.margins is not None}


def _controls(facts: EvaluationData, judge: str) -> ControlResults:
    """The judge alone on comparisons whose answer is known."""
    plan, columns = facts.manifest.plan, facts.columns
    same, damaged = (
        chosen(columns.is_of(kind), columns.is_by([judge]), columns.heard) for kind in ("a_a", "damaged")
    )
    return analyse_controls(
        ControlTables(
            aa=table(facts, same, [judge]) if len(same) else None,
            damaged=table(facts, damaged, [judge]) if len(damaged) else None,
        ),
        Settings(plan.level, plan.resamples),
        plan.seed,
    )


def _why_not(rule: MarginRule, controls: ControlResults, judge: str) -> str:
    """Why a judge may not count; "" where it may."""
    if not rule.can_tell:
        return (
            f"on {plural(rule.pairs, 'pair')} whose better answer is known it is right in "
            f"{percent(rule.accuracy)} ({interval(rule.low, rule.high)}): not shown better than chance"
        )
    damaged, same = _alone(controls.damaged, judge), _alone(controls.aa, judge)
    if damaged is None or damaged.win_rate is None:
        return "no damaged answer has an outcome, so nothing shows that it can tell here"
    if not damaged.recognised:
        ends = damaged.win_rate.ends or (0.0, 1.0)
        return (
            f"it preferred the intact answer to its damaged copy in {percent(damaged.win_rate.value)} "
            f"of {plural(damaged.prompts, 'prompt')} ({interval(*ends)}): that it can tell is not shown"
        )
    if same is not None and same.suspicious and same.p_adjusted is not None:
        return (
            f"shown two answers of the same model it preferred one side (p {p_value(same.p_adjusted)}, "
            f"below {p_value(SUSPICIOUS)})"
        )
    return ""


def _alone(part: ControlNumbers | None, judge: str) -> ControlJudge | None:
    return part.by_judge.get(judge) if part else None


def _numbers(
    facts: EvaluationData, judge: str, rule: MarginRule, prompts: set[str], *, rewards: bool
) -> MarginNumbers:
    rows = [f for f in facts.of("main") if f.task.judge == judge and f.task.prompt in prompts]
    every = _outcomes(rows)
    controls = _controls(facts, judge)
    why = _why_not(rule, controls, judge)
    measured = [f.verdict.measured for f in rows if f.verdict and f.verdict.measured]
    masses = [values.mass for values in measured if values.mass is not None]
    of_letters = {
        "raw": dict(Counter(f.verdict.letter for f in rows if f.verdict and f.verdict.letter)),
        "lean": fmean(joint.lean for joint in every),
        "lean_spread": pstdev(joint.lean for joint in every),
        "mass": fmean(masses),
    } if every and masses and not rewards else {}  # fmt: skip
    return MarginNumbers(
        kind="rewards" if rewards else "letters",
        tie=rule.tie,
        known=Estimate(
            value=rule.accuracy, low=rule.low, high=rule.high, level=0.95, n=rule.pairs, method=METHOD
        ),
        counts=not why,
        why_not=why,
        comparisons=len(every),
        spread=pstdev(joint.margin for joint in every) if every else None,
        symmetry=_symmetry(facts, judge, rule.tie),
        aa=_alone(controls.aa, judge),
        damaged=_alone(controls.damaged, judge),
        **of_letters,
    )


def _outcomes(rows: Sequence[VerdictRow]) -> list[Weighed]:
    """Margin and lean of every comparison that has an outcome."""
    return [f.joint.weighed for f in rows if f.joint and f.joint.counted and f.joint.weighed]


def _symmetry(facts: EvaluationData, judge: str, tie: float) -> float | None:
    """Two-sided p for "margins of two answers of the same model lie evenly about zero"."""
    rows = [f for f in facts.of("a_a") if f.task.judge == judge]
    margins = np.array([joint.margin for joint in _outcomes(rows)])
    if not len(margins):
        return None
    margins[np.abs(margins) <= tie] = 0.0
    largest = float(np.abs(margins).max())
    if not largest:
        return 1.0
    rng = generator(facts.manifest.plan.seed, f"margins.{judge}.symmetry")
    return sign_flip(margins / largest, rng).p_value
