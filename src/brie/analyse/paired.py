"""Two sides that met the same draws: how alike they answer (docs/statistics.md 1.13)."""

from __future__ import annotations

from brie.analyse.arrays import distinct
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.analyse.win_rate import Settings
from brie.records.estimates import PairedNoise


def paired_noise(table: VerdictTable, settings: Settings, seed: int) -> PairedNoise:
    """Share of identical answers, and the win rate among comparisons whose answers differ.

    Args:
        table: the headline's verdicts.
        settings: of the rate's interval.
        seed: of its random draws.
    """
    planned = table.repeat == 0
    width = int(table.sample.max(initial=0)) + 1
    comparison = table.prompt * width + table.sample
    every = distinct(comparison[planned])
    same = distinct(comparison[planned & table.identical])
    differing = Study(table.select(~table.identical).canonical(), settings, seed)
    return PairedNoise(
        identical=same,
        comparisons=every,
        share=same / every if every else 0.0,
        differing=differing.rate("paired_noise.differing"),
    )
