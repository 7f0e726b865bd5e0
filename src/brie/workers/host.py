"""A worker's side: a job is done with blocks as they come, and whatever comes of it is sent back."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterable, Sequence

from brie.errors import BrieError
from brie.workers.interface import Block, Broken, Job, Row, Rows


def host(job: Job[Block, Row], messages: Iterable[bytes], send: Callable[[bytes], None]) -> None:
    """Do a job until no more blocks come.

    Args:
        job: what is done.
        messages: the blocks, pickled.
        send: takes what is heard of this worker, pickled; called from one thread.
    """

    def give(rows: Sequence[Row]) -> None:
        send(pickle.dumps(Rows(tuple(rows))))

    try:
        job.work(map(pickle.loads, messages), give)
    except BrieError as error:
        send(pickle.dumps(Broken(error)))
    except Exception:
        send(pickle.dumps(Broken(None, traceback.format_exc())))
