"""Bundles from the command line: the demo's evaluation and run on another machine."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.commands import brie
from tests.flow.conftest import Demo


def named(demo: Demo, start: str) -> str:
    (found,) = (demo.folder / "runs").glob(f"{start}-*")
    return found.name


@pytest.mark.slow
def test_an_evaluation_on_another_machine(demo: Demo, tmp_path: Path) -> None:
    name = named(demo, "eval")
    out, other = tmp_path / "theirs.zip", tmp_path / "other"
    other.mkdir()
    done = brie(demo.folder, "bundle", name.rsplit("-", 1)[-1], "-o", str(out))
    assert done.returncode == 0, done.stderr
    done = brie(other, "verify", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(other.iterdir()) == []
    done = brie(other, "unbundle", str(out))
    assert done.returncode == 0, done.stderr
    for part in (f"runs/{name}/analysis.json", f"reports/{name}/index.html"):
        assert (other / part).read_bytes() == (demo.folder / part).read_bytes()
    for verb in ("verify", "report", "verify"):
        done = brie(other, verb, name)
        assert done.returncode == 0, done.stdout + done.stderr
    again = json.loads((other / "runs" / name / "analysis.json").read_text())
    first = json.loads((demo.folder / "runs" / name / "analysis.json").read_text())
    assert {**again, "created": ""} == {**first, "created": ""}


@pytest.mark.slow
def test_a_run_with_its_best_adapter_on_another_machine(demo: Demo, tmp_path: Path) -> None:
    name = named(demo, "train")
    other = tmp_path / "other"
    other.mkdir()
    for flags in ([], ["--adapter"]):
        out = tmp_path / f"run{len(flags)}.zip"
        done = brie(demo.folder, "bundle", name, "-o", str(out), *flags)
        assert done.returncode == 0, done.stderr
    assert brie(other, "verify", str(out)).returncode == 0
    done = brie(other, "unbundle", str(out))
    assert done.returncode == 0, done.stderr
    done = brie(other, "pin", "demo:best")
    assert done.returncode == 0, done.stderr
    pin = json.loads((demo.folder / "runs" / name / "pins" / "best.json").read_text())
    assert pin["digest"][7:19] in done.stdout
    assert "already" in brie(other, "unbundle", str(out)).stdout
    listing = brie(other, "ls").stdout
    assert name in listing
    with zipfile.ZipFile(out) as archive:
        assert all(str(demo.folder).encode() not in archive.read(n) for n in archive.namelist())


def test_names_that_mean_nothing_or_two_things(demo: Demo, tmp_path: Path) -> None:
    both = brie(demo.folder, "bundle", "demo")
    assert both.returncode == 2
    assert named(demo, "eval") in both.stderr
    assert named(demo, "train") in both.stderr
    for arguments in (["bundle", "nothing"], ["unbundle", "nothing.zip"], ["verify", "nothing.zip"]):
        done = brie(demo.folder, *arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("brie: ")
        assert "Traceback" not in done.stderr
    (tmp_path / "b.zip").write_bytes(b"PK nothing")
    done = brie(tmp_path, "unbundle", "b.zip")
    assert done.returncode == 2
    assert "b.zip is no bundle" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]


@pytest.mark.slow
def test_a_curve_reaches_the_report_and_travels(demo: Demo, tmp_path: Path) -> None:
    here = demo.copy(tmp_path / "here")
    name = named(demo, "eval")
    done = brie(here, "curve", "demo", "--suite", "demo", "--panel", "offline")
    assert done.returncode == 0, done.stderr
    page = (here / "reports" / name / "index.html").read_bytes()
    assert b"Over training steps" in page
    assert brie(here, "bundle", name, "-o", "b.zip").returncode == 0
    other = tmp_path / "other"
    other.mkdir()
    assert brie(other, "verify", str(here / "b.zip")).returncode == 0
    assert brie(other, "unbundle", str(here / "b.zip")).returncode == 0
    assert (other / "reports" / name / "index.html").read_bytes() == page
