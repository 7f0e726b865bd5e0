"""What answers: pinned models, where they run, and their completions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from brie.records.base import Digest, Document, FinishReason, Record, later, schema_field
from brie.versions import schema_id, schema_version


class LoraSummary(Record):
    """LoRA settings as read back from the adapter's own files."""

    r: int
    alpha: float
    dropout: float
    target_modules: tuple[str, ...]
    parameters: int
    """Trained parameters in the weights file."""


class BaseModelRef(Record):
    """A base model, by content."""

    repo: str
    """Hub id, or a label for a local folder; never a path."""
    revision: str | None = None
    """Commit on the Hub; None for local and packaged bases."""
    digest: Digest

    def __str__(self) -> str:
        return f"{self.repo}@{self.revision or self.digest.removeprefix('sha256:')[:12]}"


class Pin(Document):
    """A checkpoint named by what it contains."""

    schema_: str = schema_field("pin")
    kind: Literal["adapter", "base", "model", "served"]
    """`served`: behind a server; the digest is over what the server says of itself."""
    name: str
    """For people; not part of the digest."""
    digest: Digest
    """Over weights, canonicalised config and the base's digest."""
    files: dict[str, Digest]
    """Weights and tokenizer files, byte for byte."""
    config: Digest
    """The configuration, canonicalised: sorted sets, no paths, no library versions."""
    base: BaseModelRef
    template_digest: Digest
    lora: LoraSummary | None = None
    run: str | None = None
    step: int | None = None
    planned_steps: int | None = None
    epoch: float | None = None
    eval_loss: float | None = None
    checkpoint: str | None = None
    """Where the weights lie, relative to the folder of the pin file."""
    base_location: str | None = None
    """The base's folder, where it is a local one outside the project."""

    @property
    def version(self) -> int:
        """Which version of pins its digest was made by."""
        return schema_version(self.schema_, like=schema_id("pin"))

    def sealed(self) -> Pin:
        """The pin by content alone: without names and places, as plans keep it."""
        return self.model_copy(
            update={"name": "", "run": None, "checkpoint": None, "base_location": None}
        )


class Environment(Record):
    """What, besides model and sampling, decides a completion's text."""

    engine: Literal["transformers", "openai-compatible"] = "transformers"
    dtype: str
    device: str
    """Device type: `cpu`, `cuda` or `mps`."""
    sampler: str
    """Version of brie's sampler."""


class Completion(Record):
    """One sampled answer of one model to one prompt."""

    key: Digest
    pin: Digest
    prompt: Digest
    """Digest of the messages."""
    sample: int
    text: str
    finish_reason: FinishReason
    tokens: int
    seconds: float
    """Share of its batch's wall time."""
    measures: dict[str, float] = Field(default_factory=dict)
    reasoning: str = later("")
    """What the model thought before it answered; judges do not see it."""
