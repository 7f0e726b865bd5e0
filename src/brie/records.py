"""Every record that crosses from one stage to another.

Frozen, closed (`extra="forbid"`), JSON in and out. The letters A and B occur in one class
only, `Presentation`, and one method turns them back into sides: `Presentation.unblind`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from brie.digest import digest

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


# --- what is asked ---------------------------------------------------------------------


class Message(Record):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class MachineCheck(Record):
    """A check a program can make on an answer, for the rules `exact`, `numeric`, `regex`."""

    kind: Literal["exact", "numeric", "regex"]
    value: str
    """The expected text, number or pattern."""
    tolerance: float = 0.0
    """Absolute tolerance of `numeric`."""


class Prompt(Record):
    """One prompt of a suite: the unit of inference."""

    id: str = Field(min_length=1)
    messages: tuple[Message, ...] = Field(min_length=1)
    """The conversation up to and including the user turn to be answered."""
    category: str = "all"
    source: str = "unknown"
    """How or by which recipe the prompt came to be; prompts of a source resemble each other."""
    difficulty: Literal["easy", "medium", "hard"] | None = None
    reference: str | None = None
    check: MachineCheck | None = None

    @field_validator("messages")
    @classmethod
    def _ends_with_user(cls, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        if messages[-1].role != "user":
            raise ValueError("the last message must be the user's")
        return messages


class Conversation(Record):
    """One training row: a conversation that ends with the assistant's turn."""

    messages: tuple[Message, ...] = Field(min_length=2)
    category: str = "all"
    source: str = "unknown"
    line: int
    """Where the row stands in its file, from 1."""


