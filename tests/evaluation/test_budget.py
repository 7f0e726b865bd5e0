"""Money before any is spent: what is priced, who must agree, and what needs nobody's consent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brie.errors import UsageError
from brie.evaluation.budget import Quote, Spending, Terms, agree, detectable, unasked
from brie.evaluation.plan import panel_judge
from brie.evaluation.work import Work
from brie.judge.quote import JudgeQuote
from brie.project import Project
from brie.records import JudgeSpec, PanelJudge, Price, Provider
from brie.store import Store
from brie.store.owner import Owner
from tests.flow.world import World, rules, sealed
from tests.judge.arena import RUBRIC

PRICE = Price(input=3.0, output=15.0, source="a test", read_on="2026-01-01")


def judge_quote(name: str = "a", **changes: Any) -> JudgeQuote:
    settings: dict[str, Any] = {
        "judge": name, "calls": 10, "expected": 0.25, "worst": 1.5, "minutes": 4.0,
        "price": PRICE, "host": "x.example", "paid": True, **changes,
    }  # fmt: skip
    return JudgeQuote(**settings)


FREE = judge_quote(
    "rule", calls=5, expected=0.0, worst=0.0, minutes=9.0, price=None, host=None, paid=False
)


def test_a_quote_sums_its_judges_and_names_each() -> None:
    quoted = Quote(
        (judge_quote(), judge_quote("b", calls=7), FREE, judge_quote("idle", calls=0)),
        5.0,
        0.5,
        "It can tell.",
    )
    assert (quoted.expected, quoted.worst) == (0.75, 4.5)
    head, *lines, told = quoted.lines()
    assert head == (
        "22 verdicts to ask for: about $0.75, at most $4.50, in about 9 minutes; cap $5.00, "
        "$0.50 of it spent."
    )
    assert [line.split(":")[0].strip() for line in lines] == ["a", "b", "rule"]
    assert "10 calls, $0.25 to $1.50 (a test); prompts and answers go to x.example" in lines[0]
    assert "5 calls, free; nothing leaves this machine" in lines[2]
    assert told == "It can tell."


def test_a_quote_of_a_minute_with_nothing_spent() -> None:
    quoted = Quote((judge_quote(minutes=1.4),), 5.0, 0.0, "")
    assert quoted.lines()[0].endswith("in about a minute; cap $5.00.")
    assert len(quoted.lines()) == 2
    assert "2 minutes" in Quote((judge_quote(minutes=1.5),), 5.0, 0.0, "").lines()[0]


@pytest.mark.parametrize(
    ("judge", "leaves"),
    [
        (FREE, False),
        (judge_quote(), True),
        (judge_quote(host=None), True),
        (judge_quote(worst=0.0, expected=0.0), True),
        (judge_quote(host=None, worst=0.0, expected=0.0, paid=False), False),
    ],
)
def test_without_anybody_to_ask_only_what_is_free_and_stays_here_is_agreed_to(
    judge: JudgeQuote, leaves: bool
) -> None:
    quoted = Quote((FREE, judge), 5.0, 0.0, "")
    assert quoted.leaves is leaves
    if leaves:
        with pytest.raises(UsageError, match="--yes"):
            unasked(quoted)
    else:
        unasked(quoted)


def test_what_a_design_can_tell_is_said_or_that_it_is_too_small() -> None:
    assert detectable(100, 1).startswith("100 prompts, 1 sample each: this design can tell")
    assert "3 samples each" in detectable(100, 3)
    assert detectable(12_000, 1).startswith("12,000 prompts, ")
    assert "too few" in detectable(2, 1)


def priced(**changes: Any) -> PanelJudge:
    """A judge behind an address, with a price."""
    settings: dict[str, Any] = {
        "id": "far", "provider": Provider.OPENAI_COMPATIBLE, "model": "m",
        "base_url": "https://judges.example/v1", "endpoint": "far", "price": PRICE, **changes,
    }  # fmt: skip
    return panel_judge(JudgeSpec(**settings), RUBRIC)


def _agree(tmp_path: Path, panel: tuple[PanelJudge, ...], spending: Spending) -> tuple[Terms, list[str]]:
    world = World.make(tmp_path / "w")
    work = Work(sealed(world.asked(panel_judges=panel, prompts=4)).plan)
    said: list[str] = []
    with Store.open(tmp_path / "brie.sqlite") as store, Owner(tmp_path / ".owners") as owner:
        terms = agree(
            work, panel, store, replace(spending, probe=False), Project(tmp_path), owner,
            evaluation="eval-made", say=said.append,
        )  # fmt: skip
    return terms, said


def test_judges_that_send_nothing_are_agreed_to_without_a_word(tmp_path: Path) -> None:
    terms, said = _agree(tmp_path, rules("longer"), Spending(budget=0.0, retry=True))
    assert terms == Terms(rules("longer"), None, retry=True)
    assert said == []


def test_nobody_there_to_agree_is_a_refusal_and_the_quote_was_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--yes"):
        _agree(tmp_path, (priced(), *rules("longer")), Spending())


def test_what_was_agreed_to_is_the_quote_with_its_cap(tmp_path: Path) -> None:
    seen: list[Quote] = []
    spending = Spending(budget=2.5, consent=seen.append, batch=False)
    terms, said = _agree(tmp_path, (priced(), *rules("longer")), spending)
    assert terms.cap == 2.5
    assert [p.judge.id for p in terms.panel_judges] == ["far", "longer"]
    (quoted,) = seen
    assert [quote.judge for quote in quoted.judges] == ["far", "longer"]
    assert [quote.calls for quote in quoted.judges] == [8, 8]
    assert (quoted.cap, quoted.spent) == (2.5, 0.0)
    assert 0 < quoted.expected < quoted.worst
    assert said == quoted.lines()
    assert said[-1].startswith("4 prompts, 1 sample each")


def test_a_price_nobody_knows_cannot_keep_a_budget(tmp_path: Path) -> None:
    unknown = priced(price=None, model="nobody-knows-this-one", base_url="https://judges.example/v1")
    with pytest.raises(UsageError, match=r"judges/far\.toml"):
        _agree(tmp_path, (unknown,), Spending(consent=lambda quoted: None))


def test_a_judge_sealed_under_an_older_format_is_not_asked_for_the_rest(tmp_path: Path) -> None:
    spec = priced().judge
    old = priced().model_copy(update={"digest": spec.digest("0")})
    with pytest.raises(UsageError, match="8 of their verdicts are missing"):
        _agree(tmp_path, (old,), Spending(consent=lambda quoted: None))
