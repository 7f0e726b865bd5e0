"""`--on ssh:HOST` against a real sshd: what is shown, asked and refused before anything starts."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.project import Project
from brie.remote.launcher import Target, launcher_for
from tests.commands import brie
from tests.remote.conftest import Machine, needs_ssh
from tests.remote.jobs import ON, TRAIN
from tests.train.world import make_project

pytestmark = needs_ssh


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "here")


def nothing_was_sent(project: Project, box: Machine) -> bool:
    return not (project.root / "runs").exists() and not box.jobs.exists()


def test_a_dry_run_shows_the_machine_and_the_commands_and_leaves_nothing(
    project: Project, box: Machine, env: dict[str, str]
) -> None:
    done = brie(
        project.root, *TRAIN, *ON, "--remote-python", sys.executable, "--dry-run", "--json", env=env
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    table = shown["table"]
    assert f"{os.cpu_count()} cores" in table["hardware"]
    assert sys.executable in table["python"]
    assert table["packages"].startswith("all there")
    assert table["price"] == "none"
    assert "--data rows.jsonl" in table["runs"]
    assert shown["usd_at_most"] is None
    assert shown["refused"] is None
    assert any(line.startswith("rsync") for line in shown["commands"])
    assert nothing_was_sent(project, box)


def test_where_nobody_agrees_nothing_is_sent(
    project: Project, box: Machine, env: dict[str, str]
) -> None:
    done = brie(project.root, *TRAIN, *ON, "--remote-python", sys.executable, env=env)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert nothing_was_sent(project, box)


@pytest.mark.slow
def test_a_python_that_is_not_there_stops_before_anything_is_sent(
    project: Project, box: Machine, env: dict[str, str]
) -> None:
    done = brie(project.root, *TRAIN, *ON, "--remote-python", "/no/python", "--yes", env=env)
    assert done.returncode == 2
    assert "box has no /no/python" in " ".join(done.stderr.split())
    assert nothing_was_sent(project, box)


@pytest.mark.parametrize("host", ["-oProxyCommand=touch x", "a b", "a;b", "$(id)", "a:b", "a\n", ""])
def test_a_host_that_is_none_is_refused_unasked(host: str) -> None:
    with pytest.raises(UsageError, match="ssh"):
        launcher_for(Target("ssh", host))


@pytest.mark.slow
def test_a_machine_that_nobody_answers_for_is_said(project: Project, box: Machine) -> None:
    config = box.folder / "nobody"
    config.write_text("Host box\n  HostName 127.0.0.1\n  Port 1\n")
    done = brie(project.root, *TRAIN, *ON, "--yes", env={**os.environ, "BRIE_SSH": f"ssh -F {config}"})
    assert done.returncode == 3
    assert "box cannot be reached" in done.stderr


@pytest.mark.slow
def test_a_host_key_that_is_not_known_is_not_accepted(project: Project, box: Machine) -> None:
    config = box.folder / "unknown"
    text = (box.folder / "config").read_text()
    config.write_text(text.replace(f"{box.folder}/known", "/dev/null"))
    done = brie(project.root, *TRAIN, *ON, "--yes", env={**os.environ, "BRIE_SSH": f"ssh -F {config}"})
    assert done.returncode == 2
    assert "does not know the host key of box" in " ".join(done.stderr.split())
