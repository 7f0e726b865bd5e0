"""How long a job will take, and what it may cost: from its operations and the speed of its GPU.

A GPU's speed is its dense bfloat16 (of older ones float16) rate with tensor cores, from its maker's data
sheet. LoRA fine-tunes of small models reach a part of it (`USED`); batches of one short row reach less,
full ones more. An estimate so made may be off by three; it is made to choose a time limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from brie.remote.jobs import Load
from brie.remote.launcher import Offer

USED = 0.2
"""Share of a GPU's rate that training here reaches."""
SETUP_MINUTES = 8.0
"""To fetch packages and a base, and to load them."""
MARGIN = 2.0
"""A time limit is this many times the estimate, and `SETUP_MINUTES`."""

TERAFLOPS: dict[str, float] = {
    "T4": 65, "V100": 125, "A10G": 70, "A10": 125, "L4": 121, "L40S": 362, "L40": 181, "A6000": 155,
    "A40": 150, "A100": 312, "H100": 989, "H200": 989, "H20": 148, "B200": 2250, "RTX 3090": 71,
    "RTX 4090": 165, "RTX 5090": 210, "RTX PRO 6000": 500,
}  # fmt: skip
"""GPU -> dense bfloat16 or float16 teraflops."""
_BEFORE_BFLOAT16 = ("T4", "V100")


@dataclass(frozen=True)
class Estimate:
    """What a job may take."""

    minutes: float | None
    """None: nothing is known of this hardware, or of the work."""
    why: str
    """What the minutes rest on, or why there are none."""


def estimated(load: Load, offer: Offer) -> Estimate:
    """How long a job takes on what is offered; setting up included."""
    if load.flops is None:
        return Estimate(None, "unknown until the base's shape is known")
    if offer.gpu is None:
        return Estimate(None, "unknown: there is no GPU, and CPUs differ too much to say")
    rate = speed(offer.gpu)
    if rate is None:
        return Estimate(None, f"unknown: the speed of {offer.gpu} is not in brie's table")
    minutes = load.flops / (rate * 1e12 * USED) / 60 + SETUP_MINUTES
    return Estimate(
        minutes, f"{load.flops:.1e} operations at {USED:.0%} of {rate:,.0f} teraflops, and set-up"
    )


def speed(gpu: str) -> float | None:
    """A GPU's teraflops; None: unknown."""
    name = _known(gpu)
    return None if name is None else TERAFLOPS[name]


def computes_in_bfloat16(gpu: str) -> bool | None:
    """Whether a GPU has compute capability 8 or more; None: it is not in the table."""
    name = _known(gpu)
    return None if name is None else name not in _BEFORE_BFLOAT16


def _known(gpu: str) -> str | None:
    """The longest name in the table that stands in a GPU's own."""
    words = f" {gpu.upper().replace('-', ' ').replace('_', ' ')} "
    named = [name for name in TERAFLOPS if f" {name} " in words]
    return max(named, key=len) if named else None


def time_limit(minutes: float) -> int:
    """Minutes after which a provider should end a job that was estimated so."""
    return math.ceil(minutes * MARGIN + SETUP_MINUTES)
