"""A side that is told something before every prompt: the base with a good prompt, and its kin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brie.api import evaluate
from brie.bundle import pack_evaluation, unbundle
from brie.ci.verify import verify
from brie.errors import InputError, UsageError
from brie.evaluation.folders import find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.request import EvalRequest
from brie.evaluation.results import Outcome
from brie.generate.server_probe import PROBE_TOKENS
from brie.project import Project
from brie.store import Store
from tests.fakes.openai_server import FakeServer
from tests.flow.conftest import Demo
from tests.flow.world import Quiet

PROMPTS = "What is rain?\nDescribe the garden.\nTell me of the sea.\n"
CAREFUL = "You are a guide. Answer in two full sentences."
EXAMPLE = {"prompt": "What is a kettle?", "completion": "It boils water. It sings when it is done."}


@pytest.fixture(scope="module")
def project(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = demo.copy(tmp_path_factory.mktemp("told") / "project")
    (folder / "mine.txt").write_text(PROMPTS, "utf-8")
    (folder / "careful.txt").write_text(f"{CAREFUL}\n", "utf-8")
    (folder / "few.jsonl").write_text(json.dumps(EXAMPLE), "utf-8")
    return Project(folder)


def _run(project: Project, candidate: str, baseline: str = "base", **wishes: Any) -> Outcome:
    asked = EvalRequest(
        candidate=candidate,
        baseline=baseline,
        judges=("longer",),
        **{
            "suite": str(project.root / "mine.txt"),
            "samples": 1,
            "controls": 0,
            "max_new_tokens": 10,
            **wishes,
        },
    )
    return evaluate(asked, project, screen=Quiet())


def _texts(outcome: Outcome, project: Project, side: str) -> list[str]:
    with Store.open(project.store, read_only=True) as store:
        data = gather(outcome.evaluation.manifest, store)
    rows = {fact.task.prompt: getattr(fact.task.presentation, side) for fact in data.of("main")}
    return [data.completions[rows[name]].text for name in sorted(rows)]


@pytest.mark.slow
def test_the_base_with_a_system_prompt_is_a_side_of_its_own(project: Project) -> None:
    plain, told = (_run(project, "demo:best", b) for b in ("base", "base+system:careful.txt"))
    assert told.completions == 3, "the fine-tune's answers are there already"
    sides = told.analysis.candidate, told.analysis.baseline
    assert sides[1].name == "brie/tiny + system prompt careful.txt"
    assert sides[1].digest != plain.analysis.baseline.digest
    assert sides[1].base == plain.analysis.baseline.base
    assert sides[0].told is None
    assert sides[1].told is not None
    assert sides[1].told.system == CAREFUL
    (conditions,) = [check for check in told.analysis.checks if check.id == "conditions"]
    assert "the baseline is told a system prompt of 46 characters: that is meant" in conditions.summary
    page = told.report.read_text("utf-8")
    assert page.count("system prompt careful.txt") > 1
    assert CAREFUL in page
    again = _run(project, "demo:best", "base+system:careful.txt")
    assert (again.completions, again.evaluation.folder) == (0, told.evaluation.folder)


def test_what_was_sealed_holds_without_the_file_and_elsewhere(project: Project, tmp_path: Path) -> None:
    (project.root / "brief.txt").write_text("Be brief.", "utf-8")
    outcome = _run(project, "demo:best", "base+system:brief.txt+examples:few.jsonl")
    assert outcome.analysis.baseline.name.endswith("+ system prompt brief.txt + 1 example of few.jsonl")
    (project.root / "brief.txt").unlink()
    said = verify(outcome.evaluation, project)
    assert all(finding.holds for finding in said), [finding.what for finding in said]
    packed = pack_evaluation(outcome.evaluation, project, tmp_path / "one.zip")
    elsewhere = Project(tmp_path / "elsewhere")
    elsewhere.root.mkdir()
    unbundle(packed, elsewhere)
    held = verify(find_evaluation(None, elsewhere), elsewhere)
    assert all(finding.holds for finding in held), [finding.what for finding in held]


def test_a_sides_prompt_gives_the_texts_that_the_suites_own_would(project: Project) -> None:
    rows = [{"id": f"p{n}", "prompt": text} for n, text in enumerate(PROMPTS.splitlines())]
    for name, also in (("bare", {}), ("system", {"system": CAREFUL})):
        text = "".join(json.dumps({**row, **also}) + "\n" for row in rows)
        (project.root / f"{name}.jsonl").write_text(text, "utf-8")
    side = _run(
        project, "demo:best+system:careful.txt", "demo:25", suite=str(project.root / "bare.jsonl")
    )
    suite = _run(project, "demo:best", "demo:25", suite=str(project.root / "system.jsonl"))
    assert _texts(side, project, "candidate") == _texts(suite, project, "candidate")
    assert _texts(side, project, "baseline") != _texts(suite, project, "baseline")


def test_an_adapter_meets_itself_with_a_prompt(project: Project) -> None:
    outcome = _run(project, "demo:best+system:careful.txt", "demo:best")
    assert outcome.analysis.counts.missing == 0
    assert _texts(outcome, project, "candidate") != _texts(outcome, project, "baseline")
    assert outcome.evaluation.manifest.made is None, "one adapter, loaded once, that changes something"
    assert all(finding.holds for finding in verify(outcome.evaluation, project))


def test_a_prompts_own_system_message_stands_behind_the_sides(project: Project) -> None:
    text = 'name = "mixed"\n[[prompt]]\nid = "a"\nsystem = "Be kind."\nprompt = "Who?"\n'
    (project.root / "mixed.toml").write_text(f'{text}[[prompt]]\nid = "b"\nprompt = "Why?"\n', "utf-8")
    with FakeServer() as fake:
        toml = f'[servers.lab]\nbase_url = "{fake.base_url}"\n'
        (project.root / "brie.toml").write_text(toml, "utf-8")
        told = "server:lab#base+system:careful.txt+examples:few.jsonl"
        screen = Quiet()
        asked = EvalRequest(
            suite=str(project.root / "mixed.toml"), candidate="server:lab#base", baseline=told,
            judges=("longer",), samples=1, controls=0,
        )  # fmt: skip
        evaluate(asked, project, screen=screen)
        read = [body["messages"] for body in fake.requests if body["max_tokens"] != PROBE_TOKENS]
    assert any("1 of 2 prompts of suite 'mixed' have a system message" in line for line in screen.said)
    shown = [
        {"role": "user", "content": EXAMPLE["prompt"]},
        {"role": "assistant", "content": EXAMPLE["completion"]},
    ]
    who, why = ({"role": "user", "content": text} for text in ("Who?", "Why?"))
    expected = [
        [{"role": "system", "content": "Be kind."}, who],
        [why],
        [{"role": "system", "content": f"{CAREFUL}\n\nBe kind."}, *shown, who],
        [{"role": "system", "content": CAREFUL}, *shown, why],
    ]
    assert sorted(map(str, read)) == sorted(map(str, expected))


def test_a_suites_prompt_among_the_examples_is_a_warning(project: Project) -> None:
    leaked = {"prompt": " what is RAIN?", "completion": "Water."}
    (project.root / "leak.jsonl").write_text(json.dumps(leaked), "utf-8")
    outcome = _run(project, "demo:best", "base+examples:leak.jsonl")
    (conditions,) = [check for check in outcome.analysis.checks if check.id == "conditions"]
    assert conditions.status == "warn"
    assert "1 prompt of the suite stands among the examples that the baseline" in conditions.summary
    assert "that is meant" in conditions.summary


@pytest.mark.parametrize(
    ("baseline", "words"),
    [
        ("answers:a.csv#one+system:careful.txt", "cannot be told anything now"),
        ("answers:a.csv+system:careful.txt", "cannot be told anything now"),
        ("base+system:absent.txt", "no file 'absent.txt'"),
        ("base+system:blank.txt", "is empty"),
        ("base+system:careful.txt+system:careful.txt", "twice"),
        ("base+system:", "is named MODEL"),
        ("base+examples:ruled.jsonl", "examples are questions and answers alone"),
        ("base+system:long.txt", r"behind what brie/tiny \+ system prompt long.txt is told do not fit"),
    ],
)
def test_what_is_no_prompt_of_a_side_is_refused_before_anything_is_sealed(
    project: Project, baseline: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(project.runs.glob("eval-*"))
    (project.root / "a.csv").write_text("prompt,one\nWhat is rain?,Water.\n", "utf-8")
    (project.root / "blank.txt").write_text(" \n", "utf-8")
    (project.root / "long.txt").write_text("rain " * 700, "utf-8")
    (project.root / "ruled.jsonl").write_text(json.dumps({**EXAMPLE, "system": "Obey."}), "utf-8")
    monkeypatch.chdir(project.root)
    with pytest.raises((UsageError, InputError), match=words):
        _run(project, "demo:best", baseline)
    assert sorted(project.runs.glob("eval-*")) == before


def test_the_prompt_alone_can_be_the_question(project: Project) -> None:
    outcome = _run(project, "baseline+system:careful.txt", "base")
    names = outcome.analysis.candidate.name, outcome.analysis.baseline.name
    assert names == ("brie/tiny + system prompt careful.txt", "brie/tiny")
    assert all(finding.holds for finding in verify(outcome.evaluation, project))


def test_paired_noise_is_refused_where_one_side_is_told_more(project: Project) -> None:
    with pytest.raises(UsageError, match="one is told more"):
        _run(project, "demo:best", "base+system:careful.txt", paired_noise=True)
