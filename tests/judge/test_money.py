"""The cap holds, whatever the server bills and whatever goes wrong."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brie.judge.retry import RetryPolicy
from brie.judge.workers import LEAD
from brie.records import Price
from tests.fakes.judge_servers import JudgeServer, faults
from tests.fakes.judge_wire import Act, Seen
from tests.judge.arena import PRICE, arena, judge

rates = st.fixed_dictionaries(
    {
        "busy": st.floats(0, 0.2),
        "broken": st.floats(0, 0.1),
        "garbled": st.floats(0, 0.3),
        "reset": st.floats(0, 0.2),
        "hang": st.floats(0, 0.1),
    }
)
cases = given(
    api=st.sampled_from(["openai", "anthropic"]),
    price=st.tuples(st.floats(0.01, 50), st.floats(0.01, 200)),
    share=st.floats(0.0, 1.2),
    rates=rates,
    seed=st.integers(0, 1000),
)


def _billed_within_the_cap(
    folder: Path, api: str, price: tuple[float, float], share: float, rates: dict[str, float], seed: int
) -> None:
    """Judge with a random price, budget and network; the server's own bill is what counts."""
    draw = random.Random(seed)
    plain = faults(rates, seed, hang=0.4)

    def script(seen: Seen) -> Act:
        act = plain(seen)
        act.tokens = (draw.randint(1, len(seen.raw) + 900), draw.randint(1, 200))
        if act.status == 200 and act.body is None and draw.random() < 0.1:
            act.text = "neither"
        return act

    paid = Price(input=price[0], output=price[1], source="a test", read_on="2026-01-01")
    place = {"max_tokens": 200, "price": paid, "max_concurrency": 8, "timeout": 0.3}
    with (
        JudgeServer(script=script, price=price) as server,
        arena(folder, [judge(server, api, **place)], prompts=12) as found,
    ):
        most = 24 * (5000 * price[0] + 200 * price[1]) / 1e6
        cap = share * most / 2
        done = found.run(cap=cap, retry_policy=RetryPolicy(first_wait=0.001, most_wait=0.01, patience=0))
        server.settle()  # What hangs is billed when the server is done with it.
        assert server.billed <= cap + 1e-9
        assert server.billed <= found.spent + 1e-9
        assert found.spent <= cap + 1e-9
        assert found.store.committed("eval-test") == pytest.approx(found.spent)
        finished = len(found.verdicts())
        assert done.broke or done.stopped or finished == 24


@settings(max_examples=12, deadline=None)
@cases
def test_what_the_server_bills_never_exceeds_the_budget(
    tmp_path_factory: pytest.TempPathFactory, **drawn: Any
) -> None:
    _billed_within_the_cap(tmp_path_factory.mktemp("budget"), **drawn)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=200, deadline=None)
@cases
def test_what_the_server_bills_never_exceeds_the_budget_in_two_hundred_cases(
    tmp_path_factory: pytest.TempPathFactory, **drawn: Any
) -> None:
    _billed_within_the_cap(tmp_path_factory.mktemp("budget"), **drawn)


def test_a_budget_that_is_raised_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with (
        JudgeServer(script=lambda seen: Act(tokens=(1000, 100))) as server,
        arena(tmp_path, [judge(server, price=PRICE, max_tokens=200)], prompts=20) as found,
    ):
        one = found.run(cap=0.05)
        assert one.broke
        assert 0 < one.computed < 40
        assert found.spent <= 0.05
        two = found.run(cap=1.0)
        assert not two.broke
        assert one.computed + two.computed == 40
        assert len(server.seen) == 40


def test_money_goes_to_whole_prompts(tmp_path: Path) -> None:
    """The slower judge answers nothing until the quicker one is as far ahead as it may be."""
    ahead, answered, leads = LEAD * 4, set[int](), list[int]()

    def quickly(seen: Seen) -> Act:
        leads.append(seen.number + 1 - len(answered))
        return Act(tokens=(1000, 100))

    def slowly(seen: Seen) -> Act:
        def is_far_behind() -> bool:
            if len(quick.seen) >= ahead:
                answered.add(seen.number)
            return seen.number in answered

        return Act(tokens=(1000, 100), until=is_far_behind)

    paid: dict[str, Any] = {"price": PRICE, "max_tokens": 200, "max_concurrency": 4, "timeout": 120.0}
    with (
        JudgeServer(script=quickly) as quick,
        JudgeServer(script=slowly) as slow,
        arena(
            tmp_path,
            [judge(quick, id="quick", **paid), judge(slow, id="slow", endpoint="b", **paid)],
            prompts=60,
        ) as found,
    ):
        assert found.run(cap=0.4).broke
        kept = found.store.verdicts(t.key for t in found.tasks)
        by_prompt = Counter(t.prompt for t in found.tasks if t.key in kept)
        complete = sum(count == 4 for count in by_prompt.values())
    assert max(leads) <= ahead
    # Two verdicts a prompt, and each judge may end in the middle of one.
    assert len(by_prompt) - complete <= ahead / 2 + 1
