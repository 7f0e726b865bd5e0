"""Content digests: canonical JSON and sha256, the one way brie names things by content."""

from __future__ import annotations

import hashlib
import json
import json.encoder
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel

PREFIX = "sha256:"
quoted: Callable[[str], str] = json.encoder.encode_basestring
"""The canonical JSON of a text: for those who write that of many values out."""
_UTF = ("utf-8", "surrogatepass")

Canonical: TypeAlias = (
    "str | int | float | BaseModel"
    " | Mapping[str, Canonical] | Sequence[Canonical] | AbstractSet[Canonical] | None"
)
"""What has a canonical JSON."""


def canonical_json(value: Canonical) -> str:
    """JSON with sorted keys, no spaces, no NaN: equal values give equal text.

    Records are dumped by their fields; sets become sorted lists.
    """
    return _ENCODER.encode(value)


def digest(value: Canonical) -> str:
    """`sha256:<hex>` over the canonical JSON of `value`."""
    return text_digest(canonical_json(value))


def text_digest(text: str) -> str:
    """`sha256:<hex>` over a text in UTF-8."""
    return PREFIX + hashlib.sha256(text.encode(*_UTF)).hexdigest()


def lots(start: str, names: Iterable[str]) -> list[bytes]:
    """The sha256 of `start` and each name, in UTF-8: in the order of their `text_digest`.

    Of many names that are to be put in a random order: several times as fast.
    """
    begun = hashlib.sha256(start.encode(*_UTF)).copy
    drawn = []
    for name in names:
        hashed = begun()
        hashed.update(name.encode(*_UTF))
        drawn.append(hashed.digest())
    return drawn


def named_lots(start: Sequence[Canonical], names: Iterable[str]) -> list[bytes]:
    """`lots` over canonical JSON: the order of the digests of `[*start, name]`.

    Args:
        start: what the names are drawn for.
        names: one a lot.
    """
    return lots(canonical_json(start)[:-1] + ",", (f"{quoted(name)}]" for name in names))


def text_digests(texts: Iterable[str]) -> list[str]:
    """`text_digest` of many."""
    sha256 = hashlib.sha256
    return [PREFIX + sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in texts]


def file_digest(path: Path) -> str:
    """`sha256:<hex>` over the bytes of a file."""
    with path.open("rb") as handle:
        return PREFIX + hashlib.file_digest(handle, "sha256").hexdigest()


def short(value: str, length: int = 8) -> str:
    """The first hex digits of a digest, for screens and folder names."""
    return value.removeprefix(PREFIX)[:length]


class _Encoder(json.JSONEncoder):
    """What JSON has no word for: records and sets."""

    def default(self, o: Canonical) -> Canonical:
        """A record by its fields, a set as a sorted list.

        Raises:
            TypeError: it is neither, and has no canonical JSON.
        """
        if isinstance(o, BaseModel):
            return o.model_dump(mode="json")
        if isinstance(o, (set, frozenset)):
            return sorted(o, key=canonical_json)
        raise TypeError(f"{type(o).__name__} has no canonical JSON")


_ENCODER = _Encoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
)
