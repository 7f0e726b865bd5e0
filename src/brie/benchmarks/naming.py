"""How tasks are named: `NAME|FILE|FOLDER[#METRIC[,FILTER]]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AskedAs = Literal["auto", "chat", "text"]
"""`auto`: tasks that let the model write are conversations, those that score given texts are plain."""


@dataclass(frozen=True)
class Named:
    """A reference, taken apart."""

    target: str
    metric: str = ""
    filter: str = ""

    @classmethod
    def of(cls, reference: str) -> Named:
        """`NAME|FILE|FOLDER[#METRIC[,FILTER]]`"""
        target, _, measure = reference.partition("#")
        metric, _, name = measure.partition(",")
        return cls(target, metric, name)
