"""Rows that Python holds, as the file that a command would be given.

    a DataFrame (pandas or polars)   its rows; cells become text, missing ones empty
    {"question": [...], "mine": [...]}   columns by name
    [{"question": ..., "mine": ...}]     rows

The file is named by its content, so that the same rows are the same evaluation, and lies in the
project: verifying reads it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from pydantic import JsonValue

from brie.digest import digest, short
from brie.errors import UsageError
from brie.project import Project, write_text
from brie.records import whole_text

Cell: TypeAlias = JsonValue | date
"""What a table may hold; numbers and dates become text."""
Row: TypeAlias = Mapping[str, Cell]
NAME = "answers"
FOLDER = "answers"


@runtime_checkable
class Pandas(Protocol):
    """A DataFrame of pandas, as far as it is needed here."""

    def to_dict(self, orient: str) -> Sequence[Row]:
        """Its rows, for `orient="records"`."""
        ...


@runtime_checkable
class Polars(Protocol):
    """A DataFrame of polars."""

    def to_dicts(self) -> Sequence[Row]:
        """Its rows."""
        ...


Table: TypeAlias = Pandas | Polars | Mapping[str, Sequence[Cell]] | Sequence[Row]


def rows_of(table: Table | Sequence[str | Path]) -> list[dict[str, JsonValue]]:
    """The rows of a table, every cell a text or what a chat is made of.

    Raises:
        UsageError: it is no table, its columns have unlike many rows, or it has none.
    """
    if isinstance(table, Mapping):
        raw: Sequence[Row | str | Path] = _of_columns(table)
    elif isinstance(table, Polars):
        raw = table.to_dicts()
    elif isinstance(table, Pandas):
        raw = table.to_dict("records")
    else:
        raw = table
    rows = [row for row in raw if isinstance(row, Mapping)]
    if len(rows) < len(raw):
        raise UsageError(
            "these are no rows: give a DataFrame, columns by name, a list of rows, or a file's name."
        )
    if not rows:
        raise UsageError("the table has no rows.")
    return [{str(name): _cell(cell) for name, cell in row.items()} for row in rows]


def answer_file(table: Table, project: Project) -> Path:
    """The file of a table's rows, written where it is not there yet.

    Args:
        table: prompts and answers.
        project: where it is kept: `runs/answers/`.

    Raises:
        UsageError: see `rows_of`, or the folder cannot be written.
    """
    rows = rows_of(table)
    folder = project.runs / FOLDER / short(digest(rows), 16)
    file = folder / f"{NAME}.jsonl"
    if not file.is_file():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_text(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        except OSError as error:
            raise UsageError(f"{folder} cannot be written: {error.strerror or error}.") from error
    return file


def lists_of(**columns: Sequence[str]) -> dict[str, Sequence[str]]:
    """Columns that were given as lists, of one length.

    Raises:
        UsageError: they are not; says how long each is.
    """
    if len({len(column) for column in columns.values()}) > 1:
        sizes = ", ".join(f"{name} {len(column):,}" for name, column in columns.items())
        raise UsageError(f"the lists have unlike many entries: {sizes}.")
    return dict(columns)


def _of_columns(table: Mapping[str, Sequence[Cell]]) -> list[dict[str, Cell]]:
    sizes = {name: len(column) for name, column in table.items()}
    if len(set(sizes.values())) > 1:
        each = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
        raise UsageError(f"the columns have unlike many rows: {each}.")
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def _cell(cell: Cell) -> JsonValue:
    """A cell as JSON: texts and chats as they are, nothing as "", everything else as its text."""
    if isinstance(cell, str):
        return whole_text(cell)
    if isinstance(cell, Mapping):
        return {str(name): _cell(part) for name, part in cell.items()}
    if isinstance(cell, list | tuple):
        return [_cell(part) for part in cell]
    text = str(cell)
    return "" if text in _MISSING else text


_MISSING = {"None", "nan", "NaN", "NaT", "<NA>"}
"""What is written of a cell that holds nothing, by Python and pandas."""
