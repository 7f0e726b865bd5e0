"""The sealed plan of an evaluation, its manifest, and checks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Literal

from pydantic import Field, JsonValue

from brie.conventions import E_PROCESS
from brie.digest import PREFIX, Canonical, canonical_json, quoted
from brie.records.asked import PanelJudge, Prompt, Sampling, Suite, prompt_json
from brie.records.base import Digest, Document, Positions, Record, Side, later, remembered, schema_field
from brie.records.benchmarks import TaskSpec
from brie.records.models import AnswerFile, Environment, Pin


class Controls(Record):
    """Comparisons whose answer is known: A/A and a damaged baseline."""

    prompts: tuple[str, ...] = ()
    """Prompt ids, a seeded draw."""
    damage: Literal["shuffled", "truncated"] = "shuffled"
    first_sample: int = 1_000_000
    """Sample index of the A/A side: controls never share samples with the evaluation."""


class Stopping(Record):
    """A sealed rule for stopping early (docs/statistics.md 5)."""

    rule: Literal["e-process"] = E_PROCESS
    alpha: float = 0.05
    block: int = 10
    max_prompts: int


class Plan(Document):
    """Everything that decides an evaluation's numbers, sealed before the first verdict."""

    schema_: str = schema_field("plan")
    suite: Suite
    candidate: Pin
    baseline: Pin
    environment: Environment
    sampling: Sampling
    samples: int = Field(ge=1)
    positions: Positions
    panel: str
    seats: tuple[PanelJudge, ...] = Field(min_length=1)
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
    names: dict[Side, str] = later({})
    """What each side is called; plans sealed before it was kept here have none."""
    criteria_orders: int = later(1)
    """In how many orders judges read their rubric's criteria; 1: the rubric's own alone."""
    criteria: dict[str, dict[str, str]] = later({})
    """Judge id -> prompt id -> one digit a sample: which orders its presentations take. Judges that read
    no criteria have none."""
    existed: int = later(0)
    """Verdicts of the headline that were in the store when it was sealed; not counted in older plans."""
    tasks: tuple[TaskSpec, ...] = later(())
    """Benchmarks that both sides do beside it."""

    def seal(self) -> str:
        """Digest over the whole plan."""
        return _digests(self)[0]

    @property
    def verdicts(self) -> int:
        """Verdicts planned for the headline: the panel's, without instruments and controls."""
        judges = sum(not seat.instrument for seat in self.seats)
        orders = 2 if self.positions == "both" else 1
        return len(self.order) * self.samples * orders * judges

    def identity(self) -> str:
        """Digest over what decides its rows: the same question has the same, however its sides are
        called and whatever was known when it was sealed."""
        for plan, identity in _IDENTITIES:
            if all(getattr(plan, name) is getattr(self, name) for name in _deciding()):
                return identity
        identity = _digests(self)[1]
        _IDENTITIES.insert(0, (self, identity))
        del _IDENTITIES[_KEPT:]
        return identity


_KNOWN_OF_IT = ("names", "existed")
"""Of a plan: how its sides are called, and what was known when it was sealed."""
_IDENTITIES: list[tuple[Plan, str]] = []
_KEPT = 4


@cache
def _deciding() -> tuple[str, ...]:
    return tuple(name for name in Plan.model_fields if name not in _KNOWN_OF_IT)


@remembered
def _digests(plan: Plan) -> tuple[str, str]:
    """The plan's seal and its identity: its canonical JSON is written once, a part at a time."""
    fields = _fields(plan)
    seal, identity = _Hashed(), _Hashed()
    apart = any(name in fields for name in _KNOWN_OF_IT)  # else the identity is the seal
    for name in sorted(fields):
        hashed = [seal, identity] if apart and name not in _KNOWN_OF_IT else [seal]
        for each in hashed:
            each.begin(name)
        for part in fields[name]:
            written = part.encode("utf-8", "surrogatepass")
            for each in hashed:
                each.sha256.update(written)
    sealed = seal.digest()
    return sealed, identity.digest() if apart else sealed


