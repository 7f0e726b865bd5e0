"""Exports by the real converters, read by the engines that serve them; where those are installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.catalog import load_suite
from brie.export.options import wanted
from brie.export.run import Exported, export
from brie.forms.tools import GGUF, LLAMA, MLX, Tool
from brie.pin import Resolved
from brie.progress import Silent
from brie.project import Project
from tests.fidelity import planted

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Resolved:
    return planted.side_of(planted.build_adapter(tmp_path_factory.mktemp("adapter") / "first"))


def made(side: Resolved, folder: Path, target: str, quantize: str | None, dtype: str) -> Exported:
    suite = load_suite("demo", Project.find(folder))
    wish = wanted(side, target, quantize, dtype)
    return export(side, wish, folder / "out", suite, Silent(), version="0")


def needs(*tools: Tool) -> None:
    for tool in tools:
        if tool.python() is None:
            pytest.skip(f"{tool.package} is not installed: {tool.install}")


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize(
    ("target", "tools"), [("merged", (MLX,)), ("gguf", (GGUF, LLAMA)), ("mlx", (MLX,))]
)
def test_a_float_export_goes_through_a_second_engine(
    target: str, tools: tuple[Tool, ...], dtype: str, side: Resolved, tmp_path: Path
) -> None:
    needs(*tools)
    check = made(side, tmp_path, target, None, dtype).manifest.check
    assert check is not None
    assert (check.verdict, check.faults, len(check.figures)) == ("sound", (), 2)
    for figures in check.figures:
        assert figures.max_logit_difference is not None
        assert figures.same_ids is not False
        if dtype == "float32":
            assert figures.max_logit_difference <= 1e-3
            assert figures.identical == figures.answers == 66
        for divergence in figures.divergences:
            assert divergence.gap <= 2 * figures.max_logit_difference


@pytest.mark.parametrize(
    ("target", "quantize", "tools"),
    [
        ("gguf", "q8_0", (GGUF, LLAMA)),
        ("gguf", "q4_k_m", (GGUF, LLAMA)),
        ("ollama", "q6_k", (GGUF, LLAMA)),
        ("mlx", "mlx-8bit", (MLX,)),
    ],
)
def test_a_quantised_export_has_its_figures_and_no_fault(
    target: str, quantize: str, tools: tuple[Tool, ...], side: Resolved, tmp_path: Path
) -> None:
    needs(*tools)
    exported = made(side, tmp_path, target, quantize, "float32")
    check = exported.manifest.check
    assert check is not None
    assert check.faults == ()
    assert all(figures.kl is not None and figures.kl < 0.1 for figures in check.figures)
    assert exported.manifest.tools[tools[0].package]
    assert (exported.folder / "Modelfile").is_file() == (target == "ollama")
