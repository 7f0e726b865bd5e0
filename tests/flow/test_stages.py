"""An evaluation stage by stage: sealed here, answered there, judged later, held at a gate."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from brie.report.clean import without_paths
from tests.commands import brie
from tests.flow.bench import SECRET, Bench
from tests.flow.conftest import Demo

ASK = ("eval", "--suite", "smoke", "--judge", "distinct", "--samples", "1", "--max-new-tokens", "8")


@pytest.fixture(scope="module")
def sealed(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A project with an evaluation that is only sealed, and its id."""
    folder = demo.copy(tmp_path_factory.mktemp("stages") / "project")
    done = brie(folder, *ASK, "--stop-after", "seal")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout.strip()


@pytest.mark.slow
def test_the_stages_come_to_what_one_command_comes_to(sealed: tuple[Path, str]) -> None:
    folder, name = sealed
    manifest = json.loads((folder / "runs" / name / "manifest.json").read_text("utf-8"))
    assert "--stop-after" not in manifest["command"]
    early = brie(folder, "judge", name)
    assert early.returncode == 2
    assert "brie generate" in early.stderr
    made = brie(folder, "generate", name)
    # Two sides of twelve prompts, and a second answer of the baseline for the control.
    assert "36 answers" in made.stdout, made.stderr
    assert "no answer was missing" in brie(folder, "generate", name).stdout
    assert brie(folder, "judge", name).returncode == 0
    staged = json.loads((folder / "runs" / name / "analysis.json").read_text("utf-8"))
    again = brie(folder, *ASK, "--json")
    assert "nothing was missing" in again.stderr
    whole = json.loads(again.stdout)
    assert whole["id"] == name
    assert whole["win_rate"] == staged["win_rate"]
    shown = json.loads(brie(folder, "analyse", name, "--json").stdout)
    assert shown["win_rate"] == whole["win_rate"]


def test_another_plan_says_what_sets_it_apart(sealed: tuple[Path, str]) -> None:
    folder, name = sealed
    other = brie(folder, *ASK, "--temperature", "0.5", "--stop-after", "seal")
    assert f"another evaluation than {name}: temperature (0.5, was " in " ".join(other.stderr.split())


def test_a_gate_answers_by_its_exit_code(demo: Demo) -> None:
    name = next(path.name for path in (demo.folder / "runs").glob("eval-demo-*"))
    assert brie(demo.folder, "gate", name, "--require", "better").returncode == 0
    unknown = brie(demo.folder, "gate", "eval-nothing", "--require", "better")
    assert unknown.returncode == 2


def test_a_plan_of_another_machine_is_refused_by_name(sealed: tuple[Path, str]) -> None:
    folder, _ = sealed
    done = brie(folder, *ASK, "--device", "mps")
    assert done.returncode == 2
    assert "no device 'mps' on this machine" in done.stderr


@pytest.mark.parametrize("below", [".", "notes"])
def test_what_goes_on_with_a_model_outside_the_project_can_be_given_as_it_is_printed(
    bench: Bench,
    models: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    below: str,
) -> None:
    outside = tmp_path_factory.mktemp("kept elsewhere") / "mine"
    shutil.copytree(models / SECRET, outside)
    (bench.folder / below).mkdir(exist_ok=True)
    monkeypatch.chdir(bench.folder / below)
    asked = (
        "--suite",
        str(bench.folder / "small.toml"),
        "--candidate",
        str(outside),
        "--judge",
        "claude",
    )
    sealed = bench.call("eval", *asked, "--samples", "1", "--stop-after", "seal")
    assert sealed.code == 0, sealed.err
    printed = sealed.err.replace(" \\\n", " ").partition("resume with the same command: ")[2]
    words = shlex.split(printed.partition("\n")[0])
    assert words[:2] == ["brie", "eval"]
    again = bench.call(*words[1:], "--stop-after", "seal")
    assert f"going on with {sealed.out.strip()}" in " ".join(again.err.split())
    recorded = bench.manifest()["command"]
    assert shlex.split(recorded) == words
    assert str(outside.parent) not in without_paths(recorded)
