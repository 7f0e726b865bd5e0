"""`--paired-noise`: the same draws under two pins, recorded, reported, and never mixed with others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from brie.api import evaluate
from brie.ci.verify import verify
from brie.cli import cli
from brie.errors import UsageError
from brie.evaluation.request import EvalRequest
from brie.evaluation.results import Outcome
from brie.generate.engine import Request
from brie.project import Project, packaged
from brie.records import Message, Sampling
from brie.report.page import build_page
from brie.report.terminal import summarise
from brie.store import Store
from tests.fakes.openai_server import FakeServer
from tests.flow.world import Quiet

PROMPTS = "".join(f"Write line {n} of a letter about {what}.\n" for n, what in enumerate(
    ("rain", "bread", "the sea", "a lock", "an old clock", "soup", "a garden", "two cats", "a road")
))  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with the tiny base twice: the same weights under two pins."""
    (tmp_path / "brie.toml").write_text('panel = "offline"\n', encoding="utf-8")
    (tmp_path / "mine.txt").write_text(PROMPTS, encoding="utf-8")
    for name in ("one", "two"):
        shutil.copytree(packaged("models", "tiny"), tmp_path / name)
    saved_again(tmp_path / "two" / "model.safetensors", 1.0)
    return Project(tmp_path)


def saved_again(weights: Path, factor: float) -> None:
    """The weights, each times a factor, in a file with another header."""
    from safetensors.torch import load_file, save_file

    scaled = {name: (tensor * factor).contiguous() for name, tensor in load_file(weights).items()}
    save_file(scaled, weights, {"format": "pt", "saved": "again"})


def run(project: Project, **wishes: Any) -> Outcome:
    asked: dict[str, Any] = {
        "suite": str(project.root / "mine.txt"), "candidate": str(project.root / "one"),
        "baseline": str(project.root / "two"), "judges": ("longer",), "samples": 2, "controls": 0,
        "max_new_tokens": 10, **wishes,
    }  # fmt: skip
    return evaluate(EvalRequest(**asked), project, screen=Quiet())


def texts(outcome: Outcome, project: Project) -> list[tuple[str, str]]:
    """Both answers of every comparison."""
    from brie.evaluation.gather import gather

    with Store.open(project.store, read_only=True) as store:
        data = gather(outcome.evaluation.manifest, store)
    shown = {(f.task.prompt, f.task.sample): f.task.presentation for f in data.of("main")}
    rows = data.completions
    return [(rows[p.candidate].text, rows[p.baseline].text) for p in shown.values()]


@pytest.mark.slow
def test_the_same_weights_under_two_pins_answer_alike_with_it_and_not_without(project: Project) -> None:
    paired, alone = run(project, paired_noise=True), run(project)
    plan = paired.evaluation.manifest.plan
    assert plan.candidate.digest != plan.baseline.digest
    assert all(one == two for one, two in texts(paired, project))
    assert len({one for one, _ in texts(paired, project)}) > 9, (
        "samples and prompts have their own noise"
    )
    assert sum(one == two for one, two in texts(alone, project)) < 9
    assert (paired.completions, alone.completions) == (36, 36)
    with Store.open(project.store, read_only=True) as store:
        assert store.size().startswith("72 completions")


def test_plan_manifest_and_report_say_so(project: Project) -> None:
    outcome = run(project, paired_noise=True)
    manifest, analysis = outcome.evaluation.manifest, outcome.analysis
    written = json.loads((outcome.evaluation.folder / "manifest.json").read_text("utf-8"))
    assert written["plan"]["sampling"]["paired_noise"] is True
    document = json.loads(outcome.evaluation.analysis_file.read_text("utf-8"))["paired_noise"]
    assert document == {"identical": 18, "comparisons": 18, "share": 1.0, "differing": None}
    text = " ".join(summarise(analysis, manifest, colour=False, full=True).split())
    assert "18 of 18 pairs of answers are identical: the two models do the same here" in text
    assert "Both sides met the same draws: 100 % of the answers are identical" in text
    assert "nothing is gained there" in text
    page = build_page(analysis, manifest, [])
    assert ("Noise", "paired: the same draws for both sides") in dict(page.provenance.tables)["Sampling"]
    assert [f.what for f in verify(outcome.evaluation, project) if not f.holds] == []


