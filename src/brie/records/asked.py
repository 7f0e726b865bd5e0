"""What is asked, and of whom: prompts, suites, rubrics, judges."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from brie import versions
from brie.digest import canonical_json, digest, quoted, short, text_digest
from brie.records.base import Digest, Record, later
from brie.records.providers import PROVIDERS, Provider, ProviderInfo


class Message(Record):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


def prompt_id(messages: Sequence[Message]) -> str:
    """An id from what a prompt says: it stays when prompts are added, moved or taken away."""
    alone = len(messages) == 1 and messages[0].role == "user"
    return short(text_digest(quoted(messages[0].content) if alone else conversation_json(messages)), 12)


def conversation_json(messages: Iterable[Message]) -> str:
    """The canonical JSON of a conversation, written out: plans have hundreds of thousands."""
    turns = [f'{{"content":{quoted(m.content)},"role":"{m.role}"}}' for m in messages]
    return f"[{','.join(turns)}]"


CheckKind = Literal["exact", "numeric", "regex", "contains", "json_schema", "length", "python"]


class MachineCheck(Record):
    """A check a program can make on an answer: whether it is right."""

    kind: CheckKind
    value: str = ""
    """The expected text, number or pattern; the JSON Schema; `FILE.py:FUNCTION`; of `length` nothing."""
    tolerance: float = 0.0
    """Absolute tolerance of `numeric`."""
    min: int | None = later(None)
    """Of `length`: the fewest units that pass."""
    max: int | None = later(None)
    """Of `length`: the most units that pass."""
    unit: Literal["words", "characters", "lines"] = later("words")
    """Of `length`: what is counted; lines without text are none."""

    @field_validator("value", mode="before")
    @classmethod
    def _is_text(cls, value: JsonValue) -> JsonValue:
        """A schema may be written as a table."""
        return json.dumps(value, sort_keys=True) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.kind == "length":
            if self.min is None and self.max is None:
                raise ValueError("a length needs `min`, `max` or both")
            if self.min is not None and self.max is not None and self.min > self.max:
                raise ValueError("`min` is above `max`, so that no answer has this length")
        elif not self.value:
            raise ValueError(f"{self.kind} needs a `value`")
        elif self.kind == "numeric":
            if not math.isfinite(float(self.value)):
                raise ValueError("the number is not finite")
        elif self.kind == "python" and not re.fullmatch(r"[\w-]+\.py:[A-Za-z]\w*", self.value):
            raise ValueError("write FILE.py:FUNCTION, the file beside the suite's")
        elif self.kind == "json_schema" and not isinstance(json.loads(self.value), dict):
            raise ValueError("a JSON Schema is an object")
        return self


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


def prompt_json(prompt: Prompt) -> str:
    """The canonical JSON of a prompt, written out: plans have hundreds of thousands."""
    check = "null" if prompt.check is None else canonical_json(prompt.check)
    difficulty = "null" if prompt.difficulty is None else quoted(prompt.difficulty)
    reference = "null" if prompt.reference is None else quoted(prompt.reference)
    return (
        f'{{"category":{quoted(prompt.category)},"check":{check},"difficulty":{difficulty},'
        f'"id":{quoted(prompt.id)},"messages":{conversation_json(prompt.messages)},'
        f'"reference":{reference},"source":{quoted(prompt.source)}}}'
    )


class Turn(Record):
    """One turn of a training row."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    learned: bool = later(True)
    """Whether the loss looks at it, where it is an answer."""
    reasoning: str | None = later(None)
    """The thought before an answer."""
    tool_calls: tuple[JsonValue, ...] = later(())
    name: str | None = later(None)
    """Of a tool's reply: whose it is."""
    tool_call_id: str | None = later(None)

    def shown(self) -> dict[str, JsonValue]:
        """The turn as chat templates are given it."""
        named = {"name": self.name, "tool_call_id": self.tool_call_id}
        more: dict[str, JsonValue] = {key: value for key, value in named.items() if value}
        if self.reasoning:  # templates name it one way or the other
            more["reasoning_content"] = more["thinking"] = self.reasoning
        if self.tool_calls:
            more["tool_calls"] = list(self.tool_calls)
        return {"role": self.role, "content": self.content, **more}


class Conversation(Record):
    """One training row: a conversation that ends with the assistant's turn."""

    messages: tuple[Turn, ...] = Field(min_length=2)
    tools: tuple[JsonValue, ...] = later(())
    """Schemas of the tools that may be called."""
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
    min_p: float = later(0.0)
    """Least probability of a token, a share of the likeliest one's; 0: off."""
    presence_penalty: float = later(0.0)
    """Taken from the logit of every token the answer already has; 0: off."""
    frequency_penalty: float = later(0.0)
    """Taken from a token's logit once for each time the answer has it; 0: off."""
    stop: tuple[str, ...] = later(())
    """Texts that end an answer, and are not part of it."""

    @field_validator("min_p")
    @classmethod
    def _is_share(cls, share: float) -> float:
        if not 0 <= share <= 1:
            raise ValueError("min_p is a share of the likeliest token's probability, from 0 to 1")
        return share

    @field_validator("stop")
    @classmethod
    def _has_text(cls, stop: tuple[str, ...]) -> tuple[str, ...]:
        if any(not text for text in stop):
            raise ValueError("a stop text is empty")
        return stop

    system: Literal["refuse", "fold"] = later("refuse")
    """What becomes of a system turn where a template has no place for one: the prompt is refused, or
    the turn is written into the first question, on both sides alike."""
    paired_noise: bool = later(False)
    """The draw hangs on prompt, sample and settings, not on the model: both sides meet the same."""


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
    code: dict[str, str] = later({})
    """File -> text of the Python that its checks call; run with consent alone."""

    def digest(self) -> str:
        """Over name, version, rubric, system and every prompt, in order."""
        return digest(self.model_dump(mode="json", exclude={"description", "license"}))


