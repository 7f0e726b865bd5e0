"""What a run's attention is computed by, and whether it keeps packed rows apart.

Packed rows stand behind one another in one sequence without padding. FlashAttention is told where each
begins; elsewhere a mask keeps them apart, to the same result, at the square of the length in memory.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from brie.data.encode import Encoded
from brie.errors import UsageError
from brie.train.config import Decided, DeviceInfo, TrainConfig
from brie.train.progress import Progress
from brie.train.recipes import Recipe

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, Trainer

TORCH = "torch"
"""torch's own attention: `sdpa`, or `eager` where a family has no other."""
INSTALLED = "flash_attention_2"
"""transformers' name of the flash-attn package."""
FETCHED = "kernels-community/flash-attn2"
"""The same kernels ready built, from the Hub through the `kernels` package."""

HUB = "hub"
"""Fused kernels that are fetched from the Hub."""
_KERNEL = "kernel_layer_name"
"""What transformers calls the kernel that may compute a layer."""
_TOKENS = 64
"""Of each row that is held against itself."""
_SHARE = 0.25
"""Of what mixing two rows would change: less than that is rounding."""


def choose_attention(recipe: Recipe, device: DeviceInfo, dtype: str) -> Decided | None:
    """What attention is computed by, and why; None leaves it to transformers.

    Args:
        recipe: whether rows are packed, and what was asked for.
        device: where it computes.
        dtype: the base's number format.
    """
    if recipe.attention == "torch":
        return Decided(value=TORCH, reason="asked for")
    if recipe.attention == "auto" and not recipe.packing:
        return None
    missing = _missing(device.type, dtype)
    if missing is None:
        return _flash()
    apart = ", and a mask keeps packed rows apart: the same losses, more time and memory"
    reason = f"{missing}; torch's own attention{apart if recipe.packing else ''}"
    return Decided(value=TORCH, reason=reason)


def _flash() -> Decided:
    from transformers.utils import is_flash_attn_2_available

    if is_flash_attn_2_available():
        return Decided(value=INSTALLED, reason="flash-attn is installed")
    return Decided(value=FETCHED, reason="FlashAttention, ready built, through the kernels package")


def _missing(device: str, dtype: str) -> str | None:
    """Why there is no FlashAttention here; None where there is."""
    if device != "cuda":
        return f"{device} has no FlashAttention"
    if dtype == "float32":
        return "FlashAttention computes in 16 bits, not in float32"
    from transformers.utils import is_flash_attn_2_available

    return None if is_flash_attn_2_available() else unusable_kernels()


def unusable_kernels() -> str | None:
    """Why the `kernels` package cannot be used; None where it can."""
    from transformers.utils.import_utils import (
        KERNELS_MAX_VERSION,
        KERNELS_MIN_VERSION,
        is_kernels_available,
    )

    if is_kernels_available():
        return None
    wanted = f"pip install 'kernels>={KERNELS_MIN_VERSION},<{KERNELS_MAX_VERSION}'"
    try:
        here = importlib.metadata.version("kernels")
    except importlib.metadata.PackageNotFoundError:
        return f"the kernels package is not installed ({wanted})"
    return f"kernels {here} is not what transformers takes ({wanted})"


def choose_kernels(recipe: Recipe, device: DeviceInfo) -> Decided | None:
    """What computes layers that have fused kernels, and why; None where they were not asked for."""
    if not recipe.use_kernels:
        return None
    missing = "fused kernels need CUDA" if device.type != "cuda" else unusable_kernels()
    if missing is not None:
        return Decided(value=TORCH, reason=f"{missing}; torch's own layers")
    return Decided(value=HUB, reason="fused kernels, through the kernels package")


def computed_by(
    recipe: Recipe, device: DeviceInfo, dtype: Decided, progress: Progress
) -> tuple[Decided | None, Decided | None]:
    """What computes attention, and layers that have fused kernels; each is said where it is chosen."""
    attention, kernels = choose_attention(recipe, device, dtype.value), choose_kernels(recipe, device)
    for what, chosen in (("attention", attention), ("kernels", kernels)):
        if chosen:
            progress.note(f"{what}: {chosen.value} ({chosen.reason})")
    return attention, kernels


