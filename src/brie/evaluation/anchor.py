"""People as the measure: what their votes on prompts drawn at random make of the win rate.

Nothing is computed before every planned prompt has a vote, so nobody can stop when the number is
pleasant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from brie.analyse.anchored import FEWEST_LABELLED, AnchoredRate, Labels, lean, new_prompts, this_suite
from brie.analyse.arrays import Floats, t_quantile
from brie.analyse.compare import rates_by_prompt
from brie.analyse.panel import agreement
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.analyse.verdict import decide_anchored
from brie.analyse.win_rate import Settings
from brie.conventions import ANCHORED
from brie.evaluation.columns import Rows, chosen
from brie.evaluation.margins import counting_judges
from brie.evaluation.measured import measured_by_people
from brie.evaluation.rows import EvaluationData
from brie.evaluation.table import table
from brie.evaluation.votes import Pair, asked_of_people, seen_by
from brie.records.agreement import PanelCoefficients
from brie.records.analysis import Analysis, WinRate
from brie.records.estimates import Estimate
from brie.records.people import HumanAnchored


@dataclass(frozen=True)
class BlindLabels:
    """Blind votes on the drawn prompts, and what they label."""

    counted: HumanAnchored
    """How many there are, and whether that is all of them."""
    people: dict[str, float]
    """Prompt -> people's mean; identical answers are a tie."""
    votes: Rows
    """Numbers of the rows they are."""


def blind_labels(facts: EvaluationData) -> BlindLabels | None:
    """The votes that count; None where no people were asked."""
    planned = asked_of_people(facts.manifest)
    if not planned:
        return None
    columns, seen = facts.columns, seen_by(facts.manifest)
    cast = _on_drawn(facts, planned)
    votes = cast[~columns.is_by(seen)[cast]]
    alike = _identical(facts, planned)
    people = _means(facts, votes) | dict.fromkeys(alike, 0.5)
    link = next(a for a in reversed(facts.manifest.amendments) if a.kind == "people")
    skipped = link.detail.get("skipped", 0)
    counted = HumanAnchored(
        planned=len(planned),
        labelled=len(people),
        identical=len(alike),
        votes=len(votes),
        voters=len(np.unique(columns.judge[votes])),
        not_blind=len(np.unique(columns.judge[cast[columns.is_by(seen)[cast]]])),
        complete=len(people) == len(planned),
        skipped=skipped if isinstance(skipped, int) else 0,
    )
    return BlindLabels(counted, people, votes)


def human_anchored(
    facts: EvaluationData, document: Analysis, settings: Settings, seed: int
) -> tuple[HumanAnchored | None, dict[str, str]]:
    """What people's votes on the planned prompts say, None where no people were asked; and notes on
    what of it is missing.

    Args:
        facts: rows with the votes.
        document: the judges' own numbers.
        settings: of the intervals.
        seed: of the draws of people's agreement.
    """
    labels = blind_labels(facts)
    if labels is None:
        return None, {}
    counted = labels.counted
    if not counted.complete or document.interim or document.win_rate is None:
        return counted, {}
    anchored = _measured(labels, facts, document, settings, seed)
    if not len(labels.votes):
        return anchored, {}
    measured, notes = measured_by_people(facts, labels.people, labels.votes, settings, seed)
    return anchored.model_copy(update={"measured": measured}), notes


def with_measured_panel(document: Analysis) -> Analysis:
    """The document with how many judges its panel is worth, where people's votes tell."""
    people, agreement = document.human_anchored, document.agreement
    worth = people.measured.effective_judges if people and people.measured else None
    if worth is None or agreement is None or agreement.panel is None:
        return document
    panel = agreement.panel.model_copy(update={"effective_judges": worth.value})
    notes = {k: v for k, v in document.notes.items() if k != "effective_judges"}
    update = {"agreement": agreement.model_copy(update={"panel": panel}), "notes": notes}
    return document.model_copy(update=update)


def with_people_first(document: Analysis) -> Analysis:
    """The document with people's rate and verdict as its own, where there are votes enough."""
    anchored, judges = document.human_anchored, document.win_rate
    if anchored is None or judges is None:
        return document
    if anchored.new_prompts is None:
        few = anchored.complete and anchored.labelled < FEWEST_LABELLED
        why = f"{anchored.labelled:,} prompts have votes: a rate needs {FEWEST_LABELLED}"
        notes = {**document.notes, **({"human_anchored.new_prompts": why} if few else {})}
        return document.model_copy(update={"notes": notes})
    anchored = anchored.model_copy(update={"judges": judges, "judges_verdict": document.verdict})
    return document.model_copy(
        update={
            "human_anchored": anchored,
            "win_rate": _headline(anchored, judges),
            "verdict": anchored.verdict,
            "verdict_reason": anchored.verdict_reason,
            "verdict_survives_missing": None,
        }
    )


