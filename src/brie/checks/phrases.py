"""Which of some phrases are in a text, by looking at every different word once.

A hundred thousand answers share their words, and nearly none of them is part of a rare phrase. So a
text is a few look-ups of words in a set, where it were else a search for every phrase.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_REMEMBERED = 200_000
"""Words; after that many they are looked at anew."""
_LONGEST = 40
"""Characters of a word that is remembered: what is longer is seldom one, and comes once."""
_Groups = frozenset[str]


class Phrases:
    """Groups of phrases, and what is known of words. Phrases are folded (`str.casefold`)."""

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        self._single: dict[str, list[str]] = {}
        self._several: dict[str, list[str]] = {}
        for name, phrases in groups.items():
            self._single[name], self._several[name] = [], []
            for phrase in phrases:
                (self._several if " " in phrase else self._single)[name].append(phrase)
        self._begin = {
            name: tuple(phrase.split(" ")[0] for phrase in phrases)
            for name, phrases in self._several.items()
        }
        self._idle: set[str] = set()
        self._telling: dict[str, tuple[_Groups, _Groups]] = {}

    def groups_in(self, text: str) -> set[str]:
        """Groups of which a phrase is in a text; any white space in it is one space.

        Args:
            text: folded.
        """
        words = text.split()
        there, begun = set[str](), set[str]()
        for word in set(words).difference(self._idle):
            has, begins = self._telling.get(word) or self._look_at(word)
            there |= has
            begun |= begins
        begun -= there
        if begun:
            spaced = " ".join(words)
            there |= {name for name in begun if any(p in spaced for p in self._several[name])}
        return there

    def _look_at(self, word: str) -> tuple[_Groups, _Groups]:
        """Groups of which the word holds a phrase, and of which it may begin one of several words."""
        has = frozenset(name for name, parts in self._single.items() if any(p in word for p in parts))
        begins = frozenset(name for name, ends in self._begin.items() if word.endswith(ends))
        if len(word) <= _LONGEST:
            if len(self._idle) + len(self._telling) >= _REMEMBERED:
                self._idle.clear()
                self._telling.clear()
            if has or begins:
                self._telling[word] = has, begins
            else:
                self._idle.add(word)
        return has, begins
