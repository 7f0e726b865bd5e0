"""One training step on a device against the same step on the CPU.

Apple's MPS has repeatedly computed wrong gradients or skipped optimizer updates without an
error (pytorch#118115, #131736, #162779). Two seconds here are cheaper than a run that learned
nothing.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

from brie.errors import UsageError

if TYPE_CHECKING:
    import torch
    from peft import PeftModel

TOLERANCE = {"float32": 0.01, "bfloat16": 0.08, "float16": 0.08}
"""Largest relative difference of a loss or a weight change; wrong maths is off by far more."""


class Step(NamedTuple):
    """What one step did."""

    loss: float
    changes: dict[str, torch.Tensor]
    """How far each trained weight moved, by name, on the CPU."""


def compare_with_cpu(device: str, *, dtype: str) -> str:
    """Refuse a device whose arithmetic is wrong.

    Returns:
        What was found, for people.

    Raises:
        UsageError: loss or weight changes differ beyond rounding; names both numbers.
    """
    model = _model()
    here, there = one_step(model, "cpu", dtype="float32"), one_step(model, device, dtype=dtype)
    differing = disagreement(here, there, TOLERANCE[dtype])
    if differing:
        raise UsageError(
            f"{device} computes a training step differently from the CPU ({differing}); this build of "
            "torch is not to be trusted here. Update torch, or use --device cpu."
        )
    return f"one training step agrees with the CPU (loss {there.loss:.4f} and {here.loss:.4f})"


def disagreement(left: Step, right: Step, tolerance: float) -> str | None:
    """What differs between two steps beyond a tolerance, None if nothing does."""
    if not abs(left.loss - right.loss) <= tolerance * abs(left.loss):
        return f"loss {left.loss:.4f} and {right.loss:.4f}"
    for name, change in left.changes.items():
        off = (change - right.changes[name]).norm().item()
        size = change.norm().item()
        if not off <= 5 * tolerance * size:
            return f"the change of {name} is off by {off:.2g} of {size:.2g}"
    return None


def _model() -> PeftModel:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from brie.train.recipes import SEVEN

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=320,
        hidden_size=64,
        intermediate_size=160,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    # Gaussian on both sides: with LoRA's usual zero half, half the weights would not move.
    lora = LoraConfig(r=4, lora_alpha=8, target_modules=list(SEVEN), init_lora_weights=False)
    return get_peft_model(Qwen2ForCausalLM(config), lora)


def one_step(model: PeftModel, device: str, *, dtype: str) -> Step:
    """Loss of a fixed batch and the weight changes of one SGD step; the model is left as it was.

    Plain SGD: its change is proportional to the gradient, where Adam's first step shows its
    sign alone.
    """
    import torch

    here = copy.deepcopy(model).to(device)
    half = dtype != "float32"
    before = {n: p.detach().cpu().clone() for n, p in here.named_parameters() if p.requires_grad}
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(0, 320, (3, 50), generator=generator).to(device)
    mask = torch.ones_like(ids)
    mask[1, 30:] = 0
    labels = ids.masked_fill(mask == 0, -100)
    optimizer = torch.optim.SGD([p for p in here.parameters() if p.requires_grad], lr=1.0)
    with torch.autocast(device, dtype=getattr(torch, dtype), enabled=half):
        loss = here(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss
    loss.backward()
    optimizer.step()
    after = {n: p.detach().cpu() for n, p in here.named_parameters() if p.requires_grad}
    return Step(float(loss.detach()), {name: after[name] - before[name] for name in before})
