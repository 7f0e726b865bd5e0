"""Checkpoints of one run against one base: intervals that hold together, and an honest choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from brie.analyse.arrays import generator
from brie.analyse.compare import dev_half, ladder
from brie.analyse.win_rate import Settings, win_rate
from brie.conventions import FEWEST_PROMPTS
from brie.digest import digest
from brie.errors import UsageError
from brie.evaluation.drift_notes import refuse_mixed
from brie.evaluation.gather import gather
from brie.evaluation.rows import EvaluationData
from brie.records import Manifest
from brie.records.studies import CurveDocument, CurveRung, CurveSelection, QuotedRate
from brie.store import Store
from brie.studies.across import rates_of

Rates = Mapping[str, Mapping[str, float]]
"""Checkpoint -> prompt -> prompt mean."""


def curve(manifests: Mapping[str, Manifest], store: Store, best: str | None = None) -> CurveDocument:
    """Every checkpoint against the same base (schema `brie.curve/1`), on the whole suite.

    Args:
        manifests: checkpoint name -> its evaluation.
        store: where verdicts are kept.
        best: the checkpoint with the lowest validation loss, where it is known.

    Raises:
        UsageError: the checkpoints share fewer than `FEWEST_PROMPTS` judged prompts.
    """
    rates, _ = _gathered(manifests, store)
    return CurveDocument(
        prompts="the whole suite",
        checkpoints=_rungs(rates, manifests),
        best_by_validation_loss=best,
        evaluations={name: m.id for name, m in manifests.items()},
    )


def selected(manifests: Mapping[str, Manifest], store: Store, best: str | None = None) -> CurveDocument:
    """The checkpoint judges prefer on one half of the suite, and its win rate on the other half.

    The halves are stratified by category, keep sources whole, and are fixed for a suite's name and
    version. The half that chose says nothing of the chosen one: it won there because it was chosen.

    Args:
        manifests: checkpoint name -> its evaluation.
        store: where verdicts are kept.
        best: the checkpoint with the lowest validation loss, where it is known.

    Raises:
        UsageError: a half has fewer than `FEWEST_PROMPTS` that every checkpoint was judged on.
    """
    rates, facts = _gathered(manifests, store)
    shared = set.intersection(*(set(of) for of in rates.values()))
    suite = facts.manifest.plan.suite
    prompts = [(p.id, p.category, p.source) for p in suite.prompts]
    dev = shared & dev_half(prompts, f"{suite.name} {suite.version}")
    rest = shared - dev
    if min(len(dev), len(rest)) < FEWEST_PROMPTS:
        raise UsageError(
            f"suite {suite.name!r} cannot be halved: {len(dev):,} prompts would choose, {len(rest):,} "
            f"be quoted, and each half needs {FEWEST_PROMPTS}. Sources are kept whole; more of them, or "
            "more prompts, help. Without --select-by-judges the best by validation loss stands."
        )
    rungs = _rungs({name: {p: of[p] for p in dev} for name, of in rates.items()}, manifests)
    chosen = max(rungs, key=lambda rung: rung.value)
    means = rates[chosen.name]
    return CurveDocument(
        prompts="the half of the suite that chooses",
        checkpoints=rungs,
        best_by_validation_loss=best,
        evaluations={name: m.id for name, m in manifests.items()},
        selection=CurveSelection(
            checkpoint=chosen.name,
            step=chosen.step,
            evaluation=manifests[chosen.name].id,
            dev_prompts=len(dev),
            dev_win_rate=chosen.value,
            quoted_prompts=len(rest),
            win_rate=_quoted(means, sorted(rest)),
            rows=digest([chosen.name, sorted((p, means[p]) for p in rest)]),
            suite=suite.digest(),
        ),
    )


def _gathered(manifests: Mapping[str, Manifest], store: Store) -> tuple[Rates, EvaluationData]:
    refuse_mixed(list(manifests.values()))
    gathered = [gather(manifest, store) for manifest in manifests.values()]
    by_evaluation = rates_of(gathered)
    return {name: by_evaluation[m.id] for name, m in manifests.items()}, gathered[0]


def _rungs(rates: Rates, manifests: Mapping[str, Manifest]) -> tuple[CurveRung, ...]:
    rungs = ladder(rates)
    if not rungs:
        raise UsageError(
            f"the checkpoints share fewer than {FEWEST_PROMPTS} judged prompts, too few for intervals."
        )
    pins = {name: m.plan.candidate for name, m in manifests.items()}
    return tuple(
        CurveRung(**asdict(r), step=pins[r.name].step, validation_loss=pins[r.name].eval_loss)
        for r in rungs
    )


def _quoted(rates: Mapping[str, float], prompts: list[str]) -> QuotedRate:
    means = np.array([rates[name] for name in prompts])
    rate = win_rate(means, np.ones(len(means), np.int64), generator(0, "selection"), Settings())
    assert rate is not None, "there are prompts to quote"
    assert rate.low is not None, "there are enough for an interval"
    assert rate.high is not None, "there are enough for an interval"
    return QuotedRate(
        value=rate.value,
        low=rate.low,
        high=rate.high,
        level=rate.level,
        method=rate.method,
        resamples=rate.resamples,
        prompts=rate.prompts,
        p_value=rate.p_value,
    )
