"""A verdict that an earlier build took away, against the word and the standing of today."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from brie.ci.documents import compare

TAKEN: dict[str, JsonValue] = {
    "verdict": None,
    "verdict_survives_missing": None,
    "notes": {"verdict": "withheld: the files are not the pinned ones"},
}


def today(state: str) -> dict[str, JsonValue]:
    standing: JsonValue = {"state": state, "reasons": []}
    return {"verdict": "better", "verdict_survives_missing": True, "notes": {}, "standing": standing}


def test_a_verdict_that_was_taken_away_is_no_failure_where_it_is_withheld_today() -> None:
    compared = compare(TAKEN, today("withheld"), same_build=False)
    assert compared.differ == []
    assert compared.words == ["verdict", "verdict_survives_missing"]


@pytest.mark.parametrize("state", ["stands", "conditional"])
def test_a_verdict_that_was_taken_away_and_is_not_withheld_today_is_a_failure(state: str) -> None:
    assert "verdict" in compare(TAKEN, today(state), same_build=False).differ


def test_a_verdict_struck_out_without_a_reason_is_a_failure() -> None:
    bare: dict[str, JsonValue] = {**TAKEN, "notes": {}}
    assert "verdict" in compare(bare, today("withheld"), same_build=False).differ


def test_a_build_that_knows_a_standing_keeps_the_word() -> None:
    reasons: list[JsonValue] = []
    standing: dict[str, JsonValue] = {"state": "withheld", "reasons": reasons}
    stored: dict[str, JsonValue] = {**TAKEN, "standing": standing}
    assert "verdict" in compare(stored, today("withheld"), same_build=False).differ
    assert "verdict" in compare(TAKEN, today("withheld"), same_build=True).differ
