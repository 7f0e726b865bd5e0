"""Whose name it is: who votes under a name first gets a code, and nobody goes on under it without.

Kept as digests in the evaluation's folder (`.voters.json`), which no bundle takes along. Votes of
earlier builds have no code: the first who comes under such a name gets one.
"""

from __future__ import annotations

import hmac
import re
import secrets
from pathlib import Path

from pydantic import RootModel

from brie.digest import text_digest
from brie.project import alone, read_json, write_text

FILE, _LOCK = ".voters.json", ".voters.lock"
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that nobody takes for one another."""
_LENGTH = 12
"""Signs of a code: 59 bits."""


class _Book(RootModel[dict[str, str]]):
    """Name -> digest of its code."""


def new_code() -> str:
    """A code that nobody can guess."""
    signs = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
    return "-".join(signs[start : start + 4] for start in range(0, _LENGTH, 4))


def typed_code(text: str) -> str:
    """A code as it was made, however it was typed; "" where it can be none."""
    signs = re.sub(r"[\s-]", "", text).lower()
    if len(signs) != _LENGTH or set(signs) - set(_SIGNS):
        return ""
    return "-".join(signs[start : start + 4] for start in range(0, _LENGTH, 4))


def belongs(folder: Path, name: str, code: str) -> bool:
    """Whether a name is, or now becomes, that of whoever has this code.

    Args:
        folder: the evaluation's.
        name: the voter's.
        code: theirs; "" is nobody's.

    Raises:
        InputError: the book of names is damaged or cannot be written.
    """
    if not code:
        return False
    with alone(folder / _LOCK):
        book = _read(folder)
        mine = text_digest(f"{name}\0{code}")
        if name not in book:
            write_text(folder / FILE, _Book({**book, name: mine}).model_dump_json(indent=1) + "\n")
            return True
        return hmac.compare_digest(book[name], mine)


def _read(folder: Path) -> dict[str, str]:
    if not (folder / FILE).exists():
        return {}
    return read_json(folder / FILE, _Book, "is damaged").root
