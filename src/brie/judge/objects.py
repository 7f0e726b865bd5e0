"""The JSON objects in a reply that carry a verdict, wherever they stand and however they are wrapped.

    Here it is:                        {"verdict": {"winner": "A", ...}}
    ```json                            [{"winner": "A", ...}]
    {                                  <tool_call>{"name": ..., "arguments": {"winner": "A"}}</tool_call>
      "winner": "A", ...               <parameter=winner>A</parameter>
    }
    ```

An object is found by decoding, never by the look of a part of it: what opens like a verdict and does
not decode is `broken`, and its reader must not turn to anything weaker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from pydantic import JsonValue

from brie.judge.loose import as_json
from brie.judge.readings import Letter, Unreadable, letter_of

SEARCHED = 60_000
"""Characters at the end of a reply that are searched; a verdict stands at the end."""
_FAILURES = 100
"""Openings that do not decode before the rest is not tried any more: each may cost a whole pass."""
_DEEPEST = 4
_START = re.compile(r"\{(?=\s*(?:[\"'“}/#]|(?:reasons?|scores|winner|case)\s*:))", re.IGNORECASE)
_CARRIED = ("arguments", "parameters", "input", "args", "function")
"""Keys under which a call holds its arguments, as an object or as a string of JSON."""
_FRAGMENT = re.compile(
    r"\{\s*[\"'“]?(?:reasons?|scores|winner|case)[\"'”]?\s*:|[\"'“]winner[\"'”]\s*:", re.IGNORECASE
)
_FRAGMENT_WINNER = re.compile(r"[\"'“]?winner[\"'”]?\s*:\s*[\"'“]?\s*([\w ]{1,12})", re.IGNORECASE)
_QUOTED = re.compile(r"(?<!`)`[^`\n]+`(?!`)|^[ \t]*>.*$", re.MULTILINE)
_FENCE = re.compile(r"^```[\w-]*\s*|\s*```$")
_TAGGED = re.compile(
    r"<parameter(?:=|\s+name=[\"'])(\w+)[\"']?\s*>(.*?)</parameter>"
    r"|<arg_key>\s*(\w+)\s*</arg_key>\s*<arg_value>(.*?)</arg_value>",
    re.DOTALL,
)
_WRAPPING = re.compile(
    r"<[|｜]?/?[\w▁=|｜./: -]{1,60}[|｜]?>|\[/?TOOL_CALLS?\]|give_verdict|"
    r"\b(?:json|functions?|tool_calls?|assistant|final|my|the|verdict|answer|result|output|response)\b"
    r"|[\W_]",
    re.IGNORECASE,
)
"""What may stand around an object that is the whole reply."""


@dataclass(frozen=True, slots=True)
class Located:
    """An object that carries a winner, and where it stands."""

    fields: dict[str, JsonValue]
    """Keys in lower case."""
    start: int
    end: int
    quoted: bool


@dataclass(frozen=True, slots=True)
class Objects:
    """What of a text is JSON."""

    verdicts: tuple[Located, ...]
    without: str
    """The text with every object blanked out, those that carry no winner too."""
    broken: tuple[tuple[int, Letter | None], ...]
    """Where something opens like a verdict and does not decode, and the winner it names."""

    @property
    def alone(self) -> bool:
        """Whether nothing but wrapping stands around the objects."""
        return _is_blank(self.without) or not _WRAPPING.sub("", self.without)


def objects_in(text: str) -> Objects:
    """The objects of a text.

    Raises:
        Unreadable: one of them names two winners.
    """
    plain = _untagged(_unescaped(text))
    return _search(plain)


def arguments(call: JsonValue) -> list[dict[str, JsonValue]]:
    """The objects that carry a winner in a tool call's arguments, an object or a string of JSON.

    Raises:
        Unreadable: they are no JSON object, or name two winners.
    """
    if isinstance(call, str):
        objects = objects_in(call)
        if objects.broken or not objects.alone or "{" not in call:
            raise Unreadable("the tool call's arguments were no JSON object")
        return [located.fields for located in objects.verdicts]
    if not isinstance(call, dict | list):
        raise Unreadable("the tool call's arguments were no JSON object")
    return list(_carriers(call))


def is_whole_object(text: str) -> bool:
    """Whether a text is one JSON object and nothing else, but for a fence around it."""
    stripped = text.strip()
    if not stripped.startswith(("{", "```")) or not stripped.endswith(("}", "```")):
        return False
    try:
        inside = stripped if _is_unfenced(stripped) else _FENCE.sub("", stripped)
        return isinstance(_PLAIN.decode(inside), dict)
    except (ValueError, RecursionError):
        return False


def _is_unfenced(stripped: str) -> bool:
    return not stripped.startswith("```") and not stripped.endswith("```")


def _is_blank(text: str) -> bool:
    """Whether nothing stands in it, as in nearly every reply once its object is taken out."""
    return not text or text.isspace()


def _unescaped(text: str) -> str:
    """A whole reply that is a JSON string, or the inside of one, as the text it holds."""
    bare = text.strip()
    if not bare.startswith(('"', '{\\"', "{\\n")):
        return text
    try:
        inner = json.loads(bare if bare.startswith('"') else f'"{bare}"')
    except ValueError:
        return text
    return inner if isinstance(inner, str) and "{" in inner else text


def _search(text: str) -> Objects:
    verdicts: list[Located] = []
    blanks: list[tuple[int, int]] = []
    end = failures = 0
    for opening in _START.finditer(text):
        if opening.start() < end or failures >= _FAILURES:
            continue
        try:
            value, end = _decode(text, opening.start())
        except (ValueError, RecursionError):
            failures += 1
            continue
        blanks.append((opening.start(), end))
        quoted = _is_quoted(text, opening.start(), end)
        verdicts += [Located(f, opening.start(), end, quoted) for f in _carriers(value)]
    without = _blanked(text, blanks)
    if _is_blank(without):
        return Objects(tuple(verdicts), without, ())
    bare = _QUOTED.sub(lambda quote: " " * len(quote[0]), without)
    return Objects(tuple(verdicts), without, tuple(_fragments(bare)))


def _decode(text: str, start: int) -> tuple[JsonValue, int]:
    """The object that opens at a place and where it ends; one like a verdict need not be strict JSON.

    Raises:
        ValueError: it is broken.
        Unreadable: it names two winners.
    """
    try:
        value: JsonValue
        value, end = _IN_LOWER_CASE.raw_decode(text, start)
        return value, end
    except ValueError:
        meant = as_json(text, start) if _FRAGMENT.match(text, start) else None
        if meant is None:
            raise
        return _IN_LOWER_CASE.decode(meant[0]), meant[1]


def _fragments(text: str) -> Iterator[tuple[int, Letter | None]]:
    for fragment in _FRAGMENT.finditer(text):
        named = _FRAGMENT_WINNER.search(text, fragment.start())
        yield fragment.start(), letter_of(named[1].strip()) if named else None


def _fields(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """An object of a reply: keys in lower case, and never two winners.

    Raises:
        Unreadable: it names two.
    """
    fields = {key.strip().casefold(): value for key, value in pairs}
    if len(fields) < len(pairs):
        winners = {str(value) for key, value in pairs if key.strip().casefold() == "winner"}
        if len(winners) > 1:
            raise Unreadable("the JSON named two winners")
    return fields


_PLAIN = json.JSONDecoder(strict=False)
_IN_LOWER_CASE = json.JSONDecoder(object_pairs_hook=_fields, strict=False)


def _carriers(value: JsonValue, key: str = "", depth: int = 0) -> Iterator[dict[str, JsonValue]]:
    """The objects that carry a winner: the value itself, or what lists and outer keys hold."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str) and key in _CARRIED and value.lstrip().startswith("{"):
        value = _decoded(value)
    if isinstance(value, list):
        for item in value:
            yield from _carriers(item, key, depth + 1)
    elif isinstance(value, dict):
        fields = _fields(list(value.items()))
        if "winner" in fields:
            yield fields
            return
        for name, inner in fields.items():
            if name not in ("scores", "reasons", "reason"):
                yield from _carriers(inner, name, depth + 1)


def _decoded(text: str) -> JsonValue:
    try:
        value: JsonValue = _IN_LOWER_CASE.decode(text)
    except (ValueError, RecursionError):
        raise Unreadable("the tool call's arguments were no JSON object") from None
    return value


def _untagged(text: str) -> str:
    """A call whose arguments stand in tags, as the JSON object it means."""
    is_tagged = "</parameter>" in text or "</arg_value>" in text
    tags = list(_TAGGED.finditer(text)) if is_tagged else []
    pairs = [(tag[1] or tag[3], (tag[2] if tag[1] else tag[4]).strip()) for tag in tags]
    if not any(name.casefold() == "winner" for name, _ in pairs):
        return text
    fields = _fields([(name, value) for name, value in pairs])
    between = "".join(text[a.end() : b.start()] for a, b in pairwise(tags))
    if between.strip():
        return text
    return f"{text[: tags[0].start()]}{json.dumps(fields)}{text[tags[-1].end() :]}"


def _is_quoted(text: str, start: int, end: int) -> bool:
    line = text[text.rfind("\n", 0, start) + 1 : start]
    if line.lstrip().startswith(">"):
        return True
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return before.endswith("`") and after.startswith("`") and "``" not in (before, after)


def _blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], " " * (end - start)]
        at = end
    return "".join([*parts, text[at:]])
