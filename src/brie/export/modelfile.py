"""Ollama's Modelfile: its own template language, filled from what the chat template renders.

The template is taken apart by rendering one conversation with marks for texts, put together again by
role, and kept only where that renders every probe as the chat template does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from brie.errors import PinError, UsageError
from brie.generate.encode import Encoder
from brie.pin import render_chat
from brie.pin.folders import json_or_empty

_S, _U, _A, _V = "\u0001s\u0001", "\u0001u\u0001", "\u0001a\u0001", "\u0001v\u0001"
_Turn = Mapping[str, str]
_PARAMETERS = {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k",
               "repetition_penalty": "repeat_penalty"}  # fmt: skip
"""Generation config's name -> Ollama's."""
_PROBES: tuple[tuple[_Turn, ...], ...] = (
    ({"role": "user", "content": "Hello"},),
    ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}),
    (
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two"},
        {"role": "user", "content": "Three"},
    ),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """A template taken apart: what stands before and after the text of each role."""

    around: dict[str, tuple[str, str]]
    header: str
    """What asks for the answer."""
    default_system: str | None
    """What the template says where there is no system turn."""

    def render(self, messages: Sequence[_Turn]) -> str:
        """A conversation as Ollama would write it with these parts."""
        turns = list(messages)
        if self.default_system is not None and turns[0]["role"] != "system":
            turns.insert(0, {"role": "system", "content": self.default_system})
        sides = (self.around[turn["role"]] for turn in turns)
        texts = (turn["content"] for turn in turns)
        body = "".join(a + text + b for (a, b), text in zip(sides, texts, strict=True))
        return body + self.header


def take_apart(template: str, special: Mapping[str, str]) -> Parts:
    """Take a chat template apart.

    Raises:
        UsageError: it is not one text around each turn.
    """
    parts = None
    try:
        parts = _parts(template, special)
        whole = parts is not None and all(
            parts.render(probe) == render_chat(template, probe, special) for probe in _PROBES
        )
    except (PinError, ValueError, KeyError) as error:
        raise _refusal() from error
    if parts is None or not whole:
        raise _refusal()
    return parts


def _refusal() -> UsageError:
    return UsageError(
        "this chat template is more than a text around each turn, so that it cannot be written in "
        "Ollama's template language. Export the file alone (--to gguf) and serve it with llama-server "
        "--jinja, which reads the template in it."
    )


def _parts(template: str, special: Mapping[str, str]) -> Parts | None:
    talk: tuple[_Turn, ...] = (
        {"role": "system", "content": _S},
        {"role": "user", "content": _U},
        {"role": "assistant", "content": _A},
        {"role": "user", "content": _V},
    )
    closed = render_chat(template, talk, special, add_generation_prompt=False)
    pieces = _split(closed, (_S, _U, _A, _V))
    if pieces is None:
        return None
    before_system, system_user, user_assistant, assistant_user, after_user = pieces
    header = render_chat(template, talk, special).removeprefix(closed)
    alone = _split(render_chat(template, talk[1:2], special, add_generation_prompt=False), (_U,))
    if alone is None or not user_assistant.startswith(after_user):
        return None
    # Most templates end a system turn as they end a question.
    after_system = after_user if system_user.startswith(after_user) else ""
    before_user = system_user.removeprefix(after_system)
    around = {
        "system": (before_system, after_system),
        "user": (before_user, after_user),
        "assistant": (
            user_assistant.removeprefix(after_user),
            assistant_user.removesuffix(before_user),
        ),
    }
    default = alone[0].removesuffix(before_user)
    if default:
        default = default.removeprefix(before_system).removesuffix(after_system)
    return Parts(around, header, default or None)


def _split(text: str, marks: Sequence[str]) -> list[str] | None:
    """What stands between marks; None where one is not there as it was."""
    pieces = []
    for mark in marks:
        before, there, text = text.partition(mark)
        if not there:
            return None
        pieces.append(before)
    return [*pieces, text]


def write_modelfile(merged: Path, gguf: Path) -> None:
    """Write `Modelfile` beside a GGUF file.

    Args:
        merged: the folder it was converted from.
        gguf: the file.

    Raises:
        UsageError: the chat template has no form in Ollama's language.
    """
    encoder = Encoder.load(merged)
    parts = take_apart(encoder.template, encoder.special)
    settings = json_or_empty(merged / "generation_config.json")
    lines = [
        f"FROM ./{gguf.name}",
        f'TEMPLATE """{_go(parts)}"""',
        *([f'SYSTEM """{_plain(parts.default_system)}"""'] if parts.default_system else []),
        *(f"PARAMETER stop {_quoted(encoder.tokenizer.decode([i]))}" for i in sorted(encoder.stop)),
        f"PARAMETER num_ctx {min(encoder.context, 32768)}",
        *_sampling(settings),
    ]
    (gguf.parent / "Modelfile").write_text("\n".join(lines) + "\n", "utf-8")


def _sampling(settings: Mapping[str, JsonValue]) -> list[str]:
    """The model's own sampling, where its generation config names one."""
    if settings.get("do_sample") is False:
        return ["PARAMETER temperature 0"]
    return [
        f"PARAMETER {theirs} {settings[name]}"
        for name, theirs in _PARAMETERS.items()
        if isinstance(settings.get(name), (int, float))
    ]


def _go(parts: Parts) -> str:
    """The parts in the template language of Go, as Ollama reads it."""
    roles = "".join(
        f'{{{{ if eq .Role "{role}" }}}}{_plain(before)}{{{{ .Content }}}}{_plain(after)}{{{{ end }}}}'
        for role, (before, after) in parts.around.items()
    )
    return f"{{{{- range .Messages }}}}{roles}{{{{ end }}}}{_plain(parts.header)}"


def _plain(text: str) -> str:
    """A text that neither Go's templates nor the Modelfile reads as anything else.

    Raises:
        UsageError: it holds their marks.
    """
    if "{{" in text or "}}" in text or '"""' in text:
        raise _refusal()
    return text


def _quoted(text: str) -> str:
    return '"' + _plain(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
