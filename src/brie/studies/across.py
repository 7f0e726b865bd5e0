"""Several evaluations side by side: differences paired by prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np

from brie.analyse.compare import compare, rates_by_prompt
from brie.errors import UsageError
from brie.evaluation.columns import chosen
from brie.evaluation.drift_notes import refuse_mixed
from brie.evaluation.gather import gather
from brie.evaluation.margins import counting_judges
from brie.evaluation.rows import EvaluationData
from brie.evaluation.table import table
from brie.records import Manifest
from brie.records.studies import ComparedEvaluation, ComparisonDocument
from brie.store import Store
from brie.studies.merge import prompt_names

STALE_DAYS = 30
"""Judges behind an API change; verdicts further apart than this may not be comparable."""


def compare_evaluations(manifests: Sequence[Manifest], store: Store) -> ComparisonDocument:
    """Evaluations paired by prompt: differences of their win rates, with what they can claim.

    Raises:
        UsageError: fewer than two, no two share a prompt, or a judge has changed in between.
    """
    manifests = list({manifest.id: manifest for manifest in manifests}.values())
    if len(manifests) < 2:
        raise UsageError(
            "name at least two different evaluations: brie compare EVAL EVAL; brie ls shows them."
        )
    refuse_mixed(manifests)
    gathered = [gather(m, store) for m in manifests]
    _refuse_unjudged(gathered)
    differences = compare(rates_of(gathered))
    if not differences:
        raise UsageError(
            "these evaluations share no judged prompt with the same text, so nothing can be paired. "
            "Evaluate both on one suite: brie eval --suite NAME"
        )
    return ComparisonDocument(
        evaluations={
            m.id: ComparedEvaluation(candidate=m.names["candidate"], created=m.created)
            for m in manifests
        },
        differences=differences,
        scope="checkpoints are compared, not recipes: another training seed may differ",
        warnings=tuple(_warnings(manifests)),
    )


def rates_of(gathered: Sequence[EvaluationData]) -> dict[str, dict[str, float]]:
    """Evaluation -> prompt -> prompt mean of the headline's judges; a prompt is its id and its text.

    Raises:
        UsageError: no judge of one of them counts.
    """
    names = prompt_names(gathered)
    rates = {}
    for facts, shown in zip(gathered, names, strict=True):
        counting = counting_judges(facts)
        if not counting:
            raise UsageError(
                f"no judge of {facts.manifest.id} counts, so it has no win rate to compare. See why: "
                f"brie report {facts.manifest.id}"
            )
        by_prompt = rates_by_prompt(table(facts, chosen(facts.columns.is_of("main")), counting))
        rates[facts.manifest.id] = {shown[name]: rate for name, rate in by_prompt.items()}
    return rates


def _refuse_unjudged(gathered: Sequence[EvaluationData]) -> None:
    for facts in gathered:
        columns = facts.columns
        if np.isnan(columns.score[columns.is_of("main")]).all():
            name = facts.manifest.id
            raise UsageError(f"{name} has no usable verdict yet. Go on with it: brie judge {name}")


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
