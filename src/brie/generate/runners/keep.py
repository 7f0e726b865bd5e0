"""Run a command for as long as somebody holds this program's standard input open, and no longer.

    python keep.py COMMAND...

Servers are started through it: however the program that started one ends, killed by the system too, the
pipe closes, and the server is stopped. Runs by itself, with nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from types import FrameType

_SECONDS = 5.0
"""How long a command may take to end by itself."""
_DIE_WITH_PARENT = 1
"""Linux, `prctl`: PR_SET_PDEATHSIG."""


def main() -> int:
    """Start the command, wait for it or for the pipe; the exit code is the command's."""
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, preexec_fn=_with_me())
    threading.Thread(target=_wait_for_end, args=(process,), daemon=True).start()

    def stop(number: int, frame: FrameType | None) -> None:
        process.terminate()

    signal.signal(signal.SIGTERM, stop)
    return process.wait()


def _with_me() -> Callable[[], None] | None:
    """What the child does before it becomes the command: on Linux it asks to die with this program."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _wait_for_end(process: subprocess.Popen[bytes]) -> None:
    """End the command when standard input does."""
    while os.read(sys.stdin.fileno(), 1):  # not through sys.stdin, which is locked when Python ends
        pass
    process.terminate()
    try:
        process.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    sys.exit(main())
