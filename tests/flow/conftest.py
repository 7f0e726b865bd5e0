"""A project in which `brie demo` has run once, shared by all end-to-end tests."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands import brie
from tests.flow.bench import bench, models  # noqa: F401  - fixtures


@dataclass(frozen=True)
class Demo:
    """A finished demo: its folder, what it printed, and how long it took."""

    folder: Path
    output: str
    messages: str
    seconds: float

    def copy(self, to: Path) -> Path:
        """The project again, to be damaged."""
        shutil.copytree(self.folder, to, symlinks=True)
        return to


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`brie demo` in an empty folder outside the checkout."""
    folder = tmp_path_factory.mktemp("project")
    start = time.monotonic()
    done = brie(folder, "demo")
    assert done.returncode == 0, done.stderr
    return Demo(folder, done.stdout, done.stderr, time.monotonic() - start)
