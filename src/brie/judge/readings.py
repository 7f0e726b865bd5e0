"""What reading a reply can end in: a verdict, or one of the reasons why there is none."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from brie.records import Margin

Letter = Literal["A", "B", "tie"]

_TIES = ("tie", "a tie", "it's a tie", "tied", "draw", "a draw", "equal")
_LETTERS: dict[str, Letter] = {"a": "A", "b": "B", **dict.fromkeys(_TIES, "tie")}
_NAMED = re.compile(
    r"(?:the (?:(?:better|best|winning|preferred) (?:one|answer|response)(?: is)?|winner is) )?"
    r"(?:(?:answer|response|assistant|option|model|candidate|text|output|completion|reply|choice) ?)?"
    r"(?P<letter>a|b)"
    r"(?: (?:wins|won|is (?:(?:slightly|much|clearly) )?better"
    r"|is the (?:winner|(?:better|best)(?: (?:one|answer|response))?)))?"
)
"""A letter, what it is the letter of, and that it won."""
_OVER = re.compile(r"(?P<one>[ab]) ?(?P<sign>[<>]{1,3}) ?(?P<other>[ab])")
_ASIDE = re.compile(
    r"^(?P<what>[^().,;:–—]*?)(?:\((?P<aside>[^()]*)\)\W*|(?:[.,;:]| [-–—]) (?P<more>\S.*)"
    r"|(?P<because> (?:because|since) .*))$",
    re.DOTALL,
)
_LONGEST_ASIDE = 400
_TAKES_BACK = re.compile(
    r"(?<!\w)(?-i:[AB])(?!\w)|\?|(?<!\w)(?:or|not|no|but|unless|maybe|tie|tied|draw|however|although|though|yet"
    r"|equal(?:ly)?|both|neither|either|wait|actually|rather|instead|other|loses?|worse|weaker|wrong|close"
    r"|hm+|perhaps)(?!\w)|n['’]t(?!\w)",
    re.IGNORECASE,
)
"""Words after a winner that may mean another one."""
_OF_A_TIE = re.compile(r"\b(?:both|equal(?:ly)?|neither|close)\b", re.IGNORECASE)
"""Words that only say why nobody won."""
_ORNAMENT = ("So", "Sk", "Cf", "Mn")
"""Unicode categories of signs that say nothing: emoji and what is joined to them, invisible marks."""


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
    """The winner that a value names without doubt: `B`, `answer b`, `B > A`, `Tie (both good)`."""
    if not isinstance(value, str):
        return None
    aside = _ASIDE.match(value.strip())
    if aside and aside["what"].strip(" *_[`"):
        more = aside["aside"] or aside["more"] or aside["because"] or ""
        is_tie = letter_of(aside["what"]) == "tie"
        doubt = _TAKES_BACK.search(_OF_A_TIE.sub("", more) if is_tie else more)
        return None if doubt or len(more) > _LONGEST_ASIDE else letter_of(aside["what"])
    plain = unicodedata.normalize("NFKC", value).casefold().replace("’", "'")
    plain = "".join(sign for sign in plain if unicodedata.category(sign) not in _ORNAMENT)
    plain = re.sub(r"[\s_*]+", " ", plain).strip(" \t\n.,;:!*_`'\"()[]{}\\$<>⟦⟧")
    if plain in _LETTERS:
        return _LETTERS[plain]
    if (over := _OVER.fullmatch(plain)) and over["one"] != over["other"]:
        return _LETTERS[over["one"] if over["sign"][0] == ">" else over["other"]]
    named = _NAMED.fullmatch(plain)
    return _LETTERS[named["letter"]] if named else None


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
