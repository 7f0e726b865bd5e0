"""Records of a training run: what was asked, what was resolved, what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from brie.data.labels import Baselines
from brie.data.preferences import Teacher
from brie.digest import Canonical, digest
from brie.records import BaseModelRef, Digest, Document, Record, later, schema_field
from brie.train.recipes import DESCRIPTIVE_KEYS, Method, Recipe

State = Literal["running", "complete", "interrupted", "failed"]

CONFIG, MANIFEST, METRICS = "config.json", "manifest.json", "metrics.jsonl"
CHECKPOINTS, PINS, TENSORBOARD, SUITES = "checkpoints", "pins", "tensorboard", "suites"


@dataclass(frozen=True)
class TrainRequest:
    """`brie train` as asked for; None means "the recipe decides"."""

    size: str | None = None
    """A recipe's name."""
    recipe: Path | None = None
    """A recipe file, instead of a size."""
    base: str | None = None
    data: str | None = None
    """A JSON lines file, or `hf:DATASET[@REV]`."""
    val: str | None = None
    name: str | None = None
    settings: tuple[str, ...] = ()
    """`key=value` over the recipe; of a sweep `key=value,value`."""
    seeds: int | None = None
    """Runs of each setting, with seeds that follow the recipe's; None: no sweep asks for any."""
    device: str = "auto"
    resume: str | None = None
    """A run to continue: its id, name or folder."""
    processes: int | None = None
    """Processes the user meant to start; fewer is an error."""
    gpus: str | None = None
    """GPUs to take, `2`; where it is only explained also `2x24`, of 24 GB each."""
    chat_template: str | None = None
    """A family's template or a file, instead of the base's own."""
    system: Literal["refuse", "fold"] | None = None
    mapping: tuple[str, ...] = ()
    """`KEY=PATH`: keys of a row that stand elsewhere in it."""
    hold_out_source: tuple[str, ...] = ()
    """Sources that are not trained on: their rows are the validation half."""
    balance: str | None = None
    """A key of rows, or `label`: its values are to be seen equally often."""
    method: Method | None = None
    prefs: str | None = None
    """A file of preference pairs, for `dpo` and `kto`."""
    start: str | None = None
    """A checkpoint whose adapter is trained on; it is the reference as well."""


class DataPart(Record):
    """One half of the data, as it went into training."""

    path: str
    """Relative to the project where it lies inside, else the place it was read from."""
    file: Digest | None = None
    """Over the bytes of the file the rows were read from; None for Hub data."""
    rows_digest: Digest
    """Over messages and labels of the rows used, in order; of pairs over both answers."""
    rows: int
    prompts: int
    """Distinct first user turns."""
    tokens: int
    """After truncation."""
    learned_tokens: int
    """Tokens the loss looks at."""
    cut: int
    """Rows whose answer lost its end to `max_length`."""
    dropped: tuple[int, ...] = ()
    """Lines whose answer was cut away whole; not trained on."""
    mapping: dict[str, str] = later({})
    """Keys of a row that were read from elsewhere in it (`--map`)."""


class SplitInfo(Record):
    """How the validation half was drawn."""

    by: Literal["prompt", "source"]
    fraction: float
    """Share of rows that was wanted; where sources were named, the share they have."""
    seed: int
    held_out: tuple[str, ...] = later(())
    """Sources that were named: nothing was drawn."""

    def words(self) -> str:
        """How the half was parted, as the end of a sentence."""
        if self.held_out:
            return f"of source {' and '.join(self.held_out)}, held out"
        return f"set aside by {self.by}"


class Balance(Record):
    """How labels were made equally frequent."""

    key: str
    """Where the labels stand: a key of rows, or `answer`."""
    asked: str
    """As it was asked for."""
    weights: dict[str, float]
    """Label -> how often a row of it is seen an epoch."""
    rows: int
    """Rows an epoch, repeated ones included."""

    def words(self) -> str:
        """The weights, as a line."""
        each = ", ".join(f"{label} {weight:.3g} times" for label, weight in self.weights.items())
        return f"rows by {self.key}: {each} an epoch; {self.rows:,} rows an epoch"


class StartInfo(Record):
    """The checkpoint a run goes on from."""

    reference: str
    """How to name it again."""
    name: str
    digest: Digest
    run: str | None = None
    """The training run it is of; None where it was made elsewhere."""
    step: int | None = None


class PairsInfo(Record):
    """Where the pairs of a run came from: what it must not be measured on, and by whom alone."""

    prompts: tuple[Digest, ...]
    """Of everything the file asks (`data.preferences.asked_digest`), validation rows included."""
    teachers: tuple[Teacher, ...]
    """The judges whose verdicts they are; empty where the file does not say."""
    suites: tuple[str, ...] = ()
    evaluations: tuple[str, ...] = ()
    unsigned: int = 0
    """Pairs that do not say who judged them."""


class TemplateInfo(Record):
    """How answers were told from prompts."""

    way: Literal["markers", "chatml", "spans"]
    end: str
    digest: Digest
    aligned_eos: str | None = None
    """The end token set on a base that ended with another one."""
    given: str | None = later(None)
    """What was done to the base's own template: another one named, system turns folded."""
    thinking: bool | None = later(None)
    """Whether its thinking mode is on; None: it has none."""
    date: str | None = later(None)
    """What a template that asks for the date is told; None: it does not ask."""


class Decided(Record):
    """A value with the reason it was chosen."""

    value: str
    reason: str


