"""Everything a sealed plan needs, by key: answers to sample, damage to do, verdicts to ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from brie import versions
from brie.blinding import JudgeInput, judge_input, presentations
from brie.catalog import with_system
from brie.digest import digest
from brie.evaluation.controls import damaged_key
from brie.evaluation.criteria import DealtOrders
from brie.evaluation.plan import LLAMA, SERVED, added_judges, assignments
from brie.generate.engine import Request
from brie.generate.keys import completion_key
from brie.generate.started import LLAMA_CPP
from brie.judge.interface import Kind, Task
from brie.pin import ANSWERS, GivenText, conversation
from brie.records import (
    Environment,
    Manifest,
    Message,
    PanelJudge,
    Pin,
    Plan,
    Prompt,
    Sampling,
    Side,
)
from brie.store import Store


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a side reads, by prompt id."""

    messages: dict[str, tuple[Message, ...]]
    digests: dict[str, str]


@dataclass(frozen=True)
class Work:
    """Everything a plan needs, by key; computed once from the plan."""

    plan: Plan
    added: tuple[PanelJudge, ...] = ()
    """Judges that joined after the seal; they stand beside the headline."""
    repeats: Mapping[str, int] = field(default_factory=dict)
    """Judge id -> how often it is asked again, to measure its consistency."""
    _keys: dict[tuple[str, str, int], str] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    """Keys of completions that were worked out before."""

    @cached_property
    def prompts(self) -> dict[str, Prompt]:
        """The suite's prompts by id."""
        return {p.id: p for p in self.plan.suite.prompts}

    @cached_property
    def messages(self) -> dict[str, tuple[Message, ...]]:
        """Prompt id -> the conversation that is answered, as judges and people see it."""
        return {name: with_system(p, self.plan.suite) for name, p in self.prompts.items()}

    def read_by(self, side: Side) -> dict[str, tuple[Message, ...]]:
        """Prompt id -> the conversation as a side reads it, with what it alone is told."""
        return self._asked[self._pin(side).digest].messages

    @cached_property
    def _asked(self) -> dict[str, _Asked]:
        """Digest of a side's pin -> what it reads."""
        asked: dict[str, _Asked] = {}
        for pin in (self.plan.candidate, self.plan.baseline):
            if pin.told is None:
                asked[pin.digest] = _Asked(self.messages, self._digests)
            elif pin.digest not in asked:
                read = {name: conversation(pin.told, m) for name, m in self.messages.items()}
                asked[pin.digest] = _Asked(read, {name: prompt_digest(m) for name, m in read.items()})
        return asked

    @cached_property
    def _digests(self) -> dict[str, str]:
        """Prompt id -> digest of its conversation."""
        return {name: prompt_digest(messages) for name, messages in self.messages.items()}

    @cached_property
    def _read(self) -> dict[str, str]:
        """Prompt id -> digest of what judges read of it."""
        return {
            name: _read_digest(self.prompts[name], answered) for name, answered in self._digests.items()
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
    def _criteria(self) -> DealtOrders:
        return DealtOrders.of(self.plan, self.added, self._codes)

    @cached_property
    def _seal(self) -> str:
        return self.plan.identity()

    @classmethod
    def of(cls, manifest: Manifest) -> Work:
        """The work of an evaluation with everything that was added to it."""
        repeats: dict[str, int] = {}
        for link in manifest.amendments:
            if link.kind == "repeat":
                count = int(str(link.detail["repeats"]))
                repeats[link.judge] = max(count, repeats.get(link.judge, 0))
        return cls(manifest.plan, added_judges(manifest), repeats)

    @property
    def panel_judges(self) -> tuple[PanelJudge, ...]:
        """The sealed judges, then those added."""
        return (*self.plan.seats, *self.added)

    def key(self, side: Side, prompt: str, sample: int) -> str:
        """Key of a side's completion."""
        pin = self._pin(side)
        if pin.kind == ANSWERS:  # no setting of the plan has made it
            return self._given_key(pin, prompt, sample)
        cached = self._keys.get((pin.digest, prompt, sample))
        if cached is None:
            cached = answer_key(
                pin,
                self._asked[pin.digest].messages[prompt],
                sampling=self.plan.sampling,
                sample=sample,
                environment=self._environment(pin),
            )
            if pin.kind == "served":  # never shared with another evaluation (invariant I6)
                cached = digest({"evaluation": self._seal, "key": cached})
            self._keys[pin.digest, prompt, sample] = cached
        return cached

    def _given_key(self, pin: Pin, prompt: str, sample: int) -> str:
        key = self._keys.get((pin.digest, prompt, sample))
        if key is None:
            key = digest({"answers": pin.digest, "prompt": self._digests[prompt], "sample": sample})
            self._keys[pin.digest, prompt, sample] = key
        return key

    def given_texts(self, given: Mapping[Side, Mapping[str, Sequence[GivenText]]]) -> dict[str, str]:
        """Texts by key of the sides that are files of answers.

        Args:
            given: side -> digest of a conversation -> its answers.
        """
        return {
            self.key(side, prompt, sample): texts[self._digests[prompt]][sample].text
            for side, texts in given.items()
            for prompt in self.plan.order
            for sample in range(self.plan.samples)
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
        wanted: dict[str, Request] = {}
        for side, prompt, sample in self._samples(self.plan.order if prompts is None else prompts):
            request = self._request(side, prompt, sample)
            wanted.setdefault(request.key, request)
        return list(wanted.values())

    def damages(self, prompts: Sequence[str] | None = None) -> dict[str, str]:
        """Keys of damaged completions, and the key each is made from."""
        kind = self.plan.controls.damage
        wanted = set(self.plan.order if prompts is None else prompts)
        sources = [self.key("baseline", n, 0) for n in self.plan.controls.prompts if n in wanted]
        return {damaged_key(source, kind): source for source in sources}

    def tasks(self, prompts: Sequence[str] | None = None) -> list[Task]:
        """Every planned verdict: prompt by prompt, all judges and orders of one before the next.

        Args:
            prompts: only for these; all by default.
        """
        controls = set(self.plan.controls.prompts)
        return [
            task
            for prompt in (self.plan.order if prompts is None else prompts)
            for task in (
                *self._tasks("main", prompt),
                *(self._control_tasks(prompt) if prompt in controls else ()),
                *self._repeated(prompt),
            )
        ]

    def tasks_of(self, prompt: str) -> list[Task]:
        """The planned verdicts of one prompt, controls excluded."""
        return list(self._tasks("main", prompt))

    def _samples(self, prompts: Sequence[str]) -> Iterator[tuple[Side, str, int]]:
        controls = self.plan.controls
        sides: tuple[Side, Side] = ("baseline", "candidate")
        for prompt in prompts:
            for side in sides:
                for sample in range(self.plan.samples):
                    yield side, prompt, sample
            if prompt in controls.prompts and self.draws_again:
                yield "baseline", prompt, controls.first_sample

    def _tasks(self, kind: Kind, prompt: str) -> Iterator[Task]:
        for panel_judge in self.panel_judges:
            code = self._codes[panel_judge.judge.id][prompt]
            for sample in range(self.plan.samples):
                pair = (self.key("candidate", prompt, sample), self.key("baseline", prompt, sample))
                yield from self._presented(kind, panel_judge, prompt, sample, code[sample], pair)

    def _repeated(self, prompt: str) -> Iterator[Task]:
        """The same presentations again, for judges whose consistency is measured."""
        if not self.repeats:
            return
        by_id = {p.judge.id: p for p in self.panel_judges}
        for task in self._tasks("main", prompt):
            for number in range(1, self.repeats.get(task.judge, 0) + 1):
                yield Task.plan(
                    "repeat", by_id[task.judge], task.presentation, prompt=prompt, sample=task.sample,
                    repeat=number,
                )  # fmt: skip

    def _control_tasks(self, prompt: str) -> Iterator[Task]:
        controls = self.plan.controls
        intact = self.key("baseline", prompt, 0)
        pairs: list[tuple[Kind, tuple[str, str]]] = [
            ("damaged", (intact, damaged_key(intact, controls.damage)))
        ]
        if self.draws_again:
            pairs.append(("a_a", (self.key("baseline", prompt, controls.first_sample), intact)))
        for panel_judge in self.panel_judges:
            code = self._codes[panel_judge.judge.id][prompt][0]
            for kind, pair in pairs:
                yield from self._presented(kind, panel_judge, prompt, 0, code, pair)

    def _presented(
        self,
        kind: Kind,
        panel_judge: PanelJudge,
        prompt: str,
        sample: int,
        code: str,
        pair: tuple[str, str],
    ) -> Iterator[Task]:
        shown = presentations(
            code, positions=self.plan.positions, prompt=self._read[prompt], candidate=pair[0],
            baseline=pair[1], criteria=self._criteria.read(panel_judge.judge.id, prompt, sample),
        )  # fmt: skip
        for presentation in shown:
            yield Task.plan(kind, panel_judge, presentation, prompt=prompt, sample=sample)

    def _request(self, side: Side, prompt: str, sample: int) -> Request:
        pin = self._pin(side)
        return Request(
            key=self.key(side, prompt, sample),
            pin=pin.digest,
            adapter=pin.digest if pin.kind == "adapter" else None,
            messages=self._asked[pin.digest].messages[prompt],
            prompt=self._asked[pin.digest].digests[prompt],
            sample=sample,
            sampling=self.plan.sampling,
            drawn_as="" if self._draws_elsewhere(pin) else self._noise(pin, prompt, sample),
        )

    @staticmethod
    def _draws_elsewhere(pin: Pin) -> bool:
        """Whether a server draws a side's answers, or nobody does."""
        return pin.kind in ("served", ANSWERS) or pin.read_by == LLAMA_CPP

    def _noise(self, pin: Pin, prompt: str, sample: int) -> str:
        messages, plan = self._asked[pin.digest].messages[prompt], self.plan
        return noise_key(
            pin, messages, sampling=plan.sampling, sample=sample, environment=self._environment(pin)
        )

    def _environment(self, pin: Pin) -> Environment:
        """Where a side's answers are made: programs that it does not need are no part of it."""
        if pin.kind == "served":
            return SERVED
        programs = self.plan.environment.programs
        needed = {name: release for name, release in programs.items() if name == pin.read_by}
        environment = LLAMA if pin.read_by == LLAMA_CPP else self.plan.environment
        return environment.model_copy(update={"programs": needed})

    def _pin(self, side: Side) -> Pin:
        return self.plan.candidate if side == "candidate" else self.plan.baseline


def answer_key(
    pin: Pin,
    messages: Sequence[Message],
    *,
    sampling: Sampling,
    sample: int,
    environment: Environment,
) -> str:
    """The key of a model's answer to a conversation as it reads it."""
    return completion_key(
        pin_digest=pin.digest,
        template_digest=pin.template_digest,
        messages=messages,
        sampling=sampling,
        sample=sample,
        environment=environment,
        date=pin.date,
    )


def noise_key(
    pin: Pin,
    messages: Sequence[Message],
    *,
    sampling: Sampling,
    sample: int,
    environment: Environment,
) -> str:
    """What a completion is drawn from: its key as the first sampler and pins gave it."""
    return completion_key(
        pin_digest=pin.drawn_as or pin.digest,
        template_digest=pin.template_digest,
        messages=messages,
        sampling=sampling,
        sample=sample,
        environment=environment.model_copy(update={"sampler": versions.DRAWS}),
    )


def prompt_digest(messages: Sequence[Message]) -> str:
    """Digest of a conversation."""
    return digest([m.model_dump() for m in messages])


def _read_digest(prompt: Prompt, answered: str) -> str:
    """Digest of the conversation, and of the reference and check, which judges get and models do not.

    A corrected reference asks the judges again, and leaves the answers as they are.
    """
    if prompt.reference is None and prompt.check is None:
        return answered
    return digest({"messages": answered, "reference": prompt.reference, "check": prompt.check})


def completion_texts(work: Work, prompts: Sequence[str] | None, store: Store) -> dict[str, str]:
    """Texts by key of everything a judge may be shown, controls included."""
    keys = [request.key for request in work.requests(prompts)] + list(work.damages(prompts))
    return {key: row.text for key, row in store.completions(keys).items()}


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
