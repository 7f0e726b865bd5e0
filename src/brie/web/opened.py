"""An evaluation in memory: its manifest, and what its plan makes of it, worked out when it is needed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from brie.evaluation.votes import asked_of, people_links
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.records import Manifest, PanelJudge
from brie.web.votes_kept import VotesKept


@dataclass(frozen=True)
class _Planned:
    """What stays the same while voters join."""

    manifest: Manifest

    @cached_property
    def work(self) -> Work:
        return Work.of(self.manifest)

    @cached_property
    def votes(self) -> VotesKept:
        return VotesKept(self.work)

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {prompt.id: number for number, prompt in enumerate(self.manifest.plan.suite.prompts)}


@dataclass(frozen=True)
class Opened:
    """An evaluation as it stands."""

    manifest: Manifest
    _planned: _Planned

    @classmethod
    def of(cls, manifest: Manifest) -> Opened:
        """A manifest that was just read."""
        return cls(manifest, _Planned(manifest))

    def grown(self, manifest: Manifest) -> Opened:
        """The same with another manifest; where that says only of more voters, the work is kept."""
        same = manifest.seal == self.manifest.seal and _asked(manifest) == _asked(self.manifest)
        return Opened(manifest, self._planned) if same else Opened.of(manifest)

    @property
    def work(self) -> Work:
        """The plan's work."""
        return self._planned.work

    @property
    def votes(self) -> VotesKept:
        """What people may have voted on."""
        return self._planned.votes

    def place(self, prompt: str, sample: int) -> int:
        """A comparison's place in the plan, from 0: all samples of a prompt before the next."""
        return self._planned.numbers[prompt] * self.manifest.plan.samples + sample

    def asked_of(self, voter: PanelJudge) -> list[Task]:
        """What a voter is asked, in the order of asking: the pairs drawn for people, if any were."""
        if people_links(self.manifest):
            return asked_of(self.work, self.manifest, voter)
        return self.votes.by(self.manifest, voter).tasks

    def tasks(self, prompt: str, samples: Collection[int] | None = None) -> list[Task]:
        """Every planned verdict and possible vote on a prompt.

        Args:
            prompt: its id.
            samples: only on these; on all by default.
        """
        cast = self.votes.on(self.manifest, prompt)
        wanted = [task for task in cast if samples is None or task.sample in samples]
        return [*self.work.tasks_of(prompt, samples), *wanted]


def _asked(manifest: Manifest) -> list[str]:
    """Everything in the chain that adds to what is asked of judges, and of people."""
    return [link.digest for link in manifest.amendments if link.kind != "voter"]
