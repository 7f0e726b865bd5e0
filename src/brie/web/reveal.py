"""After the last vote: what the voter preferred, and how far the judges agree with them."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

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

_KEPT = 64
"""Results kept in memory."""


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


class Reveals:
    """Results as they were shown: made again only where a judge or the voter has said more since.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[int, Reveal]] = OrderedDict()

    def of(self, session: VotingSession, store: Store) -> Reveal:
        """The result of a voter's votes (`reveal`)."""
        name, newest = (session.evaluation, session.name), store.newest()
        after, kept = self._kept.get(name, (0, None))
        if kept is None or _said_more(session, store, after=after, until=newest):
            after, kept = newest, reveal(session, store)
        with self._lock:
            self._kept[name] = (after, kept)
            self._kept.move_to_end(name)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return kept


def _said_more(session: VotingSession, store: Store, *, after: int, until: int) -> bool:
    judges = (session.voter, *session.work.panel_judges)
    return any(
        store.added(judge.digest, judge.rubric_digest, after=after, until=until, most=1)
        for judge in judges
    )


def reveal(session: VotingSession, store: Store) -> Reveal:
    """A voter's votes with the sides, the win rate they give, and agreement with every judge."""
    votes = _votes(session.work, session.manifest, session, store)
    counts = [sum(vote.winner == side for vote in votes) for side in ("candidate", "tie", "baseline")]
    outcomes = Outcomes(win=counts[0], tie=counts[1], loss=counts[2])
    return Reveal(votes, outcomes, _rate(votes, session.manifest), _agreement(votes, session))


def _votes(work: Work, manifest: Manifest, session: VotingSession, store: Store) -> list[VoteShown]:
    voter, newest = session.voter, store.newest()
    said = set(store.added(voter.digest, voter.rubric_digest, after=0, until=newest, most=2**31))
    verdicts = store.verdicts(task.key for task in session.tasks if task.key in said)
    cast = [
        (task, verdict.letter, verdict.reason)
        for task in session.tasks
        if (verdict := verdicts.get(task.key)) and verdict.status is Status.OK and verdict.letter
    ]
    judged = work.tasks_on({(task.prompt, task.sample) for task, _, _ in cast})
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
    from brie.analyse.win_rate import Settings
    from brie.evaluation.people import agreement_with

    voter, plan = session.voter.judge.id, session.manifest.plan
    rows = [row for vote in votes for row in _rows(vote, voter)]
    return [
        (pair.judges[1], AgreementCell.of(pair))
        for pair in agreement_with(rows, voter, Settings(plan.level, plan.resamples), plan.seed)
    ]


def _rows(vote: VoteShown, voter: str) -> list[tuple[str, str, int, float]]:
    prompt, sample = vote.view.prompt_id, vote.view.sample
    rows = [(prompt, voter, sample, SCORE[vote.winner])]
    for judge, scores in judge_scores(vote.view).items():
        rows.append((prompt, judge, sample, sum(scores) / len(scores)))
    return rows
