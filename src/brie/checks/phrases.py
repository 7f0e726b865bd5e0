"""Which of some phrases are in a text, by looking at every different word once.

A hundred thousand answers share their words, and nearly none of them is part of a rare phrase. So a
text is a few look-ups of words in a set, where it were else a search for every phrase.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

_REMEMBERED = 200_000
"""Words; after that many they are looked at anew."""
_LONGEST = 40
"""Characters of a word that is remembered: what is longer is seldom one, and comes once."""
_Groups = frozenset[str]


class Phrases:
    """Groups of phrases, and what is known of words. Phrases are folded (`str.casefold`).

    A phrase of several words is looked for as a whole only in a text that has the longest of them: as
    the end of a word where it is the first, as the beginning of one where it is the last.
    """

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        self._parts = {name: _Parts(phrases) for name, phrases in groups.items()}
        self._idle: set[str] = set()
        self._telling: dict[str, tuple[_Groups, _Groups]] = {}
        self._alike: dict[_Groups, _Groups] = {}

    def groups_in(self, text: str) -> _Groups:
        """Groups of which a phrase is in a text; any white space in it is one space.

        Args:
            text: folded.
        """
        words = text.split()
        return self.groups_among(words, set(words))

    def groups_among(self, words: Sequence[str], different: Set[str]) -> _Groups:
        """Groups of which a phrase is in a text; those of many texts are few objects.

        Args:
            words: the folded text's, in order.
            different: each once.
        """
        there, perhaps = set[str](), set[str]()
        for word in different - self._idle:
            has, may_have = self._telling.get(word) or self._look_at(word)
            there |= has
            perhaps |= may_have
        perhaps -= there
        if perhaps:
            spaced = " ".join(words)
            there |= {name for name in perhaps if any(p in spaced for p in self._parts[name].several)}
        groups = frozenset(there)
        return self._alike.setdefault(groups, groups)

    def _look_at(self, word: str) -> tuple[_Groups, _Groups]:
        """Groups of which the word holds a phrase, and of which it may be part of one."""
        has = frozenset(name for name, parts in self._parts.items() if parts.are_in(word))
        may_have = frozenset(name for name, parts in self._parts.items() if parts.may_have(word))
        if len(word) <= _LONGEST:
            if len(self._idle) + len(self._telling) >= _REMEMBERED:
                self._idle.clear()
                self._telling.clear()
            if has or may_have:
                self._telling[word] = has, may_have
            else:
                self._idle.add(word)
        return has, may_have


class _Parts:
    """The phrases of one group, by what a word shows of them."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self.single: list[str] = []
        self.several: list[str] = []
        ends, whole, begins = list[str](), set[str](), list[str]()
        for phrase in phrases:
            if " " not in phrase:
                self.single.append(phrase)
                continue
            self.several.append(phrase)
            first, *middle, last = phrase.split(" ")
            longest = max(first, *middle, last, key=len)
            if longest in middle:
                whole.add(longest)
            else:
                (ends if longest == first else begins).append(longest)
        self._ends, self._whole, self._begins = tuple(ends), frozenset(whole), tuple(begins)

    def are_in(self, word: str) -> bool:
        return any(phrase in word for phrase in self.single)

    def may_have(self, word: str) -> bool:
        return word in self._whole or word.endswith(self._ends) or word.startswith(self._begins)
