"""Comparisons whose answer is known: A/A pairs and a damaged baseline (docs/statistics.md 8.5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brie.analyse.arrays import distinct
from brie.analyse.cells import Cells, cells, prompt_means
from brie.analyse.multiplicity import holm
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.analyse.win_rate import Settings
from brie.records.estimates import ControlJudge, ControlNumbers, ControlResults, WinRate

SUSPICIOUS = 0.01
"""An A/A p-value below this, after Holm over judges, speaks against a judge or the procedure."""


@dataclass(frozen=True)
class ControlTables:
    """Verdicts on control comparisons, in the layout of any other table.

    In `aa` the candidate is the baseline with other samples; in `damaged` the "candidate" is the
    intact baseline answer and the "baseline" its damaged copy, so recognising the damage is a win.
    """

    aa: VerdictTable | None = None
    damaged: VerdictTable | None = None


def analyse_controls(tables: ControlTables, settings: Settings, seed: int) -> ControlResults:
    """`controls` of the document; a part is absent if it was not run."""
    parts: dict[str, ControlNumbers] = {}
    if tables.aa is not None:
        parts["aa"] = _a_a(tables.aa.canonical(), settings, seed)
    if tables.damaged is not None:
        parts["damaged"] = _damaged(tables.damaged.canonical(), settings, seed)
    return ControlResults(**parts)


def damaged_low(controls: ControlResults) -> float | None:
    """Lower end of the interval of "the damage was recognised"; None if that was not measured."""
    return _low(controls.damaged.win_rate) if controls.damaged else None


def _a_a(table: VerdictTable, settings: Settings, seed: int) -> ControlNumbers:
    study = Study(table, settings, seed)
    judges = _by_judge(study, "controls.aa")
    p = {name: judge.win_rate.p_value for name, judge in judges.items() if judge.win_rate}
    for name, adjusted in zip(p, holm(np.array(list(p.values()))).tolist(), strict=True):
        update = {"p_adjusted": adjusted, "suspicious": adjusted < SUSPICIOUS}
        judges[name] = judges[name].model_copy(update=update)
    return ControlNumbers(win_rate=study.rate("controls.aa.win_rate"), by_judge=judges)


def _damaged(table: VerdictTable, settings: Settings, seed: int) -> ControlNumbers:
    """Damage that changed nothing cannot be recognised: such comparisons are left out."""
    same = table.identical & (table.repeat == 0)
    left_out = 0 if table.identical_as_ties else distinct(table.prompt[same])
    if left_out:
        table = table.select(~table.identical)
    study = Study(table, settings, seed)
    judges = {
        name: judge.model_copy(update={"recognised": _recognised(judge.win_rate)})
        for name, judge in _by_judge(study, "controls.damaged").items()
    }
    rate = study.rate("controls.damaged.win_rate")
    numbers = ControlNumbers(win_rate=rate, by_judge=judges, recognised=_recognised(rate))
    return numbers.model_copy(update={"identical": left_out}) if left_out else numbers


def _by_judge(study: Study, path: str) -> dict[str, ControlJudge]:
    rated: Cells = cells(study.table)
    return {
        name: ControlJudge(
            win_rate=study.rate(f"{path}.by_judge.{name}", rated.judge == code),
            prompts=len(prompt_means(rated, rated.judge == code)),
        )
        for code, name in enumerate(study.table.judges)
    }


def _recognised(rate: WinRate | None) -> bool:
    low = _low(rate)
    return low is not None and low > 0.5


def _low(rate: WinRate | None) -> float | None:
    """Lower end of a rate's interval: the bootstrap's, or below `FEWEST_PROMPTS` the betting one."""
    return rate.ends[0] if rate is not None and rate.ends is not None else None
