"""What every part of an analysis starts from: one table, its cells, its prompt means, its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from brie.analyse.arrays import Bools, Ints, generator
from brie.analyse.bootstrap import PromptBootstrap
from brie.analyse.cells import Cells, PromptMeans, cells, prompt_means
from brie.analyse.table import StatusCode, VerdictTable
from brie.analyse.win_rate import Settings, win_rate
from brie.conventions import FEWEST_PROMPTS
from brie.records.analysis import WinRate


@dataclass(frozen=True)
class Study:
    """A canonical table and what is derived from it once."""

    table: VerdictTable
    settings: Settings
    seed: int
    notes: dict[str, str] = field(default_factory=dict)
    """Filled as parts find what they cannot compute: path of the quantity -> reason."""

    @cached_property
    def cells(self) -> Cells:
        """Judge x comparison, orders averaged."""
        return cells(self.table)

    @cached_property
    def shown(self) -> VerdictTable:
        """The table as each presentation alone has it, for effects of order and letter."""
        return self.table.as_shown()

    @cached_property
    def shown_cells(self) -> Cells:
        """Its cells."""
        return self.cells if self.table.joint is None else cells(self.shown)

    @cached_property
    def means(self) -> PromptMeans:
        """The headline's prompt means."""
        return prompt_means(self.cells)

    @cached_property
    def has_missing(self) -> bool:
        """Some planned verdict is not usable."""
        return bool(((self.table.status != StatusCode.OK) & (self.table.repeat == 0)).any())

    @cached_property
    def extremes(self) -> tuple[Cells, Cells]:
        """The cells with every unusable verdict lost, and won."""
        if not self.has_missing:
            return self.cells, self.cells
        return cells(self.table, 0.0), cells(self.table, 1.0)

    @cached_property
    def soft(self) -> bool:
        """Some verdict is neither win, tie nor loss."""
        doubled = 2 * self.table.score[self.table.usable]
        return bool((doubled != np.rint(doubled)).any())

    @cached_property
    def category(self) -> Ints:
        """Category code of each prompt mean."""
        return self.table.category[self.means.prompt]

    @cached_property
    def source(self) -> Ints:
        """Source code of each prompt mean."""
        return self.table.source[self.means.prompt]

    @cached_property
    def bootstrap(self) -> PromptBootstrap:
        """The resamples of prompts that agreement and variance components share."""
        return PromptBootstrap.draw(
            len(self.table.prompts), self.rng("bootstrap"), self.settings.resamples
        )

    def rng(self, quantity: str) -> np.random.Generator:
        """The generator of one named quantity."""
        return generator(self.seed, quantity)

    def rate(self, path: str, keep: Bools | None = None, *, planning: bool = False) -> WinRate | None:
        """Win rate over some cells (all: None); leaves a note under `path` where there is none."""
        means = self.means if keep is None else prompt_means(self.cells, keep)
        bounds = None
        if self.has_missing:
            low, high = (prompt_means(extreme, keep) for extreme in self.extremes)
            bounds = (float(low.mean.mean()), float(high.mean.mean())) if len(low) else None
        return self.rate_of(path, means, bounds, planning=planning)

    def rate_of(
        self,
        path: str,
        means: PromptMeans,
        bounds: tuple[float, float] | None,
        *,
        planning: bool = False,
    ) -> WinRate | None:
        """Win rate of given prompt means."""
        rate = win_rate(
            means.mean, means.verdicts, self.rng(path), self.settings,
            bounds=bounds, soft=self.soft, planning=planning,
        )  # fmt: skip
        if rate is None:
            orders = " in every planned order" if self.table.both_orders else ""
            self.notes[path] = f"no prompt has a usable verdict{orders}"
        elif rate.low is None and not path.startswith("by_source."):
            self.notes[f"{path}.low"] = (
                f"no bootstrap interval holds below {FEWEST_PROMPTS} prompts (here: {rate.prompts}), "
                "so the betting interval is given"
            )
        return rate