@cache
def _text_digest(text: str) -> str:
    """Kept: every planned verdict asks for it."""
    return digest({"text": text})


class Rubric(Record):
    """Instructions to a judge."""

    name: str
    text: str
    criteria: tuple[str, ...] = ()

    def digest(self) -> str:
        """Over the text alone: one word changes it, a new file name does not."""
        return _text_digest(self.text)


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


class BatchSpec(Record):
    """How a judge's verdicts are handed over in batches, where its file says so."""

    requests: int | None = Field(default=None, ge=1)
    """In one batch at most; None: brie's own number."""
    size: int | None = Field(default=None, ge=1)
    """Bytes of one batch at most; None: brie's own number."""
    tokens: int | None = Field(default=None, ge=1)
    """Tokens that may wait at the provider at a time; None: until it says that it has no room."""


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
    headers: dict[str, str] = later({})
    """Sent besides; each value is `env:VARIABLE`, whose content stays in the environment."""
    proxy_env: str | None = later(None)
    """Variable that holds the proxy on the way to a `base_url`; a vendor's own host is asked as the
    environment says."""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    """Sent to the provider as they stand."""
    temperature: float | None = None
    max_tokens: int = Field(default=1024, ge=1)
    output: Literal["tool", "json_schema", "text", "logprobs", "rule"] = "text"
    price: Price | None = None
    max_concurrency: int = Field(default=16, ge=1)
    timeout: float = Field(default=120.0, gt=0)
    """Seconds one call may take."""
    batch: BatchSpec | None = later(None)
    """None: as brie sees fit."""
    location: str | None = None
    """Folder of a `transformers` judge's weights on this machine; found, not written in the file."""
    after: str = later("")
    """Digest of the check that found it changed, since which it counts as another judge; found, not
    written in the file."""

    @property
    def by_margin(self) -> bool:
        """Whether it gives numbers, of which two presentations make one outcome."""
        return self.output == "logprobs" or self.provided.scores

    @property
    def newest_format(self) -> str:
        """The prompt format that a new plan seals it under."""
        return versions.MARGIN_FORMAT if self.by_margin else versions.PROMPT_FORMAT

    @property
    def provided(self) -> ProviderInfo:
        """What the table says of the provider."""
        return PROVIDERS[self.provider]

    def digest(self, prompt_format: str) -> str:
        """Over what changes a judge's answers; price, concurrency, key name and texts do not."""
        keep = {"provider", "model", "endpoint", "temperature", "max_tokens", "output", "parameters"}
        keep |= {"after"}
        return digest({**self.model_dump(mode="json", include=keep), "prompt_format": prompt_format})

    def prompt_format(self, digest: str) -> str | None:
        """The prompt format under which this judge has a digest; None: it is another judge's."""
        formats = (*versions.PROMPT_FORMATS, versions.MARGIN_FORMAT)
        known = (name for name in formats if self.digest(name) == digest)
        return next(known, None)

    def sealed(self) -> JudgeSpec:
        """What a plan keeps of a judge: who it is, not what it costs or how it is reached."""
        return self.model_copy(
            update={
                "description": "",
                "base_url": None,
                "api_key_env": None,
                "headers": {},
                "proxy_env": None,
                "price": None,
                "max_concurrency": 16,
                "timeout": 120.0,
                "batch": None,
                "location": None,
            }
        )


class MarginRule(Record):
    """How the margins of a judge become outcomes, and how often it is right where that is known.

    Measured on pairs whose better answer is known, before the plan was sealed.
    """

    tie: float = Field(ge=0, allow_inf_nan=False)
    """A margin of at most this is a tie: the 99th percentile of its change when the same is asked in
    other batches. In the unit of what was measured: natural logarithms of odds, or rewards."""
    asked_again: int
    """Pairs from which it was measured."""
    accuracy: float
    """Share of pairs it was right on, a tie counting half, every family of pairs weighing the same."""
    low: float
    high: float
    """Ends of its 95 % interval, pairs clustered by source."""
    pairs: int
    sources: int
    known: Digest
    """Over the pairs."""
    rubric: str | None = None
    """The rubric they were judged with."""

    @property
    def can_tell(self) -> bool:
        """Whether it is shown to be right more often than not."""
        return self.low > 0.5


class PanelJudge(Record):
    """A judge as sealed into a plan: its settings, rubric and digests."""

    judge: JudgeSpec
    rubric: Rubric | None
    digest: Digest
    """The judge's digest."""
    instrument: bool = False
    """Shown beside the headline, never part of it: what a judge that only looks at length says."""
    margins: MarginRule | None = later(None)
    """Of a judge that gives numbers; None: its letters are its verdicts, as in older plans."""

    def sealed(self) -> PanelJudge:
        """The seat as a plan keeps it."""
        return self.model_copy(update={"judge": self.judge.sealed()})

    @property
    def rubric_digest(self) -> str:
        """Digest of the rubric, or of nothing for judges that read none."""
        return self.rubric.digest() if self.rubric else digest(None)
