"""What answers: pinned models, where they run, and their completions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from typing import Literal, get_args

from pydantic import Field
from pydantic_core import from_json

from brie.records.asked import Message
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
    dora: bool = later(False)
    """Weights in magnitude and direction (DoRA)."""
    rslora: bool = later(False)
    """Scaled by alpha over the root of r instead of r."""
    start: str | None = later(None)
    """How training began, where it was not PEFT's own way: `pissa`, `gaussian`, …"""
    bias: str = later("none")
    """Which biases were trained: `none`, `all`, `lora_only`."""
    rank_pattern: dict[str, int] = later({})
    """Modules with another r."""
    alpha_pattern: dict[str, float] = later({})
    """Modules with another alpha."""
    modules_to_save: tuple[str, ...] = later(())
    """Modules trained whole."""
    also_whole: tuple[str, ...] = later(())
    """Tensors of the base itself in the file, which the config does not list: PEFT puts them over it."""
    trained_tokens: int = later(0)
    """Tokens whose embedding was trained."""
    vision: int = later(0)
    """Tensors in what sees or hears, of a base that does."""
    zero: bool = later(False)
    """Every lora_B is zero and nothing else was trained: the adapter changes nothing."""

    def words(self) -> str:
        """The settings on one line, without the modules and the count."""
        also = ["DoRA"] if self.dora else []
        also += ["rsLoRA"] if self.rslora else []
        also += [f"started by {self.start}"] if self.start else []
        also += [f"bias {self.bias}"] if self.bias != "none" else []
        for what, pattern in (("r", self.rank_pattern), ("alpha", self.alpha_pattern)):
            also += [f"{what}={value:g} in {name}" for name, value in sorted(pattern.items())]
        also += [f"whole: {', '.join(self.modules_to_save)}"] if self.modules_to_save else []
        also += [f"in the base's place: {', '.join(self.also_whole)}"] if self.also_whole else []
        also += [f"{self.trained_tokens} trained tokens"] if self.trained_tokens else []
        also += [f"{self.vision} tensors in its vision part"] if self.vision else []
        return "; ".join([f"r={self.r} alpha={self.alpha:g}", *also])


class BaseModelRef(Record):
    """A base model, by content."""

    repo: str
    """Hub id, or a label for a local folder; never a path."""
    revision: str | None = None
    """Commit on the Hub; None for local and packaged bases."""
    digest: Digest

    def __str__(self) -> str:
        return f"{self.repo}@{self.revision or self.digest.removeprefix('sha256:')[:12]}"


class SidePrompt(Record):
    """What one side alone is told before every prompt; it is part of that side."""

    model: Digest
    """Digest of the model that is told it, by itself."""
    system: str | None = None
    examples: tuple[Message, ...] = ()
    """Questions and their answers, in turns."""


