"""Simulated verdicts that answer to length, for the length-controlled rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.simulate import Floats

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lengths:
    """Verdicts, length differences, positions and prompts of one evaluation, row by row."""

    score: Floats
    difference: Floats
    position: Ints
    prompt: Ints


@dataclass(frozen=True)
class Length:
    """One cell of a grid."""

    prompts: int
    intercept: float
    """Log odds of a win at equal length."""
    slope: float
    """Log odds more where the candidate's answer is the longer one by far."""
    shift: float = 0.5
    """Mean length difference in its standard deviations."""
    judges: int = 1
    samples: int = 1
    between: float = 0.7
    """Standard deviation, in log odds, of what the judges share on one prompt."""
    ties: float = 0.0

    @property
    def name(self) -> str:
        """The setting in one line."""
        return (
            f"{self.prompts} x {self.samples} x {self.judges}, log odds {self.intercept:g}, "
            f"slope {self.slope:g}, shift {self.shift:g}, between {self.between:g}, ties {self.ties:g}"
        )


def lengths(cell: Length, rng: np.random.Generator, prompts: int | None = None) -> Lengths:
    """Simulate one evaluation of both orders; `prompts` in place of the cell's for its truth."""
    shape = (prompts or cell.prompts, cell.samples, cell.judges, 2)
    difference = cell.shift + rng.standard_normal(shape[:2])
    odds = cell.intercept + cell.slope * np.tanh(difference)
    odds = odds + cell.between * rng.standard_normal(shape[0])[:, None]
    won = rng.random(shape) < (1 / (1 + np.exp(-odds)))[:, :, None, None]
    score = np.where(rng.random(shape) < cell.ties, 0.5, won.astype(np.float64))
    prompt = np.broadcast_to(np.arange(shape[0])[:, None, None, None], shape)
    position = np.broadcast_to(np.array([1, -1]), shape)
    wide = np.broadcast_to(difference[:, :, None, None], shape)
    return Lengths(score.ravel(), wide.ravel().copy(), position.ravel().copy(), prompt.ravel().copy())
