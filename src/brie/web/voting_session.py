"""A voter's session: what is voted on next, undo, skip, and votes into the store."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from brie.blinding import JudgeInput, judge_input
from brie.evaluation.manifest import amend, change
from brie.evaluation.votes import Choice, asked_of_people, ballot, voter_judge
from brie.judge.interface import Reply, Task
from brie.records import Manifest, PanelJudge, Status
from brie.store import Store
from brie.web.project_cache import ProjectCache


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
            every = ballot(self.work, self.voter, asked_of_people(self.manifest))
            self.tasks = _with_two_answers(every, store)
            done = store.verdicts(task.key for task in self.tasks)
        votes = ((n, done.get(task.key)) for n, task in enumerate(self.tasks))
        self._votes = {n: v.letter for n, v in votes if v is not None and v.status is Status.OK}
        self._cast = [n for n in range(len(self.tasks)) if n in self._votes]
        self._skipped: list[int] = []
        self._back = 0
        self._registered = False

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
    ) -> bool:
        """Store a vote on the current pair; False, and nothing stored, if it is not the current one
        (a form sent twice).

        Raises:
            StoreError: the store cannot be written.
        """
        with self._lock:
            if number != self._current():
                return False
            reply = Reply(Status.OK, choice, reason=comment, text=f"vote: {choice}", scores=scores or {})
            self._store(number, reply, supersedes=number in self._votes)
            self._votes[number] = choice
            self._leave(number)
            self._cast.append(number)
            return True

    def skip(self, number: int) -> None:
        """Leave the current pair for later; a vote that was being replaced is withdrawn."""
        with self._lock:
            if number != self._current():
                return
            if number in self._votes:
                withdrawn = Reply(
                    Status.REFUSED, reason="withdrawn by the voter", text="vote: withdrawn"
                )
                self._store(number, withdrawn, supersedes=True)
                del self._votes[number]
            self._leave(number)
            self._skipped.append(number)

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

    def _store(self, number: int, reply: Reply, *, supersedes: bool) -> None:
        row = self.tasks[number].verdict(reply).model_copy(update={"supersedes": supersedes})
        with Store.open(self._cache.project.store, create=False) as store:
            if not self._registered:
                register(self._cache, self.evaluation, self.voter, store)
                self._registered = True
            store.add_verdicts([row], evaluation=f"{self.evaluation}/votes", judge=self.voter.judge.id)


def register(cache: ProjectCache, evaluation: str, voter: PanelJudge, store: Store) -> None:
    """Chain a new voter to the seal, with how many verdicts the store held before their first vote."""

    def joined(manifest: Manifest) -> Manifest:
        if any(link.kind == "voter" and link.judge == voter.judge.id for link in manifest.amendments):
            return manifest
        detail = {"judge": voter.judge.id, "digest": voter.digest, "rubric": voter.rubric_digest,
                  "positions": "balanced"}  # fmt: skip
        return amend(manifest, "voter", detail, verdicts_before=store.newest())

    cache.amended(evaluation, change(cache.folder(evaluation), joined))


def _with_two_answers(tasks: list[Task], store: Store) -> list[Task]:
    """Pairs whose answers are both there and differ: identical ones are ties without a vote."""
    pairs = []
    for start in range(0, len(tasks), 250):
        part = tasks[start : start + 250]
        keys = {k for t in part for k in (t.presentation.candidate, t.presentation.baseline)}
        texts = {key: row.text for key, row in store.completions(keys).items()}
        for task in part:
            shown = task.presentation
            candidate, baseline = texts.get(shown.candidate), texts.get(shown.baseline)
            if candidate is not None and baseline is not None and candidate != baseline:
                pairs.append(task)
    return pairs
