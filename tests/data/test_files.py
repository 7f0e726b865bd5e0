"""Written halves: rows byte for byte, both files or none."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from brie.data.files import halves_of, write_halves
from brie.data.load import load
from brie.data.split import Split, split
from brie.errors import UsageError
from tests.data.rows import row, write


def cut(path: Path) -> Split:
    return split(load(path), by="prompt", fraction=0.4, generator=random.Random(3), seed=3)


def test_every_row_lands_in_one_half_unchanged(tmp_path: Path) -> None:
    path = write(tmp_path / "all.jsonl", [row(f"{i}?", note={"ü": i}) for i in range(10)])
    targets = halves_of(path)
    write_halves(path, cut(path), targets)
    assert [t.name for t in targets] == ["all.train.jsonl", "all.val.jsonl"]
    lines = [line for target in targets for line in target.read_text("utf-8").splitlines()]
    assert sorted(lines) == sorted(path.read_text("utf-8").splitlines())
    assert len(load(targets[1])) == 4


def test_windows_line_ends_and_a_missing_last_line_break_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    path.write_bytes("\r\n".join(json.dumps(row(f"{i}?")) for i in range(5)).encode())
    write_halves(path, cut(path), halves_of(path))
    assert sum(len(load(target)) for target in halves_of(path)) == 5


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = write(tmp_path / "all.jsonl", [row(f"{i}?") for i in range(5)])
    train, val = halves_of(path)
    val.write_text("mine")
    with pytest.raises(UsageError, match="exists"):
        write_halves(path, cut(path), (train, val))
    assert val.read_text() == "mine"
    assert not train.exists()


def test_an_unwritable_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    path = write(tmp_path / "all.jsonl", [row(f"{i}?") for i in range(5)])
    target = tmp_path / "missing" / "train.jsonl"
    with pytest.raises(UsageError, match="cannot write"):
        write_halves(path, cut(path), (tmp_path / "train.jsonl", target))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["all.jsonl"]
