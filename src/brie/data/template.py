"""Which template shows training what to learn: the answer and the token that ends it, no more.

Three ways, tried in order; each is accepted only if a probe conversation comes out right:

    markers   the model's own template marks its answers with {% generation %}
    chatml    brie's ChatML template, where it renders exactly what the model's own renders
    spans     any other template: an answer is what the template adds after the header of the
              assistant's turn, up to the token that ends it
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from brie.data.tokenizer import Tokenizer, special_tokens
from brie.errors import InputError, PinError, UsageError
from brie.pin import Rendered, date_read, has_thinking, render, render_chat, template_digest

Way = Literal["markers", "chatml", "spans"]
_MARKER = re.compile(r"\{%-?\s*generation\s*-?%\}")
_SYSTEM_LINE = re.compile(r"^\{%- set default_system = .*$", re.MULTILINE)
_PROBE = (
    {"role": "user", "content": "Ask"},
    {"role": "assistant", "content": "First answer."},
    {"role": "user", "content": "Again"},
    {"role": "assistant", "content": "Second answer."},
)


@dataclass(frozen=True)
class TrainingTemplate:
    """How conversations become tokens with labels."""

    way: Way
    text: str
    """Jinja source."""
    reason: str
    end: str
    """The token that ends an answer and is learned with it."""
    digest: str
    """What the template renders, by digest (markers make no difference)."""
    thinking: bool | None = None
    """Thinking mode; None: the template has none."""
    date: str | None = None
    """What a template that asks for the date is told."""


@dataclass(frozen=True)
class Marked:
    """A conversation's tokens, before truncation; `learned` is 1 where the loss looks."""

    ids: list[int]
    learned: list[int]


def choose(tokenizer: Tokenizer, *, thinking: bool = False) -> TrainingTemplate:
    """The training template for a tokenizer.

    Args:
        tokenizer: with the chat template that the model is asked with.
        thinking: thinking mode, for templates that have one.

    Raises:
        UsageError: no way yields exactly the answers; the message says what came out instead.
        PinError: the template does not compile.
    """
    stock, special = str(tokenizer.chat_template), special_tokens(tokenizer)
    mode = thinking if has_thinking(stock) else None
    tried: list[str] = []
    for way, text, reason in _candidates(stock, special):
        learned = _learned_text(tokenizer, way, text, thinking=thinking)
        end = _end_token(tokenizer, learned)
        if end is not None:
            named = template_digest(stock, special)
            return TrainingTemplate(way, text, reason, end, named, mode, date_read(stock))
        tried.append(f"{way}: {learned!r}")
    raise UsageError(
        "the model's chat template does not show where answers begin and end, so a loss on answers "
        f"alone is not possible ({'; '.join(tried)}). Use --set loss=text, or another base."
    )


def mark(
    tokenizer: Tokenizer,
    template: TrainingTemplate | tuple[Way, str],
    messages: list[dict[str, str]],
    *,
    thinking: bool = False,
) -> Marked:
    """Tokens of a conversation and which of them are learned.

    Args:
        tokenizer: the model's.
        template: as chosen, or a way and a source to be tried.
        messages: turns with `role` and `content`.
        thinking: of a template that is tried; a chosen one knows its own.

    Raises:
        InputError: the template changes earlier turns when later ones are added, so that answers
            cannot be located.
        PinError: the template cannot render the conversation.
    """
    if isinstance(template, TrainingTemplate):
        way, text, thinking = template.way, template.text, bool(template.thinking)
    else:
        way, text = template
    special = special_tokens(tokenizer)
    if way == "spans":
        full, spans = _located(tokenizer, text, messages, special, thinking=thinking)
    else:
        full, spans = render_chat(
            text, messages, special, thinking=thinking, add_generation_prompt=False
        )
    out = tokenizer(full, add_special_tokens=False, return_offsets_mapping=True)
    learned = [
        int(any(start < stop and end > begin for begin, stop in spans))
        for start, end in out["offset_mapping"]
    ]
    return Marked(list(out["input_ids"]), learned)


def _candidates(stock: str, special: dict[str, str]) -> list[tuple[Way, str, str]]:
    ways: list[tuple[Way, str, str]] = []
    if _MARKER.search(stock):
        ways.append(("markers", stock, "the model's own template marks its answers"))
    ours = None if has_thinking(stock) else chatml_like(stock, special)
    if ours is not None:
        ways.append(("chatml", ours, "brie's ChatML template renders exactly like the model's own"))
    ways.append(("spans", stock, "answers are located by rendering with and without them"))
    return ways


def chatml_like(stock: str, special: dict[str, str]) -> str | None:
    """brie's ChatML template with the stock template's default system turn.

    Returns:
        None where the two do not render the same probe conversations.
    """
    try:
        alone = render(stock, _PROBE[:1], special, add_generation_prompt=False)
    except PinError:
        return None
    user = "<|im_start|>user\nAsk<|im_end|>\n"
    before, after = "<|im_start|>system\n", "<|im_end|>\n"
    head = alone.removesuffix(user)
    if head and not (head.startswith(before) and head.endswith(after)):
        return None
    system = repr(head[len(before) : -len(after)]) if head else "none"
    line = "{%- set default_system = " + system + " -%}"
    ours = _SYSTEM_LINE.sub(lambda _: line, _source())
    return ours if template_digest(ours, special) == template_digest(stock, special) else None


@cache
def _source() -> str:
    return Path(__file__).with_name("chat_template.jinja").read_text("utf-8")


def _learned_text(tokenizer: Tokenizer, way: Way, text: str, *, thinking: bool) -> str:
    """The probe's learned tokens as text; the two answers are parted by a bar."""
    try:
        marked = mark(tokenizer, (way, text), [dict(turn) for turn in _PROBE], thinking=thinking)
    except (InputError, PinError) as error:
        return str(error)
    runs: list[list[int]] = []
    previous = 0
    for token, learned in zip(marked.ids, marked.learned, strict=True):
        if learned:
            if not previous:
                runs.append([])
            runs[-1].append(token)
        previous = learned
    return "|||".join(tokenizer.decode(run, skip_special_tokens=False) for run in runs)


def _end_token(tokenizer: Tokenizer, learned: str) -> str | None:
    """The token that follows both answers, if nothing but answer and end token is learned."""
    first, _, second = learned.partition("|||")
    for end in tokenizer.get_added_vocab():
        # Some templates set a space before an answer; it is part of how the answer is written.
        if (first.lstrip(" "), second.lstrip(" ")) == (f"First answer.{end}", f"Second answer.{end}"):
            return end
    return None


def _located(
    tokenizer: Tokenizer,
    text: str,
    messages: list[dict[str, str]],
    special: dict[str, str],
    *,
    thinking: bool,
) -> Rendered:
    """A conversation with its answers found by rendering it with and without them."""

    def rendered(turns: list[dict[str, str]], *, header: bool) -> str:
        return render_chat(text, turns, special, thinking=thinking, add_generation_prompt=header).text

    full = rendered(messages, header=False)
    added = tuple(tokenizer.get_added_vocab())
    spans = []
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        head = rendered(messages[:index], header=True)
        through = rendered(messages[: index + 1], header=False)
        if not (through.startswith(head) and full.startswith(through)):
            raise InputError("the chat template rewrites earlier turns, so answers cannot be located")
        bare = through.rstrip()
        end = len(bare) if len(bare) > len(head) and bare.endswith(added) else len(through)
        spans.append((len(head), end))
    return Rendered(full, tuple(spans))
