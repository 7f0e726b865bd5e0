"""The Python API: the same numbers as the command line, with nothing heavy at import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import brie
from brie.checks import CHECKS
from brie.cli import cli
from tests.data.rows import row, write


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


def test_a_function_that_shares_its_name_with_a_package_is_that_package_called() -> None:
    """A package hides a function of its name as soon as something of it is imported."""
    source = Path(brie.__file__).parent
    rooms = {path.stem for path in source.iterdir() if path.suffix in ("", ".py")}
    shared = rooms & set(brie.__all__)
    assert shared == {"audit", "train"}
    for name in shared:
        code = (
            f"import brie; from brie.{name} import __doc__; import sys; "
            f"module = sys.modules['brie.{name}']; "
            f"print(callable(brie.{name}), brie.{name} is module, 'torch' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["True", "True", "False"]


def test_names_are_sorted_and_each_has_a_home() -> None:
    assert brie.__all__ == sorted(brie.__all__)
    for name in brie.__all__:
        if name != "__version__":
            assert getattr(brie, name).__module__.partition(".")[0] == "brie"
            assert getattr(brie, name).__doc__


def test_a_plan_is_the_document_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["plan", "--suite", "demo", "--samples", "2", "--json"])
    designs = brie.plan_table("demo", samples=(2, 2))
    assert designs.document().written() == json.loads(done.stdout)
    assert len(designs.rows) == 2


def test_a_training_file_is_checked_and_split(tmp_path: Path) -> None:
    rows = [row(f"Question {n // 2}?", f"Answer {n}.") for n in range(12)]
    file = write(tmp_path / "my.jsonl", rows)
    report = brie.data_check(file, size="tiny", project=brie.Project.find(tmp_path))
    assert (report.ok, report.rows, report.prompts) == (True, 12, 6)
    assert report.lengths is not None
    assert brie.data_check(file).lengths is None
    halves, files = brie.data_split(file, share=0.3)
    assert len(halves.train) + len(halves.val) == 12
    assert [path.name for path in files] == ["my.train.jsonl", "my.val.jsonl"]
    assert brie.data_overlap(files[1], files[0]).exact == 0
    assert brie.data_overlap(files[1], file).exact == brie.data_overlap(files[1], file).prompts
    with pytest.raises(brie.BrieError, match="exists; move it away"):
        brie.data_split(file, share=0.3)


def test_a_suite_is_checked_and_judges_are_listed(tmp_path: Path) -> None:
    project = brie.Project.find(tmp_path)
    report = brie.suite_check("demo", project)
    assert report.tables["categories"].total() == len(report.suite.prompts)
    assert report.detectable[3] is not None
    assert {row["id"] for row in brie.judges_list(project)["judges"]} >= {"reference", "longer"}
    with pytest.raises(brie.BrieError, match="unknown suite 'nowhere'"):
        brie.suite_check("nowhere", project)
