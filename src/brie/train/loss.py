"""The loss of a step where no GPU kernel is to be had: logits only at learned positions.

On CUDA, TRL scores learned positions alone. Elsewhere it scores every position, prompts
included, and computes each logit three times. Here each is computed once: the head is frozen,
so the gradient of a chunk's hidden states is taken while its logits are there, and the logits
are let go before the next chunk's.
"""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy

from brie.data.encode import IGNORED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from peft import PeftModel
    from transformers import PreTrainedModel

_LOGIT_BYTES = 2**27
"""Size of one chunk's logits in float32; the peak holds about three times as much."""

_HEAD_SETTINGS = (
    "final_logit_softcapping",
    "logit_scale",
    "logits_scaling",
    "lm_head_multiplier",
    "output_multiplier",
)
"""What a config may do to logits after the head; left to TRL, which knows each family's."""


class FrozenHeadLoss(torch.autograd.Function):
    """Summed cross entropy (nats) of hidden states through a frozen linear head."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
    ) -> torch.Tensor:
        """The sum, a float32 scalar.

        Args:
            ctx: torch's notebook for the way back.
            hidden: (positions, width).
            weight: (vocabulary, width), frozen.
            bias: (vocabulary,), frozen, or None.
            targets: (positions,), token ids.
        """
        total = hidden.new_zeros((), dtype=torch.float32)
        gradient = torch.empty_like(hidden)
        for cut in _chunks(len(hidden), len(weight)):
            with torch.enable_grad():
                states = hidden[cut].detach().requires_grad_()
                logits = torch.nn.functional.linear(states, weight, bias)
                loss = cross_entropy(logits.float(), targets[cut], reduction="sum")
            gradient[cut] = torch.autograd.grad(loss, states)[0]
            total += loss.detach()
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, *gradients: torch.Tensor
    ) -> tuple[torch.Tensor, None, None, None]:
        """The gradient of the hidden states, taken on the way forward."""
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0].to(gradient.dtype), None, None, None


def _chunks(positions: int, vocabulary: int) -> Iterator[slice]:
    step = max(1, _LOGIT_BYTES // (4 * vocabulary))
    return (slice(start, start + step) for start in range(0, positions, step))


def offer_learned_loss(model: PeftModel, device: str) -> bool:
    """Teach a model's forward the argument `learned_loss`, where that is exact and pays.

    Args:
        model: a base with its adapter.
        device: `cuda`, `mps` or `cpu`.

    Returns:
        Whether the model takes it: not on CUDA, nor where the head is trained, is no plain linear
        layer, or its logits are scaled or capped afterwards.
    """
    inner: PreTrainedModel = model.get_base_model()
    if device == "cuda" or not _plain(inner):
        return False
    usual = inner.forward

    def forward(
        self: PreTrainedModel,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        *,
        learned_loss: bool = False,
        **more: torch.Tensor | bool | None,
    ) -> object:
        if not learned_loss or labels is None:
            given = {"attention_mask": attention_mask, "labels": labels, "position_ids": position_ids}
            return usual(input_ids=input_ids, **given, **more)
        states = self.base_model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            use_cache=False,
        ).last_hidden_state[:, :-1]
        targets = labels[:, 1:]
        wanted = targets != IGNORED
        head = self.get_output_embeddings()
        return FrozenHeadLoss.apply(states[wanted], head.weight, head.bias, targets[wanted])

    inner.forward = MethodType(forward, inner)
    return True


def _plain(model: PreTrainedModel) -> bool:
    config = model.config.get_text_config()
    if any(getattr(config, name, None) not in (None, 1, 1.0) for name in _HEAD_SETTINGS):
        return False
    if getattr(config, "output_router_logits", False):
        return False
    head = model.get_output_embeddings()
    return type(head) is torch.nn.Linear and not any(p.requires_grad for p in head.parameters())
