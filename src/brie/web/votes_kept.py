"""Which votes people may have cast on a prompt: worked out once a voter, whatever page asks.

A voter may have voted on some hundred pairs of a plan that may have a hundred thousand; which those are
is drawn by hashes of every prompt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from brie.evaluation.votes import Pair, deal_of, dealt, may_cast_on, people_links, voters
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.records import Manifest, PanelJudge


@dataclass(frozen=True)
class MayVote:
    """What one voter may have voted on."""

    work: Work
    voter: PanelJudge
    deal: str
    pairs: list[Pair]

    def on(self, prompt: str) -> list[Task]:
        """Those of a prompt."""
        samples = self._samples.get(prompt, ())
        pairs = [(prompt, sample) for sample in samples]
        return dealt(self.work, self.voter, self.deal, pairs) if pairs else []

    @cached_property
    def tasks(self) -> list[Task]:
        """All of them."""
        return dealt(self.work, self.voter, self.deal, self.pairs)

    @cached_property
    def by_key(self) -> dict[str, Pair]:
        """Key of a vote -> what it is on."""
        return {task.key: (task.prompt, task.sample) for task in self.tasks}

    @cached_property
    def _samples(self) -> dict[str, list[int]]:
        samples: dict[str, list[int]] = {}
        for prompt, sample in dict.fromkeys(self.pairs):
            samples.setdefault(prompt, []).append(sample)
        return samples


class VotesKept:
    """The voters of an evaluation. Safe to use from several threads."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._known: dict[tuple[str, ...], MayVote] = {}
        """By voter, their deal, and what was drawn for people."""
        self._last: tuple[Manifest | None, list[MayVote]] = (None, [])
        self._cast: dict[str, Pair] = {}
        """Key -> pair, of votes that were cast here."""

    def note(self, task: Task) -> None:
        """A vote was cast: what it is on need not be found out again."""
        self._cast[task.key] = (task.prompt, task.sample)

    def pairs(self, voter: MayVote, keys: Iterable[str]) -> list[Pair]:
        """What votes are on; those on nothing that their voter is asked are left out."""
        pairs = (self._cast.get(key) or voter.by_key.get(key) for key in keys)
        return [pair for pair in pairs if pair is not None]

    def are_known(self, voter: MayVote, keys: Iterable[str]) -> bool:
        """Whether that is known without working out everything the voter is asked."""
        return "tasks" in vars(voter) or self._cast.keys() >= set(keys)

    def of(self, manifest: Manifest) -> list[MayVote]:
        """Everybody who has voted by now."""
        last, found = self._last
        if last is not manifest:
            found = [self.by(manifest, voter) for voter in voters(manifest)]
            self._last = (manifest, found)
        return found

    def on(self, manifest: Manifest, prompt: str) -> list[Task]:
        """Every vote that may have been cast on a prompt."""
        return [task for voter in self.of(manifest) for task in voter.on(prompt)]

    def by(self, manifest: Manifest, voter: PanelJudge) -> MayVote:
        """A voter, who need not have voted yet."""
        deal, drawn = deal_of(manifest, voter), (link.digest for link in people_links(manifest))
        known_by = (voter.digest, deal, *drawn)
        if known_by not in self._known:
            pairs = may_cast_on(manifest, voter)
            self._known[known_by] = MayVote(self._work, voter, deal, pairs)
        return self._known[known_by]
