"""Run folders: names, listing, locks; all of it without torch."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from brie.errors import InputError, UsageError
from brie.project import Project
from brie.train.runs import (
    Unreadable,
    checkpoint_name,
    checkpoints,
    is_locked,
    list_runs,
    lock,
    new_folder,
    read_manifest,
    scan,
)


def test_listing_runs_loads_no_torch() -> None:
    code = (
        "import sys; from brie.train.runs import list_runs; from brie.train.config import TrainRequest;"
        "from brie.train.progress import Silent; from brie.train.run import train;"
        "print([m for m in ('torch', 'trl', 'transformers', 'peft', 'datasets') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    )
    assert done.stdout.strip() == "[]"


def test_a_folder_is_named_after_size_time_and_four_hex_digits(tmp_path: Path) -> None:
    project = Project(tmp_path)
    made = {new_folder(project, "0.5b").name for _ in range(5)}
    assert len({name[-4:] for name in made}) == 5
    assert all(re.fullmatch(r"train-0\.5b-\d{8}-\d{4}-[0-9a-f]{4}", name) for name in made)
    assert new_folder(project, "My recipe/../x").parent == project.runs


def test_checkpoint_names_sort_by_step() -> None:
    names = [checkpoint_name(step, planned_steps=2900) for step in (50, 500, 2900)]
    assert names == sorted(names) == ["checkpoint-0050", "checkpoint-0500", "checkpoint-2900"]
    assert checkpoint_name(5, planned_steps=12) == "checkpoint-005"


def test_half_written_checkpoints_and_strangers_are_not_listed(tmp_path: Path) -> None:
    for name in ("checkpoint-010", "checkpoint-2", ".writing/checkpoint-12", "checkpoint-x"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    (tmp_path / "checkpoints" / "checkpoint-99").write_text("a file")
    assert list(checkpoints(tmp_path)) == [2, 10]


def test_a_manifest_that_is_none_is_shown_not_hidden(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "train-tiny-20260101-0000-abcd"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"id": 3}')
    (found,) = scan(Project(tmp_path))
    assert isinstance(found, Unreadable)
    assert "no training manifest" in found.why
    assert list_runs(Project(tmp_path)) == []
    with pytest.raises(InputError, match=r"manifest\.json"):
        read_manifest(folder)


def test_a_lock_is_seen_by_others_and_ends_with_its_holder(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    with lock(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(UsageError, match="another process"), lock(tmp_path):
            pass
    assert not is_locked(tmp_path)