class Pin(Document):
    """A checkpoint named by what it contains."""

    schema_: str = schema_field("pin")
    kind: Literal["adapter", "base", "model", "served", "answers"]
    """`served`: behind a server; the digest is over what the server says of itself. `answers`: of a
    file; the digest is over prompts and texts, and nothing says what made them."""
    name: str
    """For people; not part of the digest."""
    digest: Digest
    """Over its files, canonicalised config, template and the base's digest."""
    files: dict[str, Digest]
    """Weights, tokenizer and template files, byte for byte; pins of version 1 have fewer."""
    config: Digest
    """The configuration, canonicalised: sorted sets, no paths, no library versions."""
    base: BaseModelRef
    template_digest: Digest
    drawn_as: Digest | None = later(None)
    """Its digest as pins of version 1 gave it: what draws are keyed on; None: the digest itself."""
    lora: LoraSummary | None = None
    run: str | None = None
    step: int | None = None
    planned_steps: int | None = None
    epoch: float | None = None
    eval_loss: float | None = None
    base_eval_loss: float | None = later(None)
    """The base's validation loss before the first step, on the same rows."""
    checkpoint: str | None = None
    """Where the weights lie, relative to the folder of the pin file."""
    base_location: str | None = None
    """The base's folder, where it is a local one outside the project."""
    thinking: bool | None = later(None)
    """Whether it was trained with its template's thinking mode on; None: not known, or there is none."""
    date: str | None = later(None)
    """What its template is told where it asks for the date; None: it does not ask."""
    base_files: dict[str, Digest] = later({})
    """The base's files when an adapter was pinned, to name the one that differs."""
    beside: tuple[str, ...] = later(())
    """Files of the folder that some loader would read and brie does not."""
    read_by: str | None = later(None)
    """The program that reads weights which transformers does not read by itself, such as
    `bitsandbytes`; its version is in the environment."""
    told: SidePrompt | None = later(None)
    """What the model is told besides the prompts; then the digest covers it too."""

    @property
    def version(self) -> int:
        """Which version of pins its digest was made by."""
        return schema_version(self.schema_, like=schema_id("pin"))

    def sealed(self) -> Pin:
        """The pin by content alone: without names and places, as plans keep it."""
        return self.model_copy(
            update={
                "name": "",
                "run": None,
                "checkpoint": None,
                "base_location": None,
                "base_files": {},
            }
        )


LocalEngine = Literal["transformers", "vllm"]
"""What answers for models in folders of this machine."""


class Environment(Record):
    """What, besides model and sampling, decides a completion's text."""

    engine: Literal["transformers", "vllm", "openai-compatible", "llama.cpp", "answers"] = "transformers"
    """`vllm`: in this process too. `llama.cpp`: by a server of its own that brie starts. `answers`:
    nothing is made; both sides are files."""
    dtype: str
    device: str
    """Device type: `cpu`, `cuda` or `mps`."""
    sampler: str
    """Version of brie's sampler; of vLLM whether it is batch-invariant."""
    programs: dict[str, str] = later({})
    """vLLM, and programs that read weights which transformers does not read by itself -> version."""


class AnswerFile(Record):
    """Where the answers of a side were read from."""

    label: str
    """What the side is called: its column, its model, or else the file."""
    file: str
    """Name of the file, without its folder."""
    form: str
    """What it was read as."""
    date: str
    """When the file was last changed, ISO 8601 UTC."""
    prompts: int
    answers: int
    empty: int
    """Answers without text: they are kept, and judged."""


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


@dataclass(slots=True)
class CompletionLite:
    """The part of a stored completion that numbers and pages are made of, in a third of the memory.

    Nobody changes one; to be frozen would make reading them slower.
    """

    pin: str
    text: str
    finish_reason: FinishReason
    tokens: int
    seconds: float
    measures: Mapping[str, float]
    """Equal ones are one object, so nobody may change them."""

    @classmethod
    def of(cls, completion: Completion) -> CompletionLite:
        """The same of a whole completion."""
        c = completion
        return cls(c.pin, c.text, c.finish_reason, c.tokens, c.seconds, c.measures)

    @classmethod
    def parse(cls, key: str, body: str) -> CompletionLite:
        """From the stored JSON; what is not as it was written gets the whole record's error."""
        try:
            row = from_json(body)
            text, tokens, seconds = row["text"], row["tokens"], row["seconds"]
            if (type(text), type(tokens), type(seconds)) != (str, int, float):
                raise ValueError(key)
            measures = _measures(tuple(row["measures"].items()))
            return cls(
                intern(row["pin"]), text, _FINISH[row["finish_reason"]], tokens, seconds, measures
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls.of(Completion.model_validate_json(body))


_FINISH: dict[str, FinishReason] = {reason: reason for reason in get_args(FinishReason)}


@lru_cache(maxsize=4096)
def _measures(items: tuple[tuple[str, float], ...]) -> Mapping[str, float]:
    return {intern(name): float(value) for name, value in items}
