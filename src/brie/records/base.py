"""What all records share: closed sets, and the two bases they derive from."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from operator import is_
from typing import Annotated, Literal, TypeVar, TypeVarTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, field_validator

from brie.versions import schema_id, schema_version

Letter = Literal["A", "B"]
Side = Literal["candidate", "baseline"]
Winner = Literal["candidate", "baseline", "tie"]
Order = Literal["candidate_first", "baseline_first"]
FinishReason = Literal["stop", "length", "thinking"]
"""`thinking`: the limit came while the model still thought, so that there is no answer."""
Positions = Literal["both", "balanced"]
CriteriaOrder = Literal["own", "reversed", "rotated"]
"""In which order a judge reads its rubric's criteria: the rubric's own, from the last to the first, or
the second half before the first."""
CRITERIA_ORDERS: tuple[CriteriaOrder, ...] = ("own", "reversed", "rotated")
Margin = Literal["much", "slightly"]
"""By how much an answer is the better one."""
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]

SCORE: dict[str, float] = {"candidate": 1.0, "tie": 0.5, "baseline": 0.0}
"""A verdict's score for the candidate."""


def whole_text(text: str) -> str:
    """A text that can be written: half of a surrogate pair, which no encoding has, becomes U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _if_text(value: JsonValue) -> JsonValue:
    return whole_text(value) if isinstance(value, str) else value


WholeText = Annotated[str, BeforeValidator(_if_text)]
"""A text that came from outside."""


class Record(BaseModel):
    """Base of all records."""

    model_config = ConfigDict(frozen=True, extra="forbid")


T = TypeVar("T")
Args = TypeVarTuple("Args")
_REMEMBERED = 4


def remembered(work_out: Callable[[*Args], T]) -> Callable[[*Args], T]:
    """A function of records that takes long for large ones: worked out once for each of the last few
    that it was asked about, told apart as objects. Records do not change.
    """
    last: list[tuple[tuple[object, ...], T]] = []

    @wraps(work_out)
    def known(*asked: *Args) -> T:
        for seen, value in last:
            if all(map(is_, seen, asked)):
                return value
        value = work_out(*asked)
        last.insert(0, (asked, value))
        del last[_REMEMBERED:]
        return value

    return known


def later(default: T) -> T:
    """A field that joined a record after rows or plans were sealed without it.

    At its default it is not written, so that the older ones keep their digests, and documents
    that do not use it stay as they were.
    """
    field: T = Field(default=default, exclude_if=lambda value: value == default)
    return field


def schema_field(name: str) -> str:
    """The key `schema` of a document; documents of earlier versions are read, newer ones are not."""
    field: str = Field(default=schema_id(name), alias="schema")
    return field


class Document(Record):
    """A record that is a JSON file of its own: its first key is `schema`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True
    )

    def written(self) -> dict[str, JsonValue]:
        """The document as it is written: its form first, then what has been set."""
        fields: dict[str, JsonValue] = self.model_dump(mode="json", exclude_unset=True)
        return {"schema": str(self.model_dump(include={"schema_"})["schema"]), **fields}

    @field_validator("schema_", check_fields=False)
    @classmethod
    def _is_known(cls, schema: str) -> str:
        schema_version(schema, like=str(cls.model_fields["schema_"].default))
        return schema
