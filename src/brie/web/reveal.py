"""After the last vote: what the voter preferred, and how far the judges agree with them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from brie.evaluation.views import views_of
from brie.evaluation.work import Work
from brie.project import write_text
from brie.provenance import now
from brie.records import SCORE, Manifest, Status, Winner
from brie.records.analysis import ComparisonView, Outcomes, WinRate
from brie.report.judge_pairs import AgreementCell
from brie.report.judged import judge_scores
from brie.store import Store
from brie.web.voting_session import VotingSession

if TYPE_CHECKING:
    from brie.evaluation.people import Rating


@dataclass(frozen=True)
class VoteShown:
    """One vote, unblinded."""

    view: ComparisonView
    winner: Winner
    comment: str


@dataclass(frozen=True)
class Reveal:
    """What came of a voter's votes."""

    votes: list[VoteShown]
    outcomes: Outcomes
    rate: WinRate | None
    judges: list[tuple[str, AgreementCell]]
    """Judge -> how far it agrees with the voter, on the pairs the voter voted on."""


def closed_file(folder: Path, name: str) -> Path:
    """Where it is kept that a voter has seen the result: nobody votes blind after that."""
    return folder / "voters" / f"{name}.json"


def close(folder: Path, name: str, votes: int) -> None:
    """Remember that a voter has seen the result."""
    path = closed_file(folder, name)
    path.parent.mkdir(exist_ok=True)
    when = now()
    write_text(path, json.dumps({"voter": name, "votes": votes, "revealed": when}) + "\n")


def reveal(session: VotingSession, store: Store) -> Reveal:
    """A voter's votes with the sides, the win rate they give, and agreement with every judge."""
    votes = _votes(session.work, session.manifest, session, store)
    counts = [sum(vote.winner == side for vote in votes) for side in ("candidate", "tie", "baseline")]
    outcomes = Outcomes(win=counts[0], tie=counts[1], loss=counts[2])
    return Reveal(votes, outcomes, _rate(votes, session.manifest), _agreement(votes, session))


def _votes(work: Work, manifest: Manifest, session: VotingSession, store: Store) -> list[VoteShown]:
    verdicts = store.verdicts(task.key for task in session.tasks)
    cast = [
        (task, verdict.letter, verdict.reason)
        for task in session.tasks
        if (verdict := verdicts.get(task.key)) and verdict.status is Status.OK and verdict.letter
    ]
    judged = [planned for task, _, _ in cast for planned in work.tasks_of(task.prompt, [task.sample])]
    views = {(view.prompt_id, view.sample): view for view in views_of(work, manifest, store, judged)}
    return [
        VoteShown(views[task.prompt, task.sample], task.presentation.unblind(letter), reason)
        for task, letter, reason in cast
    ]


def _rate(votes: list[VoteShown], manifest: Manifest) -> WinRate | None:
    import numpy as np

    from brie.analyse.win_rate import Settings, win_rate

    scores: dict[str, list[float]] = {}
    for vote in votes:
        scores.setdefault(vote.view.prompt_id, []).append(SCORE[vote.winner])
    by_prompt = scores.values()
    means = np.array([sum(of_prompt) / len(of_prompt) for of_prompt in by_prompt], dtype=np.float64)
    sizes = np.array([len(of_prompt) for of_prompt in by_prompt], dtype=np.int64)
    rng = np.random.default_rng(manifest.plan.seed)
    return win_rate(means, sizes, rng, Settings(level=manifest.plan.level))


def _agreement(votes: list[VoteShown], session: VotingSession) -> list[tuple[str, AgreementCell]]:
    """The voter with each judge; a judge's word on a pair is its mean over both orders."""
    voter, plan = session.voter.judge.id, session.manifest.plan
    rows = tuple(row for vote in votes for row in _rows(vote, voter))
    return list(_agreed(rows, voter=voter, level=plan.level, resamples=plan.resamples, seed=plan.seed))


@lru_cache(maxsize=64)  # who has seen the result votes no more, and may load it often
def _agreed(
    rows: tuple[Rating, ...], *, voter: str, level: float, resamples: int, seed: int
) -> tuple[tuple[str, AgreementCell], ...]:
    from brie.analyse.win_rate import Settings
    from brie.evaluation.people import agreement_with

    pairs = agreement_with(rows, voter, Settings(level, resamples), seed)
    return tuple((pair.judges[1], AgreementCell.of(pair)) for pair in pairs)


def _rows(vote: VoteShown, voter: str) -> list[Rating]:
    prompt, sample = vote.view.prompt_id, vote.view.sample
    rows = [(prompt, voter, sample, SCORE[vote.winner])]
    for judge, scores in judge_scores(vote.view).items():
        rows.append((prompt, judge, sample, sum(scores) / len(scores)))
    return rows
