"""Exports in few bits of bitsandbytes, and such folders as sides; with the library, where it is."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from brie.api import evaluate
from brie.catalog import load_suite
from brie.ci.verify import verify
from brie.errors import UsageError
from brie.evaluation.request import EvalRequest
from brie.export.options import wanted
from brie.export.run import Exported, export
from brie.fidelity.engines import read_outside
from brie.forms.detect import detect
from brie.pin import Resolved, resolve
from brie.progress import Silent
from brie.project import Project
from tests.fidelity import planted
from tests.flow.world import Quiet

pytestmark = pytest.mark.slow

PROMPTS = "What is rain?\nDescribe the garden.\nWrite a note to a guest.\nTell me of the sea.\n"


@dataclass(frozen=True)
class Made:
    """A checkpoint and its export in 4 bits."""

    project: Project
    side: Resolved
    exported: Exported


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    pytest.importorskip("bitsandbytes")
    root = tmp_path_factory.mktemp("packed")
    (root / "brie.toml").write_text("", "utf-8")
    (root / "mine.txt").write_text(PROMPTS, "utf-8")
    side = planted.side_of(planted.build_adapter(root / "first"))
    suite = load_suite("demo", Project(root))
    suite = suite.model_copy(update={"prompts": suite.prompts[:12]})
    wish = wanted(side, "merged", "nf4", "bfloat16")
    exported = export(side, wish, root / "out", suite, Silent(), version="0")
    return Made(Project(root), side, exported)


def test_an_export_in_4_bits_is_read_twice_and_has_no_fault(made: Made) -> None:
    manifest = made.exported.manifest
    assert (manifest.number_format, manifest.settings["merged_in"]) == ("nf4", "float32")
    assert manifest.tools["bitsandbytes"] == version("bitsandbytes")
    check = manifest.check
    assert check is not None
    assert check.faults == ()
    assert all(check.same.values())
    unpacked, served = check.figures
    assert "the numbers unpacked" in unpacked.engine
    assert f"bitsandbytes {version('bitsandbytes')}" in served.engine
    assert unpacked.kl is not None
    assert served.kl is not None
    assert 1e-3 < unpacked.kl < 0.1
    assert abs(served.kl - unpacked.kl) < 0.3 * unpacked.kl
    assert (unpacked.same_ids, served.same_ids) == (True, True)


def test_the_export_names_what_serves_it_and_is_not_made_twice(made: Made) -> None:
    assert "serve" in " ".join(made.exported.manifest.serve)
    assert "bitsandbytes" in made.exported.manifest.serve[0]
    assert {file.path for file in made.exported.manifest.files} >= {
        "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors",
        "tokenizer.json",
    }  # fmt: skip
    wish = wanted(made.side, "merged", "nf4", "bfloat16")
    suite = load_suite("demo", made.project)
    again = export(made.side, wish, made.exported.folder, suite, Silent(), version="0")
    assert not again.made


def test_a_base_without_its_adapter_is_seen_through_4_bits(made: Made, tmp_path: Path) -> None:
    base = resolve("out", made.project)
    assert base.pin.read_by == "bitsandbytes"
    without = export(
        resolve(str(made.side.base_folder), made.project), wanted(base, "merged", "nf4", "float32"),
        tmp_path / "base", load_suite("demo", made.project), Silent(), version="0",
    )  # fmt: skip
    checkpoint = planted.Checkpoint(
        made.side, planted.reference_of(made.side, tmp_path / "reference", 4), {}
    )
    found = checkpoint.check(without.folder, tmp_path / "work")
    assert found.faults[0].kind == "adapter not merged"


def ask(project: Project, candidate: str, baseline: str, base: str | None = None) -> list[bool]:
    """Compare two sides, and whether everything of it holds."""
    request = EvalRequest(
        suite=str(project.root / "mine.txt"), candidate=candidate, baseline=baseline, base=base,
        judges=("longer",), samples=1, controls=0, max_new_tokens=8,
    )  # fmt: skip
    outcome = evaluate(request, project, screen=Quiet())
    environment = outcome.evaluation.manifest.plan.environment
    assert environment.programs == {"bitsandbytes": version("bitsandbytes")}
    return [finding.holds for finding in verify(outcome.evaluation, project)]


def test_a_folder_in_4_bits_and_an_adapter_on_one_are_sides(made: Made) -> None:
    assert all(ask(made.project, "out", "first", base="tiny"))
    assert all(ask(made.project, "first", "base", base=str(made.exported.folder)))


def test_without_the_library_it_is_named_with_the_command_that_installs_it(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(UsageError, match=r"--quantize nf4 needs bitsandbytes.*pip install"):
        wanted(made.side, "merged", "nf4", None)
    reference = planted.reference_of(made.side, tmp_path / "reference", 2)
    why = read_outside(reference, detect(made.exported.folder), tmp_path, Silent())
    assert why == (
        "it needs bitsandbytes, which is not installed: pip install 'brie-eval[bitsandbytes]'"
    )
