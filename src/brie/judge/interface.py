"""What a judge is shown and what it answers: the seam every provider implements."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from brie.blinding import JudgeInput, Presentation
from brie.digest import text_digests
from brie.judge.prompt import Correction
from brie.records import Margin, Measured, PanelJudge, Status, Usage, Verdict
from brie.store import Store

Kind = Literal["main", "a_a", "damaged", "repeat", "again", "vote"]
"""What a verdict is for. `again` is the very request of the first once more, `repeat` another with the
same pair."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of asking once."""

    status: Status
    letter: Literal["A", "B", "tie"] | None = None
    reason: str = ""
    """The judge's reasons; where there is no verdict, why not."""
    text: str = ""
    """The raw reply, or what went wrong."""
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    margin: Margin | None = None
    measured: Measured | None = None
    """Of a judge that gives numbers."""
    usage: Usage = field(default_factory=Usage)
    served: str = ""
    """What the provider said answered."""
    unreadable: bool = False
    """`invalid` only because it could not be read: worth asking once more, and reading again."""
    fatal: bool = False
    """An `error` that every further request would end in."""
    pause: float = 0.0
    """Seconds the provider wants no further request for."""
    remark: str = ""
    """What people should be told of the judge, once."""


class Judge(Protocol):
    """A judge that can be asked; one object a judge of the panel, opened once."""

    instant: bool
    """Answers at once: no retries, no claims one by one."""

    @property
    def free(self) -> bool:
        """Whether asking costs nothing."""
        ...

    async def ask(self, shown: JudgeInput, correction: Correction | None = None) -> Reply:
        """Ask once.

        Args:
            shown: what to judge.
            correction: what was wrong with the last reply, when it is asked again.

        Raises:
            Fault: there was no reply; it says whether another try is worth it.
        """
        ...

    def worst(self, shown: JudgeInput) -> float:
        """US dollars asking once can cost at most."""
        ...

    async def close(self) -> None:
        """Free connections and memory."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """One planned verdict: a judge, a presentation, and the key its verdict is stored under."""

    kind: Kind
    judge: str
    """The judge's id."""
    prompt: str
    sample: int
    presentation: Presentation
    presentation_digest: str
    judge_digest: str
    rubric_digest: str
    key: str
    """Digest of judge, rubric, presentation and repeat."""
    repeat: int = 0

    @classmethod
    def plan(
        cls,
        kind: Kind,
        panel_judge: PanelJudge,
        presentation: Presentation,
        *,
        prompt: str,
        sample: int,
        repeat: int = 0,
    ) -> Task:
        """A task with its key.

        Args:
            kind: what the verdict is for.
            panel_judge: who gives it.
            presentation: what is judged, in its order and lettering.
            prompt: the prompt's id in the suite.
            sample: which of the prompt's samples.
            repeat: 0 for the verdict that counts, else which time it is asked again.
        """
        return TasksOf.judge(panel_judge).task(
            kind, presentation, presentation.digest(), prompt=prompt, sample=sample, repeat=repeat
        )

    def verdict(self, reply: Reply) -> Verdict:
        """The row to store for a reply."""
        return Verdict(
            key=self.key,
            judge=self.judge_digest,
            rubric=self.rubric_digest,
            presentation=self.presentation_digest,
            repeat=self.repeat,
            status=reply.status,
            letter=reply.letter,
            reason=reply.reason,
            reply=reply.text,
            scores=reply.scores,
            margin=reply.margin,
            measured=reply.measured,
            usage=reply.usage,
            served=reply.served,
        )


class Tasks(Sequence[Task]):
    """Tasks that are made when they are looked at."""

    keys: Sequence[str]
    """Of each."""

    @property
    @abstractmethod
    def by_key(self) -> Mapping[str, Task]:
        """Each by its key."""

    @abstractmethod
    def missing(self, store: Store, final: Sequence[Status]) -> Sequence[Task]:
        """Those without a verdict that counts as done, in their order.

        Args:
            store: where verdicts are kept.
            final: statuses that make a verdict done.
        """


@dataclass(frozen=True, slots=True)
class TasksOf:
    """Makes the tasks of one judge: what their keys share is worked out once."""

    id: str
    digest: str
    rubric: str

    @classmethod
    def judge(cls, panel_judge: PanelJudge) -> TasksOf:
        """Those of a judge of a panel."""
        return cls(panel_judge.judge.id, panel_judge.digest, panel_judge.rubric_digest)

    def task(
        self,
        kind: Kind,
        presentation: Presentation,
        named: str,
        *,
        prompt: str,
        sample: int,
        repeat: int = 0,
    ) -> Task:
        """A task with its key (see `Task.plan`).

        Args:
            kind: what the verdict is for.
            presentation: what is judged.
            named: its digest.
            prompt: the prompt's id in the suite.
            sample: which of the prompt's samples.
            repeat: 0 for the verdict that counts, else which time it is asked again.
        """
        (key,) = self.keys([named], repeat)
        return Task(
            kind, self.id, prompt, sample, presentation, named, self.digest, self.rubric, key, repeat
        )

    def keys(self, presentations: Iterable[str], repeat: int) -> list[str]:
        """The keys of many tasks.

        Args:
            presentations: digest of each.
            repeat: as in `task`, of all of them.
        """
        # Canonical JSON written out, for plans of a million verdicts.
        before = f'{{"judge":"{self.digest}","presentation":"'
        after = f'","repeat":{repeat},"rubric":"{self.rubric}"}}'
        return text_digests(f"{before}{named}{after}" for named in presentations)
