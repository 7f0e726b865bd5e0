"""A checkpoint on the tiny base, sound exports of it, and ways to break one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from brie.catalog import load_suite
from brie.fidelity.check import check_file, report
from brie.fidelity.reference import Reference, make_reference
from brie.forms.detect import detect
from brie.forms.merge import write_merged
from brie.pin import Resolved, packaged_base, resolve
from brie.progress import Silent
from brie.project import Project
from brie.records.shipping import CheckReport

MODULES = ["q_proj", "v_proj", "down_proj"]
LAYER = "model.layers.2.mlp.up_proj.weight"
Numbers = dict[str, torch.Tensor]


def build_adapter(folder: Path, *, seed: int = 1, alpha: int = 32) -> Path:
    """A LoRA adapter of r 8 on the tiny base, of about the size that training makes."""
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2ForCausalLM

    torch.manual_seed(seed)
    config = LoraConfig(
        r=8, lora_alpha=alpha, target_modules=MODULES, init_lora_weights=False, task_type="CAUSAL_LM"
    )
    model = get_peft_model(Qwen2ForCausalLM.from_pretrained(packaged_base("tiny")), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data *= 0.2
    model.save_pretrained(folder)
    return folder


def side_of(adapter: Path) -> Resolved:
    """The adapter on its base, resolved."""
    return resolve(str(adapter), Project.find(adapter), base="tiny")


def reference_of(side: Resolved, work: Path, prompts: int = 24) -> Reference:
    """The checkpoint as exports are held against it, on some prompts of the demo's."""
    suite = load_suite("demo", Project.find(work))
    suite = suite.model_copy(update={"prompts": suite.prompts[:prompts]})
    work.mkdir()
    return make_reference(side, suite, work, Silent(), tokens=16)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint, and what its exports are compared with."""

    side: Resolved
    reference: Reference
    sound: dict[str, Path]
    """Number format -> a sound merged folder."""

    def check(self, path: Path, work: Path) -> CheckReport:
        """What `brie check` would find of a file."""
        work.mkdir(exist_ok=True)
        checked = check_file(self.reference, detect(path), work, Silent())
        return report(self.reference, checked, "0")


def checkpoint(folder: Path, formats: tuple[str, ...] = ("float32", "bfloat16")) -> Checkpoint:
    """Build one, with sound exports."""
    side = side_of(build_adapter(folder / "adapter"))
    sound = {}
    for name in formats:
        (folder / name).mkdir()
        write_merged(side, folder / name, name)
        sound[name] = folder / name
    return Checkpoint(side, reference_of(side, folder / "reference"), sound)


# --- breaking ----------------------------------------------------------------------------


def copied(source: Path, folder: Path) -> Path:
    """A copy to be broken."""
    shutil.copytree(source, folder)
    return folder


def config(folder: Path, name: str, change: Callable[[dict[str, object]], object]) -> None:
    """Change a JSON file of a folder."""
    path = folder / name
    value = json.loads(path.read_text("utf-8"))
    change(value)
    path.write_text(json.dumps(value), "utf-8")


def numbers(folder: Path, change: Callable[[Numbers], object]) -> None:
    """Change tensors of a folder."""
    path = folder / "model.safetensors"
    read = load_file(path)
    change(read)
    save_file({name: t.contiguous() for name, t in read.items()}, path, {"format": "pt"})


def add_adapter(folder: Path, checkpoint: Checkpoint, times: float) -> None:
    """Add the adapter's change once more, or so many times."""
    base = load_file(checkpoint.side.base_folder / "model.safetensors")
    merged = load_file(checkpoint.reference.merged / "model.safetensors")

    def change(read: Numbers) -> None:
        for name, tensor in read.items():
            tensor += times * (merged[name] - base[name])

    numbers(folder, change)
