"""What mlx-lm writes, read without it: packed numbers, adapters, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from brie.errors import PinError
from brie.forms.detect import detect, is_shipped_form
from brie.forms.mlx import convert_adapter, unpack_mlx
from brie.forms.sides import resolve_form
from brie.pin import packaged_base
from brie.project import Project
from tests.fidelity import planted


def pack(tensor: torch.Tensor, bits: int, group: int) -> dict[str, torch.Tensor]:
    """A matrix in few bits, as MLX keeps it: its words, scales and biases."""
    grouped = tensor.unflatten(-1, (-1, group))
    low, high = grouped.amin(-1, keepdim=True), grouped.amax(-1, keepdim=True)
    scale = (high - low) / (2**bits - 1)
    whole = ((grouped - low) / scale).round().to(torch.int64).flatten(-2)
    lanes = whole.unflatten(-1, (-1, 32 // bits)) << torch.arange(0, 32, bits)
    words = lanes.sum(-1)
    signed = torch.where(words >= 1 << 31, words - (1 << 32), words).to(torch.int32)
    return {"weight": signed.view(torch.uint32), "scales": scale[..., 0], "biases": low[..., 0]}


def packed_folder(folder: Path, bits: int, **more: object) -> Path:
    """The tiny base with every matrix packed."""
    shutil.copytree(packaged_base("tiny"), folder)
    numbers: dict[str, torch.Tensor] = {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        parts = pack(tensor, bits, 64) if tensor.ndim == 2 else {"weight": tensor}
        stem = name.rpartition(".")[0] if tensor.ndim == 2 else ""
        numbers |= (
            {f"{stem}.{part}": t.contiguous() for part, t in parts.items()} if stem else {name: tensor}
        )
    save_file(numbers, folder / "model.safetensors", {"format": "mlx"})
    planted.config(
        folder, "config.json", lambda c: c.update(quantization={"group_size": 64, "bits": bits, **more})
    )
    return folder


@pytest.mark.parametrize("bits", [4, 8])
def test_packed_numbers_come_back_within_half_a_step(bits: int, tmp_path: Path) -> None:
    folder = packed_folder(tmp_path / "packed", bits)
    assert detect(folder).form == "mlx"
    assert detect(folder).number_format == f"mlx-{bits}bit"
    unpack_mlx(folder, tmp_path / "open")
    before = load_file(packaged_base("tiny") / "model.safetensors")
    after = load_file(tmp_path / "open" / "model.safetensors")
    assert set(after) == set(before)
    for name, tensor in before.items():
        if tensor.ndim == 2:
            grouped = tensor.unflatten(-1, (-1, 64))
            step = (grouped.amax(-1) - grouped.amin(-1)) / (2**bits - 1)
            off = (after[name] - tensor).abs().unflatten(-1, (-1, 64)).amax(-1)
            assert bool((off <= 0.51 * step + 1e-6).all())
        else:
            assert torch.equal(after[name], tensor)


def test_a_packing_that_is_not_known_is_refused_with_how_to_compare_it(tmp_path: Path) -> None:
    folder = packed_folder(tmp_path / "packed", 4, mode="mxfp4")
    with pytest.raises(PinError, match="server:LABEL#MODEL"):
        unpack_mlx(folder, tmp_path / "open")


def mlx_adapter(peft: Path, folder: Path, **settings: object) -> Path:
    """An adapter of PEFT as mlx-lm would have written it."""
    folder.mkdir()
    config = json.loads((peft / "adapter_config.json").read_text("utf-8"))
    numbers = {}
    for name, tensor in load_file(peft / "adapter_model.safetensors").items():
        module, _, part = name.removeprefix("base_model.model.").partition(".lora_")
        numbers[f"{module}.lora_{part[0].lower()}"] = tensor.T.contiguous()
    save_file(numbers, folder / "adapters.safetensors")
    lora = {"rank": config["r"], "scale": config["lora_alpha"] / config["r"], "dropout": 0.0}
    written = {"fine_tune_type": "lora", "lora_parameters": lora, **settings}
    (folder / "adapter_config.json").write_text(json.dumps(written), "utf-8")
    return folder


def test_an_mlx_adapter_has_the_logits_of_the_same_adapter_of_peft(tmp_path: Path) -> None:
    from brie.forms.merge import load_side

    peft = planted.build_adapter(tmp_path / "peft")
    project = Project(tmp_path)
    ids = torch.tensor([[5, 17, 200, 31]])
    sides = (
        planted.side_of(peft),
        resolve_form(str(mlx_adapter(peft, tmp_path / "mlx")), project, base="tiny"),
    )
    first, second = (load_side(side)(input_ids=ids).logits for side in sides)
    assert torch.allclose(first, second, atol=1e-5)
    assert sides[1].name == "mlx"
    assert sides[1].adapter is not None
    assert is_shipped_form(tmp_path / "mlx")


def test_an_adapter_with_no_form_of_peft_is_refused_with_how_to_fuse_it(tmp_path: Path) -> None:
    peft = planted.build_adapter(tmp_path / "peft")
    dora = mlx_adapter(peft, tmp_path / "dora", fine_tune_type="dora")
    with pytest.raises(PinError, match=r"mlx_lm\.fuse"):
        convert_adapter(dora, tmp_path / "open")
