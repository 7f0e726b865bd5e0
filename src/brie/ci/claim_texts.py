"""Texts with claims: where each stands, what follows it, and which numbers no claim stands before."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

EVERY_NUMBER = "<!-- brie:every-number -->"
"""A text with this comment says that no number of it stands without a claim."""
_MARKER = re.compile(r"<!--\s*brie:(?P<body>.*?)\s*-->")
_ENTRY = re.compile(
    r"^[ -]*[\w-]+:[ ]+(?P<value>\S.*?)[ ]+#[ ]*brie:(?P<path>\S+)[ ]+(?P<name>\S+)[ ]*$", re.M
)
"""A line of metadata: `value: 0.86 # brie:win_rate EVAL`."""
_PLAIN_ENTRY = re.compile(
    r"(?:^[ -]*|[\w\"']:[ ]+|[\[{,][ ]*)(?:!\S+[ ]+)?"
    r"(?P<value>[-+]?\.?\d[\d_.,:]*(?:e[-+]?\d+)?|0[xo][\da-f]+)[ ]*(?=$|#|[\]},])",
    re.M | re.I,
)
"""Numbers of the metadata, in its lists and tables too."""
_QUOTED_VALUE = re.compile(r"^[ -]*value:[ ]+[\"'](?P<value>[^\"'\n]*\d[^\"'\n]*)[\"']", re.M)
_QUOTED = re.compile(r"(?<=[ \[{,])(?:\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*')")
_METADATA = re.compile(r"\A---[ ]*\n.*?^---[ ]*$", re.S | re.M)
_FENCE = re.compile(r"^ {0,3}(```+(?=[^`]*$)|~~~+)(?P<info>.*)")
_INLINE = re.compile(r"(?<![\\`])(`+)(?!`).+?(?<!`)\1(?!`)")
_CODED = re.compile(r"(?<!`)`[ ]*([-+−]?\d[\d.,]*)[ ]*%?[ ]*`(?!`)")
_NOT_SAID = re.compile(
    r"<!--.*?-->|&#?\w+;|\]\([^)\s]*(?:[ ]+[\"'][^)\n]*)?\)|</?[A-Za-z][^>\n]*>|https?://\S+",
    re.S,
)
"""Comments, entities, addresses and elements."""
_PLACE = re.compile(r"^([ \t>]*)(\d+)[.)](?=\s)", re.M)
"""The number of a list's item."""
_BARE = re.compile(r"(?<![\w.])(?<!\w[-_/])\d[\d,]*+(?:\.\d+)?+(?!\w)")


@dataclass(frozen=True, slots=True)
class Claim:
    """A marker and what follows it."""

    line: int
    path: str
    evaluation: str
    """What is cited: an evaluation, and what else `claim_sources` knows."""
    text: str
    """The rest of the paragraph or of the table's cell; code is blank in it."""
    start: int = 0
    """Where it begins in the file."""
    written: str = ""
    """The same with its code."""


def find_claims(text: str) -> Iterator[Claim]:
    """The claims of a Markdown text, in its order; those inside code are examples."""
    metadata = _metadata(text)
    for match in _ENTRY.finditer(metadata):
        start = match.start("value")
        value = match["value"]
        words = value.strip("\"'")
        line = _line(text, start)
        yield Claim(line, match["path"], match["name"], words, start, words)
    prose = _without_code(_blank(text, [(0, len(metadata))]))
    for match in _MARKER.finditer(prose):
        path, _, evaluation = match["body"].partition(" ")
        if match[0] != EVERY_NUMBER:
            rest = _rest(prose, match.end())
            written = _rest(text, match.end(), comments=True)
            line = _line(prose, match.start())
            yield Claim(line, path, evaluation.strip(), rest, match.end(), written)


def says_every_number(text: str) -> bool:
    """Whether a text says that every number of it is a claim."""
    return EVERY_NUMBER in _without_code(text)


def numbers_without_claim(text: str, claimed: Iterable[tuple[int, int]]) -> Iterator[tuple[int, str]]:
    """Line and number of each number that no claim stands before.

    Code, addresses, comments and the numbers of a list say nothing of a model, but for code that is a
    number and no more. In the metadata only values that are numbers are looked at, and any `value`.

    Args:
        text: the whole file.
        claimed: where the claims' own words begin and end.
    """
    claimed = list(claimed)
    metadata = _metadata(text)
    entries = _blank(metadata, claimed)
    unquoted = _QUOTED.sub(lambda match: "q" * len(match[0]), entries)
    for match in (*_PLAIN_ENTRY.finditer(unquoted), *_QUOTED_VALUE.finditer(entries)):
        yield _line(text, match.start("value")), match["value"]
    rest = _blank(text, [(0, len(metadata)), *claimed])
    for match in _CODED.finditer(_without_code(rest, spans=False)):
        yield _line(text, match.start()), match[1]
    spoken = _without_code(rest)
    spoken = _NOT_SAID.sub(lambda match: _unsaid(match[0]), spoken)
    spoken = _blank(spoken, _places(spoken))
    for match in _BARE.finditer(spoken):
        yield _line(text, match.start()), match[0]


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Where the numbers of lists stand: each begins with 1, and counts."""
    due: dict[str, int] = {}
    for match in _PLACE.finditer(text):
        indent, number = match[1], int(match[2])
        if number in (1, due.get(indent)):
            due[indent] = number + 1
            yield match.span()


def _unsaid(part: str) -> str:
    """As many blanks; a digit that is written as an entity stays one."""
    sign = html.unescape(part)
    return sign.rjust(len(part)) if sign.isdigit() else re.sub(r"[^\n]", " ", part)


def _metadata(text: str) -> str:
    """What stands between the lines of dashes at a file's head; "" where there is nothing."""
    match = _METADATA.match(text)
    return match[0] if match else ""


def _line(text: str, at: int) -> int:
    return text[:at].count("\n") + 1


def _rest(text: str, start: int, *, comments: bool = False) -> str:
    """What follows a marker: to the end of its cell in a table, else of its paragraph."""
    in_table = text[text.rfind("\n", 0, start) + 1 :].startswith("|")
    rest = re.split(r"(?<!\\)\||\n" if in_table else r"\n\n", text[start:], maxsplit=1)[0]
    return rest if comments else rest.split("<!--", 1)[0]


def _blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
    return text


def _without_code(text: str, *, spans: bool = True) -> str:
    """The text with code blocks, and code spans too, blanked; every sign keeps its place."""
    lines, fence = [], ""
    for line in text.split("\n"):
        opening = _FENCE.match(line)
        if fence:
            ends = opening and opening[1].startswith(fence) and not opening["info"].strip()
            fence = "" if ends else fence
            lines.append(" " * len(line))
        elif opening:
            fence = opening[1]
            lines.append(" " * len(line))
        elif not spans:
            lines.append(line)
        else:
            lines.append(_INLINE.sub(lambda span: " " * len(span[0]), line))
    return "\n".join(lines)
