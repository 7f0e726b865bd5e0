"""TRL's trainer with brie's conventions: exact validation loss, whole checkpoints, no guesses.

Imported inside functions only: it loads torch, transformers, peft and trl.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from peft import get_peft_model_state_dict
from safetensors.torch import save_file
from trl import SFTTrainer

from brie.data.encode import IGNORED
from brie.pin import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from brie.pin.thread_pace import ThreadPace
from brie.project import write_text
from brie.records import BaseModelRef
from brie.train.config import TrainPoint
from brie.train.device import SMALL_BASE, peak_memory
from brie.train.loss import offer_learned_loss
from brie.train.nll import row_nll
from brie.train.runs import checkpoint_name

if TYPE_CHECKING:
    from datasets import Dataset
    from peft import LoraConfig, PeftModel
    from transformers import PreTrainedModel, TrainerCallback
    from trl import SFTConfig

    from brie.data.tokenizer import Tokenizer


class BrieTrainer(SFTTrainer):
    """Runs on rows that already carry their labels; see `brie.data.encode`."""

    def __init__(
        self,
        model: PreTrainedModel,
        args: SFTConfig,
        train_dataset: Dataset,
        eval_dataset: Dataset,
        processing_class: Tokenizer,
        peft_config: LoraConfig,
        callbacks: Sequence[TrainerCallback],
        base: BaseModelRef,
        checkpoints: Path,
        planned_steps: int,
        own_tokenizer: bool,
        threads: ThreadPace,
        before: TrainPoint | None,
    ) -> None:
        self._base = base
        self._checkpoints = checkpoints
        self._planned_steps = planned_steps
        self._own_tokenizer = own_tokenizer
        self._threads = threads
        self._tokens: torch.Tensor | int = before.tokens if before else 0
        self._seconds = before.seconds if before else 0.0
        self._step_began: float | None = None
        self._validation: list[tuple[torch.Tensor, torch.Tensor]] = []
        super().__init__(
            model=model,
            args=args,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            processing_class=processing_class,
            peft_config=peft_config,
            callbacks=list(callbacks),
        )
        # A small base gains nothing anybody would notice, and keeps TRL's arithmetic to the bit.
        self._learned_loss = self.model.num_parameters() >= SMALL_BASE and offer_learned_loss(
            self.model, self.args.device.type
        )

    # --- loss ----------------------------------------------------------------------------

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Mean loss of the learned tokens of all micro-batches of a step, this one's share."""
        if not self._learned_loss or return_outputs or num_items_in_batch is None:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        summed = model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs.get("attention_mask"),
            labels=inputs["labels"],
            learned_loss=True,
        )
        # The count is of all processes, whose gradients DDP averages.
        return summed * self.accelerator.num_processes / torch.as_tensor(num_items_in_batch).clamp(min=1)

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
        self._tokens = self._tokens + _tokens_in(inputs)
        return super().training_step(model, inputs, num_items_in_batch)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add what brie records; replace the batch-weighted validation loss by the exact one."""
        if "eval_loss" in logs:
            logs.update(self._validation_figures())
        elif "loss" in logs:
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
        if not self._threads.fixed:
            self._threads.record(here, took)
            torch.set_num_threads(self._threads.count)
        self._tokens = int(self._tokens_before) + everywhere
        self._seconds += took
        return {
            "tokens": self._tokens,
            "seconds": self._seconds,
            "tokens_per_second": everywhere / max(took, 1e-9),
            "memory_bytes": peak_memory(self.args.device.type),
        }

    # --- validation ----------------------------------------------------------------------

    def evaluate(
        self,
        eval_dataset: Dataset | dict[str, Dataset] | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Validate row by row, padded, also where training packs rows into one sequence."""
        packs = self.data_collator.padding_free
        self.data_collator.padding_free = False
        try:
            return super().evaluate(eval_dataset, ignore_keys, metric_key_prefix)
        finally:
            self.data_collator.padding_free = packs

    def prediction_step(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[torch.Tensor, None, None]:
        """Sum the loss by row, so that its mean does not depend on batches."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            totals, counts = row_nll(
                model,
                ids=inputs["input_ids"],
                mask=inputs["attention_mask"],
                labels=inputs["labels"],
            )
        # Across processes the last batch is padded with repeated rows; gathering drops them.
        self._validation.append(self.accelerator.gather_for_metrics((totals, counts)))
        return (totals.sum() / counts.sum().clamp(min=1)).detach(), None, None

    def _validation_figures(self) -> dict[str, float]:
        total = sum(float(totals.double().sum()) for totals, _ in self._validation)
        count = sum(int(counts.sum()) for _, counts in self._validation)
        self._validation = []
        loss = total / max(count, 1)
        return {"eval_loss": loss, "eval_perplexity": _exp(loss), "eval_tokens": count}

    # --- saving --------------------------------------------------------------------------

    def _save_checkpoint(self, model: torch.nn.Module, trial: None) -> None:
        """Write beside the checkpoints, then move into place: what has the name is whole."""
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            written = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
            final = self._checkpoints / checkpoint_name(
                self.state.global_step, planned_steps=self._planned_steps
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
        weights = get_peft_model_state_dict(model, save_embedding_layers=False)
        save_file(
            {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()},
            folder / ADAPTER_WEIGHTS,
            metadata={"format": "pt"},
        )
        write_text(folder / ADAPTER_CONFIG, self._adapter_config(model))
        if self._own_tokenizer:
            self.processing_class.save_pretrained(str(folder))
            model.generation_config.save_pretrained(str(folder))

    def _adapter_config(self, model: PeftModel) -> str:
        config = model.peft_config["default"].to_dict()
        config |= {
            "base_model_name_or_path": self._base.repo,
            "revision": self._base.revision,
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


def _tokens_in(inputs: Mapping[str, torch.Tensor]) -> torch.Tensor | int:
    """Tokens of a batch, without padding and without rows that only even out processes."""
    if "attention_mask" not in inputs:  # packed: no padding
        return int(inputs["input_ids"].numel())
    teaching = (inputs["labels"] != IGNORED).any(1, keepdim=True)
    return (inputs["attention_mask"] * teaching).sum()


def _exp(loss: float) -> float:
    return math.exp(min(loss, 700.0))  # JSON has no infinity


def _sorted(value: set[str] | frozenset[str] | Enum) -> list[str] | str:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