@pytest.mark.slow
def test_the_rate_among_the_pairs_that_differ_stands_beside_the_whole(project: Project) -> None:
    saved_again(project.root / "two" / "model.safetensors", 1.01)
    outcome = run(project, paired_noise=True)
    noise, rate = outcome.analysis.paired_noise, outcome.analysis.win_rate
    assert noise is not None
    assert rate is not None
    pairs = texts(outcome, project)
    assert noise.identical == sum(one == two for one, two in pairs)
    assert 0 < noise.identical < noise.comparisons == len(pairs)
    assert noise.differing is not None
    assert noise.differing.prompts < rate.prompts or noise.differing.value != rate.value
    text = " ".join(
        summarise(outcome.analysis, outcome.evaluation.manifest, colour=False, full=True).split()
    )
    differ = noise.comparisons - noise.identical
    assert f"among the {differ} that differ the win rate is" in text
    assert f"over all of them {round(100 * rate.value)}" in text


@pytest.mark.slow
def test_without_it_plan_and_document_are_as_they_were(project: Project) -> None:
    outcome = run(project)
    written = json.loads((outcome.evaluation.folder / "manifest.json").read_text("utf-8"))
    assert "paired_noise" not in written["plan"]["sampling"]
    assert "paired_noise" not in json.loads(outcome.evaluation.analysis_file.read_text("utf-8"))


def test_a_suite_may_ask_for_it(project: Project) -> None:
    suite = project.root / "mine.toml"
    prompts = "".join(f'[[prompt]]\nid = "p{n}"\nprompt = "Line {n}?"\n' for n in range(3))
    suite.write_text(f'name = "mine"\n[sampling]\npaired_noise = true\n{prompts}', encoding="utf-8")
    outcome = run(project, suite=str(suite))
    assert outcome.evaluation.manifest.plan.sampling.paired_noise
    assert all(one == two for one, two in texts(outcome, project))


def test_at_temperature_nought_there_is_nothing_to_pair(project: Project) -> None:
    outcome = run(project, paired_noise=True, temperature=0)
    assert not outcome.evaluation.manifest.plan.sampling.paired_noise


def test_a_server_draws_for_itself_and_is_refused(project: Project) -> None:
    with FakeServer() as server:
        toml = f'[servers.lab]\nbase_url = "{server.base_url}"\n'
        (project.root / "brie.toml").write_text(toml, encoding="utf-8")
        with pytest.raises(UsageError, match=r"--paired-noise needs both models here"):
            run(project, candidate="server:lab#tuned", paired_noise=True)


def test_the_command_explains_it() -> None:
    text = " ".join(CliRunner().invoke(cli, ["eval", "--help"]).output.split())
    assert "--paired-noise" in text
    assert "the same draws" in text


# --- what the noise hangs on ---------------------------------------------------------------


def request(**changes: Any) -> Request:
    sampling = Sampling(paired_noise=True)
    made = {"key": "sha256:" + "1" * 64, "pin": "p", "adapter": None, "sample": 0, "sampling": sampling,
            "messages": (Message(role="user", content="Why?"),), "prompt": "q"}  # fmt: skip
    return Request(**{**made, **changes})


def test_paired_noise_hangs_on_prompt_sample_and_settings_alone() -> None:
    own = request().noise
    assert request(key="sha256:" + "2" * 64, pin="another", adapter="x").noise == own
    other = Message(role="user", content="Why not?")
    hotter = Sampling(paired_noise=True, temperature=1.0)
    seeded = Sampling(paired_noise=True, seed=1)
    for changed in ({"messages": (other,)}, {"sample": 1}, {"sampling": hotter}, {"sampling": seeded}):
        assert request(**changed).noise != own
    assert request(sampling=Sampling()).noise == request().key
