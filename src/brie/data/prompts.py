"""What a model is asked with, in tokens: evaluation reads it here, and training is held against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

from brie.data.answers import with_objects
from brie.data.encode import Encoder
from brie.data.tokenizer import Tokenizer
from brie.errors import InputError, PinError, UsageError
from brie.pin import asked, placed
from brie.records import Conversation

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_ROWS = 3
_SHOWN = 12
"""Tokens of either side that a message shows from the first difference on."""


def prompt_ids(
    tokenizer: PreTrainedTokenizerFast | Tokenizer,
    template: str,
    messages: Sequence[Mapping[str, JsonValue]],
    special: Mapping[str, str],
    *,
    thinking: bool,
    fold: bool = False,
    tools: Sequence[JsonValue] | None = None,
) -> list[int]:
    """Token ids of a conversation, up to where the answer begins.

    Args:
        tokenizer: the model's.
        template: its chat template's source.
        messages: turns with `role` and `content`, the last of them not the assistant's.
        special: special tokens by name, as the template sees them.
        thinking: thinking mode, for templates that have one.
        fold: write a system turn that the template has no place for into the first question.
        tools: schemas of tools that may be called.

    Raises:
        PinError: the template refuses the conversation, or passes over its question.
    """
    turns = placed(template, messages, special, fold=fold)
    text = asked(template, turns, special, thinking=thinking, tools=tools)
    words = str(turns[-1].get("content") or "").split() if turns else []
    if words and not any(word in text for word in words):
        raise PinError("the chat template leaves out the question, so that every prompt would be alike")
    ids: list[int] = tokenizer(
        text,
        add_special_tokens=False,
        verbose=False,  # a text longer than the context is brie's to refuse
    )["input_ids"]
    return ids


def refuse_other_prompts(
    rows: Sequence[Conversation], encoder: Encoder, special: Mapping[str, str]
) -> int:
    """Compare what comes before the last answer in training with what an evaluation would ask.

    Args:
        rows: the training rows; three are looked at, as unlike one another as they come.
        encoder: how they become tokens.
        special: special tokens by name, as evaluation sees them.

    Returns:
        How many rows were compared.

    Raises:
        UsageError: a model would be trained on one prompt and evaluated on another; names the line
            and the first token that differs.
    """
    compared = 0
    for row in _unlike(rows):
        messages = with_objects([turn.shown() for turn in row.messages])
        try:
            marked = encoder.mark(row)[-1]
            question = prompt_ids(
                encoder.tokenizer,
                str(encoder.tokenizer.chat_template),
                messages[: marked.answer],
                special,
                thinking=bool(encoder.template.thinking),
                tools=list(row.tools) or None,
            )
        except (InputError, PinError) as error:
            raise UsageError(f"line {row.line}: {error}") from error
        trained = marked.ids[: _last_start(marked.learned)]
        if trained != question:
            raise UsageError(_difference(row.line, encoder.tokenizer, trained=trained, asked=question))
        compared += 1
    return compared


def _unlike(rows: Sequence[Conversation]) -> list[Conversation]:
    """The first row of each shape (which roles, in which order), shapes with more turns first."""
    shapes: dict[tuple[str, ...], Conversation] = {}
    for row in rows:
        shapes.setdefault(tuple(message.role for message in row.messages), row)
    longest = sorted(shapes.values(), key=lambda row: -len(row.messages))
    chosen = longest[:_ROWS]
    return chosen + [row for row in rows if row not in chosen][: _ROWS - len(chosen)]


def _last_start(learned: Sequence[int]) -> int:
    """Where the last stretch of learned tokens begins."""
    end = max((i for i, on in enumerate(learned) if on), default=len(learned) - 1)
    while end > 0 and learned[end - 1]:
        end -= 1
    return end


def _difference(line: int, tokenizer: Tokenizer, *, trained: Sequence[int], asked: Sequence[int]) -> str:
    pairs = zip(trained, asked, strict=False)
    first = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(trained), len(asked)))
    texts = [
        tokenizer.decode(list(ids[first : first + _SHOWN]), skip_special_tokens=False)
        for ids in (trained, asked)
    ]
    return (
        f"line {line}: training would read another prompt than the model is asked with. From token "
        f"{first + 1} on, training reads {texts[0]!r} and evaluation {texts[1]!r}; give a base whose "
        "chat template writes both alike."
    )
