"""Looking for some texts among many: exactly, inside longer texts, or nearly.

Three ways, from certain to similar:

* exact: equal but for case, spacing, punctuation and Unicode form;
* contained: half or more of the wanted text's runs of five words stand in one text;
* near: half or more of the two texts' runs of five characters are shared (Jaccard). Candidates
  come from MinHash signatures in a locality-sensitive index (Broder 1997; Indyk and Motwani 1998);
  each is then compared in full, so a reported similarity is no estimate.

The wanted texts are indexed and the many are streamed past them once, so the many may be many.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from datasketch import MinHash

NEAR = 0.5
"""Least Jaccard similarity of a near text: replacing, dropping or adding one word in five leaves
about .62, one in three about .5; unrelated prompts of the AlpacaEval and brie suites share .05 to
.3 with the most similar other one, texts made from one template .5 to .8."""
CONTAINED = 0.5
"""Least share of the wanted text's runs of five words: a copy with one word in ten replaced keeps
about .6, and chance keeps none."""
RUN = 5
"""Words, or characters, in a run."""
FEWEST_WORDS = 8
"""Shorter texts are no evidence inside a longer one: they hold fewer than four runs."""
_PERMUTATIONS = 72
_HOPELESS = 0.3 * _PERMUTATIONS
"""Equal entries of two signatures, of which 36 +- 4 are expected at a similarity of .5: three
standard deviations below, a comparison in full is not worth its time."""
_BANDS = (24, 3)
"""24 bands of 3: a text of similarity .5 becomes a candidate with probability .96, one of .6 with
.998, an unrelated one of .05 with .003."""
_FAMILIAR = 0.1
"""Where half of two texts' runs of 5 characters are shared, single edits lie 15 characters apart
on average and leave two runs of 13 each, .13 of all; of nine in ten unrelated prompts less than
.1 is found among all wanted ones together. Below this share a text needs no signature."""
_LONG = 48
"""Runs of a text for which the averages above hold; a shorter one is cheap to compare."""
_STRIDE = RUN - 1
"""Three runs of 5, each beginning on the last character of the one before, are one of 13."""
_TABLE_BITS = 22
"""A table of 4 million marks: 1,000 wanted prompts fill about one in 30."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_WORDS = re.compile(r"[぀-ヿ㐀-鿿가-힣]|[^\W぀-ヿ㐀-鿿가-힣]+")
"""Words; in scripts written without spaces every character is one."""
_SIGNS = str.maketrans({chr(c): " " for c in range(128) if not (chr(c).isalnum() or chr(c) == "_")})
"""ASCII characters that are no part of a word, as spaces: three times as fast as the pattern."""

Way = Literal["exact", "contained", "near"]
Hashes = npt.NDArray[np.uint64]
_RANK: dict[Way, int] = {"exact": 2, "near": 1, "contained": 0}


class Match(NamedTuple):
    """One wanted text with the text most like it."""

    left: str
    """Key of the wanted text."""
    right: str
    """Key of the text it was found in."""
    similarity: float
    """1 where exact, the share of runs inside where contained, else the Jaccard similarity."""
    way: Way

    @property
    def exact(self) -> bool:
        """Equal but for case, spacing, punctuation and Unicode form."""
        return self.way == "exact"


class Entry(NamedTuple):
    """One of the many: where it is, what it asks, and everything it says."""

    key: str
    asked: Sequence[str]
    """Texts compared as wholes."""
    further: Sequence[str]
    """Further texts a wanted one may stand inside of."""


def normal(text: str) -> str:
    """A text for comparison: Unicode compatibility form, lower case, words only, single spaces.

    A text without any word (an emoji, a formula's signs) stays itself.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = folded.translate(_SIGNS).split() if folded.isascii() else _WORDS.findall(folded)
    return " ".join(words) or " ".join(folded.split())


def search(wanted: Mapping[str, Sequence[str]], entries: Iterable[Entry]) -> dict[str, Match]:
    """The best match of each wanted key, for those that have one.

    Args:
        wanted: key -> its texts; the best match of any of them counts.
        entries: what to look through; read once. Of equal matches the first entry's is kept.
    """
    owners: dict[str, list[str]] = {}
    for key, texts in wanted.items():
        for text in dict.fromkeys(normal(text) for text in texts):
            owners.setdefault(text, []).append(key)
    best: dict[str, Match] = {}
    for text, match in _matches(list(owners), entries):
        for key in owners[text]:
            best_yet = best.get(key)
            if best_yet is None or _strength(match) > _strength(best_yet):
                best[key] = match._replace(left=key)
    return {key: best[key] for key in wanted if key in best}


def _strength(match: Match) -> tuple[int, float]:
    """An exact match beats all; one that is alike as a whole beats one that stands inside another."""
    return _RANK[match.way], match.similarity


def _matches(wanted: Sequence[str], entries: Iterable[Entry]) -> Iterator[tuple[str, Match]]:
    """Every match of the wanted normal texts; a text that occurs again is not compared again."""
    if not wanted:
        return
    inside, alike, texts = _Inside(wanted), _Alike(wanted), frozenset(wanted)
    seen: set[str] = set()
    for entry in entries:
        for whole, raw in [(True, t) for t in entry.asked] + [(False, t) for t in entry.further]:
            text = normal(raw)
            if text in seen:
                continue
            seen.add(text)
            if whole and text in texts:
                yield text, Match(text, entry.key, 1.0, "exact")
            for matched, share in inside.matches(text):
                yield matched, Match(matched, entry.key, share, "contained")
            if whole:
                for matched, share in alike.matches(text):
                    yield matched, Match(matched, entry.key, share, "near")


class _Inside:
    """Finds wanted texts whose runs of words stand in a text."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self._homes: dict[tuple[str, ...], list[str]] = {}
        self._size: dict[str, int] = {}
        for text in wanted:
            if text.count(" ") + 1 >= FEWEST_WORDS:
                runs = set(_runs(text.split()))
                self._size[text] = len(runs)
                for run in runs:
                    self._homes.setdefault(run, []).append(text)
        self._known = frozenset(self._homes)

    def matches(self, text: str) -> Iterator[tuple[str, float]]:
        """Wanted texts with at least CONTAINED of their runs in the text, and the share."""
        words = text.split()
        # Where half of the runs are intact, two neighbours are: every other one is probed first.
        if self._known.isdisjoint(_runs(words, 2)):
            return
        hits: dict[str, int] = {}
        for run in self._known.intersection(_runs(words)):
            for home in self._homes[run]:
                hits[home] = hits.get(home, 0) + 1
        for home, count in hits.items():
            share = count / self._size[home]
            if share >= CONTAINED:
                yield home, share


