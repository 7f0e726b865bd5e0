"""A GGUF file that llama.cpp answers for: pinned by its bytes, judged, and what is said without it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from brie.api import evaluate
from brie.ci.verify import verify
from brie.errors import PinError, UsageError
from brie.evaluation.request import EvalRequest
from brie.evaluation.results import Outcome
from brie.evaluation.sides import resolve_side
from brie.forms.llama_server import find_llama_server
from brie.forms.tools import ENVIRONMENT, LLAMA
from brie.pin import packaged_base
from brie.project import Project
from tests.fakes.llama_server import VERSION, install
from tests.fidelity.gguf_file import write_gguf
from tests.flow.world import Quiet

PROMPTS = "What is rain?\nDescribe the garden.\nWrite a note to a guest.\nTell me of the sea.\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("llama")
    (root / "brie.toml").write_text("", "utf-8")
    (root / "mine.txt").write_text(PROMPTS, "utf-8")
    base, rope = packaged_base("tiny"), 10_000.0
    write_gguf(base, root / "one.gguf", "Q8_0", rope_base=rope)
    write_gguf(base, root / "two.gguf", "Q4_0", rope_base=rope)
    write_gguf(base, root / "mute.gguf", without=["chat_template"], rope_base=rope)
    read = (root / "one.gguf").read_bytes()
    (root / "other.gguf").write_bytes(read.replace(b"qwen2", b"qwen9"))
    return Project(root)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", install(tmp_path / "bin"))


@pytest.fixture
def missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "tools"))
    if LLAMA.python() is not None:
        pytest.skip("llama-cpp-python is installed beside brie")


def wish(project: Project, candidate: str, baseline: str) -> EvalRequest:
    return EvalRequest(
        suite=str(project.root / "mine.txt"), candidate=candidate, baseline=baseline,
        judges=("longer",), samples=1, controls=0, max_new_tokens=8,
    )  # fmt: skip


def ask(project: Project, candidate: str, baseline: str) -> Outcome:
    return evaluate(wish(project, candidate, baseline), project, screen=Quiet())


@pytest.mark.usefixtures("installed")
def test_two_files_are_answered_by_servers_judged_and_verified(project: Project) -> None:
    outcome = ask(project, "llama.cpp:one.gguf", "llama.cpp:two.gguf")
    plan = outcome.evaluation.manifest.plan
    assert plan.environment.engine == "llama.cpp"
    assert plan.environment.programs == {"llama.cpp": f"llama-server {VERSION}"}
    assert (plan.candidate.kind, plan.candidate.read_by) == ("model", "llama.cpp")
    assert all(finding.holds for finding in verify(outcome.evaluation, project))
    assert outcome.completions == 8
    assert ask(project, "llama.cpp:one.gguf", "llama.cpp:two.gguf").completions == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_real_server_answers_as_transformers_does(project: Project) -> None:
    if find_llama_server() is None:
        pytest.skip("no server of llama.cpp is installed")
    write_gguf(packaged_base("tiny"), project.root / "float.gguf", rope_base=10_000.0)
    asked = wish(project, "llama.cpp:float.gguf", "float.gguf")
    asked = replace(asked, temperature=0.0, max_new_tokens=24)
    outcome = evaluate(asked, project, screen=Quiet())
    assert outcome.analysis.counts.identical == outcome.analysis.counts.comparisons == 4


@pytest.mark.slow
@pytest.mark.usefixtures("installed")
def test_a_file_by_llama_and_the_same_by_transformers_are_two_sides(project: Project) -> None:
    outcome = ask(project, "llama.cpp:one.gguf", "one.gguf")
    plan = outcome.evaluation.manifest.plan
    assert plan.candidate.digest != plan.baseline.digest
    assert plan.candidate.template_digest == plan.baseline.template_digest
    checks = {check.id: check for check in outcome.analysis.checks}
    assert checks["conditions"].status == "warn"
    assert "answered by llama.cpp" in checks["conditions"].summary


@pytest.mark.usefixtures("installed")
def test_a_file_that_transformers_does_not_read_is_read_by_llama(project: Project) -> None:
    side = resolve_side("other.gguf", project)
    assert (side.reference, side.pin.read_by) == ("llama.cpp:other.gguf", "llama.cpp")
    assert "transformers cannot read" in side.notes[0]
    assert side.notes[1].startswith(f"other.gguf (q8_0) is answered by llama-server {VERSION}, ")


@pytest.mark.usefixtures("missing")
def test_without_a_server_it_is_said_how_to_get_one(project: Project) -> None:
    with pytest.raises(UsageError, match=r"^this needs llama.cpp's server.*llama-cpp-python\[server\]"):
        resolve_side("llama.cpp:one.gguf", project)
    with pytest.raises(UsageError, match=r"^transformers cannot read .*; this needs llama.cpp's"):
        resolve_side("other.gguf", project)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("named", "error", "words"),
    [
        ("llama.cpp:mute.gguf", PinError, "has no chat template"),
        ("llama.cpp:nobody.gguf", UsageError, "there is no"),
        ("llama.cpp:mine.txt", UsageError, "is no GGUF file"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(
    named: str, error: type[Exception], words: str, project: Project
) -> None:
    with pytest.raises(error, match=words):
        resolve_side(named, project)


@pytest.mark.usefixtures("installed")
def test_what_a_server_draws_is_not_paired_and_its_sampling_is_not_known(project: Project) -> None:
    paired = replace(wish(project, "llama.cpp:one.gguf", "one.gguf"), paired_noise=True)
    own = replace(wish(project, "llama.cpp:one.gguf", "llama.cpp:two.gguf"), sampling="model")
    with pytest.raises(UsageError, match="is behind a server, which draws for itself"):
        evaluate(paired, project, screen=Quiet())
    with pytest.raises(UsageError, match="give --temperature"):
        evaluate(own, project, screen=Quiet())
