"""Whole evaluations: sound ones are left alone, faulty ones are not."""

from __future__ import annotations

import json

import pytest

from bench.alarm_cases import Evaluation
from bench.check_alarms import CONDITIONAL, FAULTS, NOTICED, SOUND, WITHHELD, planted, sound, upper
from bench.output import RESULTS
from brie.checks import CHECKS

SMALL = (
    "20 prompts, 1 judge, 4 sources",
    "40, 2 judges, 8 sources",
    "66 x 3 samples, 1 judge, 12 sources",
)


def test_sound_evaluations_are_seldom_held_back() -> None:
    rows = sound(12, 3, {name: SOUND[name] for name in SMALL})
    assert rows[-1]["better"] > 20
    assert rows[-1]["withheld of all"] == 0
    assert rows[-1]["conditional"] <= 0.15


@pytest.mark.parametrize("name", dict.fromkeys(name for name, _ in FAULTS))
def test_a_planted_fault_is_noticed(name: str) -> None:
    mine = [fault for fault in FAULTS if fault[0] == name]
    rows = planted(4, 11, tuple(mine))
    assert sum(row["noticed"] * row["of"] for row in rows) >= 0.7 * sum(row["of"] for row in rows)


def test_every_check_has_a_planted_fault() -> None:
    checks = {check.__module__.rpartition(".")[2] for check in CHECKS}
    assert checks <= {name for name, _ in FAULTS}


def test_the_committed_rates_are_within_the_limits() -> None:
    rates = json.loads((RESULTS / "check_alarms.json").read_text("utf-8"))
    *cells, whole = rates["sound"]
    assert [row["evaluation"] for row in cells] == list(SOUND)
    assert whole["runs"] == sum(row["runs"] for row in cells) >= 2000
    for kind, limit in (("withheld", WITHHELD), ("conditional", CONDITIONAL)):
        held = round(whole[kind] * whole["better"])
        assert held == round(sum(row[kind] * row["better"] for row in cells))
        assert upper(held, whole["better"]) == pytest.approx(whole[f"{kind}, at most"])
        assert whole[f"{kind}, at most"] <= limit
        assert all(row[kind] <= limit for row in cells)
    assert [(row["check"], row["fault"]) for row in rates["planted"]] == [
        (name, fault.size) for name, fault in FAULTS
    ]
    assert all(row["noticed"] >= NOTICED for row in rates["planted"])


def test_the_cells_are_as_described() -> None:
    for case in SOUND.values():
        assert (case.rate > 0.5, case.longer > 1, case.style > 0) == (True, True, True)
        right = case.recognised * (1 - case.unsteady) + (1 - case.recognised) * case.unsteady
        assert right >= 0.895
    assert {case.judges for case in SOUND.values()} == {1, 2, 3}
    assert Evaluation().sources == 12
