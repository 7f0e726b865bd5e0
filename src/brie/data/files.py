"""`brie data split`: the two halves as files, every row with all its keys."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from pathlib import Path

from brie.data.load import Parsed, parse, row_bytes, whole
from brie.data.split import By, Split, hold_out, split
from brie.errors import UsageError
from brie.records import Conversation


def split_file(
    path: Path,
    *,
    by: By = "prompt",
    source: str | None = None,
    share: float = 0.1,
    seed: int = 42,
    out: tuple[Path, Path] | None = None,
    mapping: Mapping[str, str] | None = None,
) -> tuple[Split, tuple[Path, Path], Parsed]:
    """Write a training and a validation file; rows of one group stay together.

    Args:
        path: the file; it stays as it is.
        by: what a group is.
        source: validate on this source alone, and draw nothing.
        share: of the rows in the validation file, between 0 and 1.
        seed: of the draw.
        mapping: keys of a row that stand elsewhere in it.
        out: the two files; `name.train.jsonl` and `name.val.jsonl` beside the file by default.

    Returns:
        The halves, the files they are in, and what was read.

    Raises:
        InputError: a row is wrong; the message names its line.
        UsageError: the rows cannot be split so, or a target exists.
    """
    parsed = whole(parse(path, mapping))
    rows = parsed.conversations
    if source is not None:
        halves = hold_out(rows, source)
    else:
        draw = random.Random(seed)  # noqa: S311 - a reproducible draw, not a secret
        halves = split(rows, by=by, fraction=share, generator=draw, seed=seed)
    targets = out or halves_of(path)
    write_halves(path, halves, targets, mapping)
    return halves, targets, parsed


def halves_of(path: Path) -> tuple[Path, Path]:
    """Where the halves of a file go: `name.train.jsonl` and `name.val.jsonl` beside it."""
    stem = path.name.removesuffix(path.suffix)
    return path.with_name(f"{stem}.train.jsonl"), path.with_name(f"{stem}.val.jsonl")


def write_halves(
    path: Path, split: Split, out: tuple[Path, Path], mapping: Mapping[str, str] | None = None
) -> None:
    """Write both halves, or neither; rows keep their order and all their keys.

    Rows of JSON lines stay byte for byte what they were; those of other files become JSON lines.

    Raises:
        UsageError: a target exists, or cannot be written.
    """
    for target in out:
        if target.exists():
            raise UsageError(f"{target} exists; move it away, or name other files with --out.")
    lines = row_bytes(path, mapping)
    written: list[Path] = []
    try:
        for target, rows in zip(out, (split.train, split.val), strict=True):
            temporary = target.with_name(f".{target.name}.tmp")
            written.append(temporary)
            temporary.write_bytes(_pick(lines, rows))
        for target, temporary in zip(out, written, strict=True):
            temporary.replace(target)
    except OSError as error:
        for temporary in written:
            temporary.unlink(missing_ok=True)
        raise UsageError(f"cannot write beside {path}: {error.strerror or error}.") from error


def _pick(lines: Mapping[int, bytes], rows: Iterable[Conversation]) -> bytes:
    return b"".join(lines[row.line] + b"\n" for row in rows)
