"""What surrounds the code: citation, workflows, forms and hooks parse and call what `make` calls."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import brie

ROOT = Path(__file__).parents[1]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
YAML = [*FORMS, *WORKFLOWS, ROOT / "CITATION.cff", ROOT / ".pre-commit-config.yaml"]
WHITESPACE = ROOT / ".ci" / "whitespace.py"
MAJOR = re.compile(r"[\w-]+/[\w.-]+@(v\d+|release/v\d+)")


def load(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def steps(name: str, job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(ROOT / ".github" / "workflows" / name)["jobs"][job]["steps"]
    return found


def commands(name: str, job: str) -> list[str]:
    return [step["run"] for step in steps(name, job) if "run" in step]


@pytest.mark.parametrize("path", YAML, ids=lambda p: p.name)
def test_it_parses(path: Path) -> None:
    assert load(path)


def test_the_citation_is_of_this_version() -> None:
    cited = load(ROOT / "CITATION.cff")
    assert cited["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= cited.keys()
    assert cited["authors"] == [{"name": "The brie authors"}]
    assert str(cited["version"]) == brie.__version__
    assert cited["license"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]


def test_the_changelog_has_a_section_for_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## \[?{re.escape(brie.__version__)}\]?", text, re.MULTILINE)


def test_every_python_that_the_package_claims_is_tested_as_the_readme_tests() -> None:
    job = load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["test"]
    claimed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    named = [line.rsplit(" ", 1)[1] for line in claimed if re.search(r"Python :: 3\.\d+$", line)]
    assert job["strategy"]["matrix"]["python"] == named
    assert {name.split("-")[0] for name in job["strategy"]["matrix"]["os"]} == {"ubuntu", "macos"}
    assert commands("ci.yml", "test") == ["make test"]


def test_a_release_is_the_target_that_can_be_run_here() -> None:
    assert commands("release.yml", "dist")[0] == "make dist"
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert {"test:", "dist:"} <= {line.split(" ")[0] for line in makefile.splitlines()}


def test_only_publishing_may_ask_for_an_identity_and_it_builds_nothing() -> None:
    jobs = load(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert jobs["publish"]["needs"] == "dist"
    assert commands("release.yml", "publish") == []
    assert "permissions" not in jobs["dist"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_workflows_may_only_read_and_pin_what_they_use(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    used = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
    assert [name for name in used if not MAJOR.fullmatch(name)] == []


def test_hooks_need_no_network() -> None:
    repos = load(ROOT / ".pre-commit-config.yaml")["repos"]
    hooks = [hook for repo in repos for hook in repo["hooks"]]
    assert {repo["repo"] for repo in repos} == {"local"}
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {"whitespace", "ruff", "ruff-format", "mypy"} == {hook["id"] for hook in hooks}
    for hook in hooks:
        tool, *words = shlex.split(hook["entry"])
        assert tool.startswith(".venv/bin/")
        assert [word for word in words if "/" in word and not (ROOT / word).exists()] == []


@pytest.mark.parametrize(
    "form", [path for path in FORMS if path.name != "config.yml"], ids=lambda p: p.name
)
def test_a_form_asks_each_thing_once(form: Path) -> None:
    found = load(form)
    assert {"name", "description", "body"} <= found.keys()
    ids = [part["id"] for part in found["body"] if part["type"] != "markdown"]
    assert len(ids) == len(set(ids)) > 0


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (b"a \nb\t\n", b"a\nb\n"),
        (b"a\r\nb\r\n", b"a\nb\n"),
        (b"a\n\n\n", b"a\n"),
        (b"a", b"a\n"),
        (b"  a\n\n b\n", b"  a\n\n b\n"),
        (b"", b""),
    ],
)
def test_whitespace_is_tidied_once(tmp_path: Path, given: bytes, left: bytes) -> None:
    file = tmp_path / "file.txt"
    file.write_bytes(given)
    done = [
        subprocess.run([sys.executable, WHITESPACE, file], capture_output=True, text=True) for _ in "12"
    ]
    assert file.read_bytes() == left
    assert [run.returncode for run in done] == [int(given != left), 0]
    assert (str(file) in done[0].stdout) == (given != left)


def test_a_source_distribution_takes_its_folders_from_the_top_alone() -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    assert all(pattern.startswith("/") for pattern in built["targets"]["sdist"]["include"])


def test_nothing_that_is_allowed_is_older_than_a_known_hole() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {"starlette>=1.3.1", "jinja2>=3.1.6", "h11>=0.16"} <= set(project["dependencies"])
