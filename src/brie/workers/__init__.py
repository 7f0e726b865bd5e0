"""Many workers: processes that take blocks of work and give rows, here or on a Ray cluster.

    workers = workers_of("local:3")
    with Pool(workers, job, hear) as pool:
        pool.send(0, block)         # and hear(0, Rows((row, ...))) is called, from a thread

A `Job` says what a worker does with a block. It and its blocks travel pickled; keys do not travel: a
worker reads them from its own environment. Whoever has a pool is the only one that writes rows
down, and nothing is done that it did not send.
"""

from brie.workers.asked import workers_of
from brie.workers.interface import Broken, Gone, Heard, Job, Line, Rows, Workers
from brie.workers.local import gpus
from brie.workers.pool import Pool

__all__ = ["Broken", "Gone", "Heard", "Job", "Line", "Pool", "Rows", "Workers", "gpus", "workers_of"]
