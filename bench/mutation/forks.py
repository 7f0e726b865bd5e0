"""One mutant, one forked process: libraries are imported once, brie and its tests anew each time."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

from bench.mutation.sites import Mutant
from bench.mutation.trees import PYTEST, environment

LOG = "mutant.log"
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
    """A process that runs the tests of one mutant, in a tree that holds it meanwhile."""

    tree: Path
    mutant: Mutant
    pid: int
    started: float
    limit: float
    """Seconds after which it is killed."""
    before: bytes
    """The file as it was."""
    written: int
    """When that was last changed, in nanoseconds."""

    @classmethod
    def start(cls, tree: Path, mutant: Mutant, tests: Sequence[str], limit: float) -> Fork:
        """Put the mutant into the tree and run tests until the first fails."""
        path = tree / mutant.site.file
        before, written = path.read_bytes(), path.stat().st_mtime_ns
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()
        path.write_text(mutant.source, "utf-8")
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            _child(tree, tests)
        return cls(tree, mutant, pid, time.monotonic(), limit, before, written)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    def ended(self) -> Outcome | None:
        """What came of it, the tree as it was; None while it runs.

        Raises:
            SystemExit: the tests could not be run at all.
        """
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        late = self.seconds > self.limit
        if pid == 0 and not late:
            return None
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if pid == 0:
            os.waitpid(self.pid, 0)
        path = self.tree / self.mutant.site.file
        path.write_bytes(self.before)
        os.utime(path, ns=(self.written, self.written))
        return "timeout" if pid == 0 else self._read(os.waitstatus_to_exitcode(status))

    def noticed(self) -> str:
        """The test that failed, once it has ended; "" where none did or nothing could be collected."""
        said = (self.tree / LOG).read_text("utf-8", "replace")
        found = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
        return found[1] if found else ""

    def _read(self, code: int) -> Outcome:
        said = (self.tree / LOG).read_text("utf-8", "replace")
        if code == 70 or (code == 4 and "usage:" in said):
            raise SystemExit(f"the chosen tests could not be run:\n{said[-2000:]}")
        return "survived" if code == 0 else "killed"


def _child(tree: Path, tests: Sequence[str]) -> None:
    code = 70
    try:
        os.setsid()
        sink = os.open(tree / LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
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