class DeviceInfo(Record):
    """Where a run computes."""

    type: Literal["cuda", "mps", "cpu"]
    name: str
    memory_bytes: int | None
    count: int = 1
    """Processes taking part."""
    strategy: Literal["ddp", "fsdp2"] | None = later(None)
    """How several share the work: `ddp`, each holds all weights; `fsdp2`, each a part of them. None: one
    process, or a run from before this was recorded."""


class BatchOrder(Record):
    """In which order rows are learned from, where rows of like length share a batch."""

    seed: int
    """With the epoch's number it draws that epoch's order."""
    first_epoch: Digest | None
    """Over the lines of the rows in the order of the first epoch; None where processes share them."""


class TrainConfig(Document):
    """`config.json`: everything resolved. Two runs with equal identities give equal weights."""

    schema_: str = schema_field("train")
    recipe: Recipe
    base: BaseModelRef
    base_location: str | None = None
    """The base's folder, where it is a local one."""
    template: TemplateInfo
    train: DataPart
    val: DataPart
    split: SplitInfo | None
    """None where a validation file was given."""
    balance: Balance | None = later(None)
    """None: every row is seen once an epoch."""
    baselines: Baselines | None = later(None)
    """Where the answers are labels: what two simple ways answer to the validation rows."""
    start: StartInfo | None = later(None)
    """None: a new adapter on the base."""
    pairs: PairsInfo | None = later(None)
    """Where it learned from pairs, what their file says of itself."""
    device: DeviceInfo
    dtype: Decided
    attention: Decided | None = later(None)
    """What computes it; None: transformers' own choice."""
    kernels: Decided | None = later(None)
    """What computes layers that have fused kernels, `hub` or `torch`; None: they were not asked for."""
    order: BatchOrder | None = later(None)
    """None: rows are shuffled, whatever their lengths."""
    accumulation: int
    planned_steps: int

    def identity(self) -> str:
        """Digest of everything that decides the weights, to the last bit."""
        rounding = {
            name: chosen.value
            for name, chosen in (("attention", self.attention), ("kernels", self.kernels))
            if chosen
        }
        where = {"device": self.device.type, "processes": self.device.count}
        return digest(self.facts() | where | rounding)

    def facts(self) -> dict[str, Canonical]:
        """What decides the weights, by name: settings, base, template, data, number format."""
        recipe = self.recipe.model_dump(mode="json", exclude=set(DESCRIPTIVE_KEYS))
        return {
            **recipe,
            "base": self.base.digest,
            "template": [self.template.way, self.template.end, self.template.digest],
            **self.template.model_dump(include={"thinking", "date"}),
            "training rows": self.train.rows_digest,
            "validation rows": self.val.rows_digest,
            "dtype": self.dtype.value,
            **({"balance": self.balance.weights} if self.balance else {}),
            **({"start": self.start.digest} if self.start else {}),
            # The rows one is held beside are what its KL term is estimated from.
            **({"kto rows": self.recipe.micro_batch_size} if self.recipe.method == "kto" else {}),
        }


class TrainPoint(Record):
    """One optimizer step."""

    step: int
    epoch: float
    loss: float
    """Mean over learned tokens since the step before."""
    learning_rate: float
    grad_norm: float | None
    """None where it overflowed, as first steps in float16 do."""
    tokens: int
    """Tokens seen since the run began, padding excluded."""
    seconds: float
    """Time spent in steps since the run began; evaluation and saving excluded."""
    tokens_per_second: float
    memory_bytes: int
    accuracy: float | None = later(None)
    """Of pairs: the share in which the better answer gained more than the worse one."""
    margin: float | None = later(None)
    """Of pairs: mean of what the better answer gained more, `beta` times nats."""


class EvalPoint(Record):
    """Validation at one step."""

    step: int
    epoch: float
    loss: float
    """Mean over all learned validation tokens, however they were batched; of pairs the mean of
    -log sigmoid(margin), .6931 where nothing was learned."""
    perplexity: float
    """Of pairs: of the better answers."""
    tokens: int
    accuracy: float | None = later(None)
    """Of pairs, as in `TrainPoint`; one half where nothing was learned."""
    margin: float | None = later(None)
    kl: float | None = later(None)
    """Of pairs: how far the model is from the reference on their answers, nats a token
    (docs/preferences.md)."""


class PinEntry(Record):
    """A pin a run wrote, for listings."""

    step: int
    eval_loss: float | None
    digest: Digest


class RunManifest(Document):
    """`manifest.json`: what was done, where, with what, and what came of it."""

    schema_: str = schema_field("run")
    id: str
    name: str | None = None
    state: State
    identity: Digest
    created: str
    finished: str | None = None
    command: str
    config: TrainConfig
    step: int = 0
    """The last step done."""
    checkpoints: tuple[int, ...] = ()
    digests: dict[str, Digest] = later({})
    """Step -> digest of the checkpoint's pin, as it was saved."""
    history: tuple[TrainPoint, ...] = ()
    evaluations: tuple[EvalPoint, ...] = ()
    """Step 0 is the base before training."""
    pins: dict[str, PinEntry] = Field(default_factory=dict)
    tokens: int = 0
    wall_seconds: float = 0.0
    """Whole time of all sessions."""
    tokens_per_second: float | None = None
    peak_memory_bytes: int | None = None
    stopped_early: str | None = None
    fused: tuple[str, ...] = later(())
    """Kinds of layers that fused kernels of the Hub computed."""
    versions: dict[str, str] = Field(default_factory=dict)
    git: dict[str, str | bool] | None = None
    """Commit and dirtiness of the folder the command ran in."""
    resumed: tuple[str, ...] = ()
    """When the run was continued."""
    error: str | None = None
