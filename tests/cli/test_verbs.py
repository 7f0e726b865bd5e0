"""The map of verbs: what help shows, what moved, and what a wrong word gets."""

from __future__ import annotations

import ast
import dataclasses
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from brie.cli import cli
from brie.cli.eval import command as eval_verb
from brie.cli.options import request_of
from brie.cli.train import command as train_verb
from brie.errors import UsageError
from brie.evaluation.request import EvalRequest
from brie.train.config import TrainRequest

GROUPS = {
    "Start": ["demo", "init", "doctor"],
    "Make": ["data", "suite", "train", "export", "check"],
    "Measure": ["plan", "eval", "curve", "audit"],
    "Read": ["ls", "report", "view", "explain", "compare", "agreement", "judges"],
    "Trust": ["verify", "gate"],
}
PLUMBING = [
    "generate", "judge", "analyse", "pin", "prune", "perplexity", "jobs", "bundle", "unbundle",
]  # fmt: skip
ON = ["on", "timeout", "remote_python", "send_env", "yes", "as_json"]
"""Options of a verb whose work can be sent elsewhere."""


def brie(*arguments: str) -> Result:
    """Run a command in this process, as `main` does."""
    return CliRunner().invoke(cli, list(arguments))


def listed(text: str) -> dict[str, list[str]]:
    """Heading -> the commands that help lists under it."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in text.splitlines():
        if line and not line.startswith(" ") and line.endswith(":"):
            heading = line[:-1]
        elif heading not in ("", "Options") and line[2:3].isalpha() and not line.startswith("  brie "):
            found.setdefault(heading, []).append(line.split()[0])
    return found


def test_help_shows_twenty_one_verbs_in_five_groups_one_line_each() -> None:
    shown = brie("--help").stdout
    assert listed(shown) == GROUPS
    verbs = [verb for group in GROUPS.values() for verb in group]
    assert len(verbs) == 21
    lines = shown.splitlines()
    for verb in verbs:
        (line,) = [line for line in lines if line.startswith(f"  {verb} ")]
        assert line.endswith(".")


@pytest.mark.parametrize("words", [("help", "--all"), ("--help", "--all"), ("--all", "--help")])
def test_all_of_help_adds_the_stages_and_the_plumbing(words: tuple[str, ...]) -> None:
    found = listed(brie(*words).stdout)
    assert {name: found[name] for name in GROUPS} == GROUPS
    assert [verb for name, verbs in found.items() if name not in GROUPS for verb in verbs] == PLUMBING


def test_help_of_a_verb_is_the_verbs_own_help() -> None:
    assert brie("help", "data", "check").stdout == brie("data", "check", "--help").stdout
    assert brie("help").stdout == brie("--help").stdout


def test_all_is_an_option_of_help_alone() -> None:
    assert brie("ls", "--all").exit_code == 2


@pytest.mark.parametrize("verb", [*(v for group in GROUPS.values() for v in group), *PLUMBING])
def test_every_verb_has_examples_in_its_help(verb: str) -> None:
    shown = brie(verb, "--help")
    assert shown.exit_code == 0
    assert f"  brie {verb}" in shown.stdout.partition("Example")[2]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("judge-check", "brie judges score"),
        ("cost", "brie judges cost"),
        ("figures", "brie report --figures"),
    ],
)
def test_a_word_that_moved_is_answered_by_the_new_one(old: str, new: str) -> None:
    error = brie(old, "--json").exception
    assert isinstance(error, UsageError)
    assert error.exit_code == 2
    assert str(error) == f"{old} is now: {new}"


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["evil"], "eval"),
        (["judgs"], "judges"),
        (["unbudle", "x.zip"], "unbundle"),
        (["data", "chek"], "check"),
        (["suite", "chekc"], "check"),
        (["judges", "scores"], "score"),
        (["help", "reprot"], "report"),
    ],
)
def test_a_misspelt_word_gets_its_near_match_at_every_level(words: list[str], near: str) -> None:
    error = brie(*words).exception
    assert isinstance(error, UsageError)
    assert f"did you mean '{near}'" in str(error)


# --- brie judges ls ----------------------------------------------------------------------

MINE = """
provider = "openai-compatible"
model = "m"
base_url = "https://user:hidden-word@judge.example/v1"
endpoint = "theirs"
api_key_env = "MY_KEY"
[price]
input = 3.0
output = 15.0
source = "their page"
read_on = "2026-01-01"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "brie.toml").write_text('panel = "mine"\n')
    (tmp_path / "judges").mkdir()
    (tmp_path / "judges" / "mine.toml").write_text(MINE)
    (tmp_path / "judges" / "panels.toml").write_text('[mine]\njudges = ["mine", "longer"]\n')
    return tmp_path


