"""One call from verdicts to everything `analysis.json` says about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from brie.analyse.controls import ControlTables, analyse_controls, damaged_low
from brie.analyse.headline import EarlyStopping, Headline, headline
from brie.analyse.panel import agreement, consistency
from brie.analyse.position import presentation_effects
from brie.analyse.secondary import categories, length, majority, ranges, variance
from brie.analyse.slices import by_category, by_judge, by_sample, by_source, presentation_fields
from brie.analyse.study import Study, plain
from brie.analyse.table import VerdictTable
from brie.analyse.variance import Cost
from brie.analyse.verdict import Ability
from brie.analyse.win_rate import Settings
from brie.conventions import MARGIN
from brie.records.analysis import Outcomes, VerdictWord, WinRate


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
    by_judge: dict[str, dict[str, Any]]
    by_category: dict[str, dict[str, Any]]
    by_source: dict[str, dict[str, Any]]
    by_sample: dict[str, dict[str, Any]]
    categories: dict[str, Any] | None
    ranges: dict[str, Any]
    majority: dict[str, Any] | None
    position: dict[str, Any] | None
    label: dict[str, Any] | None
    layout: dict[str, Any] | None
    length_controlled: dict[str, Any] | None
    agreement: dict[str, Any] | None
    variance: dict[str, Any] | None
    controls: dict[str, Any]
    sequential: dict[str, Any] | None
    """Only where early stopping was sealed."""
    notes: dict[str, str] = field(default_factory=dict)

    def said(self) -> dict[str, Any]:
        """The parts that stand in the document as they are, under its keys."""
        as_they_are = (
            "win_rate", "outcomes", "by_category", "by_source", "by_sample", "categories", "ranges",
            "majority", "position", "label", "layout", "length_controlled", "agreement", "variance",
            "controls", "sequential",
        )  # fmt: skip
        return {name: getattr(self, name) for name in as_they_are}


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
    found_controls = analyse_controls(controls or ControlTables(), study.settings, seed)
    shown = presentation_effects(study.table, study.cells, level=chosen.level)
    effects = presentation_fields(study, "", shown)
    outcomes = study.table.outcomes()
    ability = _ability(outcomes, shown.flips.rate, found_controls)
    top = headline(study, ability, margin=chosen.margin, alpha=chosen.alpha, stopping=stopping)
    judges, again = by_judge(study), consistency(study)
    for name, entry in again.items():
        judges[name]["consistency"] = entry
    return AnalysisParts(
        win_rate=top.rate,
        verdict=top.decision.word if top.decision else None,
        verdict_reason=top.decision.reason if top.decision else "",
        verdict_survives_missing=top.survives_missing,
        outcomes=outcomes,
        counts=_counts(study),
        by_judge=judges,
        by_category=by_category(study),
        by_source=by_source(study),
        by_sample=by_sample(study),
        categories=categories(study),
        ranges=ranges(study),
        majority=majority(study),
        length_controlled=length(study),
        agreement=_agreement(study, again),
        variance=variance(study, chosen.cost),
        controls=found_controls,
        sequential=_sequential(top, stopping),
        notes=study.notes,
        **effects,
    )


def _ability(outcomes: Outcomes, flip_rate: float | None, controls: dict[str, Any]) -> Ability:
    total = outcomes.win + outcomes.tie + outcomes.loss
    return Ability(damaged_low(controls), flip_rate, outcomes.tie / total if total else None)


def _agreement(study: Study, again: dict[str, Any]) -> dict[str, Any] | None:
    found = agreement(study)
    if found is not None and again:
        found["consistency"] = again
    return found


def _sequential(top: Headline, stopping: EarlyStopping | None) -> dict[str, Any] | None:
    if top.sequence is None or stopping is None:
        return None
    found = plain(top.sequence)
    decided = top.sequence.decided
    early = decided and top.sequence.prompts < stopping.max_prompts
    return {**found, "decided": decided, "stopped_early": early, "max_prompts": stopping.max_prompts}


def _counts(study: Study) -> dict[str, int]:
    table, cells = study.table, study.cells
    planned = table.repeat == 0
    samples = int(table.sample.max()) + 1 if len(table.sample) else 1
    comparison = table.prompt * samples + table.sample
    shown = comparison[planned] * 3 + table.position[planned] + 1
    half = cells.prompt[cells.half] * samples + cells.sample[cells.half]
    return {
        "prompts": len(study.means),
        "comparisons": len(np.unique(comparison[planned])),
        "identical": len(np.unique(comparison[planned & table.identical])),
        "half": len(np.unique(half)),
        "presentations": len(np.unique(shown)),
        "verdicts": int(planned.sum()),
        **table.status_counts(),
    }
