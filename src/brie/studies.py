"""Questions that span evaluations: how judges agree, which checkpoint, what a suite can detect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from brie.analyse.assemble import AnalysisParts, Options, analyse
from brie.analyse.compare import compare, ladder, rates_by_prompt
from brie.analyse.power import Measured, PlanRow, measured_ratio, plan_table, variance_ratio
from brie.analyse.table import VerdictTable
from brie.errors import UsageError
from brie.facts import Facts, gather, headline_judges, table
from brie.records import Manifest
from brie.store import Store

STALE_DAYS = 30
"""Judges behind an API change; verdicts further apart than this may not be comparable."""


_NOTES = ("agreement", "by_judge", "effective")


# --- agreement -------------------------------------------------------------------------


def agreement(manifests: Sequence[Manifest], store: Store) -> dict[str, Any]:
    """How the judges of some evaluations agree, and what each of them rewards.

    Prompts that occur in several evaluations stay one unit each.

    Raises:
        UsageError: fewer than two judges took part, or they share no comparison.
    """
    gathered = [gather(manifest, store) for manifest in manifests]
    merged = merge([_whole(facts) for facts in gathered])
    parts = analyse(merged, options=Options())
    if parts.agreement is None:
        raise UsageError(f"there is no agreement to report: {parts.notes.get('agreement', 'unknown')}.")
    return {
        "schema": "brie.agreement/1",
        "evaluations": [manifest.id for manifest in manifests],
        "prompts": len(merged.prompts),
        "judges": list(merged.judges),
        "agreement": parts.agreement,
        "by_judge": _habits(parts),
        "notes": {
            k: v for k, v in parts.notes.items() if k.startswith(("agreement", "by_judge", "effective"))
        },
    }


def _habits(parts: AnalysisParts) -> dict[str, dict[str, Any]]:
    kept = ("win_rate", "outcomes", "position", "label", "flip_rate", "rewards", "consistency")
    return {
        name: {key: entry[key] for key in kept if key in entry} for name, entry in parts.by_judge.items()
    }


def _whole(facts: Facts) -> VerdictTable:
    """All judges of an evaluation, instruments included."""
    return table(facts, facts.of("main"), [s.judge.id for s in facts.manifest.plan.seats])


def merge(tables: Sequence[VerdictTable]) -> VerdictTable:
    """Several evaluations as one table: prompts by id, judges by id, samples kept apart."""
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
    offsets = np.cumsum([0, *(int(t.sample.max(initial=-1)) + 1 for t in tables)])
    return VerdictTable.build(
        prompts=prompts,
        judges=judges,
        prompt=_joined(np.array([prompt_code[n] for n in t.prompts])[t.prompt] for t in tables),
        judge=_joined(np.array([judge_code[n] for n in t.judges])[t.judge] for t in tables),
        score=_joined(t.score for t in tables),
        both_orders=all(t.both_orders for t in tables),
        category=[category[name] for name in prompts],
        source=[source[name] for name in prompts],
        sample=_joined(t.sample + shift for t, shift in zip(tables, offsets, strict=False)),
        position=_joined(t.position for t in tables),
        label=_joined(t.label for t in tables),
        status=_joined(t.status for t in tables),
        repeat=_joined(t.repeat for t in tables),
        identical=_joined(t.identical for t in tables),
        length_difference=_joined(
            t.length_difference if t.length_difference is not None else np.full(len(t.score), np.nan)
            for t in tables
        ),
    )


def _joined(columns: Iterable[Any]) -> Any:
    return np.concatenate(list(columns))


# --- comparing -------------------------------------------------------------------------


def compare_evaluations(manifests: Sequence[Manifest], store: Store) -> dict[str, Any]:
    """Evaluations paired by prompt: differences of their win rates, with what they can claim.

    Raises:
        UsageError: fewer than two, or no two share a prompt.
    """
    if len(manifests) < 2:
        raise UsageError("name at least two evaluations: brie compare EVAL EVAL; brie ls shows them.")
    rates = {m.id: _rates(gather(m, store)) for m in manifests}
    found = compare(rates)
    if not found:
        raise UsageError("these evaluations share no prompt, so nothing can be paired.")
    return {
        "schema": "brie.compare/1",
        "evaluations": {
            m.id: {"candidate": m.names["candidate"], "created": m.created} for m in manifests
        },
        "differences": [asdict(difference) for difference in found],
        "scope": "checkpoints are compared, not recipes: another training seed may differ",
        "warnings": list(_warnings(manifests)),
    }


def _rates(facts: Facts) -> dict[str, float]:
    judges = headline_judges(facts.manifest)
    return rates_by_prompt(table(facts, facts.of("main"), judges))


def _warnings(manifests: Sequence[Manifest]) -> Iterable[str]:
    seats = [{(s.digest, s.rubric_digest) for s in m.plan.seats if not s.instrument} for m in manifests]
    if any(other != seats[0] for other in seats):
        yield "the judges differ, so part of any difference may be theirs"
    if len({m.plan.baseline.digest for m in manifests}) > 1:
        yield "the baselines differ, so the rates are not against the same model"
    if len({m.plan.sampling.model_copy(update={"seed": 0}) for m in manifests}) > 1:
        yield "the sampling settings differ"
    dates = sorted(datetime.fromisoformat(m.created) for m in manifests)
    days = (dates[-1] - dates[0]).days
    if days > STALE_DAYS:
        yield f"the evaluations are {days} days apart; a judge behind an API may have changed since"


def curve(manifests: Mapping[str, Manifest], store: Store) -> dict[str, Any]:
    """Checkpoints of one run against the same base: intervals that hold together (max-T).

    Args:
        manifests: checkpoint name -> its evaluation.
        store: where verdicts are kept.
    """
    rungs = ladder({name: _rates(gather(m, store)) for name, m in manifests.items()})
    if not rungs:
        raise UsageError("the checkpoints share fewer than 8 judged prompts, too few for intervals.")
    steps = {name: m.plan.candidate.step for name, m in manifests.items()}
    return {
        "schema": "brie.curve/1",
        "checkpoints": [{**asdict(rung), "step": steps[rung.name]} for rung in rungs],
        "evaluations": {name: m.id for name, m in manifests.items()},
    }


# --- planning --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Design:
    """What a suite can detect, for several numbers of samples."""

    prompts: int
    rows: tuple[PlanRow, ...]
    measured: str | None
    """The evaluation whose variance components were used; None: the assumed correlation."""


def design(
    prompts: int, samples: Sequence[int], variance: Mapping[str, Any] | None, measured: str | None, *,
    rate: float, judges: int, both_orders: bool,
) -> Design:  # fmt: skip
    """The plan table, from measured variance components where there are any.

    Args:
        prompts: size of the suite.
        samples: numbers of samples to compare.
        variance: `analysis.json`'s `variance` of an earlier evaluation.
        measured: that evaluation's id.
        rate: its win rate.
        judges: judges of the headline.
        both_orders: whether each comparison is shown twice.
    """
    if variance is None or not _has_components(variance):
        return Design(prompts, plan_table(prompts, {k: variance_ratio(k) for k in samples}), None)
    names = ("prompt", "sample", "prompt_judge", "noise")
    names = ("prompt", "sample", "prompt_judge", "noise")
    parts = Measured(rate=rate, **{name: _component(variance, name) for name in names})
    ratios = {k: measured_ratio(parts, k, judges, both_orders=both_orders) for k in samples}
    return Design(prompts, plan_table(prompts, ratios), measured)


def _has_components(variance: Mapping[str, Any]) -> bool:
    return _component(variance, "prompt") > 0


def _component(variance: Mapping[str, Any], name: str) -> float:
    found = variance.get(name)
    value = found.get("value") if isinstance(found, Mapping) else found
    return float(value) if isinstance(value, (int, float)) else 0.0