class Sampling(Record):
    """How completions are drawn; the same for both sides."""

    temperature: float = Field(default=0.75, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    """0: off."""
    max_new_tokens: int = Field(default=1024, ge=1)
    seed: int = 0
    thinking: bool = False
    """Thinking mode, for models whose template has one."""
    repetition_penalty: float = Field(default=1.0, gt=0)
    """1: off. Some models' own settings have one, and serving with it is what users see."""


class Suite(Record):
    """A named, versioned set of prompts."""

    name: str
    version: str = "1"
    description: str = ""
    license: str = ""
    rubric: str = "general"
    """The rubric judges use unless their own file names one."""
    system: str | None = None
    """A system prompt put before every prompt that has none."""
    sampling: Sampling | None = None
    """The suite's own sampling, where it differs from the defaults."""
    prompts: tuple[Prompt, ...]

    def digest(self) -> str:
        """Over name, version, rubric, system and every prompt, in order."""
        return digest(self.model_dump(mode="json", exclude={"description", "license"}))


class Rubric(Record):
    """Instructions to a judge."""

    name: str
    text: str
    criteria: tuple[str, ...] = ()

    def digest(self) -> str:
        """Over the text alone: one word changes it, a new file name does not."""
        return digest({"text": self.text})


class Provider(StrEnum):
    """Who answers for a judge."""

    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    OPENAI_COMPATIBLE = "openai-compatible"
    TRANSFORMERS = "transformers"
    RULES = "rules"
    HUMAN = "human"


class Price(Record):
    """US dollars per million tokens, with where and when the price was read."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    """Input read from the provider's prompt cache; None: as other input."""
    cache_write: float | None = Field(default=None, ge=0)
    """Input written to that cache; None: as other input."""
    source: str
    read_on: str


class JudgeSpec(Record):
    """One judge: one TOML file. `id` is the file's name without its ending."""

    id: str
    provider: Provider
    model: str
    description: str = ""
    base_url: str | None = None
    endpoint: str | None = None
    """A label for where `base_url` leads; part of the digest, the address itself is not."""
    api_key_env: str | None = None
    family: str | None = None
    rubric: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Sent to the provider as they stand."""
    temperature: float | None = None
    max_tokens: int = Field(default=1024, ge=1)
    output: Literal["tool", "json_schema", "text", "logprobs", "rule"] = "text"
    price: Price | None = None
    max_concurrency: int = Field(default=16, ge=1)
    timeout: float = Field(default=120.0, gt=0)
    """Seconds one call may take."""
    location: str | None = None
    """Folder of a `transformers` judge's weights on this machine; found, not written in the file."""

    def digest(self, prompt_format: str) -> str:
        """Over what changes a judge's answers; price, concurrency, key name and texts do not."""
        keep = {"provider", "model", "endpoint", "temperature", "max_tokens", "output", "parameters"}
        return digest({**self.model_dump(mode="json", include=keep), "prompt_format": prompt_format})

    def sealed(self) -> JudgeSpec:
        """What a plan keeps of a judge: who it is, not what it costs or how it is reached."""
        return self.model_copy(
            update={
                "description": "",
                "base_url": None,
                "api_key_env": None,
                "price": None,
                "max_concurrency": 16,
                "timeout": 120.0,
                "location": None,
            }
        )


class Seat(Record):
    """A judge as sealed into a plan: its settings, rubric and digests."""

    judge: JudgeSpec
    rubric: Rubric | None
    digest: Digest
    """The judge's digest."""
    instrument: bool = False
    """Shown beside the headline, never part of it: what a judge that only looks at length says."""

    def sealed(self) -> Seat:
        """The seat as a plan keeps it."""
        return self.model_copy(update={"judge": self.judge.sealed()})

    @property
    def rubric_digest(self) -> str:
        """Digest of the rubric, or of nothing for judges that read none."""
        return self.rubric.digest() if self.rubric else digest(None)


# --- what answers ----------------------------------------------------------------------


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

    schema_: Literal["brie.pin/1"] = Field(default="brie.pin/1", alias="schema")
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


# --- what is said of it ----------------------------------------------------------------


class Presentation(Record):
    """A comparison in one order and one lettering, as one judge sees it."""

    prompt: Digest
    candidate: Digest
    """Key of the candidate's completion."""
    baseline: Digest
    order: Order
    candidate_letter: Letter

    def digest(self) -> str:
        """Names what the judge sees: it stays the same when the two models exchange roles."""
        first_is_candidate = self.order == "candidate_first"
        first, second = (
            (self.candidate, self.baseline) if first_is_candidate else (self.baseline, self.candidate)
        )
        first_letter = self.candidate_letter if first_is_candidate else self.baseline_letter
        return digest(
            {"prompt": self.prompt, "first": first, "second": second, "first_letter": first_letter}
        )

    @property
    def baseline_letter(self) -> Letter:
        """The letter the candidate does not carry."""
        return "B" if self.candidate_letter == "A" else "A"

    @property
    def position(self) -> int:
        """+1 where the candidate is shown first, -1 where second."""
        return 1 if self.order == "candidate_first" else -1

    @property
    def label(self) -> int:
        """+1 where the candidate is A, -1 where it is B."""
        return 1 if self.candidate_letter == "A" else -1

    def unblind(self, letter: Literal["A", "B", "tie"]) -> Winner:
        """The only translation from a letter to a side.

        Raises:
            ValueError: `letter` is none of "A", "B", "tie".
        """
        if letter == "tie":
            return "tie"
        if letter not in ("A", "B"):
            raise ValueError(f"a verdict is A, B or tie, not {letter!r}")
        return "candidate" if letter == self.candidate_letter else "baseline"


class Status(StrEnum):
    """What became of asking a judge."""

    OK = "ok"
    INVALID = "invalid"
    REFUSED = "refused"
    ERROR = "error"


class Usage(Record):
    """What a call consumed."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    attempts: int = 1
    """Requests sent, retries included."""


class Verdict(Record):
    """What a judge said of one presentation; the letter is kept, the winner is derived."""

    key: Digest
    judge: Digest
    rubric: Digest
    presentation: Digest
    repeat: int = 0
    attempt: int = 0
    status: Status
    letter: Literal["A", "B", "tie"] | None
    reason: str = ""
    reply: str = ""
    """The judge's raw reply."""
    served: str = ""
    """What the provider said answered: the model's snapshot and its fingerprint."""
    scores: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Criterion -> letter -> 1..5."""
    usage: Usage = Usage()
    supersedes: bool = False
    """A voter's correction: earlier attempts of the key no longer count."""


# --- the plan --------------------------------------------------------------------------


class Controls(Record):
    """Comparisons whose answer is known: A/A and a damaged baseline."""

    prompts: tuple[str, ...] = ()
    """Prompt ids, a seeded draw."""
    damage: Literal["shuffled", "truncated"] = "shuffled"
    first_sample: int = 1_000_000
    """Sample index of the A/A side: controls never share samples with the evaluation."""


class Stopping(Record):
    """A sealed rule for stopping early (STATISTICS 5)."""

    rule: Literal["e-process"] = "e-process"
    alpha: float = 0.05
    block: int = 10
    max_prompts: int


class Plan(Document):
    """Everything that decides an evaluation's numbers, sealed before the first verdict."""

    schema_: Literal["brie.plan/1"] = Field(default="brie.plan/1", alias="schema")
    suite: Suite
    candidate: Pin
    baseline: Pin
    environment: Environment
    sampling: Sampling
    samples: int = Field(ge=1)
    positions: Positions
    panel: str
    seats: tuple[Seat, ...] = Field(min_length=1)
    left_out: tuple[str, ...] = ()
    """Judges named but skipped, for a missing key."""
    held_out_sources: tuple[str, ...] = ()
    """Sources of the suite that the candidate was not trained on, as the user says."""
    seed: int
    order: tuple[str, ...]
    """Prompt ids in the order of work: seeded, stratified by category."""
    assignments: dict[str, dict[str, str]]
    """Judge id -> prompt id -> one digit a sample: which cells its presentations take."""
    controls: Controls = Controls()
    stopping: Stopping | None = None
    level: float = 0.95
    resamples: int = 9999

    def seal(self) -> str:
        """Digest over the whole plan."""
        return digest(self)


AmendmentKind = Literal["judge", "samples", "voter", "retry", "repeat", "stopped", "resumed"]


class Amendment(Record):
    """Something added after the seal; each link hashes the one before."""

    kind: AmendmentKind
    detail: dict[str, Any]
    verdicts_before: int
    previous: Digest
    digest: Digest


class Manifest(Document):
    """`runs/eval-*/manifest.json`: the sealed plan and where things lie on this machine."""

    schema_: Literal["brie.manifest/1"] = Field(default="brie.manifest/1", alias="schema")
    id: str
    name: str | None = None
    created: str
    seal: Digest
    plan: Plan
    names: dict[Side, str]
    """What each side is called on screen."""
    locations: dict[Side, str]
    """The model reference each side was resolved from."""
    command: str
    versions: dict[str, str]
    amendments: tuple[Amendment, ...] = ()


class Check(Record):
    """One answer to "is the number a mirage?"."""

    id: str
    status: Literal["pass", "warn", "fail", "not_run"]
    summary: str
    evidence: dict[str, Any] = Field(default_factory=dict)
    remedy: str | None = None
