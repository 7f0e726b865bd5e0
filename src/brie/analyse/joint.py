"""Rows of judges that have one outcome a comparison, whatever the number of its presentations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from brie.analyse.arrays import Bools, Floats


@dataclass(frozen=True)
class JointRows:
    """One entry a row of the table; rows of other judges are False everywhere."""

    joint: Bools
    """The row's score is its comparison's."""
    half: Bools
    """Another presentation of the comparison has no number, so that there is no outcome."""
    further: Bools
    """Another row stands for the comparison where outcomes are counted."""
    alone: Floats
    """What the row's own presentation says, as a score; NaN where it says nothing."""

    @classmethod
    def none(cls, score: Floats) -> JointRows:
        """Rows of judges whose presentations are verdicts of their own, with these scores."""
        nowhere = np.zeros(len(score), np.bool_)
        return cls(nowhere, nowhere, nowhere, score)

    def select(self, rows: npt.NDArray[Any]) -> JointRows:
        """Some of the rows."""
        return JointRows(self.joint[rows], self.half[rows], self.further[rows], self.alone[rows])
