"""One mutant, one forked process: libraries are imported once, brie and its tests anew each time."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

from bench.mutation.sites import Mutant
from bench.mutation.trees import PYTEST, environment

Outcome = Literal["killed", "timeout", "survived"]
LIBRARIES = (
    "anthropic", "click", "hypothesis", "jinja2", "matplotlib.figure", "numpy", "openai", "pydantic",
    "pytest", "scipy.stats", "sklearn.metrics", "starlette.testclient", "statsmodels.api", "uvicorn",
    "genai_prices", "sacrebleu", "rich.console", "_hypothesis_pytestplugin", "pytest_timeout",
)  # fmt: skip
"""What tests import besides brie: a fork has it already."""


def warm() -> None:
    """Import what every fork would import by itself."""
    if any(name == "brie" or name.startswith("brie.") for name in sys.modules):
        raise RuntimeError("brie is imported already: a fork would test that one")
    for name in LIBRARIES:
        with suppress(ImportError):
            import_module(name)


@dataclass
class Fork:
    """A process that runs a mutant's tests."""

    pid: int
    log: Path
    deadline: float

    def ended(self) -> Outcome | None:
        """What came of it; None while it runs.

        Raises:
            SystemExit: the tests could not be run at all.
        """
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            if time.monotonic() < self.deadline:
                return None
            self._kill()
            os.waitpid(self.pid, 0)
            return "timeout"
        self._kill()
        code = os.waitstatus_to_exitcode(status)
        text = self.log.read_text("utf-8", "replace")
        if code == 5 or (code == 4 and "not found:" in text):
            raise SystemExit(f"the chosen tests do not exist:\n{text[-2000:]}")
        return "survived" if code == 0 else "killed"

    def _kill(self) -> None:
        """The process and all it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


@contextmanager
def changed(tree: Path, mutant: Mutant) -> Iterator[None]:
    """The tree with the mutant in it; afterwards as it was."""
    path = tree / mutant.site.file
    before, times = path.read_bytes(), path.stat()
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()
    path.write_text(mutant.source, "utf-8")
    try:
        yield
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def start(tree: Path, tests: Sequence[str], limit: float) -> Fork:
    """Run tests in a tree until the first fails.

    Args:
        tree: a copy of the checkout.
        tests: ids of tests.
        limit: seconds after which the process is killed.
    """
    log = tree / "mutant.log"
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _child(tree, tests, log)
    return Fork(pid, log, time.monotonic() + limit)


def _child(tree: Path, tests: Sequence[str], log: Path) -> None:
    code = 70
    try:
        os.setsid()
        sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for number in (1, 2):
            os.dup2(sink, number)
        os.chdir(tree)
        os.environ.update(environment(tree, PYTHONDONTWRITEBYTECODE="1"))
        sys.dont_write_bytecode = True
        sys.path[:] = [str(tree / "src"), str(tree), *sys.path]
        import pytest

        code = int(pytest.main([*PYTEST, "-x", "--no-header", *tests]))
    finally:
        os._exit(code)
