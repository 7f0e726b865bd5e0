"""Which template conversations are trained with; `brie.data.answers` says what of them is learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from brie.data.answers import Written
from brie.data.tokenizer import Tokenizer, special_tokens
from brie.errors import PinError, UsageError
from brie.pin import date_read, ending, has_thinking, template_digest, turn

Way = Literal["markers", "chatml", "spans"]
"""How answers are told from prompts. Runs of earlier versions also did it by a template's own marks,
or by a ChatML template with marks that rendered alike."""


@dataclass(frozen=True)
class TrainingTemplate:
    """How conversations become tokens with labels."""

    text: str
    """Jinja source: the template the model is asked with."""
    end: tuple[str, ...]
    """The tokens that end an answer and are learned with it, mostly one."""
    digest: str
    """What the template renders, by digest (markers make no difference)."""
    thinking: bool | None = None
    """Thinking mode; None: the template has none."""
    date: str | None = None
    """What a template that asks for the date is told."""
    lead: str = ""
    """What follows the generation prompt before every answer, and is asked with."""
    way: Way = "spans"

    @property
    def reason(self) -> str:
        """What is learned, in words."""
        ends = f"an answer is what follows the prompt, up to {''.join(self.end)}"
        return f"{ends}; the prompt ends with {self.lead}" if self.lead else ends

    def written(self, tokenizer: Tokenizer, tools: Sequence[JsonValue] = ()) -> Written:
        """The way a tokenizer's model writes conversations in which these tools may be called."""
        return Written(tokenizer, self.text, self.end, bool(self.thinking), list(tools) or None)


def choose(tokenizer: Tokenizer, *, thinking: bool = False, located: bool = True) -> TrainingTemplate:
    """The training template for a tokenizer: the one its model is asked with.

    Args:
        tokenizer: with that chat template.
        thinking: thinking mode, for templates that have one.
        located: whether it matters where answers end: not to a loss on all tokens.

    Raises:
        UsageError: the template leaves answers out, or nothing ends them.
        PinError: the template does not compile.
    """
    if tokenizer.chat_template is None:
        raise UsageError(NO_TEMPLATE)
    text, special = tokenizer.chat_template, special_tokens(tokenizer)
    named, date = template_digest(text, special), date_read(text)
    try:
        shape, quiet = (turn(text, special, thinking=mode) for mode in (thinking, False))
    except PinError as error:
        if not located:
            return TrainingTemplate(text, (), named, thinking if has_thinking(text) else None, date)
        raise UsageError(f"no answer can be located: {error}. {_WAYS_OUT}") from error
    # A channel for answers is a mode too: with thinking on, the model chooses its channel itself.
    mode = thinking if has_thinking(text) or quiet.lead else None
    end = ending(shape, tokenizer.get_added_vocab())
    if located and not end:
        raise UsageError(
            "the model's chat template does not show where answers end, so a loss on answers alone is "
            f"not possible: {shape.foot!r} follows the last one, {shape.next!r} an earlier one. "
            f"{_WAYS_OUT}"
        )
    return TrainingTemplate(text, end, named, mode, date, shape.lead)


NO_TEMPLATE = (
    "the base has no chat template, so nothing says how it is asked; name one that its tokens know, "
    "for example --chat-template chatml, or a file."
)
_WAYS_OUT = "Use --chat-template NAME|FILE, --set loss=text, or another base."
