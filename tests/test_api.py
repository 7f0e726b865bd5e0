"""The Python API: the same numbers as the command line, with nothing heavy at import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import brie
from brie.checks import CHECKS


def test_everything_named_is_there() -> None:
    for name in brie.__all__:
        assert getattr(brie, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        _ = brie.evalute


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, brie; print([m for m in ('torch', 'numpy', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_files_of_other_tools_are_audited(tmp_path: Path) -> None:
    rows = [{"question": f"q{n}", "choice": "candidate" if n % 4 else "tie"} for n in range(24)]
    file = tmp_path / "judged.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = brie.audit_files([file], columns={"prompt": "question", "winner": "choice"}, claim=0.9)
    assert found.win_rate is not None
    assert found.win_rate.value == pytest.approx(0.875)
    assert len(found.checks) == len(CHECKS)
    with pytest.raises(brie.BrieError, match="cannot be read: No such file"):
        brie.audit_files([tmp_path / "gone.jsonl"])
