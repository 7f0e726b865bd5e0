"""Files of any size and kind come as numbered rows; what is broken is skipped with its reason."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from brie.audit.rows import Skipped
from brie.audit.stream import Value, values
from brie.errors import InputError


def rows(path: Path, content: str) -> list[Value]:
    path.write_text(content, encoding="utf-8")
    return list(values(path))


def test_lines_keep_their_numbers_over_blank_ones(tmp_path: Path) -> None:
    assert rows(tmp_path / "f.jsonl", '{"a": 1}\n\n{"a": 2}\n') == [(1, {"a": 1}), (3, {"a": 2})]


def test_rows_of_a_table_are_numbered_under_its_line_of_names(tmp_path: Path) -> None:
    assert rows(tmp_path / "f.csv", "a,b\n1,x\n2,y\n") == [
        (2, {"a": "1", "b": "x"}),
        (3, {"a": "2", "b": "y"}),
    ]


@pytest.mark.parametrize("spaces", ["", " ", "\n  "])
def test_elements_of_an_array_are_numbered(tmp_path: Path, spaces: str) -> None:
    content = f"{spaces}[{spaces}1{spaces},{spaces}[2]{spaces},{spaces}null{spaces}]"
    assert rows(tmp_path / "f.json", content) == [(1, 1), (2, [2]), (3, None)]


def test_an_array_larger_than_what_is_read_at_once_is_whole(tmp_path: Path) -> None:
    elements = [{"n": n, "text": "é]}," * 50_000} for n in range(20)]
    numbered = rows(tmp_path / "f.json", json.dumps(elements, ensure_ascii=False))
    assert numbered == list(enumerate(elements, 1))


def test_a_key_that_stands_twice_spoils_its_own_row_alone(tmp_path: Path) -> None:
    good, bad = '{"a": 1}', '{"b": {"c": 1, "c": 2}}'
    twice = Skipped(2, "the key 'c' stands twice")
    expected = [(1, {"a": 1}), twice, (3, {"a": 1})]
    assert rows(tmp_path / "f.json", f"[{good}, {bad}, {good}]") == expected
    assert rows(tmp_path / "f.jsonl", f"{good}\n{bad}\n{good}\n") == expected


def test_gzip_is_known_by_its_bytes_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(gzip.compress(b'\xef\xbb\xbf{"a": 1}\n'))
    assert list(values(path)) == [(1, {"a": 1})]


def test_parquet_is_read_row_by_row(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "f.parquet"
    parquet.write_table(arrow.Table.from_pylist([{"a": 1}, {"a": 2}]), path)
    assert list(values(path)) == [(1, {"a": 1}), (2, {"a": 2})]
    path.write_bytes(b"PAR1 not at all")
    with pytest.raises(InputError, match="is not a Parquet file"):
        list(values(path))
