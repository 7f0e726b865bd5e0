"""Keep a Mac awake while it trains."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def awake() -> Iterator[bool]:
    """Hold off sleep while the block runs; True where that was possible (macOS)."""
    if platform.system() != "Darwin":
        yield False
        return
    try:
        helper = subprocess.Popen(["caffeinate", "-i", "-w", str(os.getpid())])
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        helper.terminate()
        helper.wait()