def test_judges_are_listed_with_key_price_and_host(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-never-shown")
    document = json.loads(brie("judges", "ls", "--json").stdout)
    rows = {row["id"]: row for row in document["judges"]}
    assert document["schema"] == "brie.judges/1"
    assert rows["mine"]["price"] == {
        "input": 3.0, "output": 15.0, "source": "their page", "read_on": "2026-01-01",
    }  # fmt: skip
    assert (rows["mine"]["key_variable"], rows["mine"]["key_set"]) == ("MY_KEY", True)
    assert (rows["mine"]["host"], rows["mine"]["paid"]) == ("judge.example", True)
    assert (rows["longer"]["host"], rows["longer"]["paid"], rows["longer"]["price"]) == (
        None, False, None,
    )  # fmt: skip
    panels = {panel["name"]: panel for panel in document["panels"]}
    assert [name for name, panel in panels.items() if panel["default"]] == ["mine"]
    assert panels["mine"]["judges"] == ["mine", "longer"]


def test_no_key_and_no_login_is_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-never-shown")
    for words in (("judges", "ls"), ("judges", "ls", "--json")):
        shown = brie(*words).output
        assert "MY_KEY" in shown
        assert "sk-never-shown" not in shown
        assert "hidden-word" not in shown


def test_a_key_that_is_not_set_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    assert "MY_KEY is not set" in " ".join(brie("judges", "ls").stdout.split())


def test_a_judge_whose_file_is_wrong_is_listed_with_the_reason(folder: Path) -> None:
    (folder / "judges" / "broken.toml").write_text('provider = "rulez"\nmodel = "x"\n')
    shown = brie("judges", "ls")
    assert shown.exit_code == 0
    assert "broken unreadable: " in " ".join(shown.stdout.split())
    assert "longer" in shown.stdout


# --- how the verbs are written -----------------------------------------------------------

FOLDER = Path(__file__).parents[2] / "src" / "brie" / "cli"
MODULES = sorted(FOLDER.rglob("*.py"))
VERB_MODULES = {
    f"brie.cli.{verb}" for verb in [*(v for group in GROUPS.values() for v in group), *PLUMBING]
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_verb_is_short_and_imports_no_other_verb(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} is too long"
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            assert names.isdisjoint(VERB_MODULES)


@pytest.mark.parametrize(
    ("verb", "bare", "beside"),
    [
        (
            eval_verb,
            EvalRequest(suite="x"),
            [
                "stop_after",
                "budget",
                "batch",
                "patience",
                "probe",
                "drift",
                "retry",
                "name",
                "dry_run",
                "full",
                *ON,
            ],
        ),
        (train_verb, TrainRequest(), ["dry_run", "probe", "fsdp", *ON]),
    ],
)
def test_every_option_of_a_request_is_a_field_with_the_same_default(
    verb: click.Command, bare: EvalRequest | TrainRequest, beside: list[str]
) -> None:
    options = {str(param.name): param for param in verb.params if param.name not in beside}
    fields = {field.name: field for field in dataclasses.fields(bare) if field.name != "typed"}
    assert set(options) == set(fields)
    required = [name for name, param in options.items() if param.required]
    assert required == [n for n, f in fields.items() if f.default is dataclasses.MISSING]
    # What is asked may come from a file of answers, so that no option of `eval` is always required.
    named = ["suite"] if isinstance(bare, EvalRequest) else required
    words = [part for name in named for part in (options[name].opts[0], "x")]
    with verb.make_context("brie", words) as context:
        values = {name: value for name, value in context.params.items() if name not in beside}
    assert request_of(type(bare), values) == bare
