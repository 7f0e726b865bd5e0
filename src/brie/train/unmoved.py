"""A held-out loss that falls says little by itself: what else moved?"""

from __future__ import annotations

from collections.abc import Iterator

from brie.number_format import listed, percent
from brie.train.config import RunManifest

_FELL = 0.01
"""Share of the loss by which it must have fallen to be called so."""
LEAST_KL = 0.01
"""Nats a token below which the model writes as its reference: .4 nats for an answer of 40 tokens."""


def unmoved(manifest: RunManifest) -> str | None:
    """What to say of a run on pairs whose held-out loss fell while nothing else moved; None where more
    did.

    Args:
        manifest: of a run that is done, with its pins.
    """
    points = {point.step: point for point in manifest.evaluations}
    first, best = points.get(0), points[manifest.pins["best"].step]
    if first is None or best.accuracy is None or best.kl is None:
        return None
    stayed = list(_stayed(best.accuracy, best.kl))
    if not stayed or first.loss - best.loss <= _FELL * first.loss:
        return None
    return (
        f"warning: the held-out loss fell from {first.loss:.4f} to {best.loss:.4f}, but "
        f"{listed(stayed)}; only a blind evaluation says whether it answers better"
    )


def _stayed(accuracy: float, kl: float) -> Iterator[str]:
    if accuracy <= 0.5:
        yield f"it prefers the better answer in {percent(accuracy)} of held-out pairs, as chance does"
    if kl < LEAST_KL:
        yield f"it writes almost as its reference does (KL {kl:.4f} nats a token)"
