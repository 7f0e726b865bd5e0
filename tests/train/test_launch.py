"""One process a GPU: they find one another, end together, and say so with one exit code."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from brie.errors import Stopped
from brie.train.launch import launch

WAITING = "import time\nwhile True: time.sleep(.05)"


def python(script: str) -> list[str]:
    return [sys.executable, "-c", f"import os, sys\nrank = int(os.environ['RANK'])\n{script}"]


def test_each_process_knows_its_place_and_where_to_meet(tmp_path: Path) -> None:
    script = f"""
names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
open(os.path.join({str(tmp_path)!r}, str(rank)), "w").write(" ".join(os.environ[n] for n in names))
"""
    assert launch(python(script), 3) == 0
    places = [(tmp_path / str(rank)).read_text().split() for rank in range(3)]
    assert [place[:3] for place in places] == [[str(r), str(r), "3"] for r in range(3)]
    assert len({tuple(place[3:]) for place in places}) == 1


def test_the_first_ones_exit_code_is_the_commands() -> None:
    assert launch(python("sys.exit(2)"), 2) == 2


def test_a_killed_process_ends_the_others_and_is_named() -> None:
    script = f"import signal\nif rank == 1: os.kill(os.getpid(), signal.SIGKILL)\n{WAITING}"
    command = python(f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_DFL)\n{script}")
    with pytest.raises(Stopped, match=r"process 2 of 2 was killed by signal 9.*memory"):
        launch(command, 2, follow=0.2)


def test_what_a_silent_process_said_is_told() -> None:
    script = f"if rank == 1: sys.exit('no such device')\n{WAITING}"
    with pytest.raises(Stopped, match="process 2 of 2 ended with exit code 1: no such device"):
        launch(python(script), 2, follow=0.2)


def launching(script: str, folder: Path) -> int:
    """A command that launches two processes, each up by now; its process id."""
    import torch.distributed  # noqa: F401 - before the fork, so that it costs once

    pid = os.fork()
    if not pid:
        code = 70
        with suppress(BaseException):
            code = launch([sys.executable, "-c", script, str(folder)], 2)
        os._exit(code)
    while not all((folder / f"up{rank}").exists() for rank in range(2)):
        assert os.waitpid(pid, os.WNOHANG) == (0, 0)
        time.sleep(0.02)
    return pid


def test_an_interrupt_reaches_every_process_once(tmp_path: Path) -> None:
    script = """
import os, pathlib, signal, sys, time
folder, rank, times = pathlib.Path(sys.argv[1]), os.environ["RANK"], []
signal.signal(signal.SIGINT, lambda *_: times.append(1))
(folder / f"up{rank}").touch()
while not times: time.sleep(.02)
(folder / f"told{rank}").write_text(str(len(times)))
sys.exit(3)
"""
    pid = launching(script, tmp_path)
    os.kill(pid, signal.SIGINT)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    assert [(tmp_path / f"told{rank}").read_text() for rank in range(2)] == ["1", "1"]


def test_processes_end_with_a_command_that_was_killed(tmp_path: Path) -> None:
    script = """
import os, pathlib, signal, sys, time
from brie.train.launch import end_with_launcher
folder, rank = pathlib.Path(sys.argv[1]), os.environ["RANK"]
def end(*_):
    (folder / f"ended{rank}").touch()
    os._exit(0)
signal.signal(signal.SIGTERM, end)
end_with_launcher()
(folder / f"up{rank}").touch()
while True: time.sleep(.02)
"""
    pid = launching(script, tmp_path)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while not all((tmp_path / f"ended{rank}").exists() for rank in range(2)):
        time.sleep(0.02)
