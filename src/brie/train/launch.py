"""Starting one process a GPU, and ending together: `brie train --gpus N`.

What `torchrun --nproc_per_node N -m brie train …` does for one machine, with brie's exit codes: Ctrl-C
reaches every process once, so that all save and end after the same step; the end of one is the end of
all; and however the command ends, its processes end with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import IO

from brie.errors import Stopped

_HELD = "BRIE_HELD_BY"
"""File descriptor that stays open for as long as the command runs."""
_LOOPBACK = "127.0.0.1"
_SECONDS_TO_FOLLOW = 30.0
_SECONDS_TO_END = 10.0
_PAUSE = 0.1


def launch(command: Sequence[str], count: int, *, follow: float = _SECONDS_TO_FOLLOW) -> int:
    """Run a command in so many processes that find one another, until all have ended.

    Args:
        command: the program and its arguments, the same for all.
        count: how many processes.
        follow: seconds the others may take, once one has failed, to say what that means for the run.

    Returns:
        The exit code: that of the first process, where it has said what is wrong.

    Raises:
        Stopped: a process was killed, or failed and the first one has not said so.
    """
    from torch.distributed import TCPStore

    # Kept here, so that the port is taken from now on: each process only connects.
    meeting = TCPStore(_LOOPBACK, 0, world_size=None, is_master=True, wait_for_workers=False)
    held, hold = os.pipe()
    logs = [tempfile.TemporaryFile() for _ in range(count)]  # noqa: SIM115 - closed below
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with _passed_on(processes):
            for rank in range(count):
                processes.append(_start(command, rank, count, meeting.port, held, logs[rank]))
            failed = _wait(processes, follow)
        return 0 if failed is None else _told(failed, processes, logs[failed])
    finally:
        _end(processes)
        os.close(held)
        os.close(hold)
        for log in logs:
            log.close()


def end_with_launcher() -> None:
    """In a process that `launch` started: end when that command has ended, however it did."""
    held = os.environ.pop(_HELD, None)
    if held is not None:
        threading.Thread(target=_wait_for_end, args=(int(held),), daemon=True).start()


def _wait_for_end(held: int) -> None:
    while os.read(held, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _start(
    command: Sequence[str], rank: int, count: int, port: int, held: int, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    threads = max(1, (os.cpu_count() or 1) // count)
    places = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    meeting = {"MASTER_ADDR": _LOOPBACK, "MASTER_PORT": port, "TORCHELASTIC_USE_AGENT_STORE": True,
               "TORCHELASTIC_RESTART_COUNT": 0}  # fmt: skip
    variables = {name: str(value) for name, value in {**places, **meeting, _HELD: held}.items()}
    silent = None if rank == 0 else log
    return subprocess.Popen(
        command,
        env={"OMP_NUM_THREADS": str(threads), **os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=silent,
        stderr=silent,
        pass_fds=(held,),
        start_new_session=True,  # a terminal's Ctrl-C comes through this command, once
    )


@contextmanager
def _passed_on(processes: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Signals that ask this command to end go to its processes, which save first."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        for process in processes:
            process.send_signal(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, pass_on) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _wait(processes: Sequence[subprocess.Popen[bytes]], follow: float) -> int | None:
    """Wait for all; the first that failed, None where none did."""
    failed, since = None, 0.0
    while any(process.poll() is None for process in processes):
        if failed is None:
            failed = _failed(processes)
            since = time.monotonic()
        elif time.monotonic() - since > follow:
            break
        time.sleep(_PAUSE)
    return failed if failed is not None else _failed(processes)


def _failed(processes: Sequence[subprocess.Popen[bytes]]) -> int | None:
    return next((rank for rank, process in enumerate(processes) if process.poll()), None)


def _told(failed: int, processes: Sequence[subprocess.Popen[bytes]], log: IO[bytes]) -> int:
    """The exit code of a failure that the first process has told of.

    Raises:
        Stopped: it has not; says what is known.
    """
    first = processes[0].poll()
    if first is not None and first > 0:
        return first
    code = processes[failed].returncode
    how = f"ended with exit code {code}"
    if code < 0:
        how = f"was killed by signal {-code}"
        if -code == signal.SIGKILL:
            how += ", which a system also sends when memory runs out"
    said = _last_line(log) if failed else ""
    raise Stopped(
        f"process {failed + 1} of {len(processes)} {how}{f': {said}' if said else ''}. "
        "brie ls names the run, which goes on with: brie train --resume RUN"
    )


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = [line for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else ""


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End what still runs."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    until = time.monotonic() + _SECONDS_TO_END
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def brie_again() -> list[str]:
    """This very command, for a process of its own."""
    return [sys.executable, "-m", "brie", *sys.argv[1:]]
