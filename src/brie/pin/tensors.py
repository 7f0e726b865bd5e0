"""Safetensors files looked at without loading a model: are they whole, and are they numbers?

The format (huggingface/safetensors, "Format"): eight bytes that say how long the header is, a JSON
header of name -> dtype, shape and offsets, and the tensors, one after another without a gap.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brie.errors import PinError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_HEADER = 100_000_000
"""Bytes; the library's own limit."""
_BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8),
    **dict.fromkeys(("F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
_FLOATS: dict[str, tuple[str, int, int]] = {
    "F16": ("<u2", 0x7C00, 0x7FFF),
    "BF16": ("<u2", 0x7F80, 0x7FFF),
    "F32": ("<u4", 0x7F80_0000, 0x7FFF_FFFF),
    "F64": ("<u8", 0x7FF0_0000_0000_0000, 0x7FFF_FFFF_FFFF_FFFF),
}
"""Unsigned type of the same width, the bits of an exponent that infinity and NaN have, and all bits
but the sign (the floating-point standard of 2019; bfloat16 is the upper half of a float32)."""
_AT_ONCE = 1 << 24
"""Numbers looked at together."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file, by its header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    """First byte, from the beginning of the file."""

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


def tensors(path: Path) -> dict[str, Tensor]:
    """A file's tensors, from its header; no weights are read.

    Raises:
        PinError: it is no safetensors file, is cut off, or its header contradicts itself.
    """
    try:
        with path.open("rb") as handle:
            size = int.from_bytes(handle.read(8), "little")
            if not 2 <= size <= _MOST_HEADER:
                raise ValueError(f"its header would have {size:,} bytes")
            raw = handle.read(size)
        if len(raw) < size:
            raise ValueError("it ends inside its header")
        header = json.loads(raw)
        if not isinstance(header, dict):
            raise ValueError("its header is no JSON object")
        entries = {str(k): _entry(str(k), v) for k, v in header.items() if k != "__metadata__"}
        _refuse_gaps(entries, room=path.stat().st_size - 8 - size)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise PinError(f"{path} is not a whole safetensors file: {error}.") from error
    return {name: Tensor(kind, shape, 8 + size + at) for name, (kind, shape, at, _) in entries.items()}


_Entry = tuple[str, tuple[int, ...], int, int]


def _entry(name: str, described: dict[str, str | list[int]]) -> _Entry:
    dtype, shape, offsets = described["dtype"], described["shape"], described["data_offsets"]
    if dtype not in _BITS:
        raise ValueError(f"{name} has the number format {dtype!r}")
    if not _naturals(shape) or not _naturals(offsets) or len(offsets) != 2:
        raise ValueError(f"{name} has the shape {shape!r} and the offsets {offsets!r}")
    begin, end = (int(offset) for offset in offsets)
    needed = math.prod(int(length) for length in shape) * _BITS[str(dtype)]
    if needed != 8 * (end - begin):
        raise ValueError(f"{name} has {end - begin:,} bytes, its shape {shape!r} needs {needed // 8:,}")
    return str(dtype), tuple(int(length) for length in shape), begin, end


def _naturals(value: str | list[int]) -> bool:
    return isinstance(value, list) and all(type(n) is int and n >= 0 for n in value)


def _refuse_gaps(entries: dict[str, _Entry], *, room: int) -> None:
    """Tensors fill the rest of the file, one after another.

    Raises:
        ValueError: they overlap, leave a gap, or the file is longer or shorter.
    """
    at = 0
    for name, (_, _, begin, end) in sorted(entries.items(), key=lambda item: item[1][2:]):
        if begin != at:
            raise ValueError(f"{name} begins at byte {begin:,} instead of {at:,}")
        at = end
    if at != room:
        raise ValueError(f"its tensors need {at:,} bytes, it has {room:,}")


def refuse_broken(path: Path) -> None:
    """Read a file once and see that it holds numbers.

    Raises:
        PinError: it is not whole, has no tensor, or one holds infinity or NaN; names it.
    """
    held = tensors(path)
    if not held:
        raise PinError(
            f"{path} holds no tensor: whatever saved it found no weights. Save the checkpoint again."
        )
    for name, tensor in held.items():
        if tensor.dtype not in _FLOATS:
            continue
        _, exponent, _ = _FLOATS[tensor.dtype]
        if any(bool(((part & exponent) == exponent).any()) for part in _bits(path, tensor)):
            raise PinError(
                f"{path} is damaged: {name} holds numbers that are none (NaN or infinity), so the model "
                "could answer nothing. Take another checkpoint, or train with a lower learning rate."
            )


def is_zero(path: Path, tensor: Tensor) -> bool:
    """Whether a tensor of floating-point numbers is zero throughout; False for other formats."""
    if tensor.dtype not in _FLOATS:
        return False
    magnitude = _FLOATS[tensor.dtype][2]
    return not any(bool((part & magnitude).any()) for part in _bits(path, tensor))


def _bits(path: Path, tensor: Tensor) -> Iterator[NDArray[np.unsignedinteger]]:
    """The tensor's numbers as unsigned integers, a stretch at a time."""
    import numpy as np

    kind = np.dtype(_FLOATS[tensor.dtype][0])
    with path.open("rb") as handle:
        handle.seek(tensor.begin)
        left = tensor.size
        while left:
            part = np.frombuffer(handle.read(min(left, _AT_ONCE) * kind.itemsize), kind)
            if not len(part):
                raise PinError(f"{path} changed while it was read; run the command again.")
            left -= len(part)
            yield part
