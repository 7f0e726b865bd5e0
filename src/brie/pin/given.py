"""Answers that exist already as a side: a pin over what they say, and nothing about who said it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from brie.digest import digest, quoted, text_digests
from brie.records import AnswerFile, BaseModelRef, FinishReason, Message, Pin, conversation_json

ANSWERS: Final = "answers"
"""Kind of such a pin."""


class GivenText(NamedTuple):
    """One answer as a file has it."""

    text: str
    finish: FinishReason = "stop"
    """`length` where the file says that a limit cut it."""


class GivenPrompt(NamedTuple):
    """One prompt of a file, with every answer of one model to it, in the file's order."""

    id: str
    """As the file has it; "" where it names none."""
    messages: tuple[Message, ...]
    """Empty where the file has the id alone."""
    texts: tuple[GivenText, ...]
    category: str = "all"
    source: str = "unknown"
    reference: str | None = None

    @property
    def name(self) -> str:
        """The id, or the start of the question."""
        return self.id or " ".join(self.messages[-1].content.split())[:60]


@dataclass(frozen=True, slots=True)
class GivenAnswers:
    """The answers of one model of a file."""

    origin: AnswerFile
    prompts: tuple[GivenPrompt, ...]


def pin_answers(given: GivenAnswers) -> Pin:
    """The pin of a side of answers: its digest is over prompts and texts, in no order of the file's.

    Args:
        given: the answers.
    """
    content = sorted(text_digests(map(_written, given.prompts)))
    name = digest({"kind": ANSWERS, "answers": content})
    return Pin.model_validate(
        {
            "kind": ANSWERS,
            "name": given.origin.label,
            "digest": name,
            "files": {},
            "config": digest(None),
            "base": BaseModelRef(repo=given.origin.label, digest=name),
            "template_digest": digest({"template": ANSWERS}),
        }
    )


def _written(prompt: GivenPrompt) -> str:
    """Canonical JSON of an entry: its id where it has no messages, these, and each text with its end."""
    texts = [f'[{quoted(given.text)},"{given.finish}"]' for given in prompt.texts]
    name = "" if prompt.messages else prompt.id
    return f"[{quoted(name)},{conversation_json(prompt.messages)},[{','.join(texts)}]]"
