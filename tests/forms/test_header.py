"""GGUF headers: whole ones are read, and no size that a file claims is believed."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brie.errors import PinError
from brie.forms.header import TYPES, read_header


def _write(path: Path) -> Path:
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_name("small")
    writer.add_token_list(["a", "é", "你"])
    writer.add_tensor("one.weight", np.ones((4, 32), np.float32))
    writer.add_tensor("two.bias", np.zeros(8, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return _write(tmp_path_factory.mktemp("gguf") / "x.gguf").read_bytes()


def test_keys_and_tensors_are_those_that_were_written(whole: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(whole)
    header = read_header(tmp_path / "x.gguf")
    assert header.architecture == "qwen2"
    assert header.texts("tokenizer.ggml.tokens") == ["a", "é", "你"]
    assert {name: t.shape for name, t in header.tensors.items()} == {
        "one.weight": (32, 4),
        "two.bias": (8,),
    }
    assert header.number_format == "float32"


def test_the_table_of_types_is_that_of_the_format() -> None:
    known = {kind.value: tuple(gguf.GGML_QUANT_SIZES[kind]) for kind in gguf.GGMLQuantizationType}
    shared = set(known) & set(TYPES)
    assert len(shared) >= 30
    assert {kind: TYPES[kind][1:] for kind in shared} == {kind: known[kind] for kind in shared}


@given(st.floats(0, 1, exclude_max=True))
def test_a_file_cut_off_anywhere_is_refused(whole: bytes, share: float) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.gguf"
        path.write_bytes(whole[: int(share * (len(whole) - 256))])
        with pytest.raises(PinError, match="not a whole GGUF file"):
            read_header(path)


@given(st.binary(max_size=200), st.integers(4, 60))
def test_bytes_of_anybody_are_read_or_refused_and_nothing_else(
    whole: bytes, junk: bytes, at: int
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.gguf"
        path.write_bytes(whole[:at] + junk + whole[at + len(junk) :])
        with contextlib.suppress(PinError):
            read_header(path)


@pytest.mark.parametrize("count", [1 << 30, 1 << 60, (1 << 64) - 1])
@pytest.mark.parametrize("kind", [0, 8, 9])
def test_a_list_that_claims_more_than_the_file_holds_is_refused_at_once(
    kind: int, count: int, tmp_path: Path
) -> None:
    key = b"a.list"
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", len(key)) + key
    (tmp_path / "x.gguf").write_bytes(head + struct.pack("<IIQ", 9, kind, count) + b"\0" * 64)
    with pytest.raises(PinError):
        read_header(tmp_path / "x.gguf")


def test_a_tensor_that_reaches_past_the_end_is_refused_by_name(tmp_path: Path) -> None:
    entry = struct.pack("<Q", 1) + b"w" + struct.pack("<IQQIQ", 2, 1 << 20, 1 << 20, 0, 0)
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + entry + b"\0" * 64)
    with pytest.raises(PinError, match="'w' reaches past its end"):
        read_header(tmp_path / "x.gguf")
