"""What a bundle consists of: its members' names, its index, its rows, its limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from brie.errors import InputError
from brie.records import Completion, Digest, Document, Record, Verdict, schema_field

SCHEMA = 1
INDEX = "bundle.json"
EVALUATION, REPORT, ROWS, RUN, STATE = "evaluation/", "report/", "rows/", "run/", "state/"
MANIFEST = f"{EVALUATION}manifest.json"
ANALYSIS = f"{EVALUATION}analysis.json"
TRAINING = f"{EVALUATION}training.json"
CARRIED = f"{EVALUATION}carried.json"
CURVE = f"{EVALUATION}curve.json"
COMPLETIONS, VERDICTS = f"{ROWS}completions.jsonl", f"{ROWS}verdicts.jsonl"
CALLS, LOOKS = f"{ROWS}calls.jsonl", f"{ROWS}looks.jsonl"
REPORT_FILES = ("index.html", "report.md", "verdicts.csv")
RUN_MANIFEST, RUN_CONFIG = f"{RUN}manifest.json", f"{RUN}config.json"
RUN_METRICS = f"{RUN}metrics.jsonl"
SUITES = "suites/"
SUITES_MANIFEST, SUITES_NUMBERS = f"{SUITES}manifest.json", f"{SUITES}suites.json"
ADAPTER_FILES = (
    "adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja",
    "chat_template.json", "tokenizer.model",
)  # fmt: skip

STATE_FILES = re.compile(
    r"trainer_state\.json|optimizer\.pt|scheduler\.pt|scaler\.pt|rng_state(_\d{1,4})?\.pth"
)
"""What a run goes on with; read where it goes on, never where it is taken into a project."""

NAME = re.compile(
    r"bundle\.json"
    r"|evaluation/(manifest|analysis|training|carried|curve)\.json"
    r"|evaluation/voters/\w[\w .-]{0,39}\.json"
    r"|rows/(completions|verdicts|calls|looks)\.jsonl"
    rf"|report/({'|'.join(map(re.escape, REPORT_FILES))})"
    r"|suites/(manifest|suites)\.json|suites/eval-[a-z0-9-]{1,200}\.zip"
    r"|run/(manifest|config)\.json|run/metrics\.jsonl|run/pins/(best|last)\.json"
    rf"|run/checkpoints/checkpoint-\d{{1,9}}/({'|'.join(map(re.escape, ADAPTER_FILES))})"
    rf"|state/checkpoint-\d{{1,9}}/({STATE_FILES.pattern})"
)
"""Every name a member may have; none leads out of the folder it is meant for."""
RUN_ID = re.compile(r"train-[a-z0-9][a-z0-9.-]{0,60}-[0-9a-f]{4}")
CHECKPOINT = re.compile(r"\.\./checkpoints/checkpoint-\d{1,9}")

MOST_MEMBERS = 1_000
MOST_BYTES = 2**32 - 1
"""Of everything in a bundle together once unpacked; a million verdicts have 2.4 GB."""
MEMBER_BYTES = 2**31 - 1
"""Of a bundle's file, and of one member once unpacked."""
DOCUMENT_BYTES = 256 * 2**20
"""Of one JSON document."""
LINE_BYTES = 64 * 2**20
"""Of one row."""
MOST_RATIO = 400
"""Unpacked bytes for one packed byte, in members over a megabyte; text reaches 100, a bomb 1,000."""

R = TypeVar("R", bound=BaseModel)


class Member(Record):
    """One member, as the index lists it."""

    digest: Digest
    bytes: int = Field(ge=0)


class Index(Document):
    """`bundle.json`."""

    schema_: str = schema_field("bundle")
    kind: Literal["evaluation", "run", "suites", "checkpoint"]
    """`checkpoint`: one of a run that is not finished, with the state to go on from."""
    id: str
    version: str
    """Version of brie that made it."""
    store: int
    """Schema of the store the rows were read from."""
    members: dict[str, Member]


class KeptCompletion(Record):
    """A line of `completions.jsonl`."""

    created: str
    row: Completion


class KeptVerdict(Record):
    """A line of `verdicts.jsonl`: one attempt."""

    created: str
    row: Verdict


class KeptCall(Record):
    """A line of `calls.jsonl`."""

    evaluation: str
    judge: str
    key: str
    usd: float = Field(ge=0, allow_inf_nan=False)
    body: dict[str, float | int]
    """Usage, by field."""
    created: str


class KeptLook(Record):
    """A line of `looks.jsonl`."""

    suite: Digest
    evaluation: str
    rows: Digest
    """What was read: verdicts by their keys, or all rows where `headline` is empty."""
    created: str
    headline: Digest | Literal[""] = ""
    """The verdicts behind the headline; empty where a store before schema 3 kept the look."""
    part: Digest | Literal[""] = ""
    """What it is a part of, such as one curve."""
    prompts: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")], ...] = ()
    """What its prompts ask, as short digests."""


class Closed(Record):
    """A voter who has seen the result."""

    voter: str
    votes: int
    revealed: str


def lines(rows: Iterable[Record]) -> Iterator[str]:
    """Rows as JSON lines."""
    return (row.model_dump_json() + "\n" for row in rows)


def parse(record: type[R], data: bytes, where: str, extra: Literal["forbid", "ignore"] = "forbid") -> R:
    """A record from a member's bytes.

    Args:
        record: what it should be.
        data: the bytes.
        where: the member's name, and the line.
        extra: what becomes of keys that the record does not have.

    Raises:
        InputError: it is none; names the member and the key.
    """
    try:
        return record.model_validate_json(data, extra=extra)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part)[:80] for part in first["loc"]) or "the file"
        raise InputError(f"the bundle is damaged: {where}: {key}: {first['msg'][:200]}.") from error
