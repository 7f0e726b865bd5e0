"""What all of brie's trainers share: steps counted and timed, whole checkpoints, no card, no telemetry.

Imported inside functions only: it loads torch, transformers and peft.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file

from brie.data.encode import IGNORED
from brie.pin import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from brie.pin.thread_pace import ThreadPace
from brie.project import write_text
from brie.records import BaseModelRef
from brie.train.config import TrainPoint
from brie.train.device import peak_memory
from brie.train.gathering import Gathering
from brie.train.runs import checkpoint_name

if TYPE_CHECKING:
    from peft import PeftModel


@dataclass(frozen=True)
class Keeping:
    """What a trainer needs to know to keep what it makes."""

    base: BaseModelRef
    checkpoints: Path
    """Where checkpoints go when they are whole."""
    planned_steps: int
    own_tokenizer: bool
    """Whether the tokenizer is saved with them: it is not the base's."""
    threads: ThreadPace
    before: TrainPoint | None
    """The last step of earlier sessions."""


class Conventions(Gathering):
    """Mixed in before one of TRL's trainers, whose data and loss are its own."""

    def keep(self, keeping: Keeping) -> None:
        """Say what is kept, before anything is trained."""
        self.name_trained()
        self._keeping = keeping
        before = keeping.before
        self._tokens: torch.Tensor | int = before.tokens if before else 0
        self._seconds = before.seconds if before else 0.0
        self._step_began: float | None = None

    # --- counting ------------------------------------------------------------------------

    def training_step(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """One forward and backward; counts tokens and times the whole optimizer step."""
        if self._step_began is None:
            self._step_began = time.perf_counter()
            self._tokens_before = self._tokens
        self._tokens = self._tokens + tokens_in(inputs)
        return super().training_step(model, inputs, num_items_in_batch)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add what brie records of a step."""
        if "loss" in logs:
            logs.update(self._step_figures())
        super().log(logs, start_time)

    def _step_figures(self) -> dict[str, float]:
        began = self._step_began if self._step_began is not None else time.perf_counter()
        self._step_began = None
        took = time.perf_counter() - began
        here = int(self._tokens) - int(self._tokens_before)
        everywhere = here
        if self.args.world_size > 1:
            shared = torch.tensor([here], device=self.args.device)
            everywhere = int(self.accelerator.gather(shared).sum())
        if not self._keeping.threads.fixed:
            self._keeping.threads.record(here, took)
            torch.set_num_threads(self._keeping.threads.count)
        self._tokens = int(self._tokens_before) + everywhere
        self._seconds += took
        return {
            "tokens": self._tokens,
            "seconds": self._seconds,
            "tokens_per_second": everywhere / max(took, 1e-9),
            "memory_bytes": peak_memory(self.args.device.type),
        }

    # --- saving --------------------------------------------------------------------------

    def _save_checkpoint(self, model: torch.nn.Module, trial: None) -> None:
        """Write beside the checkpoints, then move into place: what has the name is whole."""
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            written = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
            final = self._keeping.checkpoints / checkpoint_name(
                self.state.global_step, planned_steps=self._keeping.planned_steps
            )
            if final.exists():
                shutil.rmtree(final)
            written.replace(final)
        self.accelerator.wait_for_everyone()

    def _save(
        self, output_dir: str | None = None, state_dict: dict[str, torch.Tensor] | None = None
    ) -> None:
        """The adapter, its config without paths, and the tokenizer only where brie changed it."""
        if not self.args.should_save:
            return
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        model = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
        weights = self.trained_weights(state_dict)
        save_file(
            {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()},
            folder / ADAPTER_WEIGHTS,
            metadata={"format": "pt"},
        )
        write_text(folder / ADAPTER_CONFIG, self._adapter_config(model))
        if self._keeping.own_tokenizer:
            self.processing_class.save_pretrained(str(folder))
            model.generation_config.save_pretrained(str(folder))

    def _adapter_config(self, model: PeftModel) -> str:
        config = model.peft_config["default"].to_dict()
        config |= {
            "base_model_name_or_path": self._keeping.base.repo,
            "revision": self._keeping.base.revision,
            "inference_mode": True,
        }
        return json.dumps(config, indent=2, sort_keys=True, default=_sorted) + "\n"

    def create_model_card(
        self,
        model_name: str | None = None,
        dataset_name: str | None = None,
        tags: str | list[str] | None = None,
    ) -> None:
        """None: a card is made from the manifest, not from a template about nothing."""

    def _send_telemetry(self) -> None:
        """None."""


def tokens_in(inputs: Mapping[str, torch.Tensor]) -> torch.Tensor | int:
    """Tokens of a batch, without padding and without rows that only even out processes."""
    if "attention_mask" not in inputs:  # packed: no padding
        return int(inputs["input_ids"].numel())
    if "labels" not in inputs:  # pairs: both answers with their prompt
        return inputs["attention_mask"].sum()
    teaching = (inputs["labels"] != IGNORED).any(1, keepdim=True)
    return (inputs["attention_mask"] * teaching).sum()


def _sorted(value: set[str] | frozenset[str] | Enum) -> list[str] | str:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
