"""Which of some phrases are in a text, by looking at every different word once.

A hundred thousand answers share their words, and nearly none of them is part of a rare phrase. So a
text is a few look-ups of words in a set, where it were else a search for every phrase.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set

_REMEMBERED = 200_000
"""Words; after that many they are looked at anew."""
_LONGEST = 40
"""Characters of a word that is remembered: what is longer is seldom one, and comes once."""
_COMMON = frozenset({"this", "other", "the", "my", "it", "your", "for", "of", "own", "one"})
"""Words that tell little of a phrase they are in."""
_Groups = frozenset[str]
_Named = tuple[str, str]
"""A group and a phrase of it."""


def folded(text: str) -> str:
    """A text in the letters in which a search without regard to case finds it: two of Turkish that such
    a search takes for an `i` are one."""
    plain = text if text.isascii() else text.replace("\u0130", "i").replace("\u0131", "i")
    return plain.casefold()


class Phrases:
    """Groups of phrases, and what is known of words. Phrases are `folded`.

    A phrase of several words is looked for as a whole only in a text that has the word of it that tells
    most: as the end of a word where it is the first, as the beginning of one where it is the last.
    """

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        self._parts = {name: _Parts(phrases) for name, phrases in groups.items()}
        self._idle: set[str] = set()
        self._telling: dict[str, tuple[_Groups, frozenset[_Named]]] = {}
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
        there, perhaps = set[str](), set[_Named]()
        for word in different - self._idle:
            has, may_have = self._telling.get(word) or self._look_at(word)
            there |= has
            perhaps |= may_have
        perhaps = {named for named in perhaps if named[0] not in there}
        if perhaps:
            spaced = " ".join(words)
            there |= {name for name, phrase in perhaps if phrase in spaced}
        groups = frozenset(there)
        return self._alike.setdefault(groups, groups)

    def _look_at(self, word: str) -> tuple[_Groups, frozenset[_Named]]:
        """Groups of which the word holds a phrase, and phrases of others that it may be part of."""
        has = frozenset(name for name, parts in self._parts.items() if parts.are_in(word))
        may_have = frozenset(
            (name, phrase)
            for name, parts in self._parts.items() if name not in has
            for phrase in parts.perhaps_with(word)
        )  # fmt: skip
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
        every = list(phrases)
        self._single = [phrase for phrase in every if " " not in phrase]
        self._several = [(_told_by(phrase), phrase) for phrase in every if " " in phrase]

    def are_in(self, word: str) -> bool:
        return any(phrase in word for phrase in self._single)

    def perhaps_with(self, word: str) -> Iterator[str]:
        return (phrase for is_part, phrase in self._several if is_part(word))


def _told_by(phrase: str) -> Callable[[str], bool]:
    """Whether a word may be the one of a phrase that tells most."""
    first, *middle, last = phrase.split(" ")
    telling = max(first, *middle, last, key=lambda word: (word not in _COMMON, len(word)))
    if telling in middle:
        return telling.__eq__
    if telling == first:
        return lambda word: word.endswith(telling)
    return lambda word: word.startswith(telling)
