"""Checkpoints of a sharded model: gathered, and the same files as those of a whole one.

So that a run may go on with another number of GPUs, sharded or not, and everything that reads
checkpoints reads these. Imported inside functions only: it loads torch, transformers and peft.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import torch
from accelerate.utils.fsdp_utils import fsdp2_canonicalize_names
from peft import get_peft_model_state_dict
from safetensors.torch import load_file
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from transformers import Trainer

from brie.pin import ADAPTER_WEIGHTS

if TYPE_CHECKING:
    from peft import PeftModel

OPTIMIZER, SCHEDULER = "optimizer.pt", "scheduler.pt"
_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=True)
_SPREAD = StateDictOptions(full_state_dict=True, strict=False, ignore_frozen_params=True)

_State = dict[str, torch.Tensor]


_Group = dict[str, float | bool | tuple[float, ...] | list[int] | list[str] | None]
"""Settings of an optimizer for some parameters, and which they are."""


class _Named(TypedDict):
    """An optimizer's state by the names of parameters."""

    state: dict[str, _State]
    param_groups: list[_Group]


class _Numbered(TypedDict):
    """An optimizer's state as torch writes it, by the numbers of parameters."""

    state: dict[int, _State]
    param_groups: list[_Group]


class Gathering(Trainer):
    """A trainer whose arithmetic and checkpoints do not show how the model was spread."""

    def compute_loss_context_manager(self) -> ExitStack:
        """Number formats of a step: a sharded model has those that accelerate gives a whole one."""
        formats = super().compute_loss_context_manager()
        half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self.accelerator.mixed_precision)
        if self.is_fsdp_enabled and half is not None:
            formats.enter_context(torch.autocast(self.args.device.type, dtype=half))
        return formats

    def name_trained(self) -> None:
        """Note what trained weights are called in a checkpoint, while the model is as PEFT made it: in
        one that is wrapped for recomputing, PEFT finds none of them."""
        names = [name for name, weight in self.model.named_parameters() if weight.requires_grad]
        marks = {name: torch.tensor(i) for i, name in enumerate(names)}
        written = get_peft_model_state_dict(self.model, marks, save_embedding_layers=False)
        self._written = {key: names[int(mark)] for key, mark in written.items()}

    def trained_weights(self, gathered: _State | None) -> _State:
        """What is trained, by its name in a checkpoint.

        Args:
            gathered: of a sharded model all of it, by name in the model; None: the model is whole.
        """
        if gathered is not None:
            return {key: gathered[name] for key, name in self._written.items()}
        model = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
        whole: _State = get_peft_model_state_dict(model, save_embedding_layers=False)
        return whole

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """The adapter; of a sharded model all processes give their parts, the first one writes."""
        if not self.is_fsdp_enabled:
            super().save_model(output_dir, _internal_call)
            return
        self._save(output_dir, get_model_state_dict(self.model, options=_WHOLE))

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if not self.is_fsdp_enabled:
            super()._save_optimizer_and_scheduler(output_dir)
            return
        optimizer = self.optimizer.optimizer
        named = get_optimizer_state_dict(self.model, optimizer, options=_WHOLE)
        if self.args.should_save:
            numbered = _numbered(named, _names(self.model, optimizer))
            torch.save(numbered, Path(output_dir) / OPTIMIZER)
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / SCHEDULER)

    def _load_from_checkpoint(
        self, resume_from_checkpoint: str, model: torch.nn.Module | None = None
    ) -> None:
        if not self.is_fsdp_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            return
        saved = load_file(Path(resume_from_checkpoint) / ADAPTER_WEIGHTS)
        spread = {name: saved[key] for key, name in self._written.items()}
        set_model_state_dict(self.model, spread, options=_SPREAD)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None or not self.is_fsdp_enabled:
            super()._load_optimizer_and_scheduler(checkpoint)
            return
        numbered = torch.load(Path(checkpoint) / OPTIMIZER, map_location="cpu", weights_only=True)
        optimizer = self.optimizer.optimizer
        named = _named(numbered, _names(self.model, optimizer))
        set_optimizer_state_dict(self.model, optimizer, named, options=_SPREAD)
        self.lr_scheduler.load_state_dict(torch.load(Path(checkpoint) / SCHEDULER, weights_only=True))


def _names(model: PeftModel, optimizer: torch.optim.Optimizer) -> list[list[str]]:
    """Names of an optimizer's parameters, by group and in its order."""
    names = {id(p): n for n, p in fsdp2_canonicalize_names(dict(model.named_parameters())).items()}
    return [[names[id(parameter)] for parameter in group["params"]] for group in optimizer.param_groups]


def _numbered(named: _Named, names: list[list[str]]) -> _Numbered:
    """An optimizer's state by number: parameters are counted through its groups."""
    number = {name: i for i, name in enumerate(chain(*names))}
    groups: list[_Group] = [
        {**group, "params": [number[name] for name in members]}
        for group, members in zip(named["param_groups"], names, strict=True)
    ]
    return {
        "state": {number[name]: state for name, state in named["state"].items()},
        "param_groups": groups,
    }


def _named(numbered: _Numbered, names: list[list[str]]) -> _Named:
    """The other way round, by the names of this model."""
    order = list(chain(*names))
    groups: list[_Group] = [
        {**group, "params": members}
        for group, members in zip(numbered["param_groups"], names, strict=True)
    ]
    return {
        "state": {order[i]: state for i, state in numbered["state"].items()},
        "param_groups": groups,
    }
