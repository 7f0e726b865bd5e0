"""What a run was made with: versions, the folder's commit, and a machine that stays awake."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest
import torch

from brie.train.awake import awake
from brie.train.surroundings import git_state, versions


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, in no repository."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def git(*arguments: str) -> str:
    identity = ("-c", "user.name=n", "-c", "user.email=n@example.org")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_versions_name_python_and_what_touches_the_weights() -> None:
    recorded = versions()
    assert recorded["python"] == platform.python_version()
    assert recorded["torch"] == torch.__version__
    assert {"transformers", "peft", "trl"} <= recorded.keys()


def test_a_folder_outside_a_repository_has_no_commit(folder: Path) -> None:
    assert git_state() is None


def test_the_commit_is_recorded_and_whether_tracked_files_were_changed(folder: Path) -> None:
    git("init", "--quiet")
    (folder / "tracked").write_text("as it was")
    git("add", "tracked")
    git("commit", "--quiet", "--message", "First")
    commit = git("rev-parse", "HEAD")
    (folder / "untracked").touch()
    assert git_state() == {"commit": commit, "dirty": False}
    (folder / "tracked").write_text("changed")
    assert git_state() == {"commit": commit, "dirty": True}


def test_only_a_mac_is_kept_awake() -> None:
    with awake() as held:
        assert held is (platform.system() == "Darwin")
