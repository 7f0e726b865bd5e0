"""Who judges where nobody is named, and what is said where nobody can."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from brie.catalog import load_judge, load_suite
from brie.cli.eval import command as evaluate
from brie.errors import UsageError
from brie.evaluation.choice import LOCAL, choose, reachable_judges, to_start_with
from brie.judge.local import Answering
from brie.judge.settings import check
from brie.project import Project
from brie.records.providers import LOCAL_SERVERS

KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY")
TYPED = ("brie", "eval", "--suite", "in_domain", "--candidate", "first:best")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "brie.toml").write_text("samples = 3\n")
    return Project(tmp_path)


def serving(*models: str) -> list[Answering]:
    """The first server of the table, with these models."""
    return [Answering(LOCAL_SERVERS[0], models)]


def test_keys_come_before_servers(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "x")
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    suite = load_suite("in_domain", project)
    choice = choose(suite, project, TYPED, lambda: serving("a"))
    assert choice.panel.judges == ("gpt-sol", "gemini-flash")
    assert choice.panel.instruments == ("longer",)
    assert choice.left_out == ("claude-sonnet",)
    assert "ANTHROPIC_API_KEY" in choice.said
    assert reachable_judges(project).startswith("gpt-sol, gemini-flash")
    assert to_start_with(project) == "--suite in_domain"


def test_one_model_here_is_taken(project: Project) -> None:
    look = lambda: serving("qwen2.5:7b-instruct")  # noqa: E731
    choice = choose(load_suite("in_domain", project), project, TYPED, look)
    assert choice.name == LOCAL
    assert choice.panel.judges == ("ollama:qwen2.5:7b-instruct",)
    spec = load_judge(choice.panel.judges[0], project)
    check(spec)
    assert (spec.model, spec.base_url) == ("qwen2.5:7b-instruct", "http://localhost:11434/v1")
    assert spec.family == "qwen"
    assert to_start_with(project, look=look) == "--suite in_domain"


def test_several_models_are_listed_each_with_a_command_that_parses(project: Project) -> None:
    look = lambda: serving("a:7b", "org/a model")  # noqa: E731
    with pytest.raises(UsageError) as told:
        choose(load_suite("in_domain", project), project, TYPED, look)
    commands = [shlex.split(line) for line in str(told.value).splitlines()[1:]]
    assert [words[-1] for words in commands] == ["ollama:a:7b", "ollama:org/a model"]
    for words in commands:
        assert tuple(words[: len(TYPED)]) == TYPED
        evaluate.make_context("eval", words[2:])
        assert load_judge(words[-1], project).model in ("a:7b", "org/a model")
    assert to_start_with(project, look=look) == "--suite in_domain --judge ollama:a:7b"


@pytest.mark.parametrize(("suite", "rule"), [("in_domain", "distinct"), ("demo", "reference")])
def test_with_nobody_there_are_three_commands(project: Project, suite: str, rule: str) -> None:
    with pytest.raises(UsageError) as told:
        choose(load_suite(suite, project), project, ("brie", "eval", "--suite", suite), list)
    head, key, server, other = str(told.value).splitlines()
    assert "no judge can be reached" in head
    assert key.strip().startswith("export ANTHROPIC_API_KEY=")
    assert "OPENAI_API_KEY, GEMINI_API_KEY" in key
    assert server.strip().startswith("ollama pull")
    words = shlex.split(other, comments=True)
    assert words[-2:] == ["--judge", rule]
    evaluate.make_context("eval", words[2:])
    assert to_start_with(project, look=list) == "--suite in_domain --judge distinct"


def test_a_panel_that_cannot_judge_the_first_suite_is_not_sent_there(project: Project) -> None:
    (project.root / "brie.toml").write_text('panel = "offline"\n')
    assert to_start_with(project, look=list) == "--suite in_domain --judge distinct"


@pytest.mark.parametrize("name", ["nobody:model", "ollama:", "ollama"])
def test_a_label_that_is_no_servers_or_a_model_without_a_name_is_no_judge(
    project: Project, name: str
) -> None:
    if name == "ollama":
        assert load_judge(name, project).id == "ollama"
        return
    with pytest.raises(UsageError, match="unknown judge"):
        load_judge(name, project)
