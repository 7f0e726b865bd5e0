"""The figures of checks are words with units."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from brie.records import Check
from brie.report.check_figures import figures, words_of
from tests.flow.test_standing import ROWS, planted

TOLD = ("all prompts trained on", "cut answers carry it", "what only annotates")
"""Evaluations in which every check has something to say."""


def shown(check: str, **evidence: JsonValue) -> dict[str, str]:
    return dict(figures(Check(id=check, status="pass", summary="s", evidence=evidence)))


def test_every_figure_that_the_checks_give_has_words() -> None:
    unknown = {
        f"{check.id}.{key}"
        for name in TOLD
        for check in planted(**ROWS[name][0])[0].checks
        for key in check.evidence
        if words_of(check.id, key) is None
    }
    assert not unknown


def test_no_value_is_a_key_or_a_bare_fraction() -> None:
    analysis, _ = planted(**ROWS["what only annotates"][0])
    for check in analysis.checks:
        for words, value in figures(check):
            assert "_" not in words
            assert "points" in value or not value.startswith("0."), (words, value)
            assert "None" not in value
            assert "{" not in value


@pytest.mark.parametrize(
    ("check", "evidence", "words", "value"),
    [
        (
            "position",
            {"flip_rate": 0.143},
            "verdicts that change when the answers are exchanged",
            "14 %",
        ),
        ("looks", {"p_times_looks": 1.4e-15}, "p times the number of looks", "< .0001"),
        (
            "length",
            {"value": 0.733, "low": 0.62, "high": 0.82},
            "win rate at equal length",
            "73 % (62–82)",
        ),
        (
            "position",
            {"label": {"effect": 0.02, "low": -0.05, "high": 0.09}},
            "worth of being called A",
            "+2.0 points (−5.0 to +9.0)",
        ),
        (
            "truncation",
            {"without": {"holds": True, "prompts_left": 58, "difference": 0.01, "p_value": 0.4}},
            "verdict without those",
            "holds, 58 prompts left, +1.0 points, p .40",
        ),
        (
            "controls",
            {"a_a": {"opus": {"win_rate": 0.54, "prompts": 24, "p_adjusted": 0.8}}},
            "the baseline against itself (50 % is even)",
            "opus 54 % of 24 prompts (adjusted p .80)",
        ),
        ("judges", {"families": {"a": None, "b": "qwen"}}, "families of models", "a not known; b qwen"),
        ("some_new_check", {"a_new_figure": True}, "a new figure", "yes"),
    ],
)
def test_a_figure_reads_as_a_person_would_write_it(
    check: str, evidence: dict[str, JsonValue], words: str, value: str
) -> None:
    assert shown(check, **evidence) == {words: value}


def test_what_is_not_known_is_left_out_and_long_lists_are_counted() -> None:
    assert shown("judges", alpha=None, left_out=[]) == {}
    assert shown("injection", prompts=[f"p{n}" for n in range(20)])["their prompts"].endswith("8 more")


@pytest.mark.parametrize("odd", ["text", 3, [1], {"x": None}, True])
def test_a_figure_of_another_form_is_still_printed(odd: JsonValue) -> None:
    for check in ("truncation", "controls", "sources", "blinding", "contamination", "position"):
        for key in (
            "without",
            "a_a",
            "differ",
            "bag_of_words",
            "closest",
            "flips",
            "recognition",
            "gap",
        ):
            shown(check, **{key: odd})
