"""TRL's trainers for pairs with brie's conventions: rows in tokens, exact validation on held-out pairs.

Imported inside functions only: it loads torch, transformers, peft and trl.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import logsigmoid
from trl import DPOTrainer, KTOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference
from trl.trainer.utils import use_adapter

from brie.data.encode import IGNORED
from brie.train.conventions import Conventions
from brie.train.trainer import bounded_exp

if TYPE_CHECKING:
    from datasets import Dataset
    from peft import PeftModel
    from transformers import TrainerControl

REFERENCE = "ref"
"""What TRL calls the frozen copy of an adapter that is trained on."""


class OnPairs(Conventions):
    """What `dpo` and `kto` share: no second tokenisation, and validation by pairs."""

    beta: float
    control: TrainerControl

    def _prepare_dataset(self, dataset: Dataset, *_: object) -> Dataset:
        """Nothing: rows are tokens, with what is learned of them, already."""
        return dataset

    def evaluate(
        self,
        eval_dataset: Dataset | dict[str, Dataset] | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Held-out pairs, each process all of them; the same figures for both methods."""
        self.model.eval()
        rows = list(self.eval_dataset)
        size = self.args.per_device_eval_batch_size
        collate = DataCollatorForPreference(pad_token_id=self._tokenizer.pad_token_id)
        tally = _Tally(self.beta)
        for start in range(0, len(rows), size):
            batch = self._prepare_inputs(collate(rows[start : start + size]))
            with torch.no_grad(), self.compute_loss_context_manager():
                tally.add(*self._two(batch))
        figures = tally.figures()
        self.log(figures)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, figures)
        return figures

    def _two(self, batch: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Log-probabilities (rows, positions) of a batch's answers, by the model and by its reference,
        and where answers are."""
        model: PeftModel = self.accelerator.unwrap_model(self.model)
        labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, IGNORED)
        asked = {
            "input_ids": batch["input_ids"],
            "attention_mask": batch["attention_mask"],
            "labels": labels,
            "use_cache": False,
            "fused_lm_head": True,
        }
        own = model(**asked).log_probs
        with use_adapter(model, REFERENCE if REFERENCE in model.peft_config else None):
            reference = model(**asked).log_probs
        return own, reference, labels[:, 1:] != IGNORED


class _Tally:
    """Figures over held-out pairs, however they were batched."""

    def __init__(self, beta: float) -> None:
        self._beta = beta
        self._margins: list[torch.Tensor] = []
        self._kl = self._chosen = 0.0
        self._tokens = self._chosen_tokens = 0

    def add(self, own: torch.Tensor, reference: torch.Tensor, answers: torch.Tensor) -> None:
        """One batch, the better answers in its first half.

        Args:
            own: log-probabilities by the model, 0 outside answers.
            reference: by its reference.
            answers: where answers are.
        """
        own, reference = own.double(), reference.double()
        gained = own - reference
        better, worse = gained.sum(1).chunk(2)
        self._margins.append((self._beta * (better - worse)).cpu())
        # Schulman's third estimator of KL(reference || model): never below 0, token by token.
        self._kl += float((gained.exp() - 1 - gained)[answers].sum())
        self._tokens += int(answers.sum())
        half = len(own) // 2
        self._chosen -= float(own[:half].sum())
        self._chosen_tokens += int(answers[:half].sum())

    def figures(self) -> dict[str, float]:
        """What is recorded at a step."""
        margins = torch.cat(self._margins)
        right = (margins > 0).double() + 0.5 * (margins == 0).double()
        return {
            "eval_loss": float(-logsigmoid(margins).mean()),
            "eval_perplexity": bounded_exp(self._chosen / max(self._chosen_tokens, 1)),
            "eval_tokens": self._tokens,
            "eval_accuracy": float(right.mean()),
            "eval_margin": float(margins.mean()),
            "eval_kl": self._kl / max(self._tokens, 1),
        }


class BrieDPO(OnPairs, DPOTrainer):
    """Direct preference optimisation (Rafailov et al. 2023)."""


class BrieKTO(OnPairs, KTOTrainer):
    """Kahneman-Tversky optimisation (Ethayarajh et al. 2024): each answer good or bad by itself."""
