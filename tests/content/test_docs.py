"""The documentation ships, builds without a broken link, and is explained by the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from docs.pages import exit_codes, led, llms, skill

from brie.checks import CHECKS
from brie.cli import cli
from brie.cli.explain import everything
from brie.errors import UsageError
from brie.report.glossary import GLOSSARY
from tests.cli.commands import in_markdown, problem

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))


def explain(*words: str) -> str:
    done = CliRunner().invoke(cli, ["explain", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return " ".join(done.stdout.split())


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "brie demo" in (tmp_path / "site" / "index.html").read_text("utf-8")


def test_a_link_to_what_is_no_page_is_left_to_fail() -> None:
    assert led("[a](../CONTRIBUTING.md#x) [b](statistics.md)", Path("docs")) == (
        "[a](CONTRIBUTING.md#x) [b](statistics.md)"
    )
    assert led("[c](docs/checks.md)", Path()) == "[c](checks.md)"
    assert led("[d](src/brie/api.py)", Path()) == "[d](src/brie/api.py)"


def test_every_page_ships_in_the_wheel() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    shipped = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for page in (*PAGES, "docs/llms.txt", "docs/skill/SKILL.md"):
        assert shipped[page] == f"brie/_data/{page}"


def test_what_agents_read_is_built_from_the_documentation() -> None:
    assert (ROOT / "docs/llms.txt").read_text("utf-8") == llms(), "run: python -m docs.pages"
    assert (ROOT / "docs/skill/SKILL.md").read_text("utf-8") == skill(), "run: python -m docs.pages"


def test_what_agents_read_names_only_verbs_and_options_that_exist() -> None:
    texts = [(ROOT / name).read_text("utf-8") for name in ("docs/llms.txt", "docs/skill/SKILL.md")]
    named = [command for text in texts for command in in_markdown(text)]
    assert len(named) > 25
    assert [wrong for command in named if (wrong := problem(command))] == []
    options = set(re.findall(r"`(--[a-z-]+)`", texts[1]))
    context = click.Context(cli)
    verbs = [cli.get_command(context, verb) for verb in cli.list_commands(context)]
    known = {o for verb in verbs if verb is not None for p in verb.params for o in p.opts}
    assert options <= known


def test_what_agents_read_links_only_to_pages() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", (ROOT / "docs/llms.txt").read_text("utf-8")):
        assert (ROOT / "docs" / target).is_file(), target


def test_every_exit_code_is_told_to_agents() -> None:
    assert list(exit_codes()) == [0, 1, 2, 3, 4, 5]
    text = (ROOT / "docs/skill/SKILL.md").read_text("utf-8")
    assert all(f"| {code} |" in text for code in exit_codes())


# --- brie explain -----------------------------------------------------------------------


@pytest.mark.parametrize("check", [check.__module__.rpartition(".")[2] for check in CHECKS])
def test_every_check_is_explained(check: str) -> None:
    said = explain(check)
    assert "(check): " in said
    assert " warns " in said
    assert said == explain(*check.replace("_", " ").split())


@pytest.mark.parametrize("word", [word for word, _ in GLOSSARY])
def test_every_word_of_the_report_is_explained(word: str) -> None:
    assert dict(GLOSSARY)[word].split(".")[0] in explain(word)


def test_a_part_of_a_name_is_enough_where_it_means_one_thing() -> None:
    assert "Candidate, baseline (word)" in explain("baseline")
    assert "contamination (check)" in explain("CONTAM")


def test_what_is_unknown_lists_what_is_known() -> None:
    error = CliRunner().invoke(cli, ["explain", "lenght"]).exception
    assert isinstance(error, UsageError)
    assert "did you mean 'length'" in str(error)


def test_all_that_can_be_explained_is_listed_and_is_json_too() -> None:
    said = explain()
    assert all(entry.name in said for entry in everything().values())
    listed = json.loads(CliRunner().invoke(cli, ["explain", "--json"]).stdout)
    assert [entry["name"] for entry in listed] == [entry.name for entry in everything().values()]
    one = json.loads(CliRunner().invoke(cli, ["explain", "position", "--json"]).stdout)
    assert one["kind"] == "check"
    assert one["withholds"] == ""
    assert "half of the verdicts or more flip" in one["conditions"]
