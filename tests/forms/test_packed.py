"""What bitsandbytes packs, read without it: two numbers a byte, scales in few bits, damage refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from brie.errors import PinError, UsageError
from brie.fidelity.check import as_folder
from brie.forms.detect import detect
from brie.forms.packed import unpack_bitsandbytes
from brie.forms.sides import resolve_source
from brie.pin import packaged_base, resolve
from brie.pin.few_bits import packed_format
from brie.project import Project
from tests.fidelity import planted
from tests.fidelity.planted import Numbers

BLOCK, OUTER = 64, 256
SETTINGS = {
    "nf4": {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "int8": {"quant_method": "bitsandbytes", "load_in_8bit": True},
}


def normal_floats() -> torch.Tensor:
    """The 16 levels of QLoRA: quantiles of a normal distribution, 8 above nought and 7 below, and it."""
    normal = torch.distributions.Normal(0.0, 1.0)
    above = normal.icdf(torch.linspace(0.9677083, 0.5, 9)[:-1])
    below = -normal.icdf(torch.linspace(0.9677083, 0.5, 8)[:-1])
    levels = torch.cat([above, torch.zeros(1), below]).sort().values
    return levels / levels.max()


def pack_four(name: str, tensor: torch.Tensor) -> Numbers:
    """A matrix in 4 bits with its scales in 8."""
    table, flat = normal_floats(), tensor.flatten().unflatten(0, (-1, BLOCK))
    scales = flat.abs().amax(1)
    indices = (flat / scales[:, None])[..., None].sub(table).abs().argmin(-1).flatten()
    offset = float(scales.mean())
    steps = torch.linspace(-1, 1, 256)
    whole = torch.nn.functional.pad(scales - offset, (0, -len(scales) % OUTER)).unflatten(0, (-1, OUTER))
    outer = whole.abs().amax(1)
    inner = (whole / outer[:, None])[..., None].sub(steps).abs().argmin(-1).flatten()[: len(scales)]
    state = {
        "quant_type": "nf4", "blocksize": BLOCK, "dtype": "float32", "shape": list(tensor.shape),
        "nested_blocksize": OUTER, "nested_dtype": "float32", "nested_offset": offset,
    }  # fmt: skip
    return {
        name: (indices[::2] << 4 | indices[1::2]).to(torch.uint8)[:, None],
        f"{name}.absmax": inner.to(torch.uint8),
        f"{name}.quant_map": table,
        f"{name}.nested_absmax": outer,
        f"{name}.nested_quant_map": steps,
        f"{name}.quant_state.bitsandbytes__nf4": torch.tensor(
            list(json.dumps(state).encode()), dtype=torch.uint8
        ),
    }


def pack_eight(name: str, tensor: torch.Tensor) -> Numbers:
    """A matrix in whole numbers, one scale a row."""
    largest = tensor.abs().amax(1)
    return {
        name: (tensor / largest[:, None] * 127).round().to(torch.int8),
        name.removesuffix("weight") + "SCB": largest,
        name.removesuffix("weight") + "weight_format": torch.tensor(0, dtype=torch.uint8),
    }


def packed_folder(folder: Path, kind: str) -> Path:
    """The tiny base with the matrices of its layers packed, as a merged export has them."""
    shutil.copytree(packaged_base("tiny"), folder)
    pack = {"nf4": pack_four, "int8": pack_eight}[kind]
    numbers: Numbers = {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        numbers |= pack(name, tensor) if "_proj.weight" in name else {name: tensor}
    save_file({name: t.contiguous() for name, t in numbers.items()}, folder / "model.safetensors")
    planted.config(folder, "config.json", lambda c: c.update(quantization_config=SETTINGS[kind]))
    return folder


@pytest.mark.parametrize(("kind", "most"), [("nf4", 0.11), ("int8", 0.02)])
def test_packed_numbers_come_back_as_near_as_their_bits_allow(
    kind: str, most: float, tmp_path: Path
) -> None:
    folder = packed_folder(tmp_path / "packed", kind)
    file = detect(folder)
    assert (file.form, file.number_format, file.is_packed) == ("merged", kind, True)
    before = load_file(packaged_base("tiny") / "model.safetensors")
    after = load_file(as_folder(file, tmp_path) / "model.safetensors")
    assert set(after) == set(before)
    for name, tensor in before.items():
        off = float((after[name] - tensor).norm() / tensor.norm())
        assert (0 < off < most) if "_proj.weight" in name else torch.equal(after[name], tensor)
    assert packed_format(tmp_path / "unpacked") is None


def test_the_real_library_unpacks_the_same_numbers(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    from brie.export.convert import to_bitsandbytes
    from brie.pin.weights import load_causal_lm

    merged = packaged_base("tiny")
    for kind in ("nf4", "int8"):
        (tmp_path / kind).mkdir()
        to_bitsandbytes(merged, tmp_path / kind, kind, "float32")
        unpack_bitsandbytes(tmp_path / kind, tmp_path / "open")
        mine = load_file(tmp_path / "open" / "model.safetensors")
        its = load_causal_lm(tmp_path / kind, "float32").dequantize().state_dict()
        for name, tensor in mine.items():
            assert torch.allclose(tensor, its[name].float(), rtol=2e-3, atol=2e-4), name


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("absmax", None),
        ("absmax", lambda t: t[:-1]),
        ("nested_absmax", lambda t: t[:0]),
        ("quant_map", lambda t: t[:3]),
        ("quant_state.bitsandbytes__nf4", lambda t: t[:-5]),
        ("quant_state.bitsandbytes__nf4", lambda t: t.repeat(2000)),
    ],
)
def test_a_damaged_packing_is_refused_in_one_sentence(part: str, change: object, tmp_path: Path) -> None:
    folder = packed_folder(tmp_path / "packed", "nf4")
    name = f"model.layers.0.mlp.down_proj.weight.{part}"

    def damage(read: Numbers) -> None:
        tensor = read.pop(name)
        if callable(change):
            read[name] = change(tensor)

    planted.numbers(folder, damage)
    with pytest.raises(PinError, match="packed by bitsandbytes and damaged"):
        unpack_bitsandbytes(folder, tmp_path / "open")


def test_blocks_longer_than_a_tensor_cost_no_memory(tmp_path: Path) -> None:
    folder = packed_folder(tmp_path / "packed", "nf4")
    name = "model.layers.0.mlp.down_proj.weight.quant_state.bitsandbytes__nf4"

    def claim(read: Numbers) -> None:
        state = json.loads(bytes(read[name].tolist())) | {"nested_blocksize": 2**40}
        read[name] = torch.tensor([list(json.dumps(state).encode())], dtype=torch.uint8)

    planted.numbers(folder, claim)
    unpack_bitsandbytes(folder, tmp_path / "open")


def test_nothing_is_made_of_weights_in_few_bits(tmp_path: Path) -> None:
    folder = packed_folder(tmp_path / "packed", "nf4")
    with pytest.raises(UsageError, match=r"are in nf4, .* Name the checkpoint it was made from"):
        resolve_source(str(folder), Project(tmp_path))
    planted.build_adapter(tmp_path / "adapter")
    with pytest.raises(UsageError, match=r"are in nf4, .*: --base FOLDER"):
        resolve_source(str(tmp_path / "adapter"), Project(tmp_path), base=str(folder))


def test_an_adapter_on_a_base_in_few_bits_says_what_reads_it(tmp_path: Path) -> None:
    folder = packed_folder(tmp_path / "own-bnb-4bit", "nf4")
    planted.build_adapter(tmp_path / "adapter")
    planted.config(
        tmp_path / "adapter", "adapter_config.json",
        lambda c: c.update(base_model_name_or_path=str(folder)),
    )  # fmt: skip
    side = resolve(str(tmp_path / "adapter"), Project(tmp_path))
    assert side.base_folder == folder
    assert (side.pin.read_by, side.base.read_by) == ("bitsandbytes", "bitsandbytes")
    assert resolve(str(packaged_base("tiny")), Project(tmp_path)).pin.read_by is None
