"""A GGUF file as a model: pinned by its bytes, unpacked once, and refused when either changes."""

from __future__ import annotations

import pytest

from brie.errors import PinError, UsageError
from brie.evaluation.sides import resolve_side, resolve_sides
from brie.forms.merge import write_merged
from brie.forms.sides import resolve_source
from brie.project import Project
from tests.fidelity import planted
from tests.fidelity.gguf_file import write_gguf


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    (root / "brie.toml").write_text("", "utf-8")
    side = planted.side_of(planted.build_adapter(root / "adapter"))
    (root / "merged").mkdir()
    write_merged(side, root / "merged", "float32")
    write_gguf(root / "merged", root / "x.gguf", "Q8_0")
    return Project(root)


def test_a_gguf_file_is_a_model_pinned_by_its_bytes(project: Project) -> None:
    side = resolve_side("x.gguf", project)
    assert side.pin.kind == "model"
    assert list(side.pin.files) == ["x.gguf"]
    assert side.reference == "x.gguf"
    assert side.base_folder.is_relative_to(project.runs)
    again = resolve_side("x.gguf", project, side.pin)
    assert (again.pin.digest, again.compared) == (side.pin.digest, True)


def test_a_file_in_few_bits_is_not_exported_again(project: Project) -> None:
    with pytest.raises(UsageError, match="does not come back"):
        resolve_source("x.gguf", project)


def test_both_sides_of_an_evaluation_may_be_shipped_forms(project: Project) -> None:
    candidate, baseline = resolve_sides("x.gguf", "merged", project)
    assert (candidate.name, baseline.name) == ("x.gguf", "merged")
    assert candidate.pin.template_digest == baseline.pin.template_digest


def test_another_file_under_the_same_name_is_not_what_was_sealed(project: Project) -> None:
    sealed = resolve_side("x.gguf", project).pin
    before = (project.root / "x.gguf").read_bytes()
    write_gguf(project.root / "merged", project.root / "x.gguf", "F16")
    try:
        with pytest.raises(PinError, match=r"x\.gguf"):
            resolve_side("x.gguf", project, sealed)
    finally:
        (project.root / "x.gguf").write_bytes(before)


def test_an_unpacked_folder_that_was_changed_is_not_used(project: Project) -> None:
    folder = resolve_side("x.gguf", project).base_folder
    path = folder / "generation_config.json"
    before = path.read_text("utf-8")
    path.write_text("{}", "utf-8")
    with pytest.raises(PinError, match="was changed after it was unpacked"):
        resolve_side("x.gguf", project)
    path.write_text(before, "utf-8")
