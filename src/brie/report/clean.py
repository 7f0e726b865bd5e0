"""Text of models, suites and judges made harmless for the eye: pages, terminals, tables.

Escaping for HTML or Markdown is a second step of the writer; this one removes what no
escaping catches: control characters (ANSI sequences begin with one), characters that turn the
reading direction around, invisible characters that hide text, and unpaired surrogates. Each
stays visible as a sign, so a reader sees that something was there.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_KEPT_FORMAT: Final = "\u200c\u200d"  # joiners: Persian, Indic scripts and emoji need them
_VISIBLE_FORMAT: Final = (
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
"""Signs that Unicode counts as format characters and that everybody sees, such as U+06DD."""
_SUSPECT: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\ud800-\udfff\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_FOLDER = r"[/\\][^\s/\\'\"=,;]+"
_PATH: Final = re.compile(
    rf"(?<![\w:/.~])(?:(?:~\w*|[A-Za-z]:)(?:{_FOLDER})*|(?:{_FOLDER})+)[/\\](?=[^\s/\\'\"])"
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")

_SPLIT: Final = re.compile(r"(;[ \"]*)(?=[=+\-@\t＝＋－＠])")

SHOWN: Final = 6_000
"""Characters of one text a report shows; the store keeps them all."""


def clean(text: str) -> str:
    """`text` with control, direction and invisible characters turned into visible signs.

    Line feeds and tabs stay, CRLF becomes LF. The result encodes to UTF-8 and contains no
    character that moves a terminal's cursor or reverses a line.
    """
    return _SUSPECT.sub(_sign, text.replace("\r\n", "\n"))


def clip(text: str, limit: int = SHOWN) -> tuple[str, str]:
    """The cleaned beginning of a text, and a remark that it is a beginning ("" if it is whole)."""
    if len(text) <= limit:
        return clean(text), ""
    return clean(text[:limit]), f"the first {limit:,} of {len(text):,} characters are shown"


def one_line(text: str, limit: int = 200) -> str:
    """A cleaned text on one line, for table cells and terminals."""
    start = " ".join(clean(text[: limit * 4]).split())
    return start if len(start) <= limit else start[: limit - 1].rstrip() + "…"


def cell(text: str) -> str:
    """A text for a CSV cell: cleaned, and never a formula when a spreadsheet opens it.

    Where a semicolon separates cells, what follows one begins a cell of its own.
    """
    safe = _SPLIT.sub(r"\1'", clean(text))
    return "'" + safe if safe.lstrip(" ").startswith(_FORMULA) else safe


def without_paths(text: str) -> str:
    """A command or reference with absolute folders removed: reports carry no machine paths."""
    return _PATH.sub("…/", text)


def _sign(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"⟨U+{code:04X}⟩"


def is_clean(text: str) -> bool:
    """True where `clean` has nothing to do and nothing dangerous is left (used by tests)."""
    kept = set("\n\t" + _KEPT_FORMAT + _VISIBLE_FORMAT)
    return all(char in kept or unicodedata.category(char) not in {"Cc", "Cf", "Cs"} for char in text)
