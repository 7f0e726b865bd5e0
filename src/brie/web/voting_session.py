"""A voter's session: what is voted on next, undo, skip, and votes into the store."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass

from pydantic import JsonValue

from brie.blinding import JudgeInput, judge_input
from brie.evaluation.manifest import amend, change
from brie.evaluation.votes import (
    Choice,
    Saw,
    asked_of_people,
    seen_by,
    voter_judge,
    with_two_answers,
)
from brie.judge.interface import Reply
from brie.project import alone
from brie.records import Manifest, PanelJudge, Status, Verdict
from brie.store import Store
from brie.web.project_cache import ProjectCache

_LOCK = ".votes.lock"


@dataclass(frozen=True)
class Item:
    """One pair as the voter sees it: no side, no model, no path."""

    number: int
    shown: JudgeInput
    earlier: Choice | None
    """The vote that is about to be replaced, after an undo."""


class VotingSession:
    """One voter on one evaluation; keeps what was voted, skipped and undone."""

    def __init__(self, cache: ProjectCache, *, evaluation: str, name: str) -> None:
        opened = cache.open(evaluation)
        self.evaluation, self.name = evaluation, name
        self.work, self.manifest = opened.work, opened.manifest
        self.voter = voter_judge(self.manifest.plan, name)
        self._cache = cache
        self._lock = threading.RLock()
        with cache.store() as store:
            self.tasks = with_two_answers(opened.asked_of(self.voter), store)
            done = store.verdicts(task.key for task in self.tasks)
        votes = ((n, _letter(done.get(task.key))) for n, task in enumerate(self.tasks))
        self._votes = {n: letter for n, letter in votes if letter is not None}
        self._cast = [n for n in range(len(self.tasks)) if n in self._votes]
        self._skipped: list[int] = []
        self._back = 0
        self._registered: set[str] = set()
        """What the chain says of the voter, as far as this session wrote it."""

    @property
    def criteria(self) -> tuple[str, ...]:
        """What may be scored from 1 to 5, besides the vote."""
        return self.voter.rubric.criteria if self.voter.rubric else ()

    @property
    def progress(self) -> tuple[int, int]:
        """Votes cast, and pairs in all."""
        return len(self._votes), len(self.tasks)

    @property
    def can_undo(self) -> bool:
        """True where there is a vote to go back to."""
        return self._back < len(self._cast)

    def outdated(self) -> bool:
        """True where other pairs have been drawn for people since this session began."""
        now = self._cache.open(self.evaluation).manifest
        return asked_of_people(now) != asked_of_people(self.manifest)

    def current(self) -> Item | None:
        """The pair to vote on; None when every pair is voted on. Skipped pairs come last."""
        with self._lock:
            number = self._current()
            if number is None:
                return None
            task = self.tasks[number]
        with self._cache.store() as store:
            keys = (task.presentation.candidate, task.presentation.baseline)
            texts = {key: row.text for key, row in store.completions(keys).items()}
        pair = judge_input(
            task.presentation, self.work.prompts[task.prompt], self.work.messages[task.prompt], texts
        )
        return Item(number, pair, self._votes.get(number))

    def vote(
        self,
        number: int,
        choice: Choice,
        comment: str = "",
        scores: dict[str, dict[str, float]] | None = None,
        saw: Collection[Saw] = (),
    ) -> bool:
        """Store a vote on the current pair; False, and nothing stored, if it is not the current one: a
        form sent twice, or a pair that was voted on in another window meanwhile.

        Args:
            number: the pair's, as `current` gave it.
            choice: what was voted.
            comment: the voter's words.
            scores: criterion -> letter -> 1 to 5.
            saw: what the voter had seen or could see by then.

        Raises:
            StoreError: the store cannot be written.
        """
        with self._lock:
            if number != self._current():
                return False
            reply = Reply(Status.OK, choice, reason=comment, text=f"vote: {choice}", scores=scores or {})
            if not self._store(number, reply, saw):
                return False
            self._votes[number] = choice
            self._leave(number)
            self._cast.append(number)
            return True

    def skip(self, number: int, saw: Collection[Saw] = ()) -> bool:
        """Leave the current pair for later; a vote that was being replaced is withdrawn.

        False, and nothing stored, as with `vote`.
        """
        with self._lock:
            if number != self._current():
                return False
            if number in self._votes:
                withdrawn = Reply(
                    Status.REFUSED, reason="withdrawn by the voter", text="vote: withdrawn"
                )
                if not self._store(number, withdrawn, saw):
                    return False
                del self._votes[number]
            self._leave(number)
            self._skipped.append(number)
            return True

    def undo(self) -> None:
        """Go back one vote; it stands until another replaces it."""
        with self._lock:
            self._back = min(self._back + 1, len(self._cast))

    def _current(self) -> int | None:
        if self._back:
            return self._cast[-self._back]
        skipped = set(self._skipped)
        fresh = (n for n in range(len(self.tasks)) if n not in self._votes and n not in skipped)
        return next(fresh, self._skipped[0] if self._skipped else None)

    def _leave(self, number: int) -> None:
        self._cast = [n for n in self._cast if n != number]
        self._skipped = [n for n in self._skipped if n != number]
        self._back = 0

    def _store(self, number: int, reply: Reply, saw: Collection[Saw]) -> bool:
        """Store a vote; False where the pair was voted on in another window since it was shown."""
        task = self.tasks[number]
        with (
            Store.open(self._cache.project.store, create=False) as store,
            alone(self._cache.folder(self.evaluation) / _LOCK),
        ):
            there = _letter(store.verdicts([task.key]).get(task.key))
            if there != self._votes.get(number):
                self._learn(number, there)
                return False
            if not self._registered >= {"voter", *saw}:
                register(self._cache, self.evaluation, self.voter, store, saw)
                self._registered |= {"voter", *saw}
            row = task.verdict(reply).model_copy(update={"supersedes": there is not None})
            store.add_verdicts([row], evaluation=f"{self.evaluation}/votes", judge=self.voter.judge.id)
        self._cache.open(self.evaluation).votes.note(task)
        return True

    def _learn(self, number: int, vote: Choice | None) -> None:
        """Take over what another window did with a pair."""
        self._leave(number)
        self._votes.pop(number, None)
        if vote is not None:
            self._votes[number] = vote
            self._cast.append(number)


def _letter(verdict: Verdict | None) -> Choice | None:
    return verdict.letter if verdict is not None and verdict.status is Status.OK else None


def register(
    cache: ProjectCache, evaluation: str, voter: PanelJudge, store: Store, saw: Collection[Saw] = ()
) -> None:
    """Chain a new voter to the seal, with how many verdicts the store held before their first vote, and
    with what they had seen by then; what they see later is one more link.
    """

    def joined(manifest: Manifest) -> Manifest:
        links = [link.judge for link in manifest.amendments if link.kind == "voter"]
        before = seen_by(manifest).get(voter.judge.id, ())
        if voter.judge.id in links and set(saw) <= set(before):
            return manifest
        detail: dict[str, JsonValue] = {
            "judge": voter.judge.id, "digest": voter.digest, "rubric": voter.rubric_digest,
            "positions": "balanced",
        }  # fmt: skip
        if everything := sorted({*before, *saw}):
            detail["saw"] = list(everything)
        return amend(manifest, "voter", detail, verdicts_before=store.newest())

    cache.amended(evaluation, change(cache.folder(evaluation), joined))
