"""Continuous integration: the very shell of the action's and the workflow's steps, as GitHub runs it.

`gh` and pip stand at the network's edge: small programs that note what they were asked.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from brie.cli import cli
from brie.errors import UsageError
from tests.flow.conftest import Demo

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
TEMPLATE = (ROOT / "src/brie/cli/workflow.yml").read_text("utf-8")
WORKFLOW = yaml.safe_load(TEMPLATE.replace("@SOURCE@", "wheels/brie.whl"))
STEPS = {
    "action": ACTION["runs"]["steps"],
    "workflow": WORKFLOW["jobs"]["brie"]["steps"],
}
NOTE = """#!{python}
import json, os, sys
with open(os.environ["NOTED"], "a") as noted:
    noted.write(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
if "--jq" in sys.argv:
    print(os.environ.get("EARLIER", ""), end="")
"""


def shell(where: str, name: str) -> str:
    """The script of a step."""
    (step,) = [step for step in STEPS[where] if step.get("name") == name]
    assert step["shell"] == "bash"
    return str(step["run"])


class Runner:
    """A project on a runner: GitHub's variables, and the programs that a step finds."""

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder, self.noted, self.summary = folder, work / "noted", work / "summary.md"
        programs = work / "bin"
        programs.mkdir()
        (work / "action").mkdir()
        brie = f'#!/bin/sh\nexec "{sys.executable}" -m brie "$@"\n'
        for name, text in {"brie": brie, "gh": NOTE, "python": NOTE}.items():
            (programs / name).write_text(text.replace("{python}", sys.executable))
            (programs / name).chmod(0o755)
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")},
            "PATH": f"{programs}:{os.environ['PATH']}", "NOTED": str(self.noted),
            "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REPOSITORY": "me/mine",
            "GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": "7",
            "GITHUB_STEP_SUMMARY": str(self.summary), "RUNNER_TEMP": str(work),
            "GITHUB_ACTION_PATH": str(work / "action"), "BRIE_HEAD_REPOSITORY": "me/mine",
            "BRIE_PULL_REQUEST": "12", "BRIE_COMMENT": "true", "BRIE_EVALUATION": "",
            "BRIE_REQUIRE": "better", "BRIE_MARGIN": "0.05", "BRIE_ALLOW": "",
        }  # fmt: skip
        self.comment = work / "brie-comment.md"

    def run(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A step, as GitHub starts bash."""
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder, env={**self.environment, **variables}, capture_output=True, text=True,
        )  # fmt: skip

    def asked(self) -> list[list[str]]:
        """What `gh` and `python` were asked."""
        lines = self.noted.read_text().splitlines() if self.noted.exists() else []
        return [json.loads(line) for line in lines]


@pytest.fixture
def runner(demo: Demo, tmp_path: Path) -> Runner:
    return Runner(demo.folder, tmp_path)


@pytest.mark.parametrize(
    "name",
    ["Install brie", "Evaluate", "Comment on the pull request", "Hold it against the requirement"],
)
def test_the_workflow_runs_the_steps_of_the_action(name: str) -> None:
    assert shell("workflow", name) == shell("action", name)


@pytest.mark.slow
def test_a_pull_request_gets_a_comment_that_is_renewed(runner: Runner) -> None:
    script = shell("action", "Comment on the pull request")
    first = runner.run(script)
    assert first.returncode == 0, first.stderr
    look, post = runner.asked()
    assert look[:3] == ["gh", "api", "--paginate"]
    assert post[1:5] == ["api", "--method", "POST", "repos/me/mine/issues/12/comments"]
    assert post[-1] == f"body=@{runner.comment}"
    text = runner.comment.read_text("utf-8")
    assert text.startswith("<!-- brie -->\n### Better")
    assert "https://github.com/me/mine/actions/runs/7" in text
    again = runner.run(script, EARLIER="99\n105\n")
    assert again.returncode == 0, again.stderr
    assert runner.asked()[-1][1:5] == ["api", "--method", "PATCH", "repos/me/mine/issues/comments/99"]


@pytest.mark.parametrize(
    "variables",
    [
        {"BRIE_HEAD_REPOSITORY": "somebody/mine"},
        {"BRIE_COMMENT": "false"},
        {"GITHUB_EVENT_NAME": "push", "BRIE_HEAD_REPOSITORY": "", "BRIE_PULL_REQUEST": ""},
    ],
)
def test_a_fork_a_push_and_whoever_wants_none_get_no_comment(
    runner: Runner, variables: dict[str, str]
) -> None:
    done = runner.run(shell("action", "Comment on the pull request"), **variables)
    assert done.returncode == 0, done.stderr
    assert runner.asked() == []


@pytest.mark.slow
def test_the_gate_writes_the_summary_and_its_exit_code_is_the_steps(runner: Runner) -> None:
    script = shell("action", "Hold it against the requirement")
    met = runner.run(script)
    assert met.returncode == 0, met.stderr
    text = runner.summary.read_text("utf-8")
    assert text.startswith("`better is met: ")
    assert "### Better" in text
    sure = runner.run(script, BRIE_REQUIRE="not-worse", BRIE_MARGIN="0.01", BRIE_ALLOW="length sources")
    assert sure.returncode == 0, sure.stderr
    assert "not-worse is met" in runner.summary.read_text("utf-8")
    wrong = runner.run(script, BRIE_ALLOW="nothing-is-called-so")
    assert wrong.returncode == 2
    unknown = runner.run(script, BRIE_EVALUATION="nobody")
    assert unknown.returncode == 2


def test_without_a_requirement_the_report_is_the_summary(runner: Runner) -> None:
    done = runner.run(shell("action", "Hold it against the requirement"), BRIE_REQUIRE="")
    assert done.returncode == 0, done.stderr
    assert runner.summary.read_text("utf-8").startswith("### Better")


def test_a_summary_that_cannot_be_written_changes_no_answer(runner: Runner, tmp_path: Path) -> None:
    script = shell("action", "Hold it against the requirement")
    done = runner.run(script, GITHUB_STEP_SUMMARY=str(tmp_path / "no" / "folder.md"))
    assert done.returncode == 0, done.stderr
    assert "the step summary could not be written" in done.stderr


@pytest.mark.parametrize(
    ("variables", "requirements"),
    [
        ({}, ["brie-eval @ file://{action}"]),
        ({"BRIE_SOURCE": "git+https://x.org/brie@abc"}, ["brie-eval @ git+https://x.org/brie@abc"]),
        ({"BRIE_SOURCE": "./brie.whl"}, ["brie-eval @ file://{folder}/brie.whl"]),
        ({"BRIE_EXTRAS": "train"}, ["torch", "brie-eval[train] @ file://{action}"]),
    ],
)
def test_brie_is_installed_from_the_action_or_from_what_was_given(
    runner: Runner, variables: dict[str, str], requirements: list[str]
) -> None:
    done = runner.run(shell("action", "Install brie"), **variables)
    assert done.returncode == 0, done.stderr
    asked = ["torch" if "torch" in request else request[-1] for request in runner.asked()]
    action = runner.environment["GITHUB_ACTION_PATH"]
    assert asked == [text.format(folder=runner.folder, action=action) for text in requirements]
    assert all(request[:4] == ["python", "-m", "pip", "install"] for request in runner.asked())


def test_the_commands_of_the_user_stop_at_the_first_that_fails(runner: Runner) -> None:
    done = runner.run(shell("action", "Evaluate"), BRIE_RUN="echo one\nfalse | cat\necho two")
    assert done.returncode == 1
    assert done.stdout == "one\n"
    assert runner.run(shell("action", "Evaluate"), BRIE_RUN="").returncode == 0


@pytest.mark.parametrize("text", [TEMPLATE, (ROOT / "action.yml").read_text("utf-8")])
def test_every_foreign_action_is_pinned_and_no_script_reads_what_others_wrote(text: str) -> None:
    for used in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", used), used
    scripts = re.findall(r"run: \|\n((?: {8,}.*\n|\n)+)", text)
    assert scripts
    assert all("${{" not in script for script in scripts)  # values come as variables only
    assert "pull_request_target" not in text


def test_the_workflow_reads_only_but_for_its_comment_and_keeps_what_was_paid() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert set(WORKFLOW[True]) == {"pull_request", "push"}  # YAML reads `on` as true
    (cache,) = [s for s in STEPS["workflow"] if str(s.get("uses", "")).startswith("actions/cache")]
    assert "runs" in cache["with"]["path"].split()


def test_init_writes_the_workflow_once_and_asks_where_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call: Callable[..., Any] = CliRunner().invoke
    refused = call(cli, ["init", "--ci"]).exception
    assert isinstance(refused, UsageError)
    assert "--source" in str(refused)
    assert list(tmp_path.iterdir()) == []
    done = call(cli, ["init", "--ci", "--source", "wheels/my brie.whl"])
    assert done.exit_code == 0, done.output
    written = tmp_path / ".github" / "workflows" / "brie.yml"
    job = yaml.safe_load(written.read_text("utf-8"))["jobs"]["brie"]
    assert job["env"]["BRIE_SOURCE"] == "wheels/my brie.whl"
    assert isinstance(call(cli, ["init", "--ci", "--source", "x"]).exception, UsageError)
