"""Any two models as the sides of one evaluation, sampled once and never again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from brie.api import evaluate
from brie.ci.verify import verify
from brie.errors import PinError, Stopped, UsageError
from brie.evaluation.request import EvalRequest
from brie.evaluation.results import Outcome
from brie.generate.server_probe import PROBE_TOKENS
from brie.project import Project, packaged
from tests.fakes.openai_server import Body, FakeServer, Reply
from tests.flow.conftest import Demo
from tests.flow.world import Quiet

PROMPTS = "What is rain?\nDescribe the garden.\nWrite a note to a guest.\nTell me of the sea.\n"


@pytest.fixture
def project(demo: Demo, tmp_path: Path) -> Project:
    folder = demo.copy(tmp_path / "project")
    (folder / "mine.txt").write_text(PROMPTS, "utf-8")
    return Project(folder)


def _run(project: Project, candidate: str, baseline: str = "base", **wishes: Any) -> Outcome:
    asked = EvalRequest(
        suite=str(project.root / "mine.txt"),
        candidate=candidate,
        baseline=baseline,
        judges=("longer",),
        **{"samples": 2, "controls": 0, "max_new_tokens": 12, **wishes},
    )
    return evaluate(asked, project, screen=Quiet())


def _sealed(project: Project) -> set[str]:
    return {path.name for path in project.runs.glob("eval-*")}


def test_more_samples_compute_only_what_is_new(project: Project) -> None:
    assert _run(project, "demo:best", samples=3).completions == 4 * 2 * 3
    assert _run(project, "demo:best", samples=5).completions == 4 * 2 * 2
    assert _run(project, "demo:best", samples=5).completions == 0


def test_checkpoints_share_their_baselines_answers(project: Project) -> None:
    assert _run(project, "demo:25").completions == 4 * 2 * 2
    assert _run(project, "demo:50").completions == 4 * 2


@pytest.mark.slow
def test_two_fine_tunes_and_a_fine_tune_against_a_full_model(project: Project) -> None:
    merged = project.root / "merged"
    _merge(project, merged)
    tunes = _run(project, "demo:100", "demo:25")
    assert (tunes.completions, tunes.analysis.counts.missing) == (16, 0)
    full = _run(project, "demo:25", str(merged))
    assert (full.completions, full.analysis.counts.missing) == (8, 0)
    assert full.analysis.baseline is not None
    assert full.analysis.baseline.name == "merged"


def _merge(project: Project, into: Path) -> None:
    from peft import PeftModel

    from brie.pin.weights import load_causal_lm

    base = packaged("models", "tiny")
    (adapter,) = project.runs.glob("train-*/checkpoints/checkpoint-100")
    PeftModel.from_pretrained(
        load_causal_lm(base, "float32"), str(adapter)
    ).merge_and_unload().save_pretrained(into)
    for path in base.iterdir():
        if path.is_file() and not (into / path.name).exists():
            shutil.copy(path, into)


def test_what_cannot_be_answered_is_refused_before_anything_is_sealed(project: Project) -> None:
    before = _sealed(project)
    (project.root / "mine.txt").write_text(PROMPTS + "rain " * 600 + "\n", "utf-8")
    with pytest.raises(UsageError, match=r"context of 512 tokens: \w+ \(\d+ tokens, 'rain rain"):
        _run(project, "demo:best")
    (project.root / "mine.txt").write_text(PROMPTS, "utf-8")
    (adapter,) = project.runs.glob("train-*/checkpoints/checkpoint-100")
    other = project.root / "other"
    shutil.copytree(adapter, other)
    stored = json.loads((packaged("models", "tiny") / "tokenizer.json").read_text("utf-8"))
    words = stored["model"]["vocab"]
    words["a"], words["b"] = words["b"], words["a"]
    (other / "tokenizer.json").write_text(json.dumps(stored), "utf-8")
    with pytest.raises(PinError, match="another one than its base's"):
        _run(project, str(other))
    assert _sealed(project) == before


def test_a_server_that_fails_half_way_is_asked_for_the_rest_by_the_same_call(project: Project) -> None:
    with FakeServer() as fake:
        toml = f'[servers.lab]\nbase_url = "{fake.base_url}"\nconcurrency = 2\n'
        (project.root / "brie.toml").write_text(toml, "utf-8")
        answered: list[Body] = []

        def dies(body: Body) -> Reply | None:
            if "top_k" in body:
                return Reply.error(400, "unexpected field top_k")
            if body["max_tokens"] == PROBE_TOKENS:
                return None
            if len(answered) >= 5:
                return Reply.error(503, "going down", **{"retry-after-ms": "1"})
            answered.append(body)
            return None

        fake.behave = dies
        with pytest.raises(Stopped, match="the same command asks for the rest"):
            _run(project, "server:lab#tuned", "server:lab#base")
        fake.behave = lambda body: Reply.error(400, "no top_k") if "top_k" in body else None
        rest = _run(project, "server:lab#tuned", "server:lab#base")
    assert rest.completions == 4 * 2 * 2 - 5
    made = rest.evaluation.manifest.made
    assert made is not None
    assert made.fingerprints == {"lab#base": {"fp_fake": 8}, "lab#tuned": {"fp_fake": 8}}
    assert made.left_out == {"lab": ("top_k",)}
    checkpoint = next(c for c in rest.analysis.checks if c.id == "checkpoint")
    assert checkpoint.status == "warn"
    # The server is gone now: what was recorded stands, and nothing more is claimed of it.
    said = verify(rest.evaluation, project)
    assert all(finding.holds for finding in said), [f.what for f in said]
    assert any("recorded and not pinned" in finding.what for finding in said)


def test_in_another_dtype_the_manifest_says_what_the_batch_changes(project: Project) -> None:
    usual, half = _run(project, "demo:best"), _run(project, "demo:best", dtype="bfloat16")
    assert usual.evaluation.manifest.made is None
    assert half.completions == 4 * 2 * 2, "rows of another environment are not mixed in"
    made = half.evaluation.manifest.made
    assert made is not None
    assert made.texts == 16
    assert 0 <= made.changed_by_batch <= 16
