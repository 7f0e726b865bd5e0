"""What a test starts in a process of its own is this checkout's brie, not an installed one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import brie

SOURCE = Path(__file__).parents[1] / "src" / "brie"
CALLED = """
import runpy, sys
sys.argv = ["brie", "--version"]
try:
    runpy.run_module("brie", run_name="__main__", alter_sys=True)
finally:
    print(sys.modules["brie.cli"].__file__)
"""


def _said(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def test_brie_is_imported_from_this_checkout_here_and_in_other_processes(tmp_path: Path) -> None:
    assert Path(brie.__file__) == SOURCE / "__init__.py"
    assert Path(_said(tmp_path, "-c", "import brie; print(brie.__file__)")) == SOURCE / "__init__.py"


def test_python_m_brie_is_this_checkouts_command(tmp_path: Path) -> None:
    assert Path(_said(tmp_path, "-c", CALLED)) == SOURCE / "cli" / "__init__.py"
