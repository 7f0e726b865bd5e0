"""TRL's trainer with brie's conventions: exact validation loss, whole checkpoints, no guesses.

Imported inside functions only: it loads torch, transformers, peft and trl.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from trl import SFTTrainer

from brie.train.conventions import Conventions
from brie.train.device import SMALL_BASE
from brie.train.loss import offer_learned_loss
from brie.train.nll import row_nll
from brie.train.order import ByLength

if TYPE_CHECKING:
    from datasets import Dataset
    from peft import LoraConfig
    from torch.utils.data import Sampler
    from transformers import PreTrainedModel, TrainerCallback
    from trl import SFTConfig

    from brie.data.tokenizer import Tokenizer


class BrieTrainer(Conventions, SFTTrainer):
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
    ) -> None:
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
        self._learned_loss = (
            self.model.num_parameters() >= SMALL_BASE
            and not self.is_fsdp_enabled  # its head is in parts
            and offer_learned_loss(self.model, self.args.device.type)
        )

    # --- order ---------------------------------------------------------------------------

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler[int] | None:
        """Rows of like length beside each other, in an order that a run which goes on finds again."""
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(train_dataset)
        lengths = [len(ids) for ids in (train_dataset or self.train_dataset)["input_ids"]]
        rows = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return ByLength(lengths, rows, self.args.data_seed)

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
            position_ids=inputs.get("position_ids"),
            labels=inputs["labels"],
            learned_loss=True,
        )
        # The count is of all processes, whose gradients DDP averages.
        return summed * self.accelerator.num_processes / torch.as_tensor(num_items_in_batch).clamp(min=1)

    # --- validation ----------------------------------------------------------------------

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Replace the batch-weighted validation loss by the exact one."""
        if "eval_loss" in logs:
            logs.update(self._validation_figures())
        super().log(logs, start_time)

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
        return {"eval_loss": loss, "eval_perplexity": bounded_exp(loss), "eval_tokens": count}


def bounded_exp(loss: float) -> float:
    """A perplexity."""
    return math.exp(min(loss, 700.0))  # JSON has no infinity
