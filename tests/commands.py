"""`brie` as a user runs it, in a process of its own that need not import everything again.

A command that trains or generates spends some five seconds on imports, and the tests run some
hundreds of commands. So one process per pytest process imports the libraries (never brie), and
forks for every command: the child has its own folder, environment, output and exit code, runs
`python -m brie` from the checkout, and can be killed. Where a library reads something at import
(`AT_IMPORT`) and a command wants it otherwise, the command gets an ordinary process.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

LIBRARIES = (
    "anthropic", "datasets", "jinja2", "matplotlib.pyplot", "openai", "peft", "pydantic",
    "rich.console", "sacrebleu", "scipy.optimize", "scipy.special", "scipy.stats",
    "sklearn.linear_model", "torch", "transformers",
    "transformers.models.qwen2.modeling_qwen2", "trl",
)  # fmt: skip
AT_IMPORT = (
    "CUDA",
    "HF_",
    "HUGGINGFACE",
    "MKL",
    "MPL",
    "OMP",
    "OPENBLAS",
    "PYTHON",
    "TORCH",
    "TRANSFORMERS",
)


def brie(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 280
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; its output, messages and exit code.

    Raises `subprocess.TimeoutExpired` after so many seconds; the command is killed then.
    """
    wanted = dict(os.environ if env is None else env)
    if _at_import(wanted) != _started_with():
        command = [sys.executable, "-m", "brie", *arguments]
        return subprocess.run(
            command, cwd=folder, env=wanted, capture_output=True, text=True, timeout=timeout, check=False
        )
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        code = _ask(folder, list(arguments), wanted, (out.fileno(), err.fileno()), timeout)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode().replace("\r\n", "\n"))
    return subprocess.CompletedProcess(["brie", *arguments], code, *texts)


def _at_import(env: Mapping[str, str]) -> dict[str, str]:
    """What of an environment libraries read when they are imported."""
    return {n: v for n, v in env.items() if n.startswith(AT_IMPORT) and n != "PYTHONPATH"}


@functools.cache
def _started_with() -> dict[str, str]:
    return _at_import(os.environ)


@functools.cache
def _address() -> str:
    """Where the process that forks is asked; it ends with this one, whose end of the pipe closes."""
    folder = tempfile.mkdtemp(prefix="brie-commands-")
    address = str(Path(folder, "socket"))
    started = subprocess.Popen(
        [sys.executable, str(Path(__file__)), address], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, **_started_with()}, start_new_session=True,
    )  # fmt: skip
    atexit.register(_end, started, folder)
    assert started.stdout is not None
    assert started.stdout.readline() == b"ready\n"
    return address


def _end(started: subprocess.Popen[bytes], folder: str) -> None:
    started.kill()
    started.wait()
    with contextlib.suppress(OSError):
        Path(folder, "socket").unlink()
        Path(folder).rmdir()


def _ask(
    folder: Path, arguments: list[str], env: dict[str, str], outputs: tuple[int, int], timeout: float
) -> int:
    """The exit code of a command, or minus the signal that ended it."""
    request = json.dumps([str(folder), arguments, env]).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(timeout)
        line.connect(_address())
        line.sendmsg([len(request).to_bytes(8, "big")],
                     [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", outputs))])  # fmt: skip
        line.sendall(request)
        answer = line.makefile("rb")
        process = int(answer.readline())
        try:
            return int(answer.readline())
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            raise subprocess.TimeoutExpired(["brie", *arguments], timeout) from None


def serve(address: str) -> list[str] | None:
    """Fork for every request; in a child that is to run a command, the command's arguments.

    `None` in every other process: its work is done.
    """
    for name in LIBRARIES:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, _collect)
    gc.collect()
    gc.freeze()  # what is imported is never collected, so a child shares its memory
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(address)
        server.listen(64)
        print("ready", flush=True)
        while server in select.select([server, sys.stdin], [], [])[0]:
            line, _ = server.accept()
            if os.fork() == 0:
                server.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                return _one(line)
            line.close()
    return None


def _collect(_signal: int, _frame: FrameType | None) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _one(line: socket.socket) -> list[str] | None:
    """Run one request in a child, and answer with its number and then its exit code."""
    size, rights, _, _ = line.recvmsg(8, socket.CMSG_SPACE(8))
    outputs = array.array("i", rights[0][2][:8])
    length, request = int.from_bytes(size, "big"), b""
    while len(request) < length:
        request += line.recv(length - len(request))
    folder, arguments, env = json.loads(request)
    child = os.fork()
    if child == 0:
        line.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in enumerate((nothing, *outputs)):
            os.dup2(source, target)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(env)
        return [str(word) for word in arguments]
    line.sendall(f"{child}\n".encode())
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        line.sendall(f"{status}\n".encode())
    return None


def run(arguments: list[str]) -> int:
    """`python -m brie` to its exit code, without taking every imported library apart at the end."""
    sys.argv = ["brie", *arguments]
    first = [str(Path.cwd()), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    sys.path[:] = dict.fromkeys([*filter(None, first), *sys.path[1:]])
    code: int | str | None = 0
    try:
        runpy.run_module("brie", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
        code = 1
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    asked = serve(sys.argv[1])
    if asked is None:
        os._exit(0)
    os._exit(run(asked))
