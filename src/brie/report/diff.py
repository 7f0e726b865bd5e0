"""Which words two answers do not share: marks for reading them side by side."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
_MAX_TOKENS = 3_000
ALIKE = 0.5
"""Below this share of common words marks are noise: nearly everything would be marked."""


@dataclass(frozen=True)
class Piece:
    """A stretch of an answer; `own` where the other answer lacks it."""

    text: str
    own: bool


@dataclass(frozen=True)
class WordDiff:
    """Two answers cut into pieces; `marked` is False where the answers are too different."""

    candidate: tuple[Piece, ...]
    baseline: tuple[Piece, ...]
    marked: bool


def word_diff(candidate: str, baseline: str) -> WordDiff:
    """Both texts with the words of their own marked.

    The pieces of a side joined are its text, unchanged. White space alone is never marked.
    Long texts (more than 3,000 words and signs) and texts with little in common stay unmarked.
    """
    left, right = _TOKEN.findall(candidate), _TOKEN.findall(baseline)
    whole = WordDiff((Piece(candidate, False),), (Piece(baseline, False),), marked=False)
    if not left or not right or max(len(left), len(right)) > _MAX_TOKENS:
        return whole
    matcher = SequenceMatcher(a=_words(left), b=_words(right), autojunk=False)
    if matcher.ratio() < ALIKE:
        return whole
    shared = matcher.get_matching_blocks()
    ours = {i for block in shared for i in range(block.a, block.a + block.size)}
    theirs = {i for block in shared for i in range(block.b, block.b + block.size)}
    return WordDiff(_pieces(left, ours), _pieces(right, theirs), marked=True)


def _words(tokens: list[str]) -> list[str]:
    return [word for word in tokens if not word.isspace()]


def _pieces(tokens: list[str], shared: set[int]) -> tuple[Piece, ...]:
    flags: list[bool | None] = []
    word = 0
    for token in tokens:
        if token.isspace():
            flags.append(None)
            continue
        flags.append(word not in shared)
        word += 1
    return _joined(tokens, _spaces(flags))


def _spaces(flags: list[bool | None]) -> list[bool]:
    """White space belongs to a mark only between two marked words."""
    before = [False] * len(flags)
    last = False
    for index, flag in enumerate(flags):
        last = last if flag is None else flag
        before[index] = last
    after = False
    for index in reversed(range(len(flags))):
        flag = flags[index]
        after = after if flag is None else flag
        before[index] = before[index] and after if flag is None else flag
    return before


def _joined(tokens: list[str], own: list[bool]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for token, flag in zip(tokens, own, strict=True):
        if pieces and pieces[-1].own == flag:
            pieces[-1] = Piece(pieces[-1].text + token, flag)
        else:
            pieces.append(Piece(token, flag))
    return tuple(pieces)
