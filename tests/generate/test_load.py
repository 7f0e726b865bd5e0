"""Models come on their device, unable to learn; what cannot be loaded is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from brie.errors import PinError
from brie.generate.load import load_adapter, load_model, thread_pace
from brie.records import Environment


@pytest.mark.parametrize("tuned", [False, True])
def test_a_model_is_loaded_to_be_read_not_trained(
    base: Path, adapter: Path, cpu: Environment, tuned: bool
) -> None:
    alone = load_model(base, cpu)
    model = load_adapter(alone, "tuned", adapter) if tuned else alone
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_a_small_model_on_a_cpu_computes_with_one_thread(base: Path, cpu: Environment) -> None:
    model = load_model(base, cpu)
    assert thread_pace(model, cpu).count == 1
    elsewhere = cpu.model_copy(update={"device": "cuda"})
    assert thread_pace(model, elsewhere).count == torch.get_num_threads()


@pytest.mark.parametrize("missing", ["adapter_model.safetensors", "adapter_config.json"])
def test_an_adapter_that_lacks_a_file_is_named_with_it(
    base: Path, adapter: Path, cpu: Environment, tmp_path: Path, missing: str
) -> None:
    for path in adapter.iterdir():
        if path.name != missing:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(PinError, match=f"it has no {missing}"):
        load_adapter(load_model(base, cpu), "tuned", tmp_path)


def test_a_folder_without_safetensors_is_refused(cpu: Environment, tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").touch()
    with pytest.raises(PinError, match=r"holds no \*\.safetensors weights"):
        load_model(tmp_path, cpu)
