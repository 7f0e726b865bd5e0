"""Asking anchors again: the verdicts of a round, what is shown, and how many came out otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from brie import judge
from brie.blinding import Choice, JudgeInput, Presentation, judge_input, weigh
from brie.evaluation.anchors import AnchorPair, AnchorShown, Asked, identity_of
from brie.evaluation.budget import Terms
from brie.judge.interface import Task
from brie.judge.retry import RetryPolicy
from brie.judge.run import JudgingResult
from brie.progress import Screen
from brie.records import PanelJudge, Status, Verdict
from brie.store import Store
from brie.store.owner import Owner

_FIRST = 1_000_000_000
"""Repeats below belong to evaluations."""
_SPAN = 100_000
"""Rounds that a judge's anchors can have."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A judge's own noise on its anchors."""

    noise: Asked
    usual: Mapping[Presentation, Choice | None]
    """What it says of each presentation most often."""


@dataclass(frozen=True)
class AnchorRounds:
    """The anchors of one judge, as they are asked."""

    member: PanelJudge
    """The judge as its file reaches it now, with the sealed rubric."""
    pairs: tuple[AnchorPair, ...]

    @cached_property
    def identity(self) -> str:
        """Digest over who is asked what."""
        return identity_of(self.member, self.pairs)

    def tasks(self, rounds: Iterable[int]) -> list[Task]:
        """The verdicts of some rounds, round by round; each has a key of its own."""
        return [task for number in rounds for task, _, _ in self._planned(number)]

    def shows(self, rounds: Iterable[int]) -> dict[str, JudgeInput]:
        """What is shown, by the key of the verdict."""
        return {
            task.key: _shown(pair, shown)
            for number in rounds
            for task, pair, shown in self._planned(number)
        }

    def counted(self, number: int, store: Store) -> Asked | None:
        """What came of a round; None where a verdict is still to come."""
        verdicts = self._verdicts([number], store)
        if verdicts is None:
            return None
        given = self._choices(number, verdicts)
        changed = [[given[s.presentation] != s.letter for s in pair.shown] for pair in self.pairs]
        return _asked(changed, list(verdicts.values()), store)

    def measured(self, rounds: Sequence[int], store: Store) -> Measured | None:
        """How much changes from round to round: each compared with what the others and the stored
        verdict say most often; None where a verdict is still to come.

        A stored verdict may itself be a slip, and a comparison be chosen because of it. What is sealed
        is what the judge says most often.
        """
        verdicts = self._verdicts(rounds, store)
        if verdicts is None:
            return None
        said: dict[Presentation, list[Choice | None]] = {
            shown.presentation: [shown.letter] for pair in self.pairs for shown in pair.shown
        }
        for number in rounds:
            for presentation, choice in self._choices(number, verdicts).items():
                said[presentation].append(choice)
        flags = [
            [_differs(said[shown.presentation], place) for shown in pair.shown]
            for place in range(1, len(rounds) + 1)
            for pair in self.pairs
        ]
        usual = {shown: _usual(words) for shown, words in said.items()}
        return Measured(_asked(flags, list(verdicts.values()), store), usual)

    def _choices(
        self, number: int, verdicts: Mapping[str, Verdict]
    ) -> dict[Presentation, Choice | None]:
        """What a round says of every presentation."""
        heard: dict[int, list[tuple[Presentation, Verdict]]] = {}
        for task, pair, shown in self._planned(number):
            heard.setdefault(id(pair), []).append((shown.presentation, verdicts[task.key]))
        return {
            presentation: choice
            for each in heard.values()
            for (presentation, _), choice in zip(each, choices(self.member, each), strict=True)
        }

    def _verdicts(self, rounds: Iterable[int], store: Store) -> dict[str, Verdict] | None:
        keys = [task.key for task in self.tasks(rounds)]
        verdicts = store.verdicts(keys)
        come = all(key in verdicts and verdicts[key].status is not Status.ERROR for key in keys)
        return verdicts if come else None

    def _planned(self, number: int) -> list[tuple[Task, AnchorPair, AnchorShown]]:
        start = _FIRST + int(self.identity.removeprefix("sha256:")[:8], 16) * _SPAN
        return [
            (
                Task.plan(
                    "repeat", self.member, shown.presentation, prompt=pair.prompt.id, sample=0,
                    repeat=start + number,
                ),
                pair,
                shown,
            )
            for pair in self.pairs
            for shown in pair.shown
        ]  # fmt: skip


def outcome(verdict: Verdict) -> Choice | None:
    """What a verdict says; None where it is not usable."""
    return verdict.letter if verdict.status is Status.OK else None


def choices(judge: PanelJudge, heard: Sequence[tuple[Presentation, Verdict]]) -> list[Choice | None]:
    """What a judge says in each presentation of a comparison; None where that is not usable.

    Of a judge that gives numbers it is the outcome of all of them together. Its likelier letter may be
    the same whatever it is shown, and says nothing of a change then.

    Args:
        judge: with the rule by which its margins become outcomes, where it gives numbers.
        heard: every presentation that was planned, with its verdict.
    """
    if judge.margins is None:
        return [outcome(verdict) for _, verdict in heard]
    numbers = [
        (presentation, verdict.measured.by_letter)
        for presentation, verdict in heard
        if verdict.status is Status.OK and verdict.measured is not None
    ]
    if len(numbers) < len(heard):
        return [None] * len(heard)
    winner = weigh(numbers).winner(judge.margins.tie)
    return [presentation.letter_of(winner) for presentation, _ in heard]


def _usual(words: Sequence[Choice | None]) -> Choice | None:
    """What is said most often; where several are, the one that was said first."""
    return Counter(words).most_common(1)[0][0]


def _differs(words: Sequence[Choice | None], place: int) -> bool:
    """Whether one of several differs from what the others say most often."""
    return words[place] != _usual([*words[:place], *words[place + 1 :]])


def _asked(changed: Sequence[Sequence[bool]], verdicts: Sequence[Verdict], store: Store) -> Asked:
    """Verdicts counted: whether each has changed, comparison by comparison."""
    newest, at = store.last_kept(verdict.key for verdict in verdicts)
    return Asked(
        asked=sum(map(len, changed)),
        changed=sum(map(sum, changed)),
        both=sum(list(flags) == [True, True] for flags in changed),
        unusable=sum(outcome(verdict) is None for verdict in verdicts),
        served=Counter(verdict.served for verdict in verdicts if verdict.served),
        at=at,
        newest=newest,
    )


def _shown(pair: AnchorPair, shown: AnchorShown) -> JudgeInput:
    presentation = shown.presentation
    texts = {presentation.baseline: pair.baseline, presentation.candidate: pair.candidate}
    return judge_input(presentation, pair.prompt, pair.messages, texts)


def ask_rounds(
    tasks: Sequence[Task],
    shows: Mapping[str, JudgeInput],
    terms: Terms,
    store: Store,
    owner: Owner,
    screen: Screen,
    *,
    booked: str,
) -> JudgingResult:
    """Ask for what is missing of some rounds, at once and never through a batch.

    Args:
        tasks: their verdicts.
        shows: what is shown, by key.
        terms: what was agreed.
        store: where verdicts go.
        owner: this process.
        screen: progress.
        booked: id the calls are booked under.
    """
    with screen.bar("asking anchors again", len(tasks), "verdicts") as advance:
        context = judge.RunContext(
            panel_judges=terms.panel_judges,
            shown=lambda task: shows[task.key],
            store=store,
            owner=owner,
            evaluation=booked,
            on_done=advance,
            say=screen.say,
            cap=terms.cap,
            retry_policy=RetryPolicy(patience=terms.patience),
            settled=terms.settled,
        )
        return judge.run(tasks, context)
