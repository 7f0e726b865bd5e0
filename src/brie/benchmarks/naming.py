"""How tasks are named: `NAME|FILE|FOLDER[#METRIC[,FILTER]]`."""

from __future__ import annotations

from dataclasses import dataclass
from os.path import relpath
from pathlib import Path
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


def located(reference: str, root: Path) -> str:
    """A reference as it is named from a project's folder: files are named from the current one."""
    target, sign, measure = reference.partition("#")
    path = Path(target)
    if not path.exists() or path.resolve() == (root / target).resolve():
        return reference
    return f"{relpath(path.resolve(), root)}{sign}{measure}"
