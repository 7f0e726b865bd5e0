"""What is in memory when judging begins stays until it ends: it is not searched for garbage meanwhile.

A run of the judges makes and drops some thousand objects a verdict; every so many of them Python looks
for garbage through all there are, the SDKs' types and the plan included. That took a fifth of a verdict.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def spared() -> Iterator[None]:
    """Leave what is there now out of every search until the context ends; what comes is searched."""
    if gc.get_freeze_count():
        # The program around brie has seen to it.
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
