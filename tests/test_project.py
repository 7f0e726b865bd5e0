"""A project's files: its own before shipped ones, read as records, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.errors import InputError
from brie.project import Project, packaged, read_json, write_text
from brie.records import BaseModelRef

DIGEST = f"sha256:{'0' * 64}"


def test_the_nearest_folder_with_a_brie_toml_is_the_project(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert Project.find(inner).root == inner.resolve()
    (tmp_path / "brie.toml").touch()
    assert Project.find(inner).root == tmp_path.resolve()


def test_a_projects_own_file_goes_before_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    project = Project(tmp_path)
    shipped = project.named("recipes", "*.toml")
    assert shipped["tiny"] == packaged("recipes", "tiny.toml").resolve()
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "tiny.toml").touch()
    (tmp_path / "recipes" / "tiny.md").touch()
    files = project.named("recipes", "*.toml")
    assert files["tiny"] == (tmp_path / "recipes" / "tiny.toml").resolve()
    assert files.keys() == shipped.keys()


def test_of_two_endings_in_one_folder_the_first_in_order_of_name_is_taken(tmp_path: Path) -> None:
    (tmp_path / "prompt_suites").mkdir()
    for ending in ("toml", "jsonl"):
        (tmp_path / "prompt_suites" / f"mine.{ending}").touch()
    files = Project(tmp_path).named("prompt_suites", "*.toml", "*.jsonl")
    assert files["mine"].name == "mine.jsonl"


def test_a_path_is_recorded_from_the_project_and_strangers_by_their_name(tmp_path: Path) -> None:
    project = Project((tmp_path / "mine").resolve())
    assert project.relative(project.root / "data" / "rows.jsonl") == "data/rows.jsonl"
    assert project.relative(tmp_path / "elsewhere" / "rows.jsonl") == "rows.jsonl"


def test_a_record_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "base.json"
    reference = BaseModelRef(repo="org/name", revision=None, digest=DIGEST)
    write_text(path, reference.model_dump_json())
    assert read_json(path, BaseModelRef, "is no base") == reference
    assert [p.name for p in tmp_path.iterdir()] == ["base.json"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"repo": 1, "digest": "%s"}' % DIGEST.encode(), "is no base: repo: "),
        (b'{"repo": "org/name"', "is no base: the file: "),
        (b"\xff\xfe", "cannot be read: "),
        (None, "cannot be read: "),
    ],
)
def test_a_file_that_holds_no_such_record_is_named_with_its_key(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "base.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_json(path, BaseModelRef, "is no base")
    assert str(caught.value).startswith(f"{path} {message}")
    assert "\n" not in str(caught.value) or content is None


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").touch()
    with pytest.raises(InputError, match="cannot write"):
        write_text(tmp_path / "taken", "text")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
