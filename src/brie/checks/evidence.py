"""What checks look at: the analysis so far, the verdicts, the answers, the plan, and what training left.

Whatever is not known is None or empty, and the checks that need it say `not_run`. An evaluation
fills everything in; imported judgments have no plan, and their answers perhaps as flags only:

    Evidence(analysis=analysis, table=table)                         the least there is
    Evidence(analysis=analysis, table=table, pairs=pairs_of(rows))   with the answers' texts or flags
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from pydantic import Field

from brie.analyse.arrays import Bools
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.analyse.win_rate import Settings
from brie.data.near import Match
from brie.data.preferences import Teacher
from brie.records import Digest, Plan, Record, Sampling, Side, later
from brie.records.analysis import Analysis, WinRate

Key = tuple[str, int]
"""A comparison: prompt id and sample index."""


class Answer(NamedTuple):
    """One side's answer in a comparison, as far as it is known."""

    text: str | None = None
    """None where only what is said below is known."""
    truncated: bool = False
    """Ended by the token limit, or without an ending."""
    measures: Mapping[str, float] = MappingProxyType({})
    """`repetition`, `special_tokens`, … (see `brie.generate.measures`)."""
    told: Set[str] | None = None
    """Groups of phrases that are in the text (`brie.checks.wording`); None where nobody has looked."""


class Pair(NamedTuple):
    """One comparison's two answers."""

    prompt: str
    sample: int
    candidate: Answer
    baseline: Answer

    @property
    def key(self) -> Key:
        """What the comparison is called."""
        return self.prompt, self.sample


@dataclass(frozen=True, slots=True)
class Models:
    """The two sides as they are on this machine now, compared with the sealed pins."""

    differ: tuple[str, ...] = ()
    """Sides whose files are not the pinned ones, and how."""
    absent: tuple[str, ...] = ()
    """Sides whose files cannot be compared here, and why."""
    facts: tuple[str, ...] = ()
    """Aliases: a link, a run root or neighbour with the same weights, a best step never saved."""
    own_sampling: Sampling | None = None
    """What the baseline's own generation config says, where it has one."""


class Taught(Record):
    """Whose verdicts a model learned from."""

    teachers: tuple[Teacher, ...]
    """Judges; empty where the file of pairs does not say."""
    suites: tuple[str, ...] = ()
    """Suites whose prompts the pairs came from."""
    unsigned: int = 0
    """Pairs that do not say who judged them."""
    by_digest: bool = False
    """The file was not here: equal prompts were looked for by digest, near ones not."""


class Training(Record):
    """What the candidate was trained on, compared with the suite."""

    run: str
    """Id of the training run."""
    file: str
    """The training file, as the run's configuration names it."""
    file_digest: Digest
    rows: int
    nearest: dict[str, Match]
    """Prompt id -> the training text most like it, for prompts that have one near."""
    references: dict[str, Match] = Field(default_factory=dict)
    """The same for references, looked for in what the rows answer."""
    sources: tuple[str, ...] = ()
    """Labels of the rows' sources, where they are labelled."""
    authors: tuple[str, ...] = ()
    """Who wrote the rows, where they say so."""
    validation_rows: int = 0
    shared: int = 0
    """Validation rows that ask what training rows ask."""
    held_out: tuple[str, ...] = later(())
    """Sources whose rows were set aside by name."""
    half: bool = later(False)
    """The rows are those trained on; those of the same file that were set aside are not among them."""
    taught: Taught | None = later(None)
    """Where the rows are preference pairs: whose verdicts they are."""
    earlier: Training | None = later(None)
    """What the checkpoint was trained on that this training began with."""
    earlier_unknown: str = later("")
    """Why that is not known, as the end of a sentence."""

    @property
    def chain(self) -> tuple[Training, ...]:
        """This training and those before it, the latest first."""
        return (self, *(self.earlier.chain if self.earlier else ()))

    @property
    def all_nearest(self) -> dict[str, Match]:
        """Prompts that have a text near in any of them."""
        merged: dict[str, Match] = {}
        for training in reversed(self.chain):
            merged |= training.nearest
        return merged


@dataclass(frozen=True, slots=True)
class Looks:
    """Where this analysis stands among those of its prompts."""

    number: int
    """1: nobody had seen verdicts on one of these prompts before."""
    other_versions: int = 0
    """How many of the earlier ones were on a suite of another version or name."""


@dataclass(frozen=True)
class Evidence:
    """Everything checks may use."""

    analysis: Analysis
    """Complete but for its checks."""
    table: VerdictTable
    """The headline's verdicts; instruments left out."""
    plan: Plan | None = None
    """None for imported judgments."""
    pairs: tuple[Pair, ...] = ()
    models: Models | None = None
    training: Training | None = None
    no_training: str = ""
    """Why `training` is None, as the end of a sentence."""
    looks: Looks | None = None
    stopped: Mapping[str, str] = field(default_factory=dict)
    """Judges that were stopped and left the headline, with what they said."""
    idle: tuple[Side, ...] = ()
    """Sides whose adapter changed nothing when it was tried: equal logits with it and without."""
    seed: int = 0

    @cached_property
    def settings(self) -> Settings:
        """Intervals as the headline's."""
        rate = self.analysis.win_rate
        resamples = self.plan.resamples if self.plan else Settings().resamples
        return Settings(level=rate.level if rate else 0.95, resamples=resamples)

    @cached_property
    def texts(self) -> tuple[Pair, ...]:
        """Comparisons whose two texts are at hand."""
        return tuple(
            p for p in self.pairs if p.candidate.text is not None and p.baseline.text is not None
        )

    def rate(self, name: str, rows: Bools) -> WinRate | None:
        """The win rate over some rows of the table; None where no prompt is left.

        Args:
            name: names the random draws, where any are needed.
            rows: a mask over the table's rows.
        """
        study = Study(self.table.select(rows).canonical(), self.settings, self.seed)
        return study.rate(f"checks.{name}")

    def of_prompts(self, prompts: Collection[str]) -> Bools:
        """Rows of some prompts, as a mask."""
        wanted = np.array([name in prompts for name in self.table.prompts], np.bool_)
        return np.asarray(wanted[self.table.prompt], np.bool_)

    def of_pairs(self, keys: Collection[Key]) -> Bools:
        """Rows of some comparisons, as a mask."""
        code = {name: number for number, name in enumerate(self.table.prompts)}
        width = int(self.table.sample.max(initial=0)) + 1
        named = [code[prompt] * width + sample for prompt, sample in keys if prompt in code]
        return np.isin(self.table.prompt * width + self.table.sample, np.array(named, np.int64))


def side(rate: WinRate | None) -> int:
    """+1 or -1 where a rate's interval lies above or below one half, else 0."""
    if rate is None or rate.low is None or rate.high is None:
        return 0
    return int(rate.low > 0.5 + 1e-9) - int(rate.high < 0.5 - 1e-9)


def survives(evidence: Evidence, again: WinRate | None) -> bool:
    """Whether a rate on part of the verdicts still says what the whole says.

    Where the whole shows no difference there is nothing to lose.
    """
    whole = side(evidence.analysis.win_rate)
    return whole == 0 or side(again) == whole
