"""Characters that nobody sees: what of them is text, and what hides something from a reader.

    a joiner inside a script that needs it, such as Persian          text
    the joiners and selectors that make one emoji of several          text
    a pair of directional marks around words of another direction     text
    an override: the eye reads another order than the judge           hidden
    tag characters: a whole sentence in letters without a shape       hidden
    a space without width in a word, so that no search finds it       hidden

What hides is shown by its number, `⟨U+202E⟩`, and a long run of it by its beginning and its length.
Sources: Unicode Standard Annex 9 (directional marks), Technical Standards 39 and 51 (joiners, emoji).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

SUSPECT = (
    "\\x00-\\x08\\x0e-\\x1f\\x7f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f"
    "\\u202a-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb"
    "\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff"
)
"""Every character that may hide something, as a part of a character class."""
HIDDEN = re.compile(f"[{SUSPECT}]+")
_SEEN = bytes(code for code in range(128) if not HIDDEN.match(chr(code)))
"""ASCII that everybody sees: to find nothing else in a text takes a hundredth of a search."""
_SHOWN = 3
"""Characters of a run that are shown one by one."""
_LONGEST_TEXT = 3
"""A longer run of invisible characters is no text in any script."""
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
_SCRIPTS = (
    (0x0600, 0x08FF), (0x0900, 0x0DFF), (0x0F00, 0x109F), (0x1700, 0x18AF), (0x1A20, 0x1AFF),
    (0x1B00, 0x1C4F), (0xA840, 0xAAFF), (0xABC0, 0xABFF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC),
    (0x10A00, 0x10EFF), (0x11000, 0x11FFF), (0x1E900, 0x1E95F),
)  # fmt: skip
"""Scripts whose letters join: Arabic and its kin, Indic, Tibetan, Myanmar, Khmer, Mongolian."""
_WITHOUT_SPACES = (
    (0x0E00, 0x0EFF),
    (0x0F00, 0x109F),
    (0x1780, 0x17FF),
    (0x1950, 0x1AAF),
    (0xA9E0, 0xAADF),
)
"""Scripts that put no spaces between words: Thai, Lao, Tibetan, Myanmar, Khmer, Tai."""
_OPENS = {
    "\u202a": "\u202c",
    "\u202b": "\u202c",
    "\u2066": "\u2069",
    "\u2067": "\u2069",
    "\u2068": "\u2069",
}
_CLOSES = frozenset(_OPENS.values())
_OVERRIDES = frozenset("\u202d\u202e")
_TURNS = re.compile("[\n\u202a-\u202e\u2066-\u2069]")
_JOINER = re.compile("[\u200c\u200d]")
_MARKS = frozenset("\u200e\u200f\u061c")
_MATHS = frozenset("\u2061\u2062\u2063\u2064")


@dataclass(frozen=True)
class _Around:
    """What has to be known of a whole text to judge one mark in it, worked out once."""

    text: str
    trusted: bool = True
    """Whether a pair of marks may be text: not where another mark of the text is no part of one."""

    @cached_property
    def is_right_to_left(self) -> bool:
        """Whether it holds letters of Hebrew, Arabic or their kin."""
        return re.search("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]", self.text) is not None

    @cached_property
    def paired(self) -> frozenset[int]:
        """Places of the marks that turn the direction and are closed in their own line."""
        paired: set[int] = set()
        opened: list[tuple[int, str]] = []
        for mark in _TURNS.finditer(self.text):
            if mark[0] == "\n":
                opened.clear()
            elif mark[0] in _OPENS:
                opened.append((mark.start(), _OPENS[mark[0]]))
            elif mark[0] in _OVERRIDES:
                opened.append((-1, "\u202c"))
            elif opened and opened[-1][1] == mark[0]:
                first, _ = opened.pop()
                paired |= {first, mark.start()} if first >= 0 else set()
        return frozenset(paired)


def revealed(text: str) -> tuple[str, int]:
    """A text in which whatever hides is shown, and how many characters hid.

    The result of a result is the same: signs are plain characters.
    """
    around = _Around(text)
    runs = [run for run in HIDDEN.finditer(text) if not _is_text(around, run)]
    if any(_TURNS.search(run[0]) for run in runs):
        around = _Around(text, trusted=False)
        runs = [run for run in HIDDEN.finditer(text) if not _is_text(around, run)]
    if not runs:
        return text, 0
    parts, at = [], 0
    for run in runs:
        parts += [text[at : run.start()], "".join(_signs(run[0]))]
        at = run.end()
    return "".join([*parts, text[at:]]), sum(len(run[0]) for run in runs)


def longest(text: str) -> int:
    """UTF-8 bytes that `revealed` can add to a text at most."""
    if _is_seen(text):
        return 0
    return sum(12 * min(len(run[0]), _SHOWN) + 20 for run in HIDDEN.finditer(text))


def without_hidden(text: str) -> str:
    """A text without a character that may hide something: for searching, not for showing."""
    return text if _is_seen(text) else HIDDEN.sub("", text)


def _is_seen(text: str) -> bool:
    """Whether a text is ASCII that everybody sees all of."""
    return text.isascii() and not text.encode().translate(None, _SEEN)


def _signs(run: str) -> Iterator[str]:
    for character in run[:_SHOWN]:
        yield f"⟨U+{ord(character):04X}⟩"
    if len(run) > _SHOWN:
        yield f"⟨+{len(run) - _SHOWN} hidden⟩"


def _is_text(around: _Around, run: re.Match[str]) -> bool:
    """Whether a run of invisible characters belongs to the text around it."""
    text = around.text
    if run[0][0] >= "\U000e0000" and (flag := _FLAG.match(text, max(0, run.start() - 1))):
        return flag.end() == run.end()
    if len(run[0]) > _LONGEST_TEXT or len(_JOINER.findall(run[0])) > 1:
        return False
    before, after = text[max(0, run.start() - 1) : run.start()], text[run.end() : run.end() + 1]
    return all(_belongs(around, at, before=before, after=after) for at in range(run.start(), run.end()))


def _belongs(around: _Around, at: int, *, before: str, after: str) -> bool:
    text = around.text
    character = text[at]
    if _JOINER.match(character):
        return _in(before, _SCRIPTS) or (_is_pictured(before) and _is_pictured(after))
    if character == "\u200b":
        return _in(before, _WITHOUT_SPACES) and _in(after, _WITHOUT_SPACES)
    if character in _MARKS:
        return around.is_right_to_left
    if character in _OPENS or character in _CLOSES:
        return around.trusted and at in around.paired
    if character in _MATHS or character == "\u00ad":
        return bool(before.strip()) and bool(after.strip())
    if character in "\u115f\u1160":
        return "\u1100" <= after <= "\u11ff" or "\u1100" <= before <= "\u11ff"
    if "\u180b" <= character <= "\u180f":
        return "\u1800" <= before <= "\u18af"
    if character == "\u034f":
        return unicodedata.category(before or " ")[0] in "LM"
    if "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        # One selector after a sign that has variants: a longer row of them carries a message.
        return text[at - 1 : at] == before and _has_variants(before)
    return character == "\ufeff" and at == 0


def _is_pictured(character: str) -> bool:
    """A sign that emoji are made of."""
    return bool(character) and (
        unicodedata.category(character) in ("So", "Sk") or character in "\u2640\u2642\u2695\u2764\u20e3"
    )


def _has_variants(character: str) -> bool:
    return bool(character) and (
        character == "\u2139"  # the information sign counts as a letter
        or unicodedata.category(character) in ("So", "Sm", "Sk", "Lo", "Po", "Nd", "Pd")
    )


def _in(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return bool(character) and any(low <= ord(character) <= high for low, high in ranges)
