"""What a winner column may say, and what was declared of it: nothing is guessed.

A word is known where everybody means the same by it. Any other word stops the audit, which lists
what it found with its counts; the reader says what is meant:

    --winner "1=first,2=second,0=tie"      first and second: the answers as the file has them
    --winner "x=my-tune,y=its-base"        or a model by its name
    --winner "*=invalid"                   and every other word is a verdict that cannot be used
    --scale  -3..3=second..first           numbers between two ends, in between by halves and shares
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from brie.errors import UsageError
from brie.records import Status

FIRST, SECOND, TIE = "first", "second", "tie"
SHOWN_FIRST, SHOWN_SECOND = "shown_first", "shown_second"
_FAILED = {"invalid": Status.INVALID, "skip": Status.INVALID, "error": Status.ERROR,
           "refused": Status.REFUSED}  # fmt: skip
SCORE = "score"
"""What a number is declared to be that looks like the mark of a failure."""
MEANINGS = (FIRST, SECOND, TIE, SHOWN_FIRST, SHOWN_SECOND, "candidate", "baseline", *_FAILED)
REST = "*"
_TIES = {
    "tie", "ties", "tied", "a tie", "draw", "equal", "same", "neither", "neutral", "both good",
    "both bad", "bothgood", "bothbad", "all bad", "no preference", "a=b", "b=a", "equally good",
    "equally bad", "tie bothbad", "tie both bad", "tie close", "tie inconsistent", "neither tie",
    "c tie", "about the same", "similar", "about equal", "no difference",
    "equal quality", "roughly equal", "roughly the same", "both are equal", "both equal", "it is a tie",
    "it's a tie", "both are good", "both are bad", "neither is better",
}  # fmt: skip
_UNUSABLE = {
    "": Status.INVALID, "skip": Status.INVALID, "skipped": Status.INVALID, "invalid": Status.INVALID,
    "unparseable": Status.INVALID, "unparsable": Status.INVALID, "parse error": Status.INVALID,
    "nan": Status.INVALID, "null": Status.INVALID, "n/a": Status.INVALID,
    "na": Status.INVALID, "error": Status.ERROR, "failed": Status.ERROR, "timeout": Status.ERROR,
    "refused": Status.REFUSED, "refusal": Status.REFUSED,
}  # fmt: skip
_BARE = {"a": FIRST, "b": SECOND, "left": FIRST, "right": SECOND, "first": FIRST, "second": SECOND}
_NUMBERED = {"1": FIRST, "2": SECOND}
_PLACE = re.compile(
    r"(?:models?|responses?|answers?|assistants?|outputs?|completions?|systems?|options?|texts?|sides?)"
    r" ?(?:is )?([ab12]|left|right)(?: (?:wins|is better|won))?$"
)
_PREFERRED = re.compile(
    r"(?:i )?(?:strongly |slightly |much |somewhat )?(?:prefers? |preferred |favou?rs? )?"
    r"(?:the )?(?:(?:model|response|answer|assistant|output|completion|system|option|text|side) )?"
    r"(?P<letter>a|b|left|right)(?: one)?"
    r"(?: (?:is |was |much |slightly |significantly |clearly |marginally |somewhat |strongly |far |a lot"
    r"|a bit |a little )*(?:better|wins|won|preferred|the winner|the better(?: one)?|favou?red))?"
)
"""A place and that it is preferred, however much, where the place is a letter or a side."""
_PLUSES = re.compile(r"([ab])\+{1,3}")
_MARGIN = re.compile(r"([ab])([<>]{1,3})([ab])$")
_SPACES = re.compile(r"[\s_\-()\[\]*.!:]+")


@dataclass(frozen=True)
class Declared:
    """What the reader says of a winner column."""

    words: Mapping[str, str] = field(default_factory=dict)
    """Word -> one of `MEANINGS`, or a model's name."""
    scale: tuple[float, float, float, float] | None = None
    """Lowest and highest number, and what they are worth for the first answer."""

    @property
    def of_failures_alone(self) -> bool:
        """Nothing is said of winners: at most which values are no verdicts, or are scores after all."""
        return all(status_of(meant) or meant.lower() == SCORE for meant in self.words.values())


