"""One call from verdicts to everything `analysis.json` says about them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from brie.analyse.arrays import Bools, distinct, group_mean
from brie.analyse.by_length import by_length
from brie.analyse.cells import Cells
from brie.analyse.controls import ControlTables, analyse_controls, damaged_low
from brie.analyse.criteria_order import criteria_orders
from brie.analyse.headline import EarlyStopping, Headline, headline
from brie.analyse.panel import agreement, consistency
from brie.analyse.position import presentation_effects
from brie.analyse.secondary import categories, length, majority, ranges, variance
from brie.analyse.slices import (
    by_category,
    by_judge,
    by_sample,
    by_source,
    position_effect,
    with_consistency,
)
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.analyse.variance import Cost
from brie.analyse.verdict import Ability
from brie.analyse.win_rate import Settings
from brie.conventions import MARGIN
from brie.records import Record
from brie.records.agreement import Agreement, Consistency
from brie.records.analysis import VerdictWord
from brie.records.estimates import (
    ControlResults,
    CriteriaOrders,
    Effect,
    LengthControlled,
    LengthSlice,
    Omnibus,
    Outcomes,
    PositionEffect,
    Ranges,
    SequentialResult,
    SliceNumbers,
    VarianceComponents,
    WinRate,
)
from brie.records.judges import JudgeNumbers
from brie.records.standing import MissingVerdicts


@dataclass(frozen=True)
class Options:
    """Choices of an analysis; the defaults are the ones the methods were simulated with."""

    level: float = 0.95
    resamples: int = 9999
    margin: float = MARGIN
    """Half-width of "equivalent", in units of the win rate."""
    alpha: float = 0.05
    cost: Cost = field(default_factory=Cost)
    """Prices `variance.next_best` weighs."""


Part = Record | dict[str, SliceNumbers] | dict[str, LengthSlice] | None
"""A quantity of the document."""


@dataclass(frozen=True)
class AnalysisParts:
    """What an analysis says, under the keys of `brie.records.analysis.Analysis`.

    A quantity that is not identified or has too few prompts is None, its reason in `notes`.
    """

    win_rate: WinRate | None
    verdict: VerdictWord | None
    verdict_reason: str
    verdict_survives_missing: bool | None
    outcomes: Outcomes
    counts: dict[str, int]
    """prompts, comparisons, identical, half, presentations, verdicts and the statuses."""
    by_judge: dict[str, JudgeNumbers]
    by_category: dict[str, SliceNumbers]
    by_source: dict[str, SliceNumbers]
    by_sample: dict[str, SliceNumbers]
    categories: Omnibus | None
    ranges: Ranges
    majority: WinRate | None
    position: PositionEffect
    label: Effect
    layout: Effect
    length_controlled: LengthControlled | None
    agreement: Agreement | None
    variance: VarianceComponents | None
    controls: ControlResults
    sequential: SequentialResult | None
    """Only where early stopping was sealed."""
    criteria_order: CriteriaOrders | None = None
    """Only where judges read the criteria in several orders."""
    by_length: dict[str, LengthSlice] | None = None
    """Only where lengths are known and there are prompts enough."""
    missing: MissingVerdicts | None = None
    """Only where a planned verdict could not be used."""
    notes: dict[str, str] = field(default_factory=dict)

    def said(self) -> dict[str, Part]:
        """The parts that stand in the document as they are, under its keys."""
        as_they_are = (
            "win_rate", "outcomes", "by_category", "by_source", "by_sample", "categories", "ranges",
            "majority", "position", "label", "layout", "length_controlled", "agreement", "variance",
            "controls", "sequential",
        )  # fmt: skip
        parts = {name: getattr(self, name) for name in as_they_are}
        sometimes: dict[str, Part] = {
            "missing": self.missing,
            "criteria_order": self.criteria_order,
            "by_length": self.by_length,
        }
        return parts | {name: part for name, part in sometimes.items() if part is not None}


def analyse_verdicts(
    table: VerdictTable,
    *,
    options: Options | None = None,
    controls: ControlTables | None = None,
    stopping: EarlyStopping | None = None,
    seed: int = 0,
) -> AnalysisParts:
    """Analyse one evaluation.

    Args:
        table: one row a planned verdict, unusable ones included.
        controls: verdicts on comparisons with known answers; without them no verdict is `equivalent`.
        stopping: the sealed rule, if the evaluation may stop early; the e-process then decides.
        seed: of every random draw; each quantity has its own stream, so adding one moves no other.

    Never raises on odd data: what cannot be said is None with a note.
    """
    chosen = options or Options()
    study = Study(table.canonical(), Settings(chosen.level, chosen.resamples), seed)
    known_answers = analyse_controls(controls or ControlTables(), study.settings, seed)
    shown = presentation_effects(
        study.shown, study.shown_cells, _by_presentation(study), level=chosen.level
    )
    position = position_effect(study, "", shown)
    outcomes = study.table.outcomes()
    flips = shown.flips.rate if _by_presentation(study) is not None or study.table.joint is None else 0.0
    ability = _ability(study, outcomes, flips, known_answers)
    top = headline(study, ability, margin=chosen.margin, alpha=chosen.alpha, stopping=stopping)
    judges, again = by_judge(study), consistency(study)
    return AnalysisParts(
        win_rate=top.rate,
        verdict=top.decision.word if top.decision else None,
        verdict_reason=top.decision.reason if top.decision else "",
        verdict_survives_missing=top.survives_missing,
        missing=top.missing,
        outcomes=outcomes,
        counts=_counts(study),
        by_judge=with_consistency(judges, again),
        by_category=by_category(study),
        by_source=by_source(study),
        by_sample=by_sample(study),
        by_length=by_length(study) or None,
        categories=categories(study),
        ranges=ranges(study),
        majority=majority(study),
        length_controlled=length(study),
        agreement=_agreement(study, again),
        variance=variance(study, chosen.cost),
        controls=known_answers,
        sequential=_sequential(top, stopping),
        position=position,
        label=shown.label,
        layout=shown.layout,
        criteria_order=criteria_orders(study.table, level=chosen.level),
        notes=study.notes,
    )


def _by_presentation(study: Study) -> Bools | None:
    """Rows of judges whose presentations are verdicts of their own; None: they are all alike.

    Where all judges have one outcome a comparison, effects are those of what each presentation says
    alone; beside others they would drown them.
    """
    joint = study.table.joint
    if joint is None:
        return None
    single = ~np.isin(study.table.judge, np.unique(study.table.judge[joint.joint]))
    return single if single.any() else None


def _ability(
    study: Study, outcomes: Outcomes, flip_rate: float | None, controls: ControlResults
) -> Ability:
    total = outcomes.win + outcomes.tie + outcomes.loss
    return Ability(
        damaged_low(controls),
        flip_rate,
        outcomes.tie / total if total else None,
        None if study.table.identical_as_ties else _differing(study.cells),
    )


def _differing(cells: Cells) -> float | None:
    """Mean over prompts of the share of comparisons whose answers differ; None without a verdict."""
    used = cells.complete
    differ = (~cells.identical[used]).astype(np.float64)
    shares = group_mean(cells.prompt[used], differ, len(cells.table.prompts))
    shares = shares[~np.isnan(shares)]
    return float(shares.mean()) if len(shares) else None


def _agreement(study: Study, again: dict[str, Consistency]) -> Agreement | None:
    whole = agreement(study)
    if whole is None or not again:
        return whole
    return whole.model_copy(update={"consistency": again})


def _sequential(top: Headline, stopping: EarlyStopping | None) -> SequentialResult | None:
    sequence = top.sequence
    if sequence is None or stopping is None:
        return None
    return SequentialResult(
        wealth=sequence.wealth,
        p_value=sequence.p_value,
        stopped_at=sequence.stopped_at,
        low=sequence.low,
        high=sequence.high,
        mean=sequence.mean,
        prompts=sequence.prompts,
        alpha=sequence.alpha,
        decided=sequence.decided,
        stopped_early=sequence.decided and sequence.prompts < stopping.max_prompts,
        max_prompts=stopping.max_prompts,
    )


def _counts(study: Study) -> dict[str, int]:
    table, cells = study.table, study.cells
    planned = table.repeat == 0
    samples = int(table.sample.max()) + 1 if len(table.sample) else 1
    comparison = table.prompt * samples + table.sample
    shown = comparison[planned] * 3 + table.position[planned] + 1
    half = cells.prompt[cells.half] * samples + cells.sample[cells.half]
    return {
        "prompts": len(study.means),
        "comparisons": distinct(comparison[planned]),
        "identical": distinct(comparison[planned & table.identical]),
        "half": distinct(half),
        "presentations": distinct(shown),
        "verdicts": int(planned.sum()),
        **table.status_counts(),
    }
