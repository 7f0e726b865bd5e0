"""Tables of text: CSV in any dialect a spreadsheet writes, tabs, semicolons and bars included.

The `csv` module reads; here only the delimiter is chosen, by which the file's first records have
as many cells as its line of names.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TextIO

from pydantic import JsonValue

from brie.reading.skipped import Skipped

DELIMITERS = ",;\t|"
_LOOKED_AT = 50
"""Records read to choose a delimiter."""
_FEWEST = 2
"""Columns of a table that has a title."""
_TITLE = 10
"""Records of a title at most."""
_CELL = 1 << 28


def spreadsheet(handle: TextIO) -> Iterator[tuple[int, JsonValue] | Skipped]:
    """Rows of a table as objects, numbered as a spreadsheet numbers them: the names are line 1.

    Cells that are missing at a line's end are None; a line with more cells than there are names is
    `Skipped`, unless they are empty.

    Raises:
        csv.Error: a name stands twice in the first line, or it is no table.
    """
    csv.field_size_limit(_CELL)
    delimiter = _declared(handle) or _delimiter(handle)
    lines = _Lines(handle)
    records = csv.reader(lines, delimiter=delimiter)
    first, numbered = _names(records)
    names = [name.strip() for name in first]
    lines.read.clear()
    all_named = all(names)
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise csv.Error(f"the column {twice[0]!r} stands twice")
    again = first if len(first) >= _FEWEST else None
    row: dict[str, JsonValue]
    for number, record in numbered:
        if lines.ended:  # inside a record, where it is the last
            _refuse_open_quote(lines.read, delimiter, number)
        lines.read.clear()
        if record == again or not "".join(record).strip():
            continue  # the names again, where files were joined, or an empty line
        if len(record) == len(names) and all_named:
            row = dict(zip(names, record, strict=True))
            yield number, row
            continue
        if any(cell.strip() for cell in record[len(names) :]):
            yield Skipped(number, f"has {len(record)} cells under {len(names)} names")
            continue
        cells = chain(record[: len(names)], [None] * (len(names) - len(record)))
        row = {name: cell for name, cell in zip(names, cells, strict=True) if name}
        yield number, row


def _names(records: Iterator[list[str]]) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The line of names and the numbered records after it; a title fills one cell of several."""
    numbered = enumerate(records, 1)
    _, first = next(numbered, (0, []))
    if len(first) < _FEWEST or _filled(first) != 1:
        return first, numbered
    ahead = list(islice(numbered, _TITLE))
    at = next((at for at, (_, record) in enumerate(ahead) if _filled(record) >= _FEWEST), None)
    if at is None:
        return first, chain(ahead, numbered)
    return ahead[at][1], chain(ahead[at + 1 :], numbered)


def _filled(record: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in record)


class _Lines:
    """The lines of a file; those of the record that is being read are kept."""

    def __init__(self, handle: TextIO) -> None:
        self._handle = handle
        self.read: list[str] = []
        self.ended = False
        """A line was asked for, and there was none."""

    def __iter__(self) -> Iterator[str]:
        for line in self._handle:
            self.read.append(line)
            yield line
        self.ended = True


def _refuse_open_quote(lines: list[str], delimiter: str, number: int) -> None:
    """A record over several lines whose quote is never closed swallows the rest of the file.

    Raises:
        csv.Error: it does.
    """
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise csv.Error(f"a quote that opens in record {number} is never closed") from error


def _declared(handle: TextIO) -> str:
    """The delimiter of a first line `sep=;`, which Excel writes and reads; the handle is after it."""
    line = handle.readline(64)
    if line.lower().startswith("sep=") and len(line.strip()) == 5:
        return line.strip()[-1]
    handle.seek(0)
    return ""


def _delimiter(handle: TextIO) -> str:
    """The delimiter with which most records have as many cells as the names; the comma in doubt."""
    sample = list(islice(iter(lambda: handle.readline(_CELL), ""), 4 * _LOOKED_AT))
    handle.seek(0)
    best, best_fit = DELIMITERS[0], (0, 0)
    for delimiter in DELIMITERS:
        try:
            widths = [len(r) for r in islice(csv.reader(sample, delimiter=delimiter), _LOOKED_AT) if r]
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        same = sum(width == widths[0] for width in widths)
        fit = (round(100 * same / len(widths)), widths[0])
        if fit > best_fit:
            best, best_fit = delimiter, fit
    return best
