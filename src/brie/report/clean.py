"""Texts as pages, terminals and tables show them: cleaned, cut, on one line, without places."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from brie.harmless import clean

__all__ = ["SHOWN", "cell", "clean", "clip", "is_clean", "not_run", "one_line", "without_paths"]

_KEPT_FORMAT: Final = "\u200c\u200d"  # joiners: Persian, Indic scripts and emoji need them
_VISIBLE_FORMAT: Final = (
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
"""Signs that Unicode counts as format characters and that everybody sees, such as U+06DD."""
_FOLDER = r"[/\\][^\s/\\'\"=,;]+"
_PATH: Final = re.compile(
    rf"(?<![\w:/.~])(?:(?:~\w*|[A-Za-z]:)(?:{_FOLDER})*|(?:{_FOLDER})+)[/\\](?=[^\s/\\'\"])"
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")

_SPLIT: Final = re.compile(r"(;[ \"]*)(?=[=+\-@\t＝＋－＠])")

SHOWN: Final = 6_000
"""Characters of one text a report shows; the store keeps them all."""


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
    return not_run(clean(text))


def not_run(cleaned: str) -> str:
    """`cell` of a text that is cleaned already."""
    if ";" in cleaned and _SPLIT.search(cleaned):
        cleaned = _SPLIT.sub(r"\1'", cleaned)
    return "'" + cleaned if cleaned.lstrip(" ").startswith(_FORMULA) else cleaned


def without_paths(text: str) -> str:
    """A command or reference with absolute folders removed: reports carry no machine paths."""
    return _PATH.sub("…/", text)


def is_clean(text: str) -> bool:
    """True where `clean` has nothing to do and nothing dangerous is left (used by tests)."""
    kept = set("\n\t" + _KEPT_FORMAT + _VISIBLE_FORMAT)
    return all(char in kept or unicodedata.category(char) not in {"Cc", "Cf", "Cs"} for char in text)
