"""A model that is told something before every prompt: the same weights, and another side."""

from __future__ import annotations

from collections.abc import Sequence

from brie.digest import digest
from brie.records import Message, Pin, SidePrompt


def pin_told(pin: Pin, *, system: str | None, examples: Sequence[Message] = ()) -> Pin:
    """The pin of a model with a prompt of its own: its digest covers both.

    Draws stay keyed on the model, so that the same prompt in the suite gives the same texts.

    Args:
        pin: the model by itself.
        system: a system prompt.
        examples: questions and their answers, in turns.
    """
    told = SidePrompt(model=pin.digest, system=system, examples=tuple(examples))
    return pin.model_copy(
        update={"digest": digest({"told": told}), "drawn_as": pin.drawn_as or pin.digest, "told": told}
    )


def by_itself(pin: Pin) -> Pin:
    """The pin of the model without what it is told."""
    return pin if pin.told is None else pin.model_copy(update={"digest": pin.told.model, "told": None})


def conversation(told: SidePrompt | None, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """A prompt as a side reads it: system prompt, examples, then the prompt's own turns.

    Where the prompt has a system message of its own, one message holds both, the side's first.

    Args:
        told: what the side is told; None: nothing.
        messages: the prompt's turns.
    """
    if told is None:
        return messages
    own = [m.content for m in messages[:1] if m.role == "system"]
    parts = [*([told.system] if told.system else []), *own]
    head = [Message(role="system", content="\n\n".join(parts))] if parts else []
    return (*head, *told.examples, *messages[len(own) :])
