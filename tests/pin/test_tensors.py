"""Files of weights that are cut off, contradict themselves or hold no numbers are refused by name."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from brie.errors import PinError
from brie.pin import pin_base, pin_checkpoint
from brie.pin.tensors import is_zero, refuse_broken, tensors
from tests.pin.folders import make_adapter, make_base

Entry = dict[str, object]


def written(path: Path, header: object, data: bytes) -> Path:
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entry(dtype: str, shape: object, begin: int, end: int) -> Entry:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_a_whole_file_is_read_by_its_header(tmp_path: Path) -> None:
    header = {
        "__metadata__": {"format": "pt"},
        "a": entry("F32", [2], 0, 8),
        "b": entry("BF16", [], 8, 10),
    }
    found = tensors(written(tmp_path / "x", header, bytes(10)))
    assert {name: (t.dtype, t.shape, t.size) for name, t in found.items()} == {
        "a": ("F32", (2,), 2), "b": ("BF16", (), 1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("header", "data", "why"),
    [
        ({"a": entry("F32", [2], 0, 8)}, bytes(7), "need 8 bytes, it has 7"),
        ({"a": entry("F32", [2], 0, 8)}, bytes(9), "need 8 bytes, it has 9"),
        ({"a": entry("F32", [3], 0, 8)}, bytes(8), "needs 12"),
        ({"a": entry("F32", [2], 0, 8), "b": entry("F32", [1], 4, 8)}, bytes(8), "begins at byte 4"),
        ({"a": entry("F32", [1], 4, 8)}, bytes(8), "begins at byte 4 instead of 0"),
        ({"a": entry("F33", [1], 0, 4)}, bytes(4), "number format 'F33'"),
        ({"a": entry("F32", "x", 0, 4)}, bytes(4), "has the shape 'x'"),
        ({"a": entry("F32", [-1], 0, -4)}, b"", "has the shape"),
        ({"a": entry("F32", [True], 0, 4)}, bytes(4), "has the shape"),
        ({"a": {"dtype": "F32"}}, b"", "shape"),
        ({"a": 3}, b"", "."),
        (["a"], b"", "no JSON object"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(
    tmp_path: Path, header: object, data: bytes, why: str
) -> None:
    with pytest.raises(PinError, match=f"is not a whole safetensors file: .*{why}"):
        tensors(written(tmp_path / "x.safetensors", header, data))


@pytest.mark.parametrize(
    "data", [b"", b"\x05", struct.pack("<Q", 2**60) + b"{}", struct.pack("<Q", 90) + b"{}",
             struct.pack("<Q", 20_000) + b"[" * 20_000],
)  # fmt: skip
def test_what_is_no_such_file_at_all_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.safetensors").write_bytes(data)
    with pytest.raises(PinError, match="is not a whole safetensors file"):
        tensors(tmp_path / "x.safetensors")


BAD = {
    "F16": np.array([1, np.inf], "<f2").tobytes(),
    "F32": np.array([np.nan, 1], "<f4").tobytes(),
    "F64": np.array([0, -np.inf], "<f8").tobytes(),
    "BF16": np.array([0x3F80, 0xFFC0], "<u2").tobytes(),
}
GOOD = {
    "F16": np.array([1, 65504], "<f2").tobytes(),
    "F32": np.array([-0.0, 3e38], "<f4").tobytes(),
    "F64": np.array([0, 1e308], "<f8").tobytes(),
    "BF16": np.array([0x3F80, 0x7F7F], "<u2").tobytes(),
    "I32": b"\xff" * 8,
}


@pytest.mark.parametrize("dtype", BAD)
def test_numbers_that_are_none_are_refused_by_the_tensors_name(tmp_path: Path, dtype: str) -> None:
    data = BAD[dtype]
    path = written(tmp_path / "x.safetensors", {"deep.weight": entry(dtype, [2], 0, len(data))}, data)
    with pytest.raises(PinError, match=r"deep\.weight holds numbers that are none"):
        refuse_broken(path)


@pytest.mark.parametrize("dtype", GOOD)
def test_numbers_are_let_pass(tmp_path: Path, dtype: str) -> None:
    data = GOOD[dtype]
    refuse_broken(written(tmp_path / "x", {"a": entry(dtype, [2], 0, len(data))}, data))


def test_a_file_without_a_tensor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PinError, match="holds no tensor: whatever saved it found no weights"):
        refuse_broken(written(tmp_path / "x.safetensors", {"__metadata__": {"format": "pt"}}, b""))


def test_zeros_of_either_sign_are_zeros(tmp_path: Path) -> None:
    data = np.array([0.0, -0.0, 0.0, 1e-40], "<f4").tobytes()
    header = {"a": entry("F32", [2], 0, 8), "b": entry("F32", [2], 8, 16)}
    path = written(tmp_path / "x", header, data)
    found = tensors(path)
    assert [is_zero(path, found[name]) for name in "ab"] == [True, False]


def test_broken_weights_are_refused_when_they_are_pinned(tmp_path: Path) -> None:
    good = make_base(tmp_path / "base")
    base = pin_base(good, repo="b")
    for fill, cut, why in ((0xFF, None, "holds numbers that are none"), (1, -3, "not a whole")):
        folder = make_adapter(tmp_path / f"adapter{fill}", fill=fill)
        weights = folder / "adapter_model.safetensors"
        weights.write_bytes(weights.read_bytes()[:cut])
        with pytest.raises(PinError, match=why):
            pin_checkpoint(folder, base=base, name="x")
        other = make_base(tmp_path / f"base{fill}", fill=fill)
        weights = other / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:cut])
        with pytest.raises(PinError, match=why):
            pin_base(other, repo="b")


def test_a_shard_that_the_index_lists_and_is_not_there_is_named(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "base")
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    index = {
        "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(PinError, match=r"lacks model-00002-of-00002\.safetensors"):
        pin_base(folder, repo="b")
