"""Keys: which variables hold them, and texts and bodies without them.

A key is cut out where a text enters, whole and before anything else is done to it: what is shortened
first may keep all of a key but its end.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, quote_plus

from brie.errors import UsageError

HUB_TOKEN = "HF_TOKEN"  # noqa: S105 - the variable's name
"""Variable that holds the Hub's token."""

INSTEAD = "[key]"
"""What stands where a key stood."""
_SHORTEST = 6
_SHORTEST_UNNAMED = 12
"""Characters a value has at least; a shorter one would take ordinary words out of texts."""
_SOUNDS_SECRET = re.compile(r"API_?KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_IN_A_FILE = re.compile(r"""(?:api_key_env["']?\s*=\s*|\benv:)["']*([A-Za-z_][A-Za-z0-9_]*)""")
_named: set[str] = set()


def remember(variables: Iterable[str]) -> None:
    """From now on the values of these variables are secrets of this process."""
    _named.update(variables)


def named_in(text: str) -> set[str]:
    """Variables that the text of a settings file names for keys and headers, be it valid or not."""
    return set(_IN_A_FILE.findall(text))


def hub_token(lacking: str) -> str:
    """The Hub's token, from the environment.

    Args:
        lacking: the sentence where it is not set.

    Raises:
        UsageError: it is not set.
    """
    remember([HUB_TOKEN])
    token = os.environ.get(HUB_TOKEN, "").strip()
    if not token:
        raise UsageError(lacking)
    return token


@dataclass(frozen=True)
class Secrets:
    """Values that must be in nothing that is kept, shown or handed on."""

    values: tuple[str, ...]

    @classmethod
    def of_environment(cls, also: Iterable[str] = ()) -> Secrets:
        """The secrets of this process.

        Args:
            also: further values, such as a key that was handed over.
        """
        named = (os.environ.get(name, "") for name in _named)
        sounding = (v for n, v in os.environ.items() if _SOUNDS_SECRET.search(n))
        values = {value.strip() for value in (*named, *also)}
        values |= {word for value in values for word in value.split()[-1:]}
        kept = {value for value in values if len(value) >= _SHORTEST}
        kept |= {value.strip() for value in sounding if len(value.strip()) >= _SHORTEST_UNNAMED}
        return cls(tuple(sorted(kept, key=lambda value: (-len(value), value))))

    def out_of(self, text: str) -> str:
        """A text without them, however they are written in it."""
        # To look for each by itself is many times faster than for all at once, and there hardly is one.
        is_there = any(form in text for form in self._written)
        return self._in_text.sub(INSTEAD, text) if is_there else text

    def out_of_body(self, body: bytes) -> bytes:
        """Bytes without them, as `out_of`."""
        return self._in_bytes.sub(INSTEAD.encode(), body) if self.are_in(body) else body

    def are_in(self, block: bytes) -> bool:
        """Whether one of them stands in a block of bytes."""
        return any(form in block for form in self._forms)

    @property
    def longest(self) -> int:
        """Bytes of the longest way one of them is written."""
        return max(map(len, self._forms), default=0)

    @cached_property
    def _written(self) -> tuple[str, ...]:
        forms = {form for value in self.values for form in _forms(value)}
        return tuple(sorted(forms, key=lambda form: (-len(form), form)))

    @cached_property
    def _forms(self) -> tuple[bytes, ...]:
        return tuple(form.encode("utf-8", "surrogateescape") for form in self._written)

    @cached_property
    def _in_text(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self._written)))

    @cached_property
    def _in_bytes(self) -> re.Pattern[bytes]:
        return re.compile(b"|".join(map(re.escape, self._forms)))


def _forms(value: str) -> Iterator[str]:
    """A value as texts, JSON of several makers, HTML and addresses write it."""
    quoted = json.dumps(value)[1:-1]
    yield from (value, quoted, json.dumps(value, ensure_ascii=False)[1:-1], quoted.replace("/", "\\/"))
    careful = quoted
    for sign in "&<>'+=/":
        careful = careful.replace(sign, f"\\u{ord(sign):04x}")
    go = quoted
    for sign in "&<>":
        go = go.replace(sign, f"\\u{ord(sign):04x}")
    yield from (careful, go, html.escape(value), html.escape(value, quote=False))
    for escaped in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield from (escaped, re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), escaped))
