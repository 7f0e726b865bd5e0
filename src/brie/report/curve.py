"""The win rate over a run's training steps, as `brie curve` left it beside an evaluation."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brie.records import Document, schema_field

CURVE = "curve.json"
_SHARE = Field(ge=0, le=1, allow_inf_nan=False)


class CurvePoint(BaseModel):
    """One checkpoint."""

    model_config = ConfigDict(frozen=True)

    name: str
    step: int
    value: float = _SHARE
    low: float = _SHARE
    """All intervals of a curve hold together."""
    high: float = _SHARE
    prompts: int


class Selection(BaseModel):
    """The checkpoint that judges chose on one half of the suite."""

    model_config = ConfigDict(frozen=True)

    checkpoint: str


class Curve(Document):
    """The part of a `brie.curve/1` document that a report shows."""

    model_config = ConfigDict(extra="ignore")

    schema_: str = schema_field("curve")
    prompts: str
    """Which prompts, in words."""
    checkpoints: tuple[CurvePoint, ...] = Field(max_length=1_000)
    best_by_validation_loss: str | None = None
    evaluations: dict[str, str]
    """Checkpoint -> its evaluation's id."""
    selection: Selection | None = None


def read_curve(folder: Path) -> Curve | None:
    """The curve that an evaluation is a point of; None where there is none that can be read."""
    try:
        return Curve.model_validate_json((folder / CURVE).read_text("utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return None


def notes(curve: Curve, rung: CurvePoint, step: int | None) -> str:
    """What is to be said of one checkpoint; `step` is the report's own."""
    remarks = ["this report's checkpoint"] if rung.step == step else []
    if rung.name == curve.best_by_validation_loss:
        remarks.append("lowest validation loss")
    if curve.selection is not None and rung.name == curve.selection.checkpoint:
        remarks.append("chosen by the judges on other prompts than those quoted")
    return ", ".join(remarks)
