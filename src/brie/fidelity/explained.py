"""What a number format explains by itself: the checkpoint changed by as much, and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brie.fidelity.figures import compare, largest_difference
from brie.fidelity.reference import Reference, write_logits
from brie.fidelity.tensors import Weights
from brie.pin.libraries import quiet_transformers
from brie.pin.weights import load_causal_lm
from brie.progress import Screen

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_SEED = 1


@dataclass(frozen=True, slots=True)
class Explained:
    """How far the checkpoint comes from itself."""

    kl: float
    """Mean divergence, in nats."""
    same_argmax: float
    """Share of equal first choices."""


def rounding_alone(reference: Reference, number_format: str, work: Path, screen: Screen) -> float:
    """Largest logit difference when the checkpoint's numbers are rounded and nothing else is done.

    The products are computed in float32 either way: it is the file that is judged, not an engine.
    """
    import torch

    model = _checkpoint(reference)
    for parameter in model.parameters():
        parameter.data = parameter.data.to(getattr(torch, number_format)).float()
    logits = work / "rounded.npy"
    write_logits(model, reference.rows, logits, reference.encoder.vocabulary, screen)
    largest = largest_difference(reference, logits)
    logits.unlink()
    return largest


def noise_alone(reference: Reference, folder: Path, work: Path, screen: Screen) -> Explained:
    """How far the checkpoint comes from itself when its numbers are changed by chance.

    Each tensor gets independent normal numbers, as large together as its difference from the file's.
    What a sound quantiser does is about that; a setting or an engine that is wrong does more.

    Args:
        reference: the checkpoint.
        folder: the file, unpacked.
        work: where logits are kept meanwhile.
        screen: progress.
    """
    import torch

    model, theirs = _checkpoint(reference), Weights(folder)
    random = torch.Generator().manual_seed(_SEED)
    for name, parameter in model.named_parameters():
        if name not in theirs or theirs.get(name).shape[1:] != parameter.shape[1:]:
            continue
        off = theirs.get(name)[: len(parameter)] - parameter.data
        step = float(off.norm()) / math.sqrt(off.numel())
        parameter.data += step * torch.randn(parameter.shape, generator=random)
    logits = work / "shaken.npy"
    write_logits(model, reference.rows, logits, reference.encoder.vocabulary, screen)
    figures = compare(reference, logits, "shaken", same_ids=None, why="")
    logits.unlink()
    return Explained(figures.kl or 0.0, 1.0 if figures.same_argmax is None else figures.same_argmax)


def _checkpoint(reference: Reference) -> PreTrainedModel:
    with quiet_transformers():
        return load_causal_lm(reference.merged, "float32").eval().requires_grad_(False)
