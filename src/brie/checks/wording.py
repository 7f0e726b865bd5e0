"""What the words of an answer show: they are cut apart and looked at once, for all who ask."""

from __future__ import annotations

from typing import NamedTuple

from brie.checks.appeals import STEMS
from brie.checks.families import NAMES
from brie.checks.phrases import Phrases, folded

_PHRASES = Phrases({**STEMS, **NAMES})


class Wording(NamedTuple):
    """What was found among the words of a text."""

    distinct: float
    """Share of different words among all, without regard to case; 0 where there is none."""
    told: frozenset[str]
    """Groups of phrases that are in it: kinds of appeal that it may make, and names of models."""


def wording(text: str) -> Wording:
    """What the words of a text show."""
    words = text.casefold().split()
    different = set(words)
    distinct = len(different) / len(words) if words else 0.0
    if text.isascii():
        return Wording(distinct, _PHRASES.groups_among(words, different))
    return Wording(distinct, _PHRASES.groups_in(folded(text)))
