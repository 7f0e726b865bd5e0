"""`wandb.json` of a training run: where in W&B its figures went, so that a curve goes to the same place.

It is there where the recipe's `report_to` named wandb. Nothing of it decides weights.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from brie.project import read_json, write_text
from brie.records import Digest, Record

WANDB = "wandb.json"


class WandbRun(Record):
    """A run of W&B."""

    entity: str
    """Empty where W&B was offline and knew of none."""
    project: str
    id: str
    curves: dict[str, Digest] = Field(default_factory=dict)
    """Metric -> digest of the figures that were logged last: W&B keeps whatever it is given twice."""


def kept(folder: Path) -> WandbRun | None:
    """Where a run's figures went in W&B; None where that is not known.

    Raises:
        InputError: the file is damaged.
    """
    path = folder / WANDB
    return read_json(path, WandbRun, "does not say where in W&B the run is") if path.is_file() else None


def keep(folder: Path, run: WandbRun) -> None:
    """Note where a run's figures go."""
    write_text(folder / WANDB, run.model_dump_json(indent=1) + "\n")
