"""Everything a sealed plan needs, by key: answers to sample, damage to do, verdicts to ask for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from brie.blinding import JudgeInput, Placed, judge_input, placed
from brie.catalog import with_system
from brie.digest import digest
from brie.evaluation.controls import damaged_key
from brie.evaluation.criteria import DealtOrders
from brie.evaluation.plan import added_judges, assignments
from brie.evaluation.planned import Planned
from brie.evaluation.planner import Planner, Shown
from brie.evaluation.side_keys import Conversations, SideKeys
from brie.generate.engine import Request
from brie.judge.interface import Kind, Task
from brie.pin import ANSWERS, GivenText
from brie.records import Manifest, Message, PanelJudge, Plan, Prompt, Side
from brie.store import Store


@dataclass(frozen=True)
class Work:
    """Everything a plan needs, by key; computed once from the plan."""

    plan: Plan
    added: tuple[PanelJudge, ...] = ()
    """Judges that joined after the seal; they stand beside the headline."""
    repeats: Mapping[str, int] = field(default_factory=dict)
    """Judge id -> how often it is asked again, to measure its consistency."""

    @cached_property
    def prompts(self) -> dict[str, Prompt]:
        """The suite's prompts by id."""
        return {p.id: p for p in self.plan.suite.prompts}

    @cached_property
    def messages(self) -> dict[str, tuple[Message, ...]]:
        """Prompt id -> the conversation that is answered, as judges and people see it."""
        return {name: with_system(p, self.plan.suite) for name, p in self.prompts.items()}

    @cached_property
    def places(self) -> dict[str, Placed]:
        """Prompt id -> where it stands in its category, which decides the cells of votes on it."""
        return placed((p.id, p.category) for p in self.plan.suite.prompts)

    def read_by(self, side: Side) -> dict[str, tuple[Message, ...]]:
        """Prompt id -> the conversation as a side reads it, with what it alone is told."""
        return self._side(side).read.messages

    @cached_property
    def _asked(self) -> Conversations:
        return Conversations(self.messages)

    @cached_property
    def _sides(self) -> dict[str, SideKeys]:
        """Digest of a side's pin -> the keys of its answers."""
        return {
            pin.digest: SideKeys.of(self.plan, pin, self._asked)
            for pin in (self.plan.baseline, self.plan.candidate)
        }

    @cached_property
    def read_digests(self) -> dict[str, str]:
        """Prompt id -> digest of what judges read of it."""
        return {
            name: _read_digest(self.prompts[name], answered)
            for name, answered in self._asked.digests.items()
        }

    @cached_property
    def _codes(self) -> Mapping[str, Mapping[str, str]]:
        """Judge id -> prompt id -> one digit a sample; the sealed ones as they were sealed."""
        plan = self.plan
        blocks = [(p.id, p.category) for p in plan.suite.prompts]
        late = assignments(
            blocks, self.added, samples=plan.samples, positions=plan.positions, seed=plan.seed
        )
        return {**late, **plan.assignments}

    @cached_property
    def _planner(self) -> Planner:
        criteria = DealtOrders.of(self.plan, self.added, self._codes)
        return Planner(self.plan, self.panel_judges, self._codes, criteria, self.repeats)

    @classmethod
    def of(cls, manifest: Manifest) -> Work:
        """The work of an evaluation with everything that was added to it."""
        repeats: dict[str, int] = {}
        for link in manifest.amendments:
            if link.kind == "repeat":
                count = int(str(link.detail["repeats"]))
                repeats[link.judge] = max(count, repeats.get(link.judge, 0))
        return cls.shared(manifest.plan, added_judges(manifest), repeats)

    @classmethod
    def shared(
        cls,
        plan: Plan,
        added: tuple[PanelJudge, ...] = (),
        repeats: Mapping[str, int] | None = None,
    ) -> Work:
        """The work of a plan; what was worked out for the same question before is used again."""
        made = (plan.identity(), added, dict(repeats or {}))
        for name, work in _LAST:
            if name == made:
                return work
        work = cls(plan, added, dict(repeats or {}))
        _LAST.insert(0, (made, work))
        del _LAST[_KEPT:]
        return work

    @property
    def panel_judges(self) -> tuple[PanelJudge, ...]:
        """The sealed judges, then those added."""
        return (*self.plan.seats, *self.added)

    def key(self, side: Side, prompt: str, sample: int) -> str:
        """Key of a side's completion."""
        return self._side(side).key(prompt, sample)

    def given_texts(self, given: Mapping[Side, Mapping[str, Sequence[GivenText]]]) -> dict[str, str]:
        """Texts by key of the sides that are files of answers.

        Args:
            given: side -> digest of a conversation -> its answers.
        """
        digests = self._asked.digests
        return {
            key: text.text
            for side, texts in given.items()
            for prompt in self.plan.order
            for key, text in zip(self._side(side).keys([prompt]), texts[digests[prompt]], strict=False)
        }

    @property
    def draws_again(self) -> bool:
        """Whether the baseline can answer once more, to be compared with itself."""
        return self.plan.sampling.temperature > 0 and self.plan.baseline.kind != ANSWERS

    def blocks(self) -> list[tuple[str, ...]]:
        """Prompt ids in the order of work, in the blocks after which the evaluation may stop."""
        stopping = self.plan.stopping
        if stopping is None:
            return [self.plan.order]
        order, size = self.plan.order[: stopping.max_prompts], stopping.block
        return [order[start : start + size] for start in range(0, len(order), size)]

    def requests(self, prompts: Sequence[str] | None = None) -> list[Request]:
        """Every completion to sample, in the order of work, each key once.

        Args:
            prompts: only for these; all by default.
        """
        return [self.request(*asked) for asked in self.answers(prompts).values()]

    def answers(self, prompts: Sequence[str] | None = None) -> dict[str, tuple[Side, str, int]]:
        """Key of every completion to sample -> whose answer it is, to which prompt, and which sample.

        Args:
            prompts: only for these; all by default.
        """
        wanted: dict[str, tuple[Side, str, int]] = {}
        again = set(self.plan.controls.prompts) if self.draws_again else set[str]()
        for prompt in self.plan.order if prompts is None else prompts:
            for side in _SIDES:
                for sample, key in enumerate(self._side(side).keys([prompt])):
                    wanted.setdefault(key, (side, prompt, sample))
            if prompt in again:
                extra = self.plan.controls.first_sample
                wanted.setdefault(self.key("baseline", prompt, extra), ("baseline", prompt, extra))
        return wanted

    def texts_needed(self, prompts: Sequence[str] | None = None) -> list[str]:
        """Keys of everything that a judge may be shown, controls included."""
        return [*self.answer_keys(prompts), *self.damages(prompts)]

    def answer_keys(self, prompts: Sequence[str] | None = None) -> list[str]:
        """Keys of every completion to sample, each once; whose it is says `answers`.

        Args:
            prompts: only for these; all by default.
        """
        asked = self.plan.order if prompts is None else prompts
        again = set(self.plan.controls.prompts) if self.draws_again else set[str]()
        first = self.plan.controls.first_sample
        extra = [self.key("baseline", name, first) for name in asked if name in again]
        sides = [key for side in _SIDES for key in self._side(side).keys(asked)]
        return list(dict.fromkeys([*sides, *extra]))

    def damages(self, prompts: Sequence[str] | None = None) -> dict[str, str]:
        """Keys of damaged completions, and the key each is made from."""
        kind = self.plan.controls.damage
        wanted = set(self.plan.order if prompts is None else prompts)
        sources = [self.key("baseline", n, 0) for n in self.plan.controls.prompts if n in wanted]
        return {damaged_key(source, kind): source for source in sources}

    def planned(self, prompts: Sequence[str] | None = None) -> Planned:
        """Every planned verdict: prompt by prompt, all judges and orders of one before the next.

        Args:
            prompts: only for these; all by default.
        """
        if prompts is None or prompts is self.plan.order:
            return self._every
        return self._planned(prompts)

    @cached_property
    def _every(self) -> Planned:
        return self._planned(self.plan.order)

    def _planned(self, prompts: Sequence[str], *, controls: bool = True) -> Planned:
        wanted = set(prompts)
        controlled = [name for name in self.plan.controls.prompts if controls and name in wanted]
        return self._planner.lay_out(
            Shown(
                prompts=prompts,
                read=[self.read_digests[name] for name in prompts],
                candidates=self._side("candidate").keys(prompts),
                baselines=self._side("baseline").keys(prompts),
                controls={name: self._controls(name) for name in controlled},
            )
        )

    def tasks(self, prompts: Sequence[str] | None = None) -> list[Task]:
        """`planned`, one object a verdict: for few of them.

        Args:
            prompts: only for these; all by default.
        """
        return list(self.planned(prompts))

    def tasks_of(self, prompt: str, samples: Collection[int] | None = None) -> list[Task]:
        """The planned verdicts of one prompt, controls excluded.

        Args:
            prompt: its id.
            samples: only on these; on all by default.
        """
        planned = self._planned([prompt], controls=False)
        wanted = planned.is_of("main")
        if samples is not None:
            wanted &= np.isin(planned.sample, list(samples))
        return list(planned.take(wanted))

    def tasks_on(self, comparisons: Collection[tuple[str, int]]) -> list[Task]:
        """The planned verdicts on some comparisons, laid out together.

        Args:
            comparisons: prompts' ids and samples.
        """
        order = self.plan.order
        planned = self._planned(list(dict.fromkeys(name for name, _ in comparisons)), controls=False)
        pairs = zip(planned.prompt.tolist(), planned.sample.tolist(), strict=True)
        wanted = np.array([(order[place], sample) in comparisons for place, sample in pairs], np.bool_)
        return list(planned.take(planned.is_of("main") & wanted))

    def _controls(self, prompt: str) -> list[tuple[Kind, str, str]]:
        """What a prompt's controls are for, and the keys in the candidate's and the baseline's place."""
        controls = self.plan.controls
        intact = self.key("baseline", prompt, 0)
        pairs: list[tuple[Kind, str, str]] = [("damaged", intact, damaged_key(intact, controls.damage))]
        if self.draws_again:
            pairs.append(("a_a", self.key("baseline", prompt, controls.first_sample), intact))
        return pairs

    def request(self, side: Side, prompt: str, sample: int) -> Request:
        """What an engine is asked for."""
        return self._side(side).request(prompt, sample)

    def _side(self, side: Side) -> SideKeys:
        return self._sides[(self.plan.candidate if side == "candidate" else self.plan.baseline).digest]


