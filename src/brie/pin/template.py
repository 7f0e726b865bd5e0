"""Chat templates: rendering them without a tokenizer, and naming them by what they render.

A template's digest is taken over its rendering of fixed probe conversations (invariant I7), so
two templates that say the same have the same digest, whatever markers they carry for training.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pydantic import JsonValue

from brie.digest import digest
from brie.errors import PinError

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.nodes import Node
    from jinja2.parser import Parser
    from jinja2.sandbox import ImmutableSandboxedEnvironment

DATE = "2026-01-01"
"""What a template that asks for today's date is told, in training and in evaluation alike."""
THINKING = ("enable_thinking", "thinking")
"""What templates call the switch of their thinking mode."""
_OPEN, _CLOSE = f"\ue000{uuid.uuid4().hex}", f"\ue001{uuid.uuid4().hex}"
"""Stand where a generation block begins and ends, until the text is taken apart. Nobody can write
them into a conversation: they are drawn when the program starts, and no result holds them."""

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


class Rendered(NamedTuple):
    """A conversation as its model reads it."""

    text: str
    spans: tuple[tuple[int, int], ...]
    """What `{% generation %}` blocks wrote: (start, end) in the text."""


def render_chat(
    template: str,
    messages: Sequence[Mapping[str, JsonValue]],
    special: Mapping[str, str],
    *,
    thinking: bool = False,
    add_generation_prompt: bool = True,
    tools: Sequence[JsonValue] | None = None,
) -> Rendered:
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
        PinError: the template does not compile, or refuses these messages.
    """
    variables = {**special, **dict.fromkeys(THINKING, thinking)}
    return _taken_apart(_render(template, messages, variables, add_generation_prompt, tools))


def render(
    template: str,
    messages: Sequence[Mapping[str, JsonValue]],
    special: Mapping[str, str | bool],
    *,
    add_generation_prompt: bool = True,
    tools: Sequence[JsonValue] | None = None,
) -> str:
    """Render a chat template with these variables and no others; see `render_chat`.

    Args:
        template: Jinja source.
        messages: turns with `role` and `content`.
        special: special tokens by name (`bos_token`, `eos_token`, `pad_token`, …), and switches of
            the template (`enable_thinking`).
        add_generation_prompt: append the header of the assistant's turn.
        tools: tool schemas, for templates that show them.

    Raises:
        PinError: the template does not compile, or refuses these messages.
    """
    return _taken_apart(_render(template, messages, special, add_generation_prompt, tools)).text


def _render(
    template: str,
    messages: Sequence[Mapping[str, JsonValue]],
    variables: Mapping[str, str | bool],
    add_generation_prompt: bool,
    tools: Sequence[JsonValue] | None,
) -> str:
    """As transformers does: sandboxed Jinja; where generation blocks begin and end is marked."""
    import jinja2

    try:
        return _compile(template).render(
            messages=messages,
            tools=tools,
            documents=None,
            add_generation_prompt=add_generation_prompt,
            **variables,
        )
    except jinja2.TemplateError as error:
        raise PinError(f"the chat template cannot render this conversation: {error}") from error


def _taken_apart(marked: str) -> Rendered:
    pieces, spans, length = [], [], 0
    for number, block in enumerate(marked.split(_OPEN)):
        inside, _, after = block.partition(_CLOSE) if number else ("", "", block)
        if number:
            spans.append((length, length + len(inside)))
        pieces += [inside, after]
        length += len(inside) + len(after)
    return Rendered("".join(pieces), tuple(spans))


def reads(template: str) -> frozenset[str]:
    """Names of variables and functions that a template looks up, such as `strftime_now`.

    Raises:
        PinError: the template does not compile.
    """
    import jinja2
    from jinja2.meta import find_undeclared_variables

    try:
        return frozenset(find_undeclared_variables(_environment().parse(template)))
    except jinja2.TemplateError as error:
        raise PinError(f"the chat template does not compile: {error}") from error


def has_thinking(template: str) -> bool:
    """Whether a template has a thinking mode to turn on and off."""
    return bool(reads(template) & set(THINKING))


def date_read(template: str) -> str | None:
    """The date a template is told, where it asks for one."""
    return DATE if "strftime_now" in reads(template) else None


def template_digest(template: str, special: Mapping[str, str]) -> str:
    """Digest of what a template renders for the probe conversations, with and without header."""
    rendered: list[str] = []
    for probe in _PROBES:
        for header in (True, False):
            try:
                rendered.append(render(template, probe, special, add_generation_prompt=header))
            except PinError as error:
                rendered.append(f"refused: {error}")
    return digest(rendered)


@lru_cache(maxsize=32)
def _compile(template: str) -> Template:
    return _environment().from_string(template)


def _environment() -> ImmutableSandboxedEnvironment:
    from jinja2 import nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %} … {% endgeneration %}` renders its body between two marks."""

        tags = {"generation"}  # noqa: RUF012 - jinja2 declares a plain class attribute

        def parse(self, parser: Parser) -> list[Node]:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            marks = [nodes.Output([nodes.TemplateData(mark)], lineno=line) for mark in (_OPEN, _CLOSE)]
            return [marks[0], *body, marks[1]]

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols], autoescape=False
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _fixed_clock()
    return environment


def _tojson(value: JsonValue, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> str:
    import jinja2

    raise jinja2.TemplateError(message)


def _fixed_clock() -> Callable[[str], str]:
    """Templates that print today's date would otherwise have a new digest every day."""
    from datetime import datetime

    return datetime.fromisoformat(DATE).strftime
