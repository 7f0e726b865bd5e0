"""The elements of one JSON array of any length, one at a time; a broken one costs itself alone.

Where a broken element ends is told by its brackets and quotes. Where those are what is broken, reading
goes on at the next object that has the keys the others have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

from pydantic import JsonValue

from brie.reading.skipped import Skipped

CHUNK = 1 << 20
MOST = 1 << 28
"""Characters of one row: more is no row."""
_DEEP = "it is nested too deeply"
_LOST = "where the broken row ends cannot be told: the rest is lost"
_NEAR_THE_END = 16
"""Characters that a token cut off at the end of what was read may have."""
_MARKS = re.compile(r'["\\{}\[\],]')
_NEXT = re.compile(r"[}\]\"\w]\s*,\s*(?=\{)")
_MOST_TRIED = 1 << 22
"""Characters of a broken element that are looked at for its end."""
_TRIES = 200
_SPACE = " \t\r\n,"


class Named(ValueError):
    """A whole element that is wrong in a way that can be said."""


@dataclass
class ArrayReader:
    """Reads an array from a text whose first character that is no space is `[`."""

    handle: TextIO
    decoder: json.JSONDecoder
    """May raise `Named`."""
    _buffer: str = ""
    _at: int = 0
    _ended: bool = False
    _keys: set[str] = field(default_factory=set)
    """Of the first row: what a row looks like."""

    def rows(self) -> Iterator[tuple[int, JsonValue] | Skipped]:
        """Numbered elements, broken ones as `Skipped`."""
        self._buffer = self.handle.read(CHUNK)
        self._at, number = self._buffer.index("[") + 1, 0
        while self._to_next():
            number += 1
            try:
                value = self._element()
            except Named as wrong:
                yield Skipped(number, str(wrong))
            except RecursionError:
                yield Skipped(number, _DEEP)
                if not self._resume():
                    return
            except _CutOff:
                yield Skipped(number, "the array ends in the middle of a row")
                return
            except ValueError as error:
                yield Skipped(number, _told(error))
                if not self._resume():
                    yield Skipped(number + 1, _LOST)
                    return
            else:
                if not self._keys and isinstance(value, dict):
                    self._keys = set(value)
                yield number, value
        if (self._buffer[self._at + 1 :] + self.handle.read(CHUNK)).strip():
            yield Skipped(number + 1, "more follows the list that the file begins with")

    def _more(self) -> bool:
        """Read on; at least as much as is there, so that the whole is read in linear time."""
        read = self.handle.read(max(CHUNK, len(self._buffer) - self._at))
        self._buffer, self._at = self._buffer[self._at :] + read, 0
        self._ended = not read
        return not self._ended

    def _to_next(self) -> bool:
        """Go to the next element; False at the end of the array."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at] != "]"
            if not self._more():
                return True  # cut off: there is no element, and that is said

    def _element(self) -> JsonValue:
        """The element that begins here.

        Raises:
            Named, ValueError, RecursionError: it is broken.
            _CutOff: the file ends inside it.
        """
        while True:
            try:
                value: JsonValue
                value, self._at = self.decoder.raw_decode(self._buffer, self._at)
            except Named:
                _, self._at = json.JSONDecoder().raw_decode(self._buffer, self._at)
                raise
            except json.JSONDecodeError as error:
                if not self._may_go_on(error):
                    raise
                if self._ended and error.pos < len(self._buffer) and "Unterm" not in error.msg:
                    raise
                if self._ended or len(self._buffer) - self._at > MOST:
                    raise _CutOff from error
                self._more()
            else:
                return value

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether an element may only not have been read to its end yet."""
        return error.pos >= len(self._buffer) - _NEAR_THE_END or error.msg.startswith("Unterminated")

    def _resume(self) -> bool:
        """Go behind a broken element; False where its end cannot be told."""
        if len(self._buffer) - self._at < _MOST_TRIED and not self._ended:
            self._more()
        end = self._end_by_brackets()
        if end is None:
            end = self._next_like_the_others()
        if end is None:
            return False
        self._at = end
        return True

    def _end_by_brackets(self) -> int | None:
        """Where the element's brackets are closed: at the next element, or at the array's end."""
        depth, quoted, escaped = 0, False, -1
        for mark in _MARKS.finditer(self._buffer, self._at, self._at + _MOST_TRIED):
            sign, at = mark[0], mark.start()
            if sign == "\\":
                escaped = at + 1 if at != escaped else escaped
            elif sign == '"':
                quoted = quoted if at == escaped else not quoted
            elif quoted:
                continue
            elif sign in "{[":
                depth += 1
            elif sign == ",":
                if depth <= 0:
                    return at
            elif depth == 0:
                return at if sign == "]" else None
            else:
                depth -= 1
        return None

    def _next_like_the_others(self) -> int | None:
        """The next object that has most keys of a row before it."""
        tries = 0
        for gap in _NEXT.finditer(self._buffer, self._at, self._at + _MOST_TRIED):
            tries += 1
            if tries > _TRIES:
                return None
            try:
                value, _ = self.decoder.raw_decode(self._buffer, gap.end())
            except (ValueError, RecursionError):
                continue
            shared = len(self._keys & set(value)) if isinstance(value, dict) else 0
            if shared and 2 * shared >= len(self._keys):
                return gap.end()
        return None


class _CutOff(Exception):
    pass


def _told(error: ValueError) -> str:
    message = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    return f"not JSON ({message[:1].lower()}{message[1:]})"
