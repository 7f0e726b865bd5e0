"""Judge cards: complete, harmless, the same every time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from brie.records.estimates import Estimate
from brie.records.studies import JudgeCard
from brie.report.clean import is_clean
from brie.report.judge_card import build_card, write_judge_cards
from tests.browser import browser, complaints, violations
from tests.report.hostile import HOSTILE
from tests.report.test_build import read


def share(value: float, n: int, low: float | None = None, high: float | None = None) -> Estimate:
    low = max(0.0, value - 0.2) if low is None else low
    high = min(1.0, value + 0.1) if high is None else high
    return Estimate(value=value, low=low, high=high, level=0.95, n=n, method="wilson")


def card(**changes: Any) -> JudgeCard:
    made: dict[str, Any] = {
        "judge": "claude-sonnet", "provider": "anthropic", "model": "claude-sonnet-5", "pairs": 60,
        "digest": "sha256:0", "rubric": None,
        "verdicts": 120, "usable": 118, "status": {"ok": 118, "invalid": 2, "refused": 0, "error": 0},
        "accuracy": share(0.9, 52), "by_family": {"padding": share(0.3, 12), "tie": share(0.25, 8)},
        "position": share(0.12, 60), "label": share(-0.02, 60, -0.1, 0.06), "flips": share(0.3, 60),
        "injection": share(0.1, 12), "usd": 0.4, "usd_per_1000": 4.2, "seconds": 5.1,
    }  # fmt: skip
    return JudgeCard.model_validate({**made, **changes})


def test_the_card_says_what_was_found() -> None:
    page = build_card(card())
    assert "in 90 % of 52 pairs" in page.sentence
    assert any("taken in by length" in note for note in page.notes)
    assert any("got it in 10 %" in note for note in page.notes)
    assert any("seldom says tie" in note for note in page.notes)
    assert any("2 verdicts of 120" in note for note in page.notes)
    assert ("Price of 1,000 verdicts", "$4.20") in page.facts
    assert page.leans[1].found == (-0.02, -0.1, 0.06)


def test_guessing_is_called_guessing() -> None:
    guess = share(0.5, 50, 0.36, 0.64)
    assert build_card(card(accuracy=guess)).sentence.endswith("not to be told from guessing.")


def test_a_judge_without_a_usable_verdict_has_a_card_that_says_so(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("accuracy", "position", "label", "flips", "injection"))
    empty = card(**nothing, usable=0, by_family={"padding": None, "tie": None})
    html, text = (path.read_text("utf-8") for path in write_judge_cards([empty], tmp_path))
    assert "no usable verdict" in html
    assert not re.search(r"\b(nan|None)\b", html + text)


def test_a_second_build_is_the_same_bytes(tmp_path: Path) -> None:
    one = [path.read_bytes() for path in write_judge_cards([card()], tmp_path / "one")]
    assert one == [path.read_bytes() for path in write_judge_cards([card()], tmp_path / "two")]


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_names_are_harmless(name: str, tmp_path: Path) -> None:
    bad = card(judge="../" + HOSTILE[name], model=HOSTILE[name], provider=HOSTILE[name])
    paths = write_judge_cards([bad], tmp_path / "judges")
    assert all(path.parent == tmp_path / "judges" for path in paths)
    html, text = (path.read_text("utf-8") for path in paths)
    reader = read(html)
    assert not reader.tags & {"script", "img", "iframe"}
    assert not {a for a in reader.attributes if a.startswith("on")}
    assert all(link.startswith("#") for link in reader.links)
    assert is_clean(html)
    assert is_clean(text)


def test_the_card_in_a_browser(tmp_path: Path) -> None:
    path, _ = write_judge_cards([card()], tmp_path)
    with browser() as chromium:
        window = chromium.new_context(viewport={"width": 390, "height": 900}).new_page()
        wrong = complaints(window)
        window.goto(path.as_uri())
        assert wrong == []
        assert window.evaluate("document.documentElement.scrollWidth") == 390
        assert violations(window) == []
