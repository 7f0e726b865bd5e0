"""Two models on this machine that answer what somebody types, as an evaluation would have them answer.

brie view EVAL --try                          the two sides of an evaluation
brie view --try --candidate RUN:best          a fine-tune and its base
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass

from brie.errors import UsageError
from brie.evaluation.context import resolved
from brie.evaluation.folders import Evaluation
from brie.evaluation.side_keys import answer_key, noise_key, prompt_digest
from brie.evaluation.sides import resolve_sides, sources
from brie.evaluation.soundness import refuse_unsound
from brie.generate.engine import Request
from brie.generate.environment import detect_environment
from brie.generate.turns import TurnEngine, open_engine
from brie.pin import Resolved, conversation
from brie.pin.resolve import default_candidate
from brie.project import Project
from brie.records import Environment, Message, Sampling, Side

_NEEDED = ("torch", "transformers", "peft")
SIDES: tuple[Side, Side] = ("candidate", "baseline")


@dataclass(frozen=True)
class LocalPair:
    """Both sides, and the conditions they answer under."""

    sides: Mapping[Side, Resolved]
    names: Mapping[Side, str]
    """What people call them."""
    sampling: Sampling
    environment: Environment
    why: str
    """Device and dtype, with the reason."""
    system: str | None = None
    """A system prompt put before what is typed."""
    evaluation: str | None = None
    """Whose sides they are; None: they were named."""

    @property
    def same_templates(self) -> bool:
        """Whether both sides read a conversation written the same way."""
        return len({side.pin.template_digest for side in self.sides.values()}) == 1

    def messages(self, text: str) -> tuple[Message, ...]:
        """The conversation that is answered, as a judge of it would see it."""
        typed = Message(role="user", content=text)
        return (typed,) if self.system is None else (Message(role="system", content=self.system), typed)

    def requests(self, messages: tuple[Message, ...], sample: int) -> dict[Side, Request]:
        """What each side is asked: the same as for that prompt of an evaluation under these conditions.

        Args:
            messages: the conversation.
            sample: which of its answers, from 0.
        """
        return {side: self._request(self.sides[side], messages, sample) for side in SIDES}

    def engine(self, project: Project) -> TurnEngine:
        """What answers; nothing is loaded before it is asked."""
        return open_engine(sources(self.sides.values(), project), self.environment)

    def _request(self, side: Resolved, messages: tuple[Message, ...], sample: int) -> Request:
        pin, read = side.pin, conversation(side.pin.told, messages)
        key, noise = (
            keyed(
                pin, read, sampling=self.sampling, sample=sample, environment=self.environment
            )
            for keyed in (answer_key, noise_key)
        )  # fmt: skip
        return Request(
            key=key,
            pin=pin.digest,
            adapter=None,
            messages=read,
            prompt=prompt_digest(read),
            sample=sample,
            sampling=self.sampling,
            drawn_as=noise,
        )


def pair_of(evaluation: Evaluation, project: Project) -> LocalPair:
    """The sides of an evaluation, checked against their pins, with its settings.

    Raises:
        SealBroken: the plan is not the one that was sealed.
        PinError: a model is another than the sealed one.
        UsageError: a model is not on this machine.
        ModuleNotFoundError: what loads models is not installed.
    """
    manifest = evaluation.manifest
    refuse_unsound(manifest)
    refuse_elsewhere({side: getattr(manifest.plan, side).kind for side in SIDES}, manifest.names)
    environment, why = _here()
    return LocalPair(
        sides=dict(zip(SIDES, resolved(manifest, project), strict=True)),
        names=dict(manifest.names),
        sampling=manifest.plan.sampling,
        environment=environment,
        why=why,
        system=manifest.plan.suite.system,
        evaluation=manifest.id,
    )


def pair_named(project: Project, *, candidate: str | None, baseline: str) -> LocalPair:
    """Two models by reference, with brie's own settings.

    Args:
        project: where they are looked for.
        candidate: a model reference; None: the only run's `best` pin.
        baseline: a model reference, or `base`.

    Raises:
        PinError, UsageError: see `evaluation.sides.resolve_sides`.
        ModuleNotFoundError: what loads models is not installed.
    """
    both = resolve_sides(candidate or default_candidate(project), baseline, project)
    sides = dict(zip(SIDES, both, strict=True))
    names = {side: model.name for side, model in sides.items()}
    refuse_elsewhere({side: model.pin.kind for side, model in sides.items()}, names)
    environment, why = _here()
    return LocalPair(sides, names, Sampling(), environment, why)


def refuse_elsewhere(kinds: Mapping[Side, str], names: Mapping[Side, str]) -> None:
    """Only models in folders of this machine are asked.

    Args:
        kinds: side -> kind of its pin.
        names: side -> what it is called.

    Raises:
        UsageError: a side is behind a server, or a file of answers.
    """
    elsewhere = {"served": "is behind a server", "answers": "is a file of answers"}
    for side, kind in kinds.items():
        if kind in elsewhere:
            raise UsageError(
                f"the {side}, {names[side]}, {elsewhere[kind]}, and --try asks models in folders of "
                "this machine. Name two: brie view --try --candidate RUN:best"
            )


def _here() -> tuple[Environment, str]:
    for name in _NEEDED:
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return detect_environment()