def fused_layers(model: torch.nn.Module) -> tuple[str, ...]:
    """Kinds of layers that a fused kernel computes: transformers falls back one by one, in silence."""
    replaced = [layer for layer in model.modules() if "forward" in vars(layer)]
    return tuple(sorted({type(layer).__name__ for layer in replaced if hasattr(layer, _KERNEL)}))


def fused_words(fused: Sequence[str]) -> str:
    """What fused kernels compute, in a sentence."""
    if not fused:
        return "kernels: none of the Hub's fits this model here; torch's own layers"
    return f"kernels: {', '.join(fused)} computed by fused kernels"


def with_kernels(config: TrainConfig, progress: Progress) -> TrainConfig:
    """The config once its attention kernel is here; torch's own attention where it cannot be had.

    The kernel is fetched from the Hub the first time.
    """
    chosen = config.attention
    if chosen is None or chosen.value != FETCHED:
        return config
    reason = _load(FETCHED)
    if reason is None:
        return config
    instead = Decided(
        value=TORCH,
        reason=f"{FETCHED} cannot be loaded ({reason}); torch's own attention instead",
    )
    progress.note(f"attention: {instead.value} ({instead.reason})")
    return config.model_copy(update={"attention": instead})


def _load(kernel: str) -> str | None:
    """Why a kernel of the Hub cannot be loaded, in one line; None where it can."""
    from transformers.integrations.hub_kernels import load_and_register_attn_kernel

    try:
        load_and_register_attn_kernel(kernel)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return None


def refuse_mixed_rows(trainer: Trainer, rows: Sequence[Encoded]) -> str:
    """Hold two packed rows against the same rows alone; what was found, in a sentence.

    Args:
        trainer: with its model on its device, and adapter and number format as in training.
        rows: at least one; the two shortest are compared, by what follows their first tokens.

    Raises:
        UsageError: the model's attention lets one row see the other.
    """
    first, second = _two(rows)
    model = trainer.model
    trained = model.training
    model.eval()
    try:
        with trainer.compute_loss_context_manager():
            alone = _after(model, second, 0)
            packed = _after(model, first + second, len(first), starts=(len(first), len(second)))
            mixed = _after(model, first + second, len(first))
    finally:
        model.train(trained)
    apart, together = ((left - alone).abs().mean().item() for left in (packed, mixed))
    if apart > _SHARE * together:
        raise UsageError(
            "packing: this model's attention does not keep rows apart: what follows a row changes with "
            "the row it is packed behind. Use --set packing=false."
        )
    return f"packing: two rows held against themselves alone, {apart:.1e} nats apart a token"


def _two(rows: Sequence[Encoded]) -> tuple[list[int], list[int]]:
    shortest = sorted(rows, key=lambda row: len(row.ids))[:2]
    first, second = (shortest * 2)[:2]
    return first.ids[-_TOKENS:], second.ids[:_TOKENS]


def _after(
    model: PreTrainedModel, ids: Sequence[int], begin: int, *, starts: Sequence[int] = ()
) -> torch.Tensor:
    """Log-probabilities of the tokens behind a place, given those before them.

    Args:
        model: a causal language model.
        ids: one sequence.
        begin: where the row begins whose tokens are asked for.
        starts: lengths of the rows that the sequence is packed of; none: it is one row.
    """
    import torch

    tokens = torch.tensor([list(ids)], device=model.device)
    where = [torch.arange(length, device=model.device) for length in starts or (len(ids),)]
    with torch.no_grad():
        logits = model(input_ids=tokens, position_ids=torch.cat(where)[None], use_cache=False).logits
    wanted = tokens[0, begin + 1 :]
    scores = logits[0, begin:-1].float().log_softmax(-1)
    return scores.gather(1, wanted[:, None])[:, 0]
