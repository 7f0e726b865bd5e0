"""Counter-based noise: a number for every (completion key, step, slot), whatever the batch.

The generator is SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
generators") used as a hash of its counter: integer arithmetic alone, so that every device gives
the same bits, and any slot can be had without the ones before it.
"""

from __future__ import annotations

import torch

_GAMMA = 0x9E3779B97F4A7C15 - (1 << 64)
_FIRST = 0xBF58476D1CE4E5B9 - (1 << 64)
_SECOND = 0x94D049BB133111EB - (1 << 64)


def key_seed(key: str) -> int:
    """A signed 64-bit seed from a digest, such as a completion's key: its first 16 hex digits."""
    value = int(key.removeprefix("sha256:")[:16], 16)
    return value - (1 << 64) if value >= 1 << 63 else value


def step_seeds(seeds: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """Seeds of one decoding step.

    Args:
        seeds: (rows,) int64, one a completion.
        steps: (rows,) int64, how many tokens each completion already has.

    Returns:
        (rows,) int64.
    """
    return _mix(seeds ^ _mix((steps + 1) * _GAMMA))


def gumbel(seeds: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
    """Standard Gumbel noise.

    Args:
        seeds: (rows,) int64, from `step_seeds`.
        slots: (n,) or (rows, n) int64, what each number is for.

    Returns:
        (rows, n) float32. Uniforms have 32 bits and are taken near 0, where floats are densest,
        so that the large values, which decide the draw, are finely graded.
    """
    bits = _mix(seeds[:, None] + (slots + 1) * _GAMMA)
    uniform = (_shift(bits, 32).to(torch.float32) + 0.5) * 2.0**-32
    return -torch.log(-torch.log1p(-uniform.clamp(max=1 - 2.0**-24)))


def _mix(x: torch.Tensor) -> torch.Tensor:
    x = (x ^ _shift(x, 30)) * _FIRST
    x = (x ^ _shift(x, 27)) * _SECOND
    return x ^ _shift(x, 31)


def _shift(x: torch.Tensor, bits: int) -> torch.Tensor:
    """Logical right shift: torch's own keeps the sign."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)
