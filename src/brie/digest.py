"""Content digests: canonical JSON and sha256, the one way brie names things by content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel

PREFIX = "sha256:"
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
)

Canonical: TypeAlias = (
    "str | int | float | BaseModel"
    " | Mapping[str, Canonical] | Sequence[Canonical] | AbstractSet[Canonical] | None"
)
"""What has a canonical JSON."""


def canonical_json(value: Canonical) -> str:
    """JSON with sorted keys, no spaces, no NaN: equal values give equal text.

    Records are dumped by their fields; sets become sorted lists.
    """
    return _ENCODER.encode(_plain(value))


def digest(value: Canonical) -> str:
    """`sha256:<hex>` over the canonical JSON of `value`."""
    return text_digest(canonical_json(value))


def text_digest(text: str) -> str:
    """`sha256:<hex>` over a text in UTF-8."""
    return PREFIX + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: Path) -> str:
    """`sha256:<hex>` over the bytes of a file."""
    with path.open("rb") as handle:
        return PREFIX + hashlib.file_digest(handle, "sha256").hexdigest()


def short(value: str, length: int = 8) -> str:
    """The first hex digits of a digest, for screens and folder names."""
    return value.removeprefix(PREFIX)[:length]


def _plain(value: Canonical) -> Canonical:
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json"))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(item) for item in value), key=canonical_json)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
