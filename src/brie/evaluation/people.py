"""What people who voted preferred, and how far they and the judges agree.

Votes stand beside the headline, as judges do that were added after the seal.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from brie.analyse.assemble import Options, analyse_verdicts
from brie.analyse.panel import agreement
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.analyse.win_rate import Settings
from brie.evaluation.columns import Rows, chosen
from brie.evaluation.rows import EvaluationData
from brie.evaluation.table import table
from brie.evaluation.votes import Saw, imported, seen_by, voters
from brie.records.agreement import PairAgreement
from brie.records.judges import JudgeNumbers

NOT_BLIND: dict[Saw, str] = {
    "result": "a result had been shown in that browser",
    "viewer": "that browser could open the viewer",
}
"""What is said of a voter who saw something."""
Rating = tuple[str, str, int, float]
"""Prompt, judge, sample, and the candidate's score."""
_UNKNOWN_ORDER = "the votes were read from a file, which does not say in which order the answers stood"


def by_voter(
    facts: EvaluationData, options: Options, seed: int
) -> tuple[dict[str, JudgeNumbers], dict[str, str]]:
    """Each voter's rate, outcomes and effects, with their agreement with every judge; and notes.

    Args:
        facts: with the votes.
        options: of the headline.
        seed: of the random draws.
    """
    voters_numbers: dict[str, JudgeNumbers] = {}
    notes: dict[str, str] = {}
    unordered, seen = imported(facts.manifest), seen_by(facts.manifest)
    for voter in voters(facts.manifest):
        name = voter.judge.id
        votes = chosen(facts.columns.is_of("vote"), facts.columns.is_by([name]))
        if not len(votes):
            continue
        parts = analyse_verdicts(table(facts, votes, [name], votes=True), options=options, seed=seed)
        numbers = parts.by_judge[name]
        notes |= {k: v for k, v in parts.notes.items() if k.startswith(f"by_judge.{name}.")}
        if name in unordered:
            numbers = numbers.model_copy(update={"position": None, "label": None})
            notes |= {f"by_judge.{name}.{key}": _UNKNOWN_ORDER for key in ("position", "label")}
        notes[f"by_judge.{name}"] = "votes of a person, beside the headline and not part of it"
        if saw := seen.get(name, ()):
            notes[f"by_judge.{name}"] += f"; not blind: {' and '.join(NOT_BLIND[kind] for kind in saw)}"
        voters_numbers[name] = numbers.model_copy(
            update={
                "provider": "human",
                "model": voter.judge.model,
                "family": None,
                "instrument": False,
                "added": True,
                "votes": len(votes),
                **({"saw": seen[name]} if name in seen else {}),
                "agreement": _with_judges(facts, votes, name, options, seed),
            }
        )
    return voters_numbers, notes


def _with_judges(
    facts: EvaluationData, votes: Rows, voter: str, options: Options, seed: int
) -> tuple[PairAgreement, ...]:
    """Agreement with each judge, on the comparisons voted on."""
    return agreement_with(
        ratings_of(facts, votes), voter, Settings(options.level, options.resamples), seed
    )


def ratings_of(facts: EvaluationData, votes: Rows, *, orders: int = 1) -> list[Rating]:
    """What judges and people said of the comparisons voted on; a judge's word is its mean over orders.

    Args:
        facts: the evaluation's rows.
        votes: those of them that are votes of one person or of several.
        orders: in how many a judge must have judged a comparison.
    """
    columns = facts.columns
    voted_on = np.isin(columns.comparison, columns.comparison[votes])
    judged = chosen(columns.is_of("main"), voted_on, ~np.isnan(columns.score))
    scores_of: dict[tuple[str, str, int], list[float]] = {}
    for prompt, judge, sample, score in _ratings(facts, judged):
        scores_of.setdefault((prompt, judge, sample), []).append(score)
    rows: list[Rating] = [
        (*key, fmean(scores)) for key, scores in scores_of.items() if len(scores) >= orders
    ]
    return rows + _ratings(facts, votes)


def _ratings(facts: EvaluationData, rows: Rows) -> list[Rating]:
    columns, order = facts.columns, facts.manifest.plan.order
    return [
        (order[place], columns.names[judge], sample, score)
        for place, judge, sample, score in zip(
            columns.prompt[rows].tolist(), columns.judge[rows].tolist(),
            columns.sample[rows].tolist(), columns.score[rows].tolist(), strict=True,
        )
    ]  # fmt: skip


def agreement_with(
    rows: Sequence[Rating], voter: str, settings: Settings, seed: int
) -> tuple[PairAgreement, ...]:
    """The pairs of a voter with each judge, as `analysis.json` writes pairs of judges.

    Args:
        rows: one rating a judge and comparison.
        voter: whose pairs.
        settings: of the intervals.
        seed: of their draws.
    """
    judges = [voter, *sorted({judge for _, judge, _, _ in rows} - {voter})]
    if len(judges) < 2:
        return ()
    return tuple(
        pair
        for judge in judges[1:]
        for pair in _pair(
            [row for row in rows if row[1] in (voter, judge)], (voter, judge), settings, seed
        )
    )


def _pair(
    rows: Sequence[Rating], judges: tuple[str, str], settings: Settings, seed: int
) -> list[PairAgreement]:
    """Both judges on what both rated: what is symmetric, as the voter may be named first."""
    prompts = {name: code for code, name in enumerate(sorted({prompt for prompt, _, _, _ in rows}))}
    made = VerdictTable.build(
        prompts=list(prompts),
        judges=judges,
        prompt=[prompts[prompt] for prompt, _, _, _ in rows],
        judge=[judges.index(judge) for _, judge, _, _ in rows],
        sample=[sample for _, _, sample, _ in rows],
        score=[score for _, _, _, score in rows],
        both_orders=False,
    )
    measured = agreement(Study(made.canonical(), settings, seed))
    return [
        PairAgreement(
            judges=judges,
            n=pair.n,
            percent=pair.percent,
            kappa=pair.kappa,
            alpha=pair.alpha,
            ac1=pair.ac1,
        )
        for pair in (measured.pairs if measured else ())
    ]
