"""Sweeps: the plan of several training runs, and what their evaluations say of the settings."""

from __future__ import annotations

from brie.records.base import Digest, Document, Record, later, schema_field


class SettingRate(Record):
    """One setting of a sweep: its win rate over prompts and runs."""

    name: str
    value: float
    """Mean over its runs and all prompts."""
    low: float | None
    """Together with those of all settings; None where runs and prompts are too few."""
    high: float | None
    least: float
    """The win rate of its lowest run."""
    most: float
    runs: int
    behind: float
    """The leading setting's rate minus this one's."""
    behind_low: float | None
    """Together with those of every pair of settings."""
    behind_high: float | None
    best: bool
    """Of those that cannot be told from the best."""


class Doubling(Record):
    """What twice the data changed, between the smallest and the largest share that was tried."""

    value: float
    """Points of win rate, as a share, for each doubling: the slope of a line over log2(share)."""
    low: float
    high: float
    level: float
    shares: tuple[float, ...]
    last: float | None
    """The largest share minus its half, where both were tried."""
    last_low: float | None
    last_high: float | None


class SettingsTable(Record):
    """All settings of a sweep, the leading one first."""

    settings: tuple[SettingRate, ...]
    level: float
    method: str
    prompts: int
    runs: int
    """Of each setting."""
    freedom: float | None
    """Degrees of freedom of the critical value; None where there are no intervals."""
    seed_deviation: float | None
    """Standard deviation between a setting's runs, that of verdicts taken off; None with one run."""
    doubling: Doubling | None = later(None)


class RecipeRate(Record):
    """A recipe's win rate: of all its training runs, those not made included."""

    value: float
    low: float | None
    """Of the recipe's mean; None below five runs."""
    high: float | None
    new_low: float | None
    """Where the rate of another training run of the recipe would lie."""
    new_high: float | None
    least: float
    most: float
    level: float
    method: str
    runs: int
    prompts: int
    seed_deviation: float | None


class SweepTable(Document):
    """`brie compare SWEEP`: the settings of a sweep on one suite (`brie.sweep-table/1`)."""

    schema_: str = schema_field("sweep-table")
    sweep: str
    """Its id."""
    name: str
    seal: Digest
    suite: str
    baseline: str
    judges: tuple[str, ...]
    table: SettingsTable
    evaluations: dict[str, tuple[str, ...]]
    """Setting -> the evaluations of its runs, in the order of their seeds."""
    scope: str
    warnings: tuple[str, ...] = ()


class RecipeTable(Document):
    """`brie eval --candidate sweep:NAME/SETTING`: one recipe, all its runs (`brie.recipe/1`)."""

    schema_: str = schema_field("recipe")
    sweep: str
    name: str
    seal: Digest
    setting: str
    suite: str
    baseline: str
    judges: tuple[str, ...]
    rate: RecipeRate
    evaluations: tuple[str, ...]
    """Of its runs, in the order of their seeds."""
    scope: str
    warnings: tuple[str, ...] = ()


class PlannedRun(Record):
    """One run of a sweep."""

    setting: str
    seed: int
    identity: Digest
    """Of everything that decides its weights."""


class SweepPlan(Record):
    """What a sweep is made of; the seal is over this."""

    recipe: str
    settings: dict[str, tuple[str, ...]]
    """Name -> the `key=value` that make it."""
    seeds: tuple[int, ...]
    runs: tuple[PlannedRun, ...]
    """In the order they are trained: every setting with the first seed, then with the next."""


class DoneRun(Record):
    """A run of a sweep that is complete."""

    run: str
    """The run's id."""
    best: Digest
    """Digest of its `best` pin."""


class SweepManifest(Document):
    """`manifest.json` of a sweep: its sealed plan, how it was asked for, and the runs that are done."""

    schema_: str = schema_field("sweep")
    id: str
    name: str | None
    created: str
    command: str
    asked: dict[str, str | int | tuple[str, ...] | None]
    """Options of `brie train`, by name."""
    plan: SweepPlan
    seal: Digest
    done: dict[str, DoneRun] = later({})
    """Identity of a planned run -> what it became."""
