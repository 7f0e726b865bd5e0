"""The keys of one side's answers, and the requests that make them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from brie import versions
from brie.digest import digest, text_digest, text_digests
from brie.evaluation.plan import LLAMA, SERVED
from brie.generate.engine import Request
from brie.generate.keys import CompletionKeys, completion_key
from brie.generate.started import LLAMA_CPP
from brie.pin import ANSWERS, conversation
from brie.records import Environment, Message, Pin, Plan, Sampling, conversation_json


@dataclass(frozen=True)
class Conversations:
    """What is read of every prompt."""

    messages: dict[str, tuple[Message, ...]]
    """By prompt id."""

    def written(self, prompt: str) -> str:
        """Canonical JSON of what is read of a prompt."""
        return conversation_json(self.messages[prompt])

    @cached_property
    def digests(self) -> dict[str, str]:
        """Prompt id -> digest of what is read (`prompt_digest`)."""
        digests = text_digests(map(conversation_json, self.messages.values()))
        return dict(zip(self.messages, digests, strict=True))


@dataclass(frozen=True)
class SideKeys:
    """What a side reads and answers; each key is worked out once."""

    plan: Plan
    pin: Pin
    read: Conversations
    """As this side reads them, with what it alone is told."""
    _known: dict[str, list[str]] = field(init=False, repr=False, compare=False, default_factory=dict)
    """Prompt id -> keys of the plan's samples."""

    @classmethod
    def of(cls, plan: Plan, pin: Pin, asked: Conversations) -> SideKeys:
        """A side of a plan.

        Args:
            plan: the plan.
            pin: the side's.
            asked: as judges and people see the conversations.
        """
        told = pin.told
        if told is not None:
            asked = Conversations({name: conversation(told, m) for name, m in asked.messages.items()})
        return cls(plan, pin, asked)

    def key(self, prompt: str, sample: int) -> str:
        """Key of an answer.

        Args:
            prompt: a prompt's id.
            sample: which of its samples, from 0.
        """
        if sample < self.plan.samples:
            return self._of(prompt)[sample]
        (key,) = self._made(prompt, [sample])
        return key

    def keys(self, prompts: Sequence[str]) -> list[str]:
        """Keys of the answers to some prompts, the plan's samples of each.

        Args:
            prompts: their ids.
        """
        if prompts is self.plan.order:
            return self._every
        return [key for name in prompts for key in self._of(name)]

    @cached_property
    def _every(self) -> list[str]:
        samples = range(self.plan.samples)
        if self.pin.kind == ANSWERS:
            return text_digests(self._answered(self.plan.order, samples))
        return [key for name in self.plan.order for key in self._made(name, samples)]

    def _answered(self, prompts: Sequence[str], samples: Sequence[int]) -> Iterator[str]:
        """Canonical JSON of the keys of answers of a file: no setting of the plan has made them."""
        for name in prompts:
            before = f'{{"answers":"{self.pin.digest}","prompt":"{self.read.digests[name]}","sample":'
            yield from (f"{before}{sample}}}" for sample in samples)

    def _of(self, prompt: str) -> list[str]:
        known = self._known.get(prompt)
        if known is None:
            known = self._known[prompt] = self._made(prompt, range(self.plan.samples))
        return known

    def _made(self, prompt: str, samples: Sequence[int]) -> list[str]:
        if self.pin.kind == ANSWERS:
            return text_digests(self._answered([prompt], samples))
        written = self.read.written(prompt)
        keys = [self._keys.key(written, sample) for sample in samples]
        if self.pin.kind == "served":  # never shared with another evaluation (invariant I6)
            keys = [digest({"evaluation": self.plan.identity(), "key": key}) for key in keys]
        return keys

    def request(self, prompt: str, sample: int) -> Request:
        """What an engine is asked for."""
        pin = self.pin
        return Request(
            key=self.key(prompt, sample),
            pin=pin.digest,
            adapter=pin.digest if pin.kind == "adapter" else None,
            messages=self.read.messages[prompt],
            prompt=self.read.digests[prompt],
            sample=sample,
            sampling=self.plan.sampling,
            drawn_as="" if self._draws_elsewhere else self._noise.key(self.read.written(prompt), sample),
        )

    @cached_property
    def _keys(self) -> CompletionKeys:
        return CompletionKeys.of(
            pin_digest=self.pin.digest, template_digest=self.pin.template_digest,
            sampling=self.plan.sampling, environment=self._environment, date=self.pin.date,
        )  # fmt: skip

    @cached_property
    def _noise(self) -> CompletionKeys:
        return _noise_keys(self.pin, self.plan.sampling, self._environment)

    @property
    def _draws_elsewhere(self) -> bool:
        """Whether a server draws the side's answers, or nobody does."""
        return self.pin.kind in ("served", ANSWERS) or self.pin.read_by == LLAMA_CPP

    @cached_property
    def _environment(self) -> Environment:
        """Where the side's answers are made: programs that it does not need are no part of it."""
        if self.pin.kind == "served":
            return SERVED
        programs = self.plan.environment.programs
        needed = {name: release for name, release in programs.items() if name == self.pin.read_by}
        environment = LLAMA if self.pin.read_by == LLAMA_CPP else self.plan.environment
        return environment.model_copy(update={"programs": needed})


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
    return _noise_keys(pin, sampling, environment).key(conversation_json(messages), sample)


def _noise_keys(pin: Pin, sampling: Sampling, environment: Environment) -> CompletionKeys:
    return CompletionKeys.of(
        pin_digest=pin.drawn_as or pin.digest,
        template_digest=pin.template_digest,
        sampling=sampling,
        environment=environment.model_copy(update={"sampler": versions.DRAWS}),
    )


def prompt_digest(messages: Sequence[Message]) -> str:
    """Digest of a conversation."""
    return text_digest(conversation_json(messages))
