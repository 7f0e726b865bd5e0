"""The headline: one rate, its intervals, and the verdict with its reason (docs/statistics.md 1)."""

from __future__ import annotations

from collections.abc import Sequence as Ordered
from dataclasses import dataclass

import numpy as np

from brie.analyse.arrays import Floats
from brie.analyse.bounded import one_sided
from brie.analyse.cells import PromptMeans, cells, prompt_means
from brie.analyse.missing import missing_verdicts
from brie.analyse.sequential import Sequence, sequence
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.analyse.verdict import Ability, Decision, decide, decide_sequential, inside
from brie.analyse.win_rate import Settings, source_interval
from brie.conventions import E_PROCESS, WIDER
from brie.records.analysis import VerdictWord, WinRate
from brie.records.standing import MissingVerdicts


@dataclass(frozen=True)
class EarlyStopping:
    """The sealed rule of an evaluation that may stop early."""

    order: Ordered[str]
    """Prompt ids in the sealed, shuffled order of work."""
    alpha: float
    max_prompts: int


@dataclass(frozen=True)
class Headline:
    """What stands at the top of a report."""

    rate: WinRate | None
    decision: Decision | None
    survives_missing: bool | None
    sequence: Sequence | None
    """Only where early stopping was sealed."""
    missing: MissingVerdicts | None = None
    """Only where a planned verdict could not be used."""


def headline(
    study: Study, ability: Ability, *, margin: float, alpha: float, stopping: EarlyStopping | None
) -> Headline:
    """Rate and verdict on all prompts, and whether the verdict holds with the missing at either end."""
    rate = study.rate("win_rate", planning=True)
    if rate is None:
        study.notes["verdict"] = study.notes["win_rate"]
        return Headline(None, None, None, None)
    ends = [prompt_means(end) for end in study.extremes] if study.has_missing else []
    if stopping is not None:
        return _stopped(study, rate, ends, stopping)
    bounds = one_sided(study.means.mean)
    rate = _for_new_sources(study, rate.model_copy(update={"one_sided": bounds} if bounds else {}))
    decision = decide(rate, ability, margin=margin, alpha=alpha)

    def word_of(path: str, means: PromptMeans) -> VerdictWord | None:
        other = study.rate_of(path, means, None)
        if other is None:
            return None
        if inside(other.interval_90, margin):  # else the bounds decide nothing
            other = other.model_copy(update={"one_sided": one_sided(means.mean)})
        return decide(other, ability, margin=margin, alpha=alpha).word

    words = [word_of(f"win_rate.bounds.{i}", end) for i, end in enumerate(ends)]
    survives = _same(decision.word, [word for word in words if word is not None])

    def word_at(score: float) -> VerdictWord | None:
        return word_of("win_rate.missing", prompt_means(cells(study.table, score)))

    missing = missing_verdicts(study, decision.word, None if survives else word_at)
    return Headline(rate, _with_sources(decision, rate), survives, None, missing)


def look(table: VerdictTable, stopping: EarlyStopping) -> Sequence | None:
    """What the e-process says of the prompts judged so far; None before the first complete one."""
    study = Study(table.canonical(), Settings(), 0)
    means = _in_order(study, study.means, stopping)
    return sequence(means, stopping.alpha) if len(means) else None


def _stopped(study: Study, rate: WinRate, ends: list[PromptMeans], stopping: EarlyStopping) -> Headline:
    """The sequence's interval and anytime-valid p take the place of bootstrap and sign-flip."""
    wealth = sequence(_in_order(study, study.means, stopping), stopping.alpha)
    rate = _as_rate(rate, wealth)
    decision = decide_sequential(rate, wealth.decided, wealth.stopped_at)
    words = []
    for end in ends:
        extreme = sequence(_in_order(study, end, stopping), stopping.alpha)
        words.append(decide_sequential(_as_rate(rate, extreme), extreme.decided, None).word)
    study.notes["sequential"] = (
        "the mean at a stop is too extreme by 3 to 6 points; the headline's interval allows for "
        "stopping, the intervals of judges, categories and sources do not"
    )
    survives = _same(decision.word, words)

    def word_at(score: float) -> VerdictWord:
        filled = sequence(
            _in_order(study, prompt_means(cells(study.table, score)), stopping), stopping.alpha
        )
        return decide_sequential(_as_rate(rate, filled), filled.decided, None).word

    missing = missing_verdicts(study, decision.word, None if survives else word_at)
    return Headline(rate, decision, survives, wealth, missing)


def _in_order(study: Study, means: PromptMeans, stopping: EarlyStopping) -> Floats:
    rank_of = {prompt: rank for rank, prompt in enumerate(stopping.order)}
    last = len(rank_of)
    ranks = [rank_of.get(study.table.prompts[code], last) for code in means.prompt.tolist()]
    return means.mean[np.argsort(ranks, kind="stable")]


def _as_rate(rate: WinRate, wealth: Sequence) -> WinRate:
    update = {
        "low": wealth.low, "high": wealth.high, "level": 1 - wealth.alpha, "method": E_PROCESS,
        "resamples": "exact", "p_value": wealth.p_value, "p_at_most": False, "interval_90": None,
    }  # fmt: skip
    return rate.model_copy(update=update)


def _same(word: VerdictWord, others: list[VerdictWord]) -> bool:
    return all(other == word for other in others)


def _for_new_sources(study: Study, rate: WinRate) -> WinRate:
    path = "win_rate.by_source_interval"
    ends = source_interval(study.means.mean, study.source, study.rng("sources"), study.settings)
    if ends is None:
        study.notes[path] = "one source: nothing says how prompts of another would differ"
        return rate
    if ends.interval is None:
        study.notes[path] = f"{ends.sources} sources: nothing can be said of new ones"
    interval = (ends.interval.low, ends.interval.high) if ends.interval else None
    update = {"by_source_interval": interval, "mean_of_sources": ends.value, "sources": ends.sources}
    return rate.model_copy(update=update)


def _with_sources(decision: Decision, rate: WinRate) -> Decision:
    """Where the interval for new sources is much wider, the verdict says in which it holds."""
    sources = rate.by_source_interval
    if sources is None or rate.low is None or rate.high is None:
        return decision
    if decision.word not in ("better", "worse") or not wider(rate):
        return decision
    holds = sources[0] > 0.5 + 1e-9 or sources[1] < 0.5 - 1e-9
    where = "and for new sources" if holds else "but is not shown for new sources"
    reason = f"{decision.reason}, for new prompts from these sources {where}"
    return Decision(decision.word, reason)


def wider(rate: WinRate) -> bool:
    """The interval for new sources is wide enough to share the headline."""
    if rate.by_source_interval is None or rate.low is None or rate.high is None:
        return False
    low, high = rate.by_source_interval
    return high - low > WIDER * (rate.high - rate.low)
