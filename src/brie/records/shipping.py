"""The file people ship: what an export is made of, and what a check of one found."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from brie.records.base import Digest, Document, Record, later, schema_field
from brie.records.models import Pin

Form = Literal["adapter", "merged", "gguf", "mlx", "mlx-adapter"]
"""What a shipped model is on disk: a LoRA adapter of PEFT, a folder of safetensors, one GGUF file, a
folder or an adapter of mlx-lm."""
FaultKind = Literal[
    "tokenizer",
    "template",
    "end token",
    "config",
    "number format",
    "adapter not merged",
    "adapter merged twice",
    "adapter scale",
    "embeddings",
    "layer zeroed",
    "layer scaled",
    "weights",
    "quantisation",
    "logits",
]
"""What can be wrong with one, by name."""
ShippedVerdict = Literal["sound", "identical", "fault", "worse", "open"]
"""`identical`: every figure is that of the checkpoint itself; `open`: the answers differ, and no judge
that counts has said more."""


class Fault(Record):
    """One difference that a sound export does not have."""

    kind: FaultKind
    where: str
    """Config key, tensor, token or file."""
    sentence: str
    """What is wrong, and what to do."""


class Divergence(Record):
    """Where a greedy answer leaves its checkpoint's."""

    prompt: str
    """Id of the suite's prompt."""
    token: int
    """Number of the answer's first other token, from 1."""
    gap: float
    """Logits between the checkpoint's first two choices there."""


class Figures(Record):
    """How one engine's reading of the file compares with its checkpoint; needs no judge."""

    engine: str
    """What read the file, with its version."""
    positions: int
    """Tokens at which the next one's logits were compared."""
    max_logit_difference: float | None
    """Largest absolute difference of a logit."""
    kl: float | None
    """Mean Kullback-Leibler divergence from the checkpoint's distribution, in nats."""
    same_argmax: float | None
    """Share of positions with the same most likely token."""
    identical: int | None
    """Greedy answers that are the same, token by token."""
    answers: int | None
    """Greedy answers compared."""
    same_ids: bool | None
    """Whether all prompts become the same tokens in this engine."""
    divergences: tuple[Divergence, ...] = ()
    notes: dict[str, str] = Field(default_factory=dict)
    """Field that is null -> why it was not measured; `texts`: fixed texts that become other tokens."""


class Limits(Record):
    """What the figures were held against."""

    max_logit_difference: float | None = None
    """Float formats: the stated tolerance, or four times what rounding to the format does alone."""
    rounding: float | None = None
    """Largest logit difference that rounding the checkpoint to the file's format makes by itself."""
    kl: float | None = None
    """Formats in few bits: the stated divergence, or twice what is explained."""
    same_argmax: float | None = None
    explained: float | None = later(None)
    """Divergence that random changes of the checkpoint make by themselves which are as large as the
    file's; measured where the stated limits are passed."""


class JudgedAnswers(Record):
    """What a blind comparison of the answers that differ came to."""

    evaluation: str
    """Id."""
    judges: tuple[str, ...]
    win_rate: float | None
    low: float | None
    high: float | None
    margin: float
    """Not worse: the interval stays above one half less this."""
    met: bool | None
    """None: it cannot be told."""
    sentence: str


class Shipped(Record):
    """A file or folder that was looked at."""

    name: str
    form: Form | Literal["served"]
    number_format: str
    """`float32`, `bfloat16`, `q8_0`, `mlx-4bit`, …"""
    digest: Digest
    bytes: int


class CheckReport(Document):
    """What `brie check` found: of one file, against one model."""

    schema_: str = schema_field("check")
    created: str
    """ISO 8601 UTC."""
    version: str
    """brie's."""
    file: Shipped
    against: str
    """Name of the checkpoint."""
    against_digest: Digest
    suite: str
    suite_digest: Digest
    prompts: int
    texts: int
    """Fixed texts besides."""
    faults: tuple[Fault, ...]
    figures: tuple[Figures, ...]
    limits: Limits
    same: dict[str, bool]
    """What was compared of the structure -> whether it agrees."""
    not_measured: dict[str, str] = Field(default_factory=dict)
    """What could not be compared -> why."""
    judged: JudgedAnswers | None = later(None)
    verdict: ShippedVerdict
    sentence: str


class ExportedFile(Record):
    """One file of an export."""

    path: str
    """Relative to the export's folder."""
    bytes: int
    digest: Digest


class ExportManifest(Document):
    """What an export is: where it comes from, how it was made, and what was checked of it."""

    schema_: str = schema_field("export")
    created: str
    version: str
    """brie's."""
    source: Pin
    target: str
    """`merged`, `gguf`, `mlx` or `ollama`."""
    number_format: str
    tools: dict[str, str]
    """Tool -> version, in the order they ran."""
    settings: dict[str, str]
    files: tuple[ExportedFile, ...]
    check: CheckReport | None
    """None: nothing here could read it; `not_checked` says why."""
    not_checked: str | None = None
    serve: tuple[str, ...]
    """Commands that serve it with what is installed here, and one that asks it."""
