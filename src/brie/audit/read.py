"""Files in, rows out: which format a file has and why, what was skipped and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from brie.audit.formats import alpaca_eval, arena_hard, brie_legacy, mt_bench, table
from brie.audit.rows import Item, Row, Skipped, Texts
from brie.audit.stream import Value, values
from brie.errors import InputError, UsageError, unknown


class Format(Protocol):
    """What a module of `formats` offers."""

    IDENTIFIES: str
    """What of order and letter the format keeps."""

    def fits(self, value: dict[str, JsonValue]) -> bool:
        """Whether a row looks like this format."""

    def read(self, number: int, value: dict[str, JsonValue]) -> list[Item]:
        """The verdicts of one row, by its number in the file."""


FORMATS: dict[str, Format] = {
    "alpaca_eval": alpaca_eval,
    "arena_hard": arena_hard,
    "mt_bench": mt_bench,
    "brie_legacy": brie_legacy,
    "table": table,
}
"""Formats in the order in which `auto` tries them."""
_LOOKED_AT = 20
"""Rows read to decide a format."""


@dataclass
class Judgments:
    """Everything read from some files."""

    format: str
    reason: str
    """Why this format."""
    identifies: str
    """What of order and letter the format keeps."""
    rows: list[Row] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    texts: Texts = field(default_factory=Texts)


def read_files(
    paths: Sequence[Path], wanted: str = "auto", columns: Mapping[str, str] | None = None
) -> Judgments:
    """Read judgment files of one format.

    Args:
        paths: the files; several hold several judges, or parts.
        wanted: a name of `FORMATS`, or `auto`.
        columns: for `table`: brie's name -> the file's column.

    Raises:
        InputError: a file is of another kind, or no more than half of its rows could be used.
        UsageError: no such format, or files of different formats.
    """
    if wanted != "auto" and wanted not in FORMATS:
        raise unknown("format", wanted, [*FORMATS, "auto"])
    _check_map(columns or {})
    formats = {
        path: (wanted, "asked for") if wanted != "auto" else detect(path, columns) for path in paths
    }
    names = {name for name, _ in formats.values()}
    if len(names) > 1:
        listing = ", ".join(f"{path.name}: {name}" for path, (name, _) in formats.items())
        raise UsageError(f"these files are of different formats ({listing}); audit them one at a time.")
    name, reason = formats[paths[0]]
    judgments = Judgments(name, reason, FORMATS[name].IDENTIFIES)
    for path in paths:
        _read_into(judgments, path, name, columns or {})
    if len(judgments.skipped) >= len(judgments.rows):
        first = judgments.skipped[0] if judgments.skipped else Skipped(1, "it is empty")
        usable, total = len(judgments.rows), len(judgments.rows) + len(judgments.skipped)
        raise InputError(
            f"{paths[0]}: only {usable or 'no'} row{'s' if usable > 1 else ''} of {total} can be used "
            f"as {name} ({reason}); line {first.line}: {first.why}. "
            f"Other formats: --format {' | '.join(FORMATS)}"
        )
    return judgments


def detect(path: Path, columns: Mapping[str, str] | None) -> tuple[str, str]:
    """The format of a file, with the reason.

    Raises:
        InputError: no reader knows it; the message says what the first row looks like.
    """
    if columns:
        return "table", "columns were mapped"
    first = list(islice(values(path), _LOOKED_AT))
    seen = [value for _, value in _numbered(first) if isinstance(value, dict)]
    for name, reader in FORMATS.items():
        fitting = sum(bool(reader.fits(value)) for value in seen)
        if fitting and fitting * 2 >= len(seen):
            return name, f"{fitting} of its first {len(seen)} rows have the keys of {name}"
    opening = f"{path} has none of the formats brie knows ({', '.join(FORMATS)}); "
    if not seen:
        broken = next(
            (item for item in first if isinstance(item, Skipped)), Skipped(1, "no table of keys")
        )
        raise InputError(f"{opening}line {broken.line}: {broken.why}.")
    raise InputError(
        f"{opening}its first row has: {', '.join(sorted(seen[0])[:12])}. "
        "Name the columns: --map prompt=COLUMN,winner=COLUMN,judge=COLUMN"
    )


def _numbered(items: Iterable[Value]) -> Iterable[tuple[int, JsonValue]]:
    return (item for item in items if not isinstance(item, Skipped))


def _read_into(judgments: Judgments, path: Path, name: str, columns: Mapping[str, str]) -> None:
    reader = partial(table.read, columns=columns) if name == "table" else FORMATS[name].read
    for item in values(path):
        for row in _one(item, reader):
            if isinstance(row, Skipped):
                judgments.skipped.append(row)
            else:
                judgments.texts.take(row)
                judgments.rows.append(row)


def _one(item: Value, reader: Callable[[int, dict[str, JsonValue]], list[Item]]) -> list[Item]:
    if isinstance(item, Skipped):
        return [item]
    number, value = item
    if not isinstance(value, dict):
        return [Skipped(number, "is not a table of keys")]
    return reader(number, value)


def _check_map(columns: Mapping[str, str]) -> None:
    for name in columns:
        if name not in table.COLUMNS:
            raise unknown("column to map", name, table.COLUMNS)
