"""What reading a reply can end in: a verdict, or one of the reasons why there is none."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from brie.records import Margin

Letter = Literal["A", "B", "tie"]

_CARRIERS = ("", "answer ", "response ", "assistant ", "option ")
_LETTERS: dict[str, Letter] = {
    **{f"{carrier}a": "A" for carrier in _CARRIERS},
    **{f"{carrier}b": "B" for carrier in _CARRIERS},
    **dict.fromkeys(("tie", "a tie", "it's a tie", "tied", "draw", "a draw", "equal"), "tie"),
}
_ASIDE = re.compile(r"^(?P<what>[^()]*)\((?P<aside>[^()]*)\)\W*$")
_TAKES_BACK = re.compile(r"(?<!\w)[AB](?!\w)|\?|(?<!\w)(?i:or|not|no|but|unless|maybe|tie|draw)(?!\w)")
"""Words in brackets after a winner that may mean another one."""


class Unreadable(Exception):
    """The reply states no verdict; the text says why, as the judge may be told."""


class CutOff(Exception):
    """The reply ended before it was finished, so nothing in it is its last word."""


class WrongCase(Exception):
    """The reply is to another request, or the judge did not see the top of this one."""


class Refused(Exception):
    """The judge declined to judge."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A verdict that was read."""

    letter: Letter
    reason: str = ""
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    margin: Margin | None = None


def letter_of(value: JsonValue) -> Letter | None:
    """The winner that a value names without doubt: `B`, `answer b`, `Tie (both good)`."""
    if not isinstance(value, str):
        return None
    aside = _ASIDE.match(value.strip())
    if aside and aside["what"].strip(" *_[`"):
        return None if _TAKES_BACK.search(aside["aside"]) else letter_of(aside["what"])
    plain = unicodedata.normalize("NFKC", value).casefold().replace("’", "'")
    return _LETTERS.get(re.sub(r"[\s_]+", " ", plain).strip(" \t\n.,;:!*_`'\"()[]{}\\$<>"))


def margin_of(value: JsonValue, letter: Letter) -> Margin | None:
    """How much better the winner is, where a value says so; a tie has no margin."""
    plain = value.strip(" \t\n.,;:!*_`'\"()[]<>").casefold() if isinstance(value, str) else ""
    if letter == "tie":
        return None
    return "much" if plain == "much" else "slightly" if plain == "slightly" else None


def names_case(value: JsonValue, case: str | None) -> bool | None:
    """Whether a value names this case: no where it names another, None where it names none.

    Only a number of the right shape names a case; a weak model's mumble shows nothing.
    """
    digits = re.sub(r"\D", "", str(value)) if isinstance(value, str | int | float) else ""
    if not case or len(digits) != len(case):
        return None
    return digits == case
