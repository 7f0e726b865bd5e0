"""Chat templates: rendering them without a tokenizer, and naming them by what they render.

A template's digest is taken over its rendering of fixed probe conversations (invariant I7), so
two templates that say the same have the same digest, whatever markers they carry for training.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import JsonValue

from brie.digest import digest
from brie.errors import PinError

if TYPE_CHECKING:
    from jinja2 import Template

DATE = "2026-01-01"
"""What a template that asks for today's date is told, in training and in evaluation alike."""
THINKING = ("enable_thinking", "thinking")
"""What templates call the switch of their thinking mode."""

_PROBES: tuple[tuple[Mapping[str, str], ...], ...] = (
    ({"role": "user", "content": "Hello"},),
    ({"role": "user", "content": "  spaces, \n\nblank lines and a tab\t "},),
    ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}),
    ({"role": "system", "content": ""}, {"role": "user", "content": "Ça va 你好 🙂 <|x|> {{ y }}"}),
    (
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two"},
        {"role": "user", "content": "Three"},
    ),
    (
        {"role": "system", "content": "S"},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two\n"},
        {"role": "user", "content": "Three"},
        {"role": "assistant", "content": "Four"},
    ),
)


def render_chat(
    template: str,
    messages: Sequence[Mapping[str, JsonValue]],
    special: Mapping[str, str],
    *,
    thinking: bool = False,
    add_generation_prompt: bool = True,
    tools: Sequence[JsonValue] | None = None,
) -> str:
    """A conversation as its model reads it: the one way to it, in training and in evaluation.

    Args:
        template: Jinja source.
        messages: turns with `role` and `content`.
        special: special tokens by name.
        thinking: thinking mode, for templates that have one; always stated, since templates differ
            in what they take silence for.
        add_generation_prompt: append the header of the assistant's turn.
        tools: tool schemas, for templates that show them.

    Raises:
        PinError: as `render`.
    """
    variables: dict[str, str | bool] = {**special, **dict.fromkeys(THINKING, thinking)}
    return render(
        template, messages, variables, add_generation_prompt=add_generation_prompt, tools=tools
    )


def render(
    template: str,
    messages: Sequence[Mapping[str, JsonValue]],
    special: Mapping[str, str | bool],
    *,
    add_generation_prompt: bool = True,
    tools: Sequence[JsonValue] | None = None,
) -> str:
    """Render a chat template with these variables and no others; see `render_chat`.

    As transformers does it: sandboxed Jinja, generation markers ignored.

    Args:
        template: Jinja source.
        messages: turns with `role` and `content`.
        special: special tokens by name (`bos_token`, `eos_token`, `pad_token`, …), and switches of
            the template (`enable_thinking`).
        add_generation_prompt: append the header of the assistant's turn.
        tools: tool schemas, for templates that show them.

    Raises:
        PinError: the template does not compile, refuses these messages, fails, or asks for more
            time or space than a conversation can need.
    """
    from brie.pin.sandbox import budget, weight

    values = {"messages": messages, "tools": tools, **special}
    try:
        with budget(weight([list(messages), list(tools or ())], math.inf)):
            return _compile(template).render(
                documents=None, add_generation_prompt=add_generation_prompt, **values
            )
    except Exception as error:
        # A stranger's program ran: it may fail in any way a program can.
        raise PinError(f"the chat template cannot render this conversation: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """What went wrong inside a template, in a line."""
    import jinja2

    text = " ".join(str(error).split())[:300]
    if isinstance(error, jinja2.TemplateError) and text:
        return text
    if isinstance(error, RecursionError):
        return "it is nested too deeply, or calls itself without end"
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@lru_cache(maxsize=32)
def reads(template: str) -> frozenset[str]:
    """Names of variables and functions that a template looks up, such as `strftime_now`.

    Raises:
        PinError: the template does not compile.
    """
    from brie.pin.sandbox import looked_up

    try:
        return looked_up(template)
    except Exception as error:
        raise PinError(f"the chat template does not compile: {_reason(error)}") from error


def has_thinking(template: str) -> bool:
    """Whether a template has a thinking mode to turn on and off."""
    return bool(reads(template) & set(THINKING))


def date_read(template: str) -> str | None:
    """The date a template is told, where it asks for one."""
    return DATE if "strftime_now" in reads(template) else None


def template_digest(template: str, special: Mapping[str, str]) -> str:
    """Digest of what a template renders for the probe conversations, with and without header.

    Raises:
        PinError: it asks for more time or space than a conversation can need.
    """
    from brie.pin.sandbox import TooMuch

    rendered: list[str] = []
    for probe in _PROBES:
        for header in (True, False):
            try:
                rendered.append(render(template, probe, special, add_generation_prompt=header))
            except PinError as error:
                if isinstance(error.__cause__, TooMuch):
                    raise  # so would every other conversation
                rendered.append(f"refused: {error}")
    return digest(rendered)


@lru_cache(maxsize=32)
def _compile(template: str) -> Template:
    from brie.pin.sandbox import compiled

    functions: dict[str, Callable[..., str]] = {
        "tojson": _tojson,
        "raise_exception": _refuse,
        "strftime_now": _fixed_clock(),
    }
    return compiled(template, functions)


def _tojson(value: JsonValue, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> str:
    import jinja2

    raise jinja2.TemplateError(message)


def _fixed_clock() -> Callable[[str], str]:
    """Templates that print today's date would otherwise have a new digest every day."""
    from datetime import datetime

    return datetime.fromisoformat(DATE).strftime
