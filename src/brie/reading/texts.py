"""Files that people write, as text, TOML and JSON lines; every mistake is one sentence."""

from __future__ import annotations

import codecs
import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from pathlib import Path
from typing import TypeAlias

from brie.errors import InputError
from brie.records import Record

Plain: TypeAlias = (
    "str | int | float | date | time | Record | Sequence[Plain] | Mapping[str, Plain] | None"
)
"""What TOML and JSON files hold, and what records are built from."""


_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TABLES = (".csv", ".tsv", ".txt")


def read_text(path: Path) -> str:
    """A text file as UTF-8, or as UTF-16 where its mark says so; the mark is dropped.

    Raises:
        InputError: missing, or not UTF-8; the message names the line.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise InputError(f"{path} is no file.")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from error
    try:
        return data.decode("utf-16" if data[:2] in _UTF_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        hint = " (a spreadsheet: save it as `CSV UTF-8`)" if path.suffix.lower() in _TABLES else ""
        raise InputError(f"{path}: line {line} is not UTF-8 text{hint}.") from error


def read_toml(path: Path) -> dict[str, Plain]:
    """A TOML file.

    Raises:
        InputError: malformed; the message names the line.
    """
    try:
        return tomllib.loads(read_text(path).replace("\r\n", "\n"), parse_float=_finite)
    except RecursionError as error:
        raise InputError(f"{path} is not valid TOML: it is nested too deeply.") from error
    except ValueError as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from error


def _finite(number: str) -> float:
    """A number of a file.

    Raises:
        ValueError: it is not finite.
    """
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number[:40]} is no finite number")
    return value


def json_lines(path: Path) -> Iterator[tuple[int, Plain]]:
    """Line numbers and values of a JSONL file; empty lines are skipped.

    Raises:
        InputError: a line that is not JSON.
    """
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            try:
                value = json.loads(line)
                if "\\ud" in line.lower():
                    json.dumps(value, ensure_ascii=False).encode()
                yield number, value
            except UnicodeEncodeError as error:
                raise InputError(
                    f"{path}: line {number} holds half of a surrogate pair, which no file can."
                ) from error
            except RecursionError as error:
                raise InputError(f"{path}: line {number} is nested too deeply.") from error
            except ValueError as error:
                raise InputError(f"{path}: line {number} is not JSON: {error}.") from error