def _measured(
    votes: BlindLabels,
    facts: EvaluationData,
    document: Analysis,
    settings: Settings,
    seed: int,
) -> HumanAnchored:
    counted, people = votes.counted, votes.people
    panel = counting_judges(facts)
    judged = _judged(facts, panel)
    labelled = [name for name in facts.prompts if name in people and name in judged]
    others = [name for name in facts.prompts if name not in people and name in judged]
    if len(labelled) < 2:
        return counted
    labels = Labels(_of(people, labelled), _of(judged, labelled), _of(judged, others))
    leans = {name: _lean(people, _judged(facts, [name]), settings.level) for name in panel}
    measured = counted.model_copy(
        update={
            "lean": _lean(people, judged, settings.level),
            "by_judge": {name: value for name, value in leans.items() if value is not None},
            "agreement": _among_people(facts, votes.votes, settings, seed),
        }
    )
    if len(labelled) < FEWEST_LABELLED:
        return measured
    fresh = new_prompts(labels, level=settings.level)
    suite = this_suite(labels, level=settings.level)
    decision = decide_anchored(
        fresh.low, fresh.high, fresh.interval_90, p_value=fresh.p_value, level=settings.level
    )
    return measured.model_copy(
        update={
            "weight": fresh.weight,
            "p_value": fresh.p_value,
            "interval_90": fresh.interval_90,
            "verdict": decision.word,
            "verdict_reason": decision.reason,
            "new_prompts": _estimate(fresh, len(labelled), settings.level),
            "this_suite": _estimate(suite, len(labelled), settings.level),
        }
    )


def _headline(anchored: HumanAnchored, judges: WinRate) -> WinRate:
    """People's rate on new prompts as the document's own."""
    fresh = anchored.new_prompts
    if fresh is None or fresh.low is None or fresh.high is None or anchored.p_value is None:
        raise ValueError("there is no anchored rate")
    error = (fresh.high - fresh.low) / (2 * t_quantile((1 + fresh.level) / 2, anchored.labelled - 1))
    spread = fresh.value * (1 - fresh.value)
    return WinRate(
        value=fresh.value,
        low=fresh.low,
        high=fresh.high,
        level=fresh.level,
        method=ANCHORED,
        resamples="exact",
        prompts=judges.prompts,
        effective_n=spread / error**2 if error else float(judges.prompts),
        p_value=anchored.p_value,
        bounds=(fresh.value, fresh.value),
        interval_90=anchored.interval_90,
        one_sided=anchored.interval_90,
    )


def _judged(facts: EvaluationData, judges: Sequence[str]) -> dict[str, float]:
    """Prompt -> mean score of the judges."""
    return rates_by_prompt(table(facts, chosen(facts.columns.is_of("main")), judges))


def _on_drawn(facts: EvaluationData, planned: Sequence[Pair]) -> Rows:
    """The votes on pairs that were drawn."""
    columns, order, drawn = facts.columns, facts.manifest.plan.order, set(planned)
    votes = chosen(columns.is_of("vote"))
    shown = zip(columns.prompt[votes].tolist(), columns.sample[votes].tolist(), strict=True)
    return votes[np.array([(order[place], sample) in drawn for place, sample in shown], np.bool_)]


def _identical(facts: EvaluationData, planned: Sequence[Pair]) -> list[str]:
    """Planned prompts whose two answers are the same: nobody votes on them."""
    columns, places = facts.columns, facts.places
    same = chosen(columns.is_of("main"), columns.identical)
    alike = set(zip(columns.prompt[same].tolist(), columns.sample[same].tolist(), strict=True))
    return [prompt for prompt, sample in planned if (places.get(prompt), sample) in alike]


def _means(facts: EvaluationData, votes: Rows) -> dict[str, float]:
    """Prompt -> mean over its votes."""
    columns, order = facts.columns, facts.manifest.plan.order
    of_prompt: dict[str, list[float]] = {}
    for place, score in zip(columns.prompt[votes].tolist(), columns.score[votes].tolist(), strict=True):
        of_prompt.setdefault(order[place], []).append(score)
    return {prompt: fmean(each) for prompt, each in of_prompt.items()}


def _of(means: Mapping[str, float], prompts: Sequence[str]) -> Floats:
    return np.array([means[name] for name in prompts], dtype=np.float64)


def _lean(people: Mapping[str, float], judged: Mapping[str, float], level: float) -> Estimate | None:
    shared = sorted(people.keys() & judged.keys())
    if len(shared) < 2:
        return None
    value, low, high = lean(_of(people, shared), _of(judged, shared), level=level)
    return Estimate(
        value=value, low=low, high=high, level=level, n=len(shared), method="t, two imagined"
    )


def _estimate(rate: AnchoredRate, n: int, level: float) -> Estimate:
    return Estimate(value=rate.value, low=rate.low, high=rate.high, level=level, n=n, method=ANCHORED)


def _among_people(
    facts: EvaluationData, votes: Rows, settings: Settings, seed: int
) -> PanelCoefficients | None:
    """How people agree where several voted on one pair; None where none did."""
    columns = facts.columns
    voters = [columns.names[code] for code in columns.judge[votes].tolist()]
    names = sorted(set(voters))
    places = columns.prompt[votes].tolist()
    prompts = {place: code for code, place in enumerate(dict.fromkeys(places))}
    made = VerdictTable.build(
        prompts=[facts.manifest.plan.order[place] for place in prompts],
        judges=names,
        prompt=[prompts[place] for place in places],
        judge=[names.index(name) for name in voters],
        sample=columns.sample[votes],
        score=columns.score[votes],
        both_orders=False,
    )
    measured = agreement(Study(made.canonical(), settings, seed))
    return measured.panel if measured else None
