"""Models on their way to a worker: what is sent, what is not, and that it arrives as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.workers.files import Kept, contents, parts, stamps


def folder_of(path: Path, **files: str) -> Path:
    """A folder with files, their dots written as underscores."""
    path.mkdir()
    for name, text in files.items():
        (path / name.replace("_", ".")).write_text(text)
    return path


def test_what_a_model_is_read_from_travels_and_arrives_under_its_names(tmp_path: Path) -> None:
    names = {"config_json": "{}", "merges_txt": "", "model_safetensors": "weights", "optimizer_pt": "no"}
    model = folder_of(tmp_path / "m", **names)
    there, files = Kept(tmp_path / "there"), contents(model)
    assert [file.name for file in files] == ["config.json", "merges.txt", "model.safetensors"]
    assert there.lacks(files) == list(files)
    for file in files:
        for part in parts(model / file.name):
            there.take(file, part)
    arrived = there.folder(files)
    assert {path.name: path.read_text() for path in arrived.iterdir()} == {
        "config.json": "{}", "merges.txt": "", "model.safetensors": "weights",
    }  # fmt: skip
    again = Kept(tmp_path / "there")
    assert again.lacks(files) == []
    assert again.folder(files) == arrived


def test_a_file_that_arrives_as_another_is_refused_and_not_kept(tmp_path: Path) -> None:
    (file,) = contents(folder_of(tmp_path / "m", model_safetensors="weights"))
    there = Kept(tmp_path / "there")
    there.take(file, b"wei")
    with pytest.raises(ValueError, match="another file"):
        there.take(file, b"ghtz")
    assert there.lacks([file]) == [file]


def test_a_file_changed_since_is_told_by_its_stamp(tmp_path: Path) -> None:
    model = folder_of(tmp_path / "m", config_json="{}")
    before = stamps(model)
    (model / "config.json").write_text("{ }")
    assert stamps(model) != before
    assert stamps(tmp_path / "nowhere") == ()
