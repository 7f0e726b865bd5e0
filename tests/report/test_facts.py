"""Rows of the report: who counts, what stands beside, how estimates of every form are read."""

from __future__ import annotations

import pytest

from brie.records import Amendment
from brie.records.analysis import WinRate
from brie.report.facts import effects, groups
from brie.report.judge_pairs import agreement_square
from brie.report.panel import panel_of
from brie.report.sentence import verdict_sentence
from brie.report.terminal import summarise
from tests.present import present
from tests.report import sample


def test_instruments_stand_beside_the_headline() -> None:
    judges = {
        "claude-opus": {"provider": "anthropic", "win_rate": sample.rate(0.7, 0.6, 0.8, 40)},
        "longer": {"provider": "rules", "instrument": True, "win_rate": sample.rate(0.9, 0.8, 0.95, 40)},
    }
    analysis = sample.analysis(by_judge=judges)
    assert panel_of(analysis).judges == ("claude-opus",)
    assert verdict_sentence(analysis).startswith("The judge `claude-opus` preferred")
    named = {group.id: {row.name: row.note for row in group.rows} for group in groups(analysis)}
    assert named["judges"] == {"claude-opus": ""}
    assert named["instruments"] == {"longer": "not counted"}


def test_winners_against_a_judges_own_scores_stand_in_its_row() -> None:
    odd = {"provider": "anthropic", "win_rate": sample.rate(0.7, 0.6, 0.8, 40)}
    judges = {"odd": {**odd, "contradictions": 7, "scored": 80}, "even": {**odd, "contradictions": 0}}
    rows = {row.name: row.note for row in groups(sample.analysis(by_judge=judges))[0].rows}
    assert rows == {"odd": "7 of 80 winners against its own scores", "even": ""}


def test_a_stopped_judge_has_left_the_headline_until_it_resumes() -> None:
    def link(kind: str) -> Amendment:
        seal = sample.manifest().seal
        return Amendment.model_validate(
            {"kind": kind, "detail": {"judge": "gpt-mini", "said": "x"}, "verdicts_before": 3,
             "previous": seal, "digest": seal}
        )  # fmt: skip

    analysis, manifest = sample.analysis(), sample.manifest()
    stopped = manifest.model_copy(update={"amendments": (link("stopped"),)})
    resumed = manifest.model_copy(update={"amendments": (link("stopped"), link("resumed"))})
    assert panel_of(analysis, stopped).judges == ("claude-opus", "reference")
    assert panel_of(analysis, resumed).judges == panel_of(analysis, manifest).judges


def test_a_panel_of_rules_has_rows_of_rules() -> None:
    analysis = sample.analysis(by_judge={"reference": {"provider": "rules"}})
    assert (groups(analysis)[0].title, groups(analysis)[0].head) == ("By rule", "Rule")


@pytest.mark.parametrize(
    ("control", "low", "high", "said"),
    [
        ("aa", 0.4, 0.6, "even, as it should be"),
        ("aa", 0.55, 0.9, "not even, which it should be"),
        ("damaged", 0.6, 0.88, "recognised, as it should be"),
        ("damaged", 0.4, 0.7, "not shown to be recognised: the interval contains 50"),
        ("damaged", 0.1, 0.4, "the damaged copy was preferred"),
    ],
)
def test_a_controls_row_says_whether_it_came_out_as_it_should(
    control: str, low: float, high: float, said: str
) -> None:
    rate = sample.rate((low + high) / 2, low, high, 24)
    analysis = sample.analysis(controls={control: {"win_rate": rate}})
    (row,) = next(group.rows for group in groups(analysis) if group.id == "controls")
    assert row.note == said


def test_controls_have_rows_of_their_own_and_one_category_has_none() -> None:
    analysis = sample.analysis(
        by_category={"all": {"win_rate": sample.rate(0.5, 0.4, 0.6, 12)}},
        controls={"aa": {"win_rate": sample.rate(0.5, 0.4, 0.6, 12)}},
    )
    found = {group.id: [row.name for row in group.rows] for group in groups(analysis)}
    assert found["controls"] == ["The baseline against itself"]
    assert "categories" not in found


def test_a_rate_of_few_prompts_is_shown_with_its_betting_interval() -> None:
    rate = WinRate(**sample.rate(0.5, 0.4, 0.6, 12))
    assert rate.ends == (0.4, 0.6)
    few = rate.model_copy(update={"low": None, "high": None, "betting_interval": (0.1, 0.9)})
    assert few.ends == (0.1, 0.9)
    assert few.model_copy(update={"betting_interval": None}).ends is None


def test_few_prompts_are_remarked() -> None:
    few = {"a": {"win_rate": sample.rate(0.5, 0.1, 0.9, 5)}, "b": {"win_rate": None}}
    (group,) = [g for g in groups(sample.analysis(by_source=few)) if g.id == "sources"]
    assert "betting interval" in group.remark
    assert group.rows[1].n is None


def test_agreement_is_a_square_with_an_empty_diagonal() -> None:
    square = agreement_square(present(sample.analysis().agreement).pairs)
    assert square is not None
    assert [row[i] for i, row in enumerate(square.rows)] == [None, None, None]
    assert square.rows[0][1] == square.rows[1][0]
    assert agreement_square(()) is None


def test_the_interval_of_an_effect_ends_where_its_scale_does() -> None:
    beyond = {"effect": 1.0, "low": 0.904, "high": 1.032}
    (shown,) = [e for e in effects(sample.analysis(position=beyond)) if e.name == "Standing first"]
    assert (shown.value, shown.low, shown.high) == (1.0, 0.904, 1.0)


def test_parts_by_length_say_their_edges_and_that_those_of_answers_came_after_the_fact() -> None:
    def part(of: str, over: float | None, up_to: float) -> dict[str, object]:
        unit = "tokens" if of == "answer" else "characters"
        rate = sample.rate(0.6, 0.5, 0.7, 20)
        return {
            "win_rate": rate,
            "p_adjusted": 0.2,
            "of": of,
            "unit": unit,
            "over": over,
            "up_to": up_to,
        }

    parts = {
        "prompt_short": part("prompt", None, 40),
        "prompt_long": part("prompt", 40, 1200),
        "answer_long": part("answer", 23.5, 90),
    }
    analysis = sample.analysis(by_length=parts)
    (group,) = [g for g in groups(analysis) if g.id == "lengths"]
    assert [(row.name, row.note) for row in group.rows] == [
        ("short prompts", "adjusted p .20, up to 40 characters"),
        ("long prompts", "adjusted p .20, over 40 to 1,200 characters"),
        ("long answers", "adjusted p .20, over 23.5 to 90 tokens"),
    ]
    assert "parts by answers were chosen after the fact" in group.remark
    in_full = summarise(analysis, full=True, colour=False)
    assert "By length of prompts and of answers" in in_full
    assert "after the fact" in " ".join(in_full.split())
