"""A base on the Hub: fetched once, at a commit that is recorded; refusals are one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from brie.project import Project, packaged
from brie.train.runs import list_runs
from tests.fakes.hub_server import COMMIT, GATED, FakeHub
from tests.train.world import SETTINGS, demo_rows, make_project

REPO = "org/small"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub({REPO: packaged("models", "tiny")}) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", demo_rows(24))


def train(project: Project, endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`brie train` in a process whose Hub is elsewhere and whose cache is the project's."""
    settings = [part for s in (*SETTINGS, "max_steps=1") for part in ("--set", s)]
    return subprocess.run(
        [sys.executable, "-m", "brie", "train", *arguments, *settings],
        cwd=project.root,
        env={
            **{k: v for k, v in os.environ.items() if k != "HF_HUB_OFFLINE"},
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(project.root / "cache"),
            "HF_HUB_DISABLE_XET": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_moving_revision_is_resolved_to_a_commit_and_recorded(hub: FakeHub, project: Project) -> None:
    asked = ("--size", "tiny", "--data", "rows.jsonl", "--base")
    done = train(project, hub.url, *asked, REPO)
    assert done.returncode == 0, done.stderr
    assert f"base: {REPO}@{COMMIT}" in done.stderr
    assert "licence unknown" in done.stderr
    (run,) = list_runs(project)
    assert run.manifest.config.base.revision == COMMIT
    adapter = next(run.folder.rglob("adapter_config.json")).read_text()
    assert f'"revision": "{COMMIT}"' in adapter

    # At the recorded commit no network is needed any more.
    again = train(project, "http://127.0.0.1:9", *asked, f"{REPO}@{COMMIT}", "--dry-run")
    assert again.returncode == 0, again.stderr
    assert f"{REPO}@{COMMIT}, on this machine" in " ".join(again.stdout.split())


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (GATED, "org/gated is gated: accept its terms"),
        ("org/smal", "there is no model 'org/smal' on the Hub"),
        (f"{REPO}@v9", "org/small has no revision v9"),
    ],
)
def test_what_the_hub_refuses_is_one_sentence_and_nothing_is_written(
    hub: FakeHub, project: Project, base: str, said: str
) -> None:
    done = train(project, hub.url, "--size", "tiny", "--data", "rows.jsonl", "--base", base)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not project.runs.exists()
