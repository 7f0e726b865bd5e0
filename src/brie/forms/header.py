"""The header of a GGUF file, read with its sizes checked against the file's; no weights are read.

The format (ggml-org/ggml, its page on GGUF, version 3): magic, version, number of tensors and of
key-values; the key-values; the tensors' names, shapes, types and offsets; padding; the tensors. A file
from the world may claim any size, so that every length is compared with what is left of the file
before anything is read.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

from brie.errors import PinError

MAGIC = b"GGUF"
Value: TypeAlias = "str | int | float | bool | list[Value]"
"""What a key may hold."""
_MOST_KEYS = 100_000
_MOST_TENSORS = 1_000_000
_MOST_HEADER = 1 << 28
"""Bytes of a header: a quarter of a gigabyte, some ten times the largest vocabulary's."""
_SCALARS: dict[int, str] = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
_STRING, _ARRAY = 8, 9
_SPECIAL = {"bos_token": "bos", "eos_token": "eos", "pad_token": "padding", "unk_token": "unknown"}
TYPES: dict[int, tuple[str, int, int]] = {
    0: ("float32", 1, 4), 1: ("float16", 1, 2), 30: ("bfloat16", 1, 2), 28: ("float64", 1, 8),
    2: ("q4_0", 32, 18), 3: ("q4_1", 32, 20), 6: ("q5_0", 32, 22), 7: ("q5_1", 32, 24),
    8: ("q8_0", 32, 34), 10: ("q2_k", 256, 84), 11: ("q3_k", 256, 110), 12: ("q4_k", 256, 144),
    13: ("q5_k", 256, 176), 14: ("q6_k", 256, 210), 15: ("q8_k", 256, 292), 20: ("iq4_nl", 32, 18),
    23: ("iq4_xs", 256, 136), 16: ("iq2_xxs", 256, 66), 17: ("iq2_xs", 256, 74),
    18: ("iq3_xxs", 256, 98), 19: ("iq1_s", 256, 50), 21: ("iq3_s", 256, 110), 22: ("iq2_s", 256, 82),
    29: ("iq1_m", 256, 56), 34: ("tq1_0", 256, 54), 35: ("tq2_0", 256, 66), 39: ("mxfp4", 32, 17),
    9: ("q8_1", 32, 40), 40: ("nvfp4", 64, 36),
    24: ("int8", 1, 1), 25: ("int16", 1, 2), 26: ("int32", 1, 4), 27: ("int64", 1, 8),
}  # fmt: skip
"""Number of a tensor's type -> its name, numbers a block, bytes a block (ggml, `ggml_type`)."""


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """One tensor by the header."""

    type: str
    shape: tuple[int, ...]
    begin: int
    """First byte, from the beginning of the file."""
    length: int
    """Bytes."""

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says of itself."""

    keys: dict[str, Value]
    tensors: dict[str, GgufTensor] = field(default_factory=dict)

    @property
    def architecture(self) -> str:
        """Such as `qwen2`."""
        return str(self.keys.get("general.architecture", ""))

    @property
    def number_format(self) -> str:
        """The type of most of its numbers; one-dimensional tensors stay float32 in every file."""
        counts: Counter[str] = Counter()
        for tensor in self.tensors.values():
            if len(tensor.shape) > 1:
                counts[tensor.type] += tensor.size
        return counts.most_common(1)[0][0] if counts else "float32"

    @property
    def template(self) -> str | None:
        """Its chat template."""
        value = self.keys.get("tokenizer.chat_template")
        return value if isinstance(value, str) else None

    @property
    def special(self) -> dict[str, str]:
        """Tokens that a template may use, by transformers' names."""
        tokens = self.texts("tokenizer.ggml.tokens")
        numbers = {name: self.number(f"tokenizer.ggml.{key}_token_id") for name, key in _SPECIAL.items()}
        return {
            name: tokens[int(number)]
            for name, number in numbers.items()
            if number is not None and 0 <= number < len(tokens)
        }

    def texts(self, key: str) -> list[str]:
        """A key that holds a list of texts; empty where it does not."""
        value = self.keys.get(key)
        return [str(item) for item in value] if isinstance(value, list) else []

    def number(self, key: str) -> float | None:
        """A key that holds a number."""
        value = self.keys.get(key)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