_SIDES: tuple[Side, Side] = ("baseline", "candidate")
_Made = tuple[str, tuple[PanelJudge, ...], dict[str, int]]
_LAST: list[tuple[_Made, Work]] = []
"""What was worked out last, by what it was worked out from: a command asks for it several times."""
_KEPT = 2


def _read_digest(prompt: Prompt, answered: str) -> str:
    """Digest of the conversation, and of the reference and check, which judges get and models do not.

    A corrected reference asks the judges again, and leaves the answers as they are.
    """
    if prompt.reference is None and prompt.check is None:
        return answered
    return digest({"messages": answered, "reference": prompt.reference, "check": prompt.check})


def completion_texts(work: Work, prompts: Sequence[str] | None, store: Store) -> dict[str, str]:
    """Texts by key of everything a judge may be shown, controls included."""
    return store.texts(work.texts_needed(prompts))


def is_identical(task: Task, texts: Mapping[str, str]) -> bool:
    """Byte-identical answers are ties without a call; answers not there yet are not identical."""
    candidate, baseline = (texts.get(key) for key in answer_keys(task))
    return candidate is not None and candidate == baseline


def answer_keys(task: Task) -> tuple[str, str]:
    """Keys of the two answers a verdict is about: the candidate's, the baseline's."""
    return task.presentation.candidate, task.presentation.baseline


def input_of(work: Work, task: Task, texts: Mapping[str, str]) -> JudgeInput:
    """What the judge of a task sees.

    Args:
        work: the plan's work.
        task: the planned verdict.
        texts: completion key -> text.
    """
    return judge_input(task.presentation, work.prompts[task.prompt], work.messages[task.prompt], texts)
