"""A server that brie starts for a file: asked under its own name, stopped however brie ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from brie.digest import digest
from brie.errors import UsageError
from brie.generate.engine import Request
from brie.generate.started import NAME, PORT, Started, StartedEngine
from brie.records import Message, Sampling
from tests.fakes.llama_server import install

PIN = digest("a file")


def started(folder: Path, name: str = "a.gguf") -> Started:
    install(folder / "bin")
    command = (
        str(folder / "bin" / "llama-server"), "-m", str(folder / name), "--host", "127.0.0.1",
        "--port", PORT, "--alias", NAME,
    )  # fmt: skip
    return Started(folder / name, command, f"llama.cpp {name}")


def running(folder: Path) -> list[int]:
    """Processes whose command line names a folder."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    lines = (line.split(maxsplit=1) for line in listed.stdout.splitlines()[1:])
    return [int(pid) for pid, command in lines if str(folder) in command and int(pid) != os.getpid()]


def nothing_runs(folder: Path) -> bool:
    """Whether every process of a folder ends within a while."""
    end = time.monotonic() + 120
    while running(folder):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_answers_come_from_the_server_and_it_is_gone_afterwards(tmp_path: Path) -> None:
    assert_answers(started(tmp_path), "llama.cpp a.gguf")
    assert nothing_runs(tmp_path)


def test_variables_and_the_name_of_a_file_move_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST", "203.0.113.1")
    monkeypatch.setenv("PORT", "1")
    assert_answers(started(tmp_path, "a, {port}.gguf"), "llama.cpp a, {port}.gguf")


def assert_answers(what: Started, label: str) -> None:
    question = (Message(role="user", content="What is rain?"),)
    request = Request(digest("key"), PIN, None, question, digest("prompt"), 0, Sampling())
    with StartedEngine(what, [PIN]) as engine:
        (completion,) = engine.generate([request])
        assert running(what.file.parent)
    assert completion.text.startswith("a-")
    assert engine.server.label == label


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"llama.cpp broken.gguf did not start.*tensors are not there"):
        StartedEngine(started(tmp_path, "broken.gguf"), [PIN])
    assert nothing_runs(tmp_path)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_does_not_outlive_a_killed_brie(ending: signal.Signals, tmp_path: Path) -> None:
    install(tmp_path / "bin")
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from brie.generate.started import StartedEngine\n"
        "from tests.generate.test_started import PIN, started\n"
        "engine = StartedEngine(started(Path(sys.argv[1])), [PIN])\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert running(tmp_path)
        process.send_signal(ending)
    assert nothing_runs(tmp_path)
