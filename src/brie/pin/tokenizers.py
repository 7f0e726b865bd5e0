"""Are two tokenizers one? Compared by what they do, since libraries write the same one in many ways.

A tokenizer.json of today lists merges as pairs, an older one as strings with a space; a library that
saves a tokenizer again adds keys at their defaults. None of that changes a token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brie.errors import PinError
from brie.pin.folders import json_or_empty
from brie.pin.hashing import TOKENIZER_FILES
from brie.pin.weights import load_tokenizer_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_CORPUS = (
    "The quick brown fox can't jump over 12,345.67 lazy dogs; they're asleep!",
    "  two spaces, a tab\t, trailing   \n\n\nand  blank lines \r\n",
    "def f(x_1, *args):\n    return {'a': [1, 2.5e-3], \"b\": x_1 ** 2}  # ok?\n",
    "https://example.org/a-b_c?q=1&r=%20 user@example.org C:\\dir\\file.txt",
    "Ça va? Straße, naïve, coöperate, e\u0301 against é, ﬁne, ½, №5, İstanbul",
    "你好，世界。今日は良い天気です。안녕하세요 Привет мир שלום नमस्ते สวัสดี",
    "🙂👩‍👩‍👧‍👦🇩🇪 \u200b\u00a0\ufeff ∑∫√ ⟦a⟧ \x00\x07",
    "aaaaaaaaaaaaaaaaaaaaaaaa 0000000000000000 ================ ________",
    "I'LL WE'VE o'clock 'tis ain’t “quoted” — dash… x²³",
)


@dataclass(frozen=True, slots=True)
class _Table:
    """What a tokenizer is made of and does, as far as tokens go."""

    vocabulary: Mapping[str, int]
    merges: Sequence[Sequence[str]]
    """BPE only, in order."""
    scores: Sequence[float]
    """Unigram only, by id."""
    added: frozenset[str]
    tokenizer: Tokenizer


def refuse_other_tokenizer(*, base: Path, adapter: Path) -> None:
    """Whether an adapter that was saved with a tokenizer was trained with its base's.

    Args:
        base: the base's folder.
        adapter: the adapter's; without a tokenizer there is nothing to compare.

    Raises:
        PinError: it was not; the message names the first token that differs.
    """
    if not any((adapter / name).is_file() for name in TOKENIZER_FILES) or _same_bytes(base, adapter):
        return
    theirs, padding = _saved(adapter), _padding(adapter)
    why = _difference(ours=_saved(base), theirs=theirs, padding=padding)
    if why:  # a model's class may read the base's file its own way, and that is what was saved
        loaded = _table(load_tokenizer_of(base).backend_tokenizer)
        why = _difference(ours=loaded, theirs=theirs, padding=padding) and why
    if why:
        raise PinError(
            f"the tokenizer in {adapter} is another one than its base's: {why}. The adapter would read "
            "and write other tokens than it learnt; give the base it was trained on: --base FOLDER|REPO"
        )


def _same_bytes(base: Path, adapter: Path) -> bool:
    names = [name for name in TOKENIZER_FILES if (adapter / name).is_file()]
    return all(
        (base / name).is_file() and (base / name).read_bytes() == (adapter / name).read_bytes()
        for name in names
    )


def _saved(folder: Path) -> _Table:
    """The tokenizer as it was saved: its own file where it has one, whatever class it names."""
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.is_file():
        return _table(load_tokenizer_of(folder).backend_tokenizer)
    try:
        return _table(Tokenizer.from_file(str(path)))
    except Exception as error:  # the library raises nothing more precise
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise PinError(f"{path} is not a tokenizer file: {first}.") from error


def _table(tokenizer: Tokenizer) -> _Table:
    tokenizer.no_truncation()  # settings of whoever saved it; brie gives its own
    tokenizer.no_padding()
    model = json.loads(tokenizer.to_str())["model"]
    vocabulary = model.get("vocab") or {}
    scores = [score for _, score in vocabulary] if isinstance(vocabulary, list) else []
    added = frozenset(token.content for token in tokenizer.get_added_tokens_decoder().values())
    known = tokenizer.get_vocab(with_added_tokens=True)
    return _Table(known, model.get("merges") or [], scores, added, tokenizer)


def _padding(folder: Path) -> str | None:
    """The padding token an adapter was saved with; it decides no token of any answer."""
    token = json_or_empty(folder / "tokenizer_config.json").get("pad_token")
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) else None


def _difference(*, ours: _Table, theirs: _Table, padding: str | None) -> str:
    """The first token that differs, in words; "" where none does."""
    only_padding = {padding} - set(ours.vocabulary) if padding else set()
    known = {token: i for token, i in theirs.vocabulary.items() if token not in only_padding}
    if known != ours.vocabulary:
        return _first_token(ours.vocabulary, known)
    for number, (mine, other) in enumerate(_pairs(ours.merges, theirs.merges)):
        if mine != other:
            shown = [" + ".join(map(repr, pair)) if pair else "nothing" for pair in (mine, other)]
            return (
                f"the first differing token is {''.join(mine or other)!r} (merge {number + 1} is "
                f"{shown[0]} there, {shown[1]} here)"
            )
    if ours.scores != theirs.scores:
        pairs = enumerate(zip(ours.scores, theirs.scores, strict=False))
        at = next(number for number, (mine, other) in pairs if mine != other)
        return f"the first differing token is number {at}: its score is another"
    return _first_text(ours, theirs)


def _first_token(ours: Mapping[str, int], theirs: Mapping[str, int]) -> str:
    mine, other = ({i: token for token, i in table.items()} for table in (ours, theirs))
    first = min(i for i in {*mine, *other} if mine.get(i) != other.get(i))
    shown = [repr(table[first]) if first in table else "none" for table in (mine, other)]
    return f"the first differing token is number {first}, {shown[0]} there and {shown[1]} here"


def _pairs(
    ours: Sequence[Sequence[str]], theirs: Sequence[Sequence[str]]
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Merges side by side, as pairs whichever way they were written."""
    length = max(len(ours), len(theirs))
    mine, other = (
        [tuple(m.split(" ", 1)) if isinstance(m, str) else tuple(m) for m in merges]
        for merges in (ours, theirs)
    )
    padded = ([*m, *[()] * (length - len(m))] for m in (mine, other))
    return list(zip(*padded, strict=True))


def _first_text(ours: _Table, theirs: _Table) -> str:
    """The first text of the corpus that the two read as different tokens."""
    marked = tuple(f"a {token} b{token}c" for token in sorted(ours.added & theirs.added))
    for text in (*_CORPUS, *marked):
        mine, other = (
            table.tokenizer.encode(text, add_special_tokens=False).ids for table in (ours, theirs)
        )
        if mine != other:
            at = next(
                (i for i, (a, b) in enumerate(zip(mine, other, strict=False)) if a != b),
                min(len(mine), len(other)),
            )
            shown = [
                repr(table.tokenizer.id_to_token(ids[at])) if at < len(ids) else "nothing"
                for table, ids in ((ours, mine), (theirs, other))
            ]
            return f"{text[:40]!r} becomes {shown[0]} there and {shown[1]} here, as its token {at + 1}"
    return ""
