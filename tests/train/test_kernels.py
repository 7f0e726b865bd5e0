"""Fused kernels and a base in 4 bits: what each needs, what is used instead, and that it learns."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import MethodType

import pytest

from brie.project import Project
from brie.train.attention import choose_kernels, fused_layers, fused_words, unusable_kernels
from brie.train.config import Decided, DeviceInfo
from brie.train.explain import explain
from brie.train.memory import estimate, parameters
from brie.train.recipes import Recipe, load_recipe
from brie.train.run import train
from brie.train.runs import checkpoints, read_manifest
from tests.present import present
from tests.train.world import Watcher, demo_rows, make_project, request

CPU, CUDA = (DeviceInfo(type=kind, name=kind, memory_bytes=None) for kind in ("cpu", "cuda"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", demo_rows(24))


def test_fused_kernels_need_cuda_and_a_package_and_what_is_used_instead_is_said(
    project: Project,
) -> None:
    asked = Recipe(name="x", base="tiny", use_kernels=True)
    assert choose_kernels(asked.model_copy(update={"use_kernels": False}), CUDA) is None
    on_cpu = Decided(value="torch", reason="fused kernels need CUDA; torch's own layers")
    assert choose_kernels(asked, CPU) == on_cpu
    missing, on_cuda = unusable_kernels(), present(choose_kernels(asked, CUDA))
    assert on_cuda.value == ("hub" if missing is None else "torch")
    assert missing is None or missing in on_cuda.reason
    request_here = replace(request(project, "use_kernels=true"), device="cpu")
    said = {line.label: line.text for line in explain(request_here, project, Watcher())}
    assert said["kernels"] == "torch (fused kernels need CUDA; torch's own layers)"


def test_layers_that_a_kernel_took_are_named() -> None:
    """transformers leaves a layer as it is, in silence, where its kernel cannot be loaded."""
    import torch

    model = torch.nn.Sequential(torch.nn.RMSNorm(2), torch.nn.Linear(2, 2))
    model[0].kernel_layer_name = "RMSNorm"  # as transformers marks layers that have a kernel
    model[1].forward = MethodType(lambda self, x: x, model[1])
    assert fused_layers(model) == ()
    assert "torch's own layers" in fused_words(())
    model[0].forward = MethodType(lambda self, x: x, model[0])
    assert fused_layers(model) == ("RMSNorm",)
    assert fused_words(("RMSNorm",)) == "kernels: RMSNorm computed by fused kernels"


def test_a_base_in_4_bits_is_estimated_as_such(project: Project) -> None:
    recipe = load_recipe("7b", project)
    shape, four = present(recipe.architecture), recipe.model_copy(update={"quantize": "nf4"})
    whole, packed = (estimate(shape, each, "bfloat16", 512) for each in (recipe, four))
    assert whole.weights == parameters(shape) * 2
    embeddings = 2 * shape.vocabulary * shape.hidden
    assert packed.weights > embeddings * 2 + (parameters(shape) - embeddings) * 0.515
    assert packed.weights < whole.weights * 0.4
    assert (packed.adapter, packed.activations) == (whole.adapter, whole.activations)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes is not here")
def test_a_base_in_4_bits_learns_on_a_cpu_and_its_adapter_is_float32(project: Project) -> None:
    from safetensors.torch import load_file

    settings = ("quantize=nf4", "max_steps=4", "checkpoint_steps=2", "learning_rate=1e-2")
    folder = train(replace(request(project, *settings), device="cpu"), project, Watcher())
    losses = [point.loss for point in read_manifest(folder).evaluations]
    assert losses[-1] < losses[0]
    adapter = load_file(checkpoints(folder)[4] / "adapter_model.safetensors")
    assert {str(tensor.dtype) for tensor in adapter.values()} == {"torch.float32"}
    assert all(tensor.abs().sum() > 0 for name, tensor in adapter.items() if "lora_B" in name)
