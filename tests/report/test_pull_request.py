"""The few lines for a pull request: short, whole, and nothing in them comes alive."""

from __future__ import annotations

import re

import pytest

from brie.errors import UsageError
from brie.records import Check
from brie.report.page import Page, build_page
from brie.report.pull_request import LINES, render_pull_request
from tests.report import sample
from tests.report.hostile import HOSTILE
from tests.report.test_build import hostile_analysis, hostile_view


def page(**changes: object) -> Page:
    return build_page(sample.analysis(**changes), sample.manifest(), sample.comparisons())


def test_it_says_verdict_bar_checks_a_win_a_loss_and_where_the_rest_is() -> None:
    text = render_pull_request(page(), "https://ci.example.org/run/7")
    for part in (
        "### Better: 71 of 100, ties half",
        "`qwen-0.5b-letters, step 290` against `Qwen2.5-0.5B-Instruct`, `in_domain`",
        "likely 62 to 78 · 40 prompts",
        "●",
        "- ✕ **sources**",
        "- ⚠ **truncation**",
        "| Won | ",
        "| Lost | ",
        "[Full report](<https://ci.example.org/run/7>), or `brie report eval-",
    ):
        assert part in text, part
    assert text.endswith("\n")
    assert len(text.splitlines()) <= LINES


def test_it_stays_short_whatever_there_is_to_say() -> None:
    checks = tuple(
        Check(id=f"check_{n}", status="fail" if n % 2 else "warn", summary="word " * 400)
        for n in range(30)
    )
    text = render_pull_request(page(checks=checks, interim=True))
    assert len(text.splitlines()) <= LINES
    assert "check 29" in text, "the others are named"
    assert max(map(len, text.splitlines())) < 1_000
    assert len(render_pull_request(page(win_rate=None, verdict=None, checks=())).splitlines()) <= LINES


def test_no_check_to_look_at_is_said() -> None:
    passed = (Check(id="length", status="pass", summary="s"),)
    assert "no check fails or warns" in render_pull_request(page(checks=passed))


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_texts_mention_nobody_and_link_nowhere(name: str) -> None:
    text = f"{HOSTILE[name]} @team #12 ops@example.org http://evil.example www.evil.example | `x` |"
    views = [hostile_view(text), hostile_view(text).model_copy(update={"score": 0.0})]
    lines = render_pull_request(build_page(hostile_analysis(text), sample.manifest(), views))
    outside = re.sub(r"`[^`\n]*`", "", lines).replace("<!-- -->", "\0")
    alive = r"(?<!\\)!\[|(?<!\\)\]\(|(?i:javascript:)|https?:|www\.|@\w|(?<![\\&])#\d|<[a-z!/]"
    assert not re.search(alive, outside), outside
    assert all(len(re.findall(r"(?<!\\)`", line)) % 2 == 0 for line in lines.splitlines())
    rows = [line for line in lines.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}
    assert len(lines.splitlines()) <= LINES


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "reports/x", "https://a b", "https://x>y", "https://"]
)
def test_a_link_that_is_no_address_is_refused(link: str) -> None:
    with pytest.raises(UsageError, match="no address of a page"):
        render_pull_request(page(), link)
