"""Workers that are processes of this machine: what they are told, and how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from queue import SimpleQueue

import pytest

from brie.errors import UsageError
from brie.workers import Broken, Gone, Heard, Pool, Rows, workers_of
from brie.workers.local import LocalWorkers, cores
from tests.workers.jobs import Telling

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The jobs of tests are imported by the workers, too."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), os.environ["PYTHONPATH"])))


def test_processes_have_their_share_of_the_cores_a_gpu_each_and_the_keys_of_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    heard: SimpleQueue[tuple[int, Heard[str]]] = SimpleQueue()
    with Pool(LocalWorkers(2), Telling(), lambda *what: heard.put(what)) as pool:
        for word in ("SOME_KEY", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"):
            for worker in pool.workers:
                pool.send(worker, word)
        told: dict[int, list[str]] = {0: [], 1: []}
        for _ in range(6):
            worker, said = heard.get(timeout=60)
            assert isinstance(said, Rows)
            told[worker] += said.rows
        threads = str(max(1, cores() // 2))
        assert told == {0: ["sk-1", "3", threads], 1: ["sk-1", "5", threads]}

        pool.send(0, "the process")
        (said,) = [heard.get(timeout=60)[1]]
        assert isinstance(said, Rows)
        os.kill(int(said.rows[0]), signal.SIGKILL)
        worker, gone = heard.get(timeout=60)
        assert worker == 0
        assert isinstance(gone, Gone)
        assert str(gone) == "was ended by SIGKILL"
        assert pool.name(0) == f"worker 1 (process {said.rows[0]})"
        pool.send(0, "nobody is there")

        pool.send(1, "refuse")
        worker, broken = heard.get(timeout=60)
        assert worker == 1
        assert isinstance(broken, Broken)
        with pytest.raises(UsageError, match="no such word"):
            raise broken.raised()


_DRIVER = """
import os, sys
from brie.workers import Pool
from brie.workers.local import LocalWorkers
from tests.workers.jobs import Telling
pool = Pool(LocalWorkers(1), Telling(), lambda worker, said: print(*said.rows, flush=True))
pool.send(0, "the process")
sys.stdin.read()
"""


def test_no_process_outlives_the_one_that_started_it() -> None:
    driver = subprocess.Popen(
        [sys.executable, "-c", _DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert driver.stdout is not None
    worker = int(driver.stdout.readline())
    os.kill(worker, 0)
    driver.kill()
    driver.communicate()
    while _runs(worker):
        time.sleep(0.01)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # Nobody may have collected it yet.
    stat = Path(f"/proc/{process}/stat")
    return not stat.is_file() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    "asked", ["local", "local:0", "ray:", "ray:x", "here", "ray://host", "local:2/3"]
)
def test_what_is_no_place_for_workers_is_refused_with_those_that_are(asked: str) -> None:
    with pytest.raises(UsageError, match=r"local:N .* ray://HOST:PORT"):
        workers_of(asked)
