"""Negative log-likelihood of learned tokens, summed by conversation: one definition for all.

Validation loss, `best`, and `brie perplexity` use this, so that the same conversations give
the same number whatever the batch size.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy

from brie.data.encode import IGNORED

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_POSITIONS_AT_ONCE = 256
_POSITIONS_A_FORWARD = 4096


def row_nll(
    model: PreTrainedModel | PeftModel, *, ids: torch.Tensor, mask: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Summed negative log-likelihood (nats) and number of learned tokens, a row.

    Args:
        model: a causal language model, with or without an adapter.
        ids: (rows, length) token ids, padded at the end.
        mask: (rows, length), 0 where padded.
        labels: (rows, length), token ids where learned and -100 elsewhere.

    Returns:
        Two tensors of shape (rows,), float32 and int64.
    """
    sums, counts = [], []
    for start in range(0, len(ids), step := _rows_a_forward(labels)):
        cut = slice(start, start + step)
        total, count = _forward(model, ids=ids[cut], mask=mask[cut], labels=labels[cut])
        sums.append(total)
        counts.append(count)
    return torch.cat(sums), torch.cat(counts)


def _rows_a_forward(labels: torch.Tensor) -> int:
    """So many rows that the logits of one forward stay small beside the weights."""
    positions = int((labels[:, 1:] != IGNORED).any(0).sum())
    return max(1, _POSITIONS_A_FORWARD // max(positions, 1))


def _forward(
    model: PreTrainedModel | PeftModel, *, ids: torch.Tensor, mask: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    targets = labels[:, 1:]
    wanted = (targets != IGNORED).any(0).nonzero().flatten()
    logits = _logits(model, ids=ids, mask=mask, wanted=wanted)
    total = torch.zeros(len(ids), device=logits.device)
    for some, where in zip(
        logits.split(_POSITIONS_AT_ONCE, 1), wanted.split(_POSITIONS_AT_ONCE), strict=True
    ):
        losses = cross_entropy(
            some.float().transpose(1, 2), targets[:, where], ignore_index=IGNORED, reduction="none"
        )
        total += losses.sum(1)
    return total, (targets != IGNORED).sum(1)


def _logits(
    model: PreTrainedModel | PeftModel, *, ids: torch.Tensor, mask: torch.Tensor, wanted: torch.Tensor
) -> torch.Tensor:
    """Logits (rows, wanted, vocabulary) at the wanted positions alone, where the model can."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    if "logits_to_keep" in inspect.signature(type(inner).forward).parameters:
        out = model(input_ids=ids, attention_mask=mask, logits_to_keep=wanted, use_cache=False)
        return out.logits
    return model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, wanted]