def parse_winner(text: str | None) -> dict[str, str]:
    """`1=first,2=second,0=tie` as a mapping, its words in lower case.

    Raises:
        UsageError: an entry without `=`.
    """
    words = {}
    for entry in (text or "").split(",") if text else ():
        word, equals, meaning = entry.rpartition("=")
        if not equals or not meaning.strip():
            raise UsageError(
                f"--winner wants WORD=MEANING pairs, not {entry!r}; a meaning is one of "
                f"{', '.join(MEANINGS)}, or a model's name."
            )
        words[word.strip().lower()] = meaning.strip()
    return words


def parse_scale(text: str | None) -> tuple[float, float, float, float] | None:
    """`-3..3=second..first` as two numbers and their worth for the first answer.

    Raises:
        UsageError: it is written otherwise.
    """
    if not text:
        return None
    worth = {FIRST: 1.0, TIE: 0.5, SECOND: 0.0, "candidate": 1.0, "baseline": 0.0}
    match = re.fullmatch(r"\s*(\S+?)\.\.(\S+?)\s*=\s*(\w+)\.\.(\w+)\s*", text)
    low, high = (number(end) for end in match.groups()[:2]) if match else (None, None)
    if match is None or low is None or high is None or low >= high:
        raise UsageError("--scale wants LOW..HIGH=second..first, as in --scale -3..3=second..first")
    ends = [worth.get(word.lower()) for word in match.groups()[2:]]
    if ends[0] is None or ends[1] is None or ends[0] == ends[1]:
        raise UsageError("the two ends of --scale are first and second, or candidate and baseline")
    return low, high, ends[0], ends[1]


def plain(value: JsonValue) -> str:
    """A cell as a word: lower case, trimmed."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value == int(value) if _finite(value) else False:
        return str(int(float(str(value))))
    return str(value).strip().lower()


def _finite(value: JsonValue) -> bool:
    return isinstance(value, float) and value - value == 0


def number(text: JsonValue) -> float | None:
    """A cell as a number, a decimal comma and a percent sign included; None where it is not finite."""
    if isinstance(text, bool) or text is None or isinstance(text, list | dict):
        return None
    written = str(text).strip()
    if written.count(",") == 1 and "." not in written:
        written = written.replace(",", ".")
    bare = written.removesuffix("%").rstrip()
    try:
        value = float(bare) / (100 if bare != written else 1)
    except (ValueError, OverflowError):
        return None
    return value if value - value == 0 else None


def place(word: str) -> str | None:
    """`FIRST`, `SECOND` or `TIE` where a word means that wherever it stands; None otherwise.

    Args:
        word: as `plain` gives it. A bare number is no word: some count from 0, some code the tie.
    """
    bare = _SPACES.sub(" ", word).strip()
    if bare in _TIES:
        return TIE
    if bare in _BARE:
        return _BARE[bare]
    match = _PLACE.match(bare)
    if match:
        return _BARE.get(match[1]) or _NUMBERED.get(match[1])
    match = _MARGIN.match(bare.replace(" ", ""))
    if match and match[1] != match[3]:
        return FIRST if (match[1] == "a") == (match[2][0] == ">") else SECOND
    if match := _PLUSES.fullmatch(bare):
        return _BARE[match[1]]
    match = _PREFERRED.fullmatch(bare)
    return _BARE[match["letter"]] if match else None


def failed(word: str) -> Status | None:
    """The status of a word that says that there is no verdict; None where it says something else."""
    return _UNUSABLE.get(_SPACES.sub(" ", word).strip())


def status_of(meaning: str) -> Status | None:
    """The status that a declared meaning stands for; None where it is a winner."""
    return _FAILED.get(meaning.lower())
