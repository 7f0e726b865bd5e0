"""Files that are no text: Parquet tables, and logs that are zip files of JSON (inspect's `.eval`)."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import JsonValue

from brie.errors import InputError
from brie.provenance import install_command
from brie.reading.skipped import Skipped

_MEMBER = 1 << 27
"""Bytes of one unpacked member: more is no sample."""
_HEADS = ("header.json", "_journal/start.json")


def parquet(path: Path) -> Iterator[tuple[int, JsonValue] | Skipped]:
    """Rows of a Parquet file.

    Raises:
        InputError: it is none, or pyarrow is not installed.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise InputError(
            f"{path}: reading Parquet needs pyarrow: {install_command('parquet')}"
        ) from error
    try:
        number = 0
        for batch in ParquetFile(path).iter_batches():
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (ArrowException, OSError) as error:
        raise InputError(f"{path} is not a Parquet file: {error}.") from error


def zipped(path: Path, decoded: Callable[[str], JsonValue]) -> Iterator[tuple[int, JsonValue] | Skipped]:
    """Samples of a zipped evaluation log, each with the log's header under `eval`.

    Raises:
        InputError: it is no such log.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            head = next((name for name in _HEADS if name in names), None)
            samples = sorted(n for n in names if n.startswith("samples/") and n.endswith(".json"))
            if head is None or not samples:
                if {"xl/workbook.xml", "content.xml"} & {*names}:
                    raise InputError(
                        f"{path} is a spreadsheet's own file: save its sheet as `CSV UTF-8`."
                    )
                raise InputError(f"{path} is a zip file, and no evaluation log: it has no samples.")
            opening = decoded(_member(archive, head))
            about = opening.get("eval", {}) if isinstance(opening, dict) else {}
            for number, name in enumerate(samples, 1):
                try:
                    sample = decoded(_member(archive, name))
                except ValueError as error:
                    yield Skipped(number, f"{name}: {error}")
                    continue
                yield number, {**sample, "eval": about} if isinstance(sample, dict) else sample
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError) as error:
        raise InputError(f"{path} cannot be unpacked: {error}.") from error


def _member(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as handle:
        raw = handle.read(_MEMBER + 1)
    if len(raw) > _MEMBER:
        raise ValueError(f"{name} is larger than {_MEMBER >> 20} MiB")
    return raw.decode("utf-8")
