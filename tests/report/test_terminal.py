"""The summary in a terminal: 80 columns, whole without colour, safe against hostile names."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from brie.records.analysis import Analysis
from brie.records.standing import Reason, Standing
from brie.report.clean import is_clean
from brie.report.last_screen import Where
from brie.report.terminal import summarise
from tests.report import sample
from tests.report.hostile import HOSTILE
from tests.report.test_build import hostile_analysis

WHERE = Where("reports/e/index.html", "", "brie view e", "brie analyse e --full")


def plain(analysis: Analysis, **more: object) -> str:
    """All of it, as `--full` prints it."""
    return summarise(analysis, sample.manifest(), full=True, colour=False, **more)  # type: ignore[arg-type]


def last(analysis: Analysis, **more: object) -> list[str]:
    """The last screen alone, line by line."""
    text = summarise(analysis, sample.manifest(), where=WHERE, colour=False, **more)  # type: ignore[arg-type]
    return text.splitlines()


def test_it_says_what_matters_in_order_and_ends_with_the_verdict() -> None:
    text = plain(sample.analysis(), where=WHERE)
    needed = (
        "preferred the fine-tune in 71", "claude-opus", "✕ sources", "! truncation", "BETTER", "●",
        "709 usable, 6 invalid, 1 refused", "$1.92", "reports/e/index.html", "brie view e",
    )  # fmt: skip
    text = " ".join(text.split())
    places = [text.index(part) for part in needed]
    assert places == sorted(places)


def test_checks_stand_worst_first_with_marks() -> None:
    text = plain(sample.analysis())
    assert text.index("✕ sources") < text.index("! truncation") < text.index("– controls")
    assert "✓ 3 of 7 passed" in text


def test_the_last_screen_says_all_that_a_decision_needs_in_sixteen_lines() -> None:
    lines = last(sample.analysis())
    assert len(lines) <= 16
    assert all(cell_len(line) <= 80 for line in lines)
    starts = [
        "BETTER", "71 of 100", "  ✕ sources", "  ! truncation", "  ✓ 3 of 7 checks passed", "Weakest",
        "Judged", "Cost", "Report    reports/e/index.html", "In full   brie analyse e --full",
        "Next      brie view e",
    ]  # fmt: skip
    at = [next(n for n, line in enumerate(lines) if line.startswith(start)) for start in starts]
    assert at == sorted(at)
    head = " ".join(lines[:2])
    assert "brie-0.5b" in head or sample.analysis().candidate.name in head
    assert sample.analysis().baseline.name in head
    assert "40 prompts" in head
    assert "not run: controls" in " ".join(lines)


def test_thirty_warnings_leave_the_screen_its_size_and_are_counted() -> None:
    warning = next(check for check in sample.analysis().checks if check.status == "warn")
    many = tuple(warning.model_copy(update={"id": f"check {n:02}"}) for n in range(30))
    lines = last(sample.analysis(checks=many))
    assert len(lines) <= 16
    shown = sum(line.startswith("  ! ") for line in lines)
    assert any(line.startswith(f"  … {30 - shown} more: ") for line in lines)


def test_a_verdict_that_does_not_stand_says_so_in_the_first_line() -> None:
    reason = Reason(cause="contamination", text="all 36 prompts were trained on")
    lines = last(sample.analysis(standing=Standing(state="withheld", reasons=(reason,))))
    assert lines[0].startswith("BETTER? NO: ALL 36 PROMPTS WERE TRAINED ON")
    assert len(lines) <= 16


def test_an_address_stands_behind_the_path_of_the_report_where_colours_are() -> None:
    where = Where("reports/e/index.html", "file:///home/me/reports/e/index.html")
    coloured = summarise(sample.analysis(), where=where)
    assert "file:///home/me/reports/e/index.html" in coloured
    assert "file:///" not in summarise(sample.analysis(), where=where, colour=False)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_no_line_is_wider_than_the_terminal_and_no_text_moves_the_cursor(name: str) -> None:
    text = plain(hostile_analysis(HOSTILE[name] * 40))
    assert len(last(hostile_analysis(HOSTILE[name] * 40))) <= 20
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert is_clean(text)


def test_wide_scripts_are_measured_in_columns() -> None:
    analysis = sample.analysis(by_judge={"評価者" * 30: {"win_rate": sample.rate(0.5, 0.4, 0.6, 9)}})
    assert max(cell_len(line) for line in plain(analysis).splitlines()) <= 80


def test_colour_adds_nothing_but_colour() -> None:
    import re

    coloured = summarise(sample.analysis(), sample.manifest(), full=True)
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
    assert "INTERIM" in last(sample.analysis(interim=True, verdict=None))[0]
    nothing = plain(
        sample.analysis(
            verdict=None, win_rate=None, by_judge={}, by_category={}, by_source={}, checks=()
        )
    )
    assert "There is no win rate" in nothing


def test_fifty_judges_are_cut_and_counted() -> None:
    judges = {f"judge-{i:02d}": {"win_rate": sample.rate(0.5, 0.4, 0.6, 9)} for i in range(50)}
    assert "… 38 more in the report" in plain(sample.analysis(by_judge=judges))