class _Alike:
    """Finds wanted texts that are similar to a text as a whole."""

    def __init__(self, wanted: Sequence[str]) -> None:
        from datasketch import MinHash, MinHashLSH

        self._template = MinHash(num_perm=_PERMUTATIONS, hashfunc=int)
        self._index = MinHashLSH(num_perm=_PERMUTATIONS, params=_BANDS)
        self._shingles = {text: _shingles(text) for text in wanted}
        self._signatures = {text: self._signature(shingles) for text, shingles in self._shingles.items()}
        for text, signature in self._signatures.items():
            self._index.insert(text, signature, check_duplication=False)
        sizes = [len(shingles) for shingles in self._shingles.values()]
        self._long_runs = np.zeros(1 << _TABLE_BITS, np.bool_)
        for shingles in self._shingles.values():
            self._long_runs[_long_runs(shingles)] = True
        # Two sets of very different size cannot share half of their union. A text has at least as
        # many runs as distinct ones; one that repeats itself whole has about twice as many.
        self._fits = (min(sizes) * NEAR, max(sizes) / NEAR)

    def matches(self, text: str) -> Iterator[tuple[str, float]]:
        """Wanted texts of at least NEAR similarity, and it."""
        if not self._fits[0] <= max(1, len(text) - RUN + 1) <= 2 * self._fits[1]:
            return
        shingles = _shingles(text)
        if len(shingles) >= _LONG and self._long_runs[_long_runs(shingles)].mean() < _FAMILIAR:
            return
        signature = self._signature(shingles)
        for other in sorted(self._index.query(signature)):
            wanted = self._signatures[other]
            if np.count_nonzero(signature.hashvalues == wanted.hashvalues) < _HOPELESS:
                continue
            similarity = _jaccard(shingles, self._shingles[other])
            if similarity >= NEAR:
                yield other, similarity

    def _signature(self, shingles: Hashes) -> MinHash:
        from datasketch import MinHash

        signature = MinHash(
            hashfunc=int,
            hashvalues=self._template.hashvalues,
            permutations=self._template.permutations,
            scheme=self._template.scheme,
        )
        signature.update_batch((shingles >> np.uint64(32)).tolist())
        return signature


def _runs(words: Sequence[str], step: int = 1) -> Iterator[tuple[str, ...]]:
    """Runs of RUN words, or every `step`-th of them."""
    return zip(*(words[i::step] for i in range(RUN)), strict=False)


def _shingles(text: str) -> Hashes:
    """The text's runs of characters, each as 64 bits, repeats included; a short text is one run.

    Rolling multiply-and-add over code points: the same on every machine and in every process.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    runs = max(1, len(codes) - RUN + 1)
    hashes = np.full(runs, np.uint64(0x243F6A8885A308D3))
    for start in range(min(RUN, len(codes))):
        hashes = (hashes ^ codes[start : start + runs]) * _MULTIPLIER
        hashes ^= hashes >> np.uint64(29)
    return hashes


def _long_runs(shingles: Hashes) -> npt.NDArray[np.int64]:
    """A text's runs of 13 characters, from its runs of 5, as places in a table."""
    first, middle, last = shingles[: -2 * _STRIDE], shingles[_STRIDE:-_STRIDE], shingles[2 * _STRIDE :]
    joined = ((first * _MULTIPLIER ^ middle) * _MULTIPLIER ^ last) * _MULTIPLIER
    return (joined >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)


def _jaccard(left: Hashes, right: Hashes) -> float:
    left_set, right_set = set(left.tolist()), set(right.tolist())
    return len(left_set & right_set) / len(left_set | right_set)
