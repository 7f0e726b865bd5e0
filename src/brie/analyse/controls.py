"""Comparisons whose answer is known: A/A pairs and a damaged baseline (docs/statistics.md 8.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from brie.analyse.cells import Cells, cells, prompt_means
from brie.analyse.multiplicity import holm
from brie.analyse.study import Study, plain
from brie.analyse.table import VerdictTable
from brie.analyse.win_rate import Settings

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


def analyse_controls(tables: ControlTables, settings: Settings, seed: int) -> dict[str, Any]:
    """`controls` of the document: {"aa": {...}, "damaged": {...}}, a part absent if it was not run."""
    found: dict[str, Any] = {}
    if tables.aa is not None:
        found["aa"] = _a_a(tables.aa.canonical(), settings, seed)
    if tables.damaged is not None:
        found["damaged"] = _damaged(tables.damaged.canonical(), settings, seed)
    return found


def damaged_low(controls: dict[str, Any]) -> float | None:
    """Lower end of the interval of "the damage was recognised"; None if that was not measured."""
    rate = (controls.get("damaged") or {}).get("win_rate")
    return _low(rate) if rate else None


def _a_a(table: VerdictTable, settings: Settings, seed: int) -> dict[str, Any]:
    study = Study(table, settings, seed)
    judges = _rates(study, "controls.aa")
    tested = [name for name, entry in judges.items() if entry["win_rate"]]
    p = np.array([judges[name]["win_rate"]["p_value"] for name in tested])
    for name, value in zip(tested, holm(p), strict=True):
        judges[name]["p_adjusted"] = float(value)
        judges[name]["suspicious"] = bool(value < SUSPICIOUS)
    return {"win_rate": plain(study.rate("controls.aa.win_rate")), "by_judge": judges}


def _damaged(table: VerdictTable, settings: Settings, seed: int) -> dict[str, Any]:
    study = Study(table, settings, seed)
    judges = _rates(study, "controls.damaged")
    for entry in judges.values():
        entry["recognised"] = entry["win_rate"] is not None and _low(entry["win_rate"]) > 0.5
    rate = plain(study.rate("controls.damaged.win_rate"))
    return {"win_rate": rate, "by_judge": judges, "recognised": bool(rate) and _low(rate) > 0.5}


def _rates(study: Study, path: str) -> dict[str, dict[str, Any]]:
    rated: Cells = cells(study.table)
    return {
        name: {
            "win_rate": plain(study.rate(f"{path}.by_judge.{name}", rated.judge == code)),
            "prompts": len(prompt_means(rated, rated.judge == code)),
        }
        for code, name in enumerate(study.table.judges)
    }


def _low(rate: dict[str, Any]) -> float:
    """Lower end of a rate's interval: the bootstrap's, or below `FEWEST_PROMPTS` the betting one."""
    low = rate["low"] if rate.get("low") is not None else rate["betting_interval"][0]
    return float(low)