class _Hashed:
    """The digest of a JSON object whose fields come one after the other."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()
        self._before = "{"

    def begin(self, name: str) -> None:
        """The value of a field is next."""
        self.sha256.update(f"{self._before}{quoted(name)}:".encode())
        self._before = ","

    def digest(self) -> str:
        """After the last field."""
        self.sha256.update(b"}")
        return PREFIX + self.sha256.hexdigest()


def _fields(plan: Plan) -> dict[str, Iterable[str]]:
    """Key -> its canonical JSON in parts: what is large is written out instead of dumped first."""
    large: dict[str, Canonical] = {
        "order": plan.order,
        "assignments": plan.assignments,
        "criteria": plan.criteria,
    }
    dumped: dict[str, JsonValue] = plan.model_dump(mode="json", exclude={"suite", *large})
    fields: dict[str, Iterable[str]] = {name: [canonical_json(dumped[name])] for name in dumped}
    fields |= {
        name: [canonical_json(value)] for name, value in large.items() if value or name != "criteria"
    }
    return {**fields, "suite": _suite(plan.suite)}


def _suite(suite: Suite) -> Iterator[str]:
    dumped: dict[str, JsonValue] = suite.model_dump(mode="json", exclude={"prompts"})
    before = "{"
    for name in sorted((*dumped, "prompts")):
        yield f"{before}{quoted(name)}:"
        before = ","
        if name == "prompts":
            yield from _prompts(suite.prompts)
        else:
            yield canonical_json(dumped[name])
    yield "}"


def _prompts(prompts: Sequence[Prompt]) -> Iterator[str]:
    before = "["
    for start in range(0, len(prompts), _TOGETHER):
        yield before + ",".join(map(prompt_json, prompts[start : start + _TOGETHER]))
        before = ","
    yield "]" if prompts else "[]"


_TOGETHER = 1000
"""Prompts whose JSON is in memory at a time."""


AmendmentKind = Literal[
    "judge", "samples", "voter", "people", "retry", "repeat", "stopped", "resumed", "drift"
]


class Amendment(Record):
    """Something added after the seal; each link hashes the one before."""

    kind: AmendmentKind
    detail: dict[str, JsonValue]
    verdicts_before: int
    previous: Digest
    digest: Digest

    @property
    def judge(self) -> str:
        """The judge or voter it is about; "" where it is about none."""
        return str(self.detail.get("judge", ""))


class GenerationNotes(Record):
    """What was noticed while an evaluation's answers were made; not part of the seal."""

    texts: int = 0
    """Texts made twice, alone and in a batch; 0: not tried, or not needed (float32 on a CPU)."""
    changed_by_batch: int = 0
    """How many of them the batch changed."""
    fingerprints: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Served model -> what its replies said of the system behind them, and how often."""
    left_out: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Server -> settings it refused, so that its own hold."""
    ignored: dict[str, tuple[str, ...]] = later({})
    """Server -> settings it took and did not honour, as far as a probe of short texts showed."""
    idle: tuple[Side, ...] = later(())
    """Sides whose adapter changes nothing: a few prompts have the same logits without it."""


class Manifest(Document):
    """`runs/eval-*/manifest.json`: the sealed plan and where things lie on this machine."""

    schema_: str = schema_field("manifest")
    id: str
    name: str | None = None
    created: str
    seal: Digest
    plan: Plan
    names: dict[Side, str]
    """What each side is called on screen."""
    locations: dict[Side, str]
    """The model reference each side was resolved from."""
    bases: dict[Side, str] = later({})
    """What a person said an adapter's base is, where its own files do not lead to it."""
    tasks: tuple[str, ...] = later(())
    """The benchmarks as they were named: files lie where these say."""
    command: str
    versions: dict[str, str]
    given: dict[Side, AnswerFile] = later({})
    """The file of each side that is a file of answers."""
    made: GenerationNotes | None = None
    amendments: tuple[Amendment, ...] = ()


class Check(Record):
    """One answer to "is the number a mirage?"."""

    id: str
    status: Literal["pass", "warn", "fail", "not_run"]
    summary: str
    evidence: dict[str, JsonValue] = Field(default_factory=dict)
    remedy: str | None = None


WORST_FIRST = {"fail": 0, "warn": 1, "not_run": 2, "pass": 3}
"""A check's status -> its place: what could not be asked stands before what was asked and is well."""
