"""A process killed while it merges leaves all of it or nothing, and the next one finishes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from brie.bundle import unbundle
from brie.evaluation.folders import evaluations
from brie.project import Project
from tests.bundle.conftest import rows

_CODE = """
import sys
from pathlib import Path
from brie.bundle import unbundle
from brie.project import Project
print("ready", flush=True)
unbundle(Path(sys.argv[1]), Project(Path(sys.argv[2])))
"""


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.3])
def test_a_killed_merge_is_whole_or_absent(
    file: Path, empty: Project, tmp_path: Path, seconds: float
) -> None:
    whole = Project(tmp_path / "whole")
    whole.root.mkdir()
    unbundle(file, whole)
    process = subprocess.Popen(
        [sys.executable, "-c", _CODE, str(file), str(empty.root)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(seconds)
    process.kill()
    process.wait()
    process.stdout.close()
    left = rows(empty)
    assert left in ({}, rows(whole))
    assert left or not evaluations(empty)
    unbundle(file, empty)
    assert rows(empty) == rows(whole)
    assert len(evaluations(empty)) == 1
