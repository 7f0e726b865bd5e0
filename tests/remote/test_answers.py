"""An evaluation's answers made elsewhere: sealed here, judged here, and the same as if made here."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.project import Project
from brie.records import Environment
from brie.remote.answering import environment_of, refuse_another
from brie.remote.launcher import Offer
from tests.commands import brie
from tests.remote.conftest import Machine, needs_ssh
from tests.remote.jobs import ON, TRAIN, only_job
from tests.train.world import make_project

EVAL = (
    "eval", "--suite", "demo", "--candidate", "near:best", "--judge", "reference", "--samples", "1",
    "--max-new-tokens", "6", "--controls", "0", "--device", "cpu",
)  # fmt: skip


@needs_ssh
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_answers_made_elsewhere_are_those_that_would_be_made_here(
    tmp_path: Path, box: Machine, env: dict[str, str]
) -> None:
    project = make_project(tmp_path / "here")
    assert brie(project.root, *TRAIN, "--name", "near", env=env).returncode == 0
    on = (*ON, "--remote-python", sys.executable, "--yes")
    done = brie(project.root, *EVAL, "--stop-after", "generate", *on, env=env)
    assert done.returncode == 0, done.stderr
    name = str(only_job(project).result)
    assert f"brie judge {name}" in done.stdout
    again = brie(project.root, "generate", name, env=env)
    assert "no answer was missing" in again.stdout
    assert brie(project.root, "judge", name, env=env).returncode == 0
    verified = brie(project.root, "verify", name, "--regenerate", "5", env=env)
    assert verified.returncode == 0, verified.stdout
    here = brie(project.root, *EVAL, "--json", env=env)
    assert (here.returncode, json.loads(here.stdout)["id"]) == (0, name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--stop-after generate"),
        (("--stop-after", "seal"), "--stop-after generate"),
        (("--stop-after", "generate", "--suite", "smoke"), "the answers of one evaluation"),
    ],
)
def test_only_the_answers_of_a_single_evaluation_are_made_elsewhere(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = brie(Project(tmp_path).root, "eval", "--suite", "demo", *ON, *words)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def test_a_plan_is_made_for_what_the_machine_has() -> None:
    ampere = Offer("a card", device="cuda", native_bfloat16=True)
    environment, reason = environment_of(ampere, "ssh:box", device=None, dtype=None)
    assert (environment.device, environment.dtype) == ("cuda", "bfloat16")
    assert "ssh:box" in reason
    turing = Offer("a card", device="cuda", native_bfloat16=False)
    assert environment_of(turing, "ssh:box", device=None, dtype=None)[0].dtype == "float32"
    on_cpu = environment_of(ampere, "ssh:box", device="cpu", dtype=None)[0]
    assert (on_cpu.device, on_cpu.dtype) == ("cpu", "float32")
    with pytest.raises(UsageError, match="no device 'mps'; it has cuda"):
        environment_of(ampere, "ssh:box", device="mps", dtype=None)
    with pytest.raises(UsageError, match="--device cuda"):
        environment_of(Offer("unknown"), "sky", device=None, dtype=None)
    with pytest.raises(UsageError, match="--dtype bfloat16"):
        environment_of(Offer("a card", device="cuda"), "sky", device=None, dtype=None)


def test_a_sealed_plan_is_not_answered_by_another_kind_of_machine() -> None:
    sealed = Environment(dtype="bfloat16", device="cuda", sampler="2")
    with pytest.raises(UsageError, match="has no device 'cuda'; it has cpu"):
        refuse_another(sealed, Offer("cores", device="cpu"), "ssh:box")
    refuse_another(sealed, Offer("a card", device="cuda", native_bfloat16=True), "ssh:box")
