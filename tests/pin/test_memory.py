"""Which errors mean that memory ran out."""

from __future__ import annotations

import pytest

from brie.pin.libraries import is_out_of_memory


class OutOfMemoryError(RuntimeError):
    """Called what torch calls its own."""


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (MemoryError(), True),
        (OutOfMemoryError("any words"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory"), True),
        (RuntimeError("Cannot allocate memory"), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_memory_that_ran_out_is_known_by_its_kind_or_its_words(
    error: BaseException, meant: bool
) -> None:
    assert is_out_of_memory(error) is meant
