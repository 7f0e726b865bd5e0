"""The summary in a terminal: 80 columns, whole without colour, safe against hostile names."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from brie.records.analysis import Analysis
from brie.report.clean import is_clean
from brie.report.terminal import summarise
from tests.report import sample
from tests.report.hostile import HOSTILE
from tests.report.test_build import hostile_analysis


def plain(analysis: Analysis, **more: object) -> str:
    return summarise(analysis, sample.manifest(), colour=False, **more)  # type: ignore[arg-type]


def test_it_says_what_matters_in_order() -> None:
    text = plain(sample.analysis(), report="reports/e/index.html", next_command="brie view e")
    needed = (
        "BETTER", "preferred the fine-tune in 71", "●", "claude-opus", "✕ sources", "! truncation",
        "709 usable, 6 invalid, 1 refused", "$1.92", "reports/e/index.html", "brie view e",
    )  # fmt: skip
    places = [text.index(part) for part in needed]
    assert places == sorted(places)


def test_checks_stand_worst_first_with_marks() -> None:
    text = plain(sample.analysis())
    assert text.index("✕ sources") < text.index("! truncation") < text.index("– controls")
    assert "✓ 3 of 7 passed" in text


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_no_line_is_wider_than_the_terminal_and_no_text_moves_the_cursor(name: str) -> None:
    text = plain(hostile_analysis(HOSTILE[name] * 40))
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert is_clean(text)


def test_wide_scripts_are_measured_in_columns() -> None:
    analysis = sample.analysis(by_judge={"評価者" * 30: {"win_rate": sample.rate(0.5, 0.4, 0.6, 9)}})
    assert max(cell_len(line) for line in plain(analysis).splitlines()) <= 80


def test_colour_adds_nothing_but_colour() -> None:
    import re

    coloured = summarise(sample.analysis(), sample.manifest())
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain(sample.analysis())


def test_an_ascii_log_loses_no_information() -> None:
    text = plain(sample.analysis(), unicode=False)
    text.encode("ascii")
    assert "x sources" in text
    assert "?" not in text


def test_partial_and_empty_analyses_print() -> None:
    interim = plain(sample.analysis(interim=True, verdict=None))
    assert interim.startswith("INTERIM")
    nothing = plain(
        sample.analysis(
            verdict=None, win_rate=None, by_judge={}, by_category={}, by_source={}, checks=()
        )
    )
    assert "There is no win rate" in nothing


def test_fifty_judges_are_cut_and_counted() -> None:
    judges = {f"judge-{i:02d}": {"win_rate": sample.rate(0.5, 0.4, 0.6, 9)} for i in range(50)}
    assert "… 38 more in the report" in plain(sample.analysis(by_judge=judges))