class _Reader:
    """Reads a file forward, and never past its end or more than a header may have."""

    def __init__(self, handle: BinaryIO, size: int) -> None:
        self.handle, self.size, self.at = handle, min(size, _MOST_HEADER), 0

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > self.size:
            raise ValueError("its header is longer than the file, or than any model's")
        self.at += count
        return self.handle.read(count)

    def number(self, form: str) -> int:
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def text(self) -> str:
        return self.take(self.number("<Q")).decode("utf-8", "replace")

    def value(self, kind: int, depth: int = 0) -> Value:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self.array(depth)
        if kind not in _SCALARS:
            raise ValueError(f"a key has a value of the unknown kind {kind}")
        form = _SCALARS[kind]
        scalar: int | float | bool = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return scalar

    def array(self, depth: int) -> Value:
        if depth > 3:
            raise ValueError("a key holds lists in lists in lists")
        kind, count = self.number("<I"), self.number("<Q")
        if kind not in _SCALARS:
            if count * 8 > self.size - self.at:  # a text, or a list, has eight bytes at least
                raise ValueError(f"a key lists {count:,} entries, more than the file has room for")
            return [self.value(kind, depth + 1) for _ in range(count)]
        form = _SCALARS[kind]
        raw = self.take(count * struct.calcsize(form))
        return [item for (item,) in struct.iter_unpack(form, raw)]


def read_header(path: Path) -> GgufHeader:
    """Read and check a file's header.

    Raises:
        PinError: it is no GGUF file, is cut off, or contradicts itself.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as handle:
            reader = _Reader(handle, size)
            if reader.take(4) != MAGIC:
                raise ValueError("it does not begin with GGUF")
            if (version := reader.number("<I")) not in (2, 3):
                raise ValueError(f"it is of version {version}; brie reads 2 and 3")
            tensors, keys = reader.number("<Q"), reader.number("<Q")
            if tensors > _MOST_TENSORS or keys > _MOST_KEYS:
                raise ValueError(f"it claims {tensors:,} tensors and {keys:,} keys")
            values = {reader.text(): reader.value(reader.number("<I")) for _ in range(keys)}
            entries = [_entry(reader) for _ in range(tensors)]
            return GgufHeader(values, _placed(entries, values, reader.at, size))
    except (OSError, ValueError, struct.error) as error:
        raise PinError(f"{path} is not a whole GGUF file: {error}.") from error


_Entry = tuple[str, tuple[int, ...], int, int]


def _entry(reader: _Reader) -> _Entry:
    name, dimensions = reader.text(), reader.number("<I")
    if not 1 <= dimensions <= 4:
        raise ValueError(f"{name[:80]!r} has {dimensions} dimensions")
    shape = tuple(reader.number("<Q") for _ in range(dimensions))
    return name, shape, reader.number("<I"), reader.number("<Q")


def _placed(
    entries: list[_Entry], keys: dict[str, Value], header: int, size: int
) -> dict[str, GgufTensor]:
    """Where tensors lie; each has to lie inside the file.

    Raises:
        ValueError: one does not, its type is unknown, or two have one name.
    """
    align = keys.get("general.alignment", 32)
    if not isinstance(align, int) or align < 1 or align > 1 << 20:
        raise ValueError(f"its tensors would be aligned to {align!r} bytes")
    start = -(-header // align) * align
    placed: dict[str, GgufTensor] = {}
    for name, shape, kind, offset in entries:
        if kind not in TYPES:
            raise ValueError(f"{name[:80]!r} has the unknown type {kind}")
        word, block, width = TYPES[kind]
        numbers = math.prod(shape)
        length = numbers // block * width
        if numbers % block or start + offset + length > size:
            raise ValueError(f"{name[:80]!r} reaches past its end")
        if name in placed:
            raise ValueError(f"it has {name[:80]!r} twice")
        placed[name] = GgufTensor(word, shape, start + offset, length)
    return placed
