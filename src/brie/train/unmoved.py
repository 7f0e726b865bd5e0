"""A held-out loss that falls says little by itself: what else moved?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from brie.number_format import listed, percent, plural
from brie.train.config import RunManifest

_FELL = 0.01
"""Share of the loss by which it must have fallen to be called so."""
LEAST_KL = 0.01
"""Nats a token below which the model writes as its reference does: an answer of forty tokens is then as
likely to within a third of a nat or so."""
_Z = 1.96


def unmoved(manifest: RunManifest) -> str | None:
    """What to say of a run on pairs whose loss fell and little else; None where more moved.

    Args:
        manifest: of a run that is done, with its pins.
    """
    points = {point.step: point for point in manifest.evaluations}
    first, best = points.get(0), points[manifest.pins["best"].step]
    if first is None or best.accuracy is None or best.kl is None:
        return None
    if first.loss - best.loss <= _FELL * first.loss:
        return None
    stayed = list(_stayed(best.accuracy, best.kl, prompts=manifest.config.val.prompts))
    if not stayed:
        return None
    return (
        f"warning: the held-out loss fell from {first.loss:.4f} to {best.loss:.4f}, but "
        f"{listed(stayed)}; only a blind evaluation says whether it answers better"
    )


def _stayed(accuracy: float, kl: float, *, prompts: int) -> Iterator[str]:
    if lowest(accuracy, prompts) <= 0.5:
        counted = plural(prompts, "held-out prompt")
        yield f"its accuracy of {percent(accuracy)} on {counted} may be chance"
    if kl < LEAST_KL:
        yield f"it writes almost as the reference does (KL {kl:.4f} nats a token)"


def lowest(share: float, count: int) -> float:
    """Lower end of Wilson's 95 % interval of a share (Wilson 1927).

    Args:
        share: observed, 0 to 1.
        count: of how many.
    """
    middle = share + _Z**2 / (2 * count)
    wide = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return (middle - wide) / (1 + _Z**2 / count)
