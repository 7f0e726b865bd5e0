"""A worker on this machine, started as `python -m brie.workers.serve FD` (see `local`)."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from queue import SimpleQueue

from brie.workers.host import host


def main(descriptor: int) -> None:
    """Do the job that comes over a pipe, for as long as somebody holds its other end."""
    pipe, inbox = Connection(descriptor), SimpleQueue[bytes]()
    threading.Thread(target=_read, args=(pipe, inbox), daemon=True).start()
    job = pickle.loads(inbox.get())  # noqa: S301 - from the process that started this one
    host(job, _messages(inbox), pipe.send_bytes)
    threading.Event().wait()  # what was sent last may not have been read: the pipe's end is the end


def _read(pipe: Connection, inbox: SimpleQueue[bytes]) -> None:
    """Take in what comes; when nobody is there any more, nothing here is of use to anybody."""
    try:
        while True:
            inbox.put(pipe.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


def _messages(inbox: SimpleQueue[bytes]) -> Iterator[bytes]:
    while True:
        yield inbox.get()


if __name__ == "__main__":
    main(int(sys.argv[1]))
