"""What all records share: closed sets, and the two bases they derive from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Letter = Literal["A", "B"]
Side = Literal["candidate", "baseline"]
Winner = Literal["candidate", "baseline", "tie"]
Order = Literal["candidate_first", "baseline_first"]
FinishReason = Literal["stop", "length"]
Positions = Literal["both", "balanced"]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]

SCORE: dict[str, float] = {"candidate": 1.0, "tie": 0.5, "baseline": 0.0}
"""A verdict's score for the candidate."""


class Record(BaseModel):
    """Base of all records."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(Record):
    """A record that is a JSON file of its own: its first key is `schema`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True
    )
