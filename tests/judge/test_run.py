"""Running judges: faults pass, failures stay failures, nothing is lost and nothing paid twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brie.errors import StoreError
from brie.judge.calls import Patience
from brie.judge.run import reread
from brie.judge.seam import Reply
from brie.records import Price, Status
from tests.fakes.judge_servers import JudgeServer, faults, prefer_longer
from tests.fakes.judge_wire import Act, Seen
from tests.judge.arena import PRICE, arena, judge

ROOT = Path(__file__).parents[2]
QUICK = Patience(first_wait=0.02, most_wait=0.2)
"""As patient as by default, in quicker succession."""


def test_every_verdict_is_right_in_spite_of_a_bad_network(tmp_path: Path) -> None:
    """PEERS 1: 5 % 429, 2 % 500, 1 % malformed bodies, 1 % hangs, with default settings."""
    rates = {"busy": 0.05, "broken": 0.02, "garbled": 0.01, "hang": 0.01, "reset": 0.01}
    with (
        JudgeServer(script=faults(rates, seed=4, hang=1.5), latency=(0.01, 0.005)) as server,
        arena(tmp_path, [judge(server, max_concurrency=32, timeout=1.0)], prompts=250) as found,
    ):
        done = found.run()
        assert done.computed == 500
        assert done.errors == 0
        assert Counter(found.winners()) == {"candidate": 500}
        assert len(server.seen) > 520
        assert {v.status for v in found.verdicts()} == {Status.OK}


def test_faults_of_the_verdict_end_in_their_own_status_and_never_as_a_tie_or_a_loss(
    tmp_path: Path,
) -> None:
    draw = random.Random(3)
    acts = [
        Act(text="Both are good in their way."),
        Act(changed={"winner": "C"}),
        Act(text=""),
        Act(stop="length"),
        Act(stop="content_filter", text=""),
    ]

    def script(seen: Seen) -> Act:
        return draw.choice(acts) if draw.random() < 0.3 else Act()

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server)], prompts=100) as found,
    ):
        found.run()
        verdicts = found.verdicts()
        statuses = Counter(v.status for v in verdicts)
        assert sum(statuses.values()) == 200
        assert statuses[Status.INVALID] > 0
        assert statuses[Status.REFUSED] > 0
        assert set(found.winners()) == {"candidate", None}
        assert all((v.letter is None) == (v.status is not Status.OK) for v in verdicts)
        before = len(server.seen)
        found.run()
        assert len(server.seen) == before
        server.script = lambda seen: Act()
        assert found.run(retry=True).computed == statuses[Status.INVALID] + statuses[Status.REFUSED]
        assert Counter(found.winners()) == {"candidate": 200}


def test_ten_unusable_in_a_row_stop_that_judge_and_not_the_other(tmp_path: Path) -> None:
    with (
        JudgeServer(script=lambda seen: Act(text="I like both.")) as bad,
        JudgeServer() as good,
        arena(
            tmp_path,
            [judge(bad, id="bad", max_concurrency=4), judge(good, id="good", endpoint="other")],
            prompts=60,
        ) as found,
    ):
        done = found.run()
        assert set(done.stopped) == {"bad"}
        assert "unreadable" in done.stopped["bad"]
        kept = found.store.verdicts(t.key for t in found.tasks)
        assert sum(t.key in kept for t in found.tasks if t.judge == "good") == 120
        asked = sum(t.key in kept for t in found.tasks if t.judge == "bad")
        assert 10 <= asked <= 14


def test_a_usable_verdict_in_between_starts_the_count_anew(tmp_path: Path) -> None:
    def script(seen: Seen) -> Act:
        return Act() if seen.number % 9 == 8 else Act(status=400, body=b'{"error": {"message": "no"}}')

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=1)], prompts=30) as found,
    ):
        done = found.run()
    assert not done.stopped
    assert done.errors == 54


def test_errors_are_asked_for_again_by_the_next_run_and_nothing_else_is(tmp_path: Path) -> None:
    def script(seen: Seen) -> Act:
        return Act(status=500) if "Question 3?" in seen.text else Act()

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server)], prompts=10) as found,
    ):
        assert found.run(patience=Patience(tries=2, first_wait=0.01)).errors == 2
        server.script = lambda seen: Act()
        before = len(server.seen)
        assert found.run().computed == 2
        assert len(server.seen) == before + 2
        assert Counter(found.winners()) == {"candidate": 20}


def test_the_server_is_asked_less_when_it_says_so_and_more_again_after(tmp_path: Path) -> None:
    def script(seen: Seen) -> Act:
        return Act(status=429, headers={"retry-after": "0.2"}) if server.flying > 6 else Act(delay=0.01)

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=32)], prompts=100) as found,
    ):
        found.run(patience=QUICK)
        assert Counter(found.winners()) == {"candidate": 200}
        limited = len(server.seen) - 200
    assert limited < 120, f"{limited} requests were refused"


def test_a_wait_the_server_asks_for_is_kept(tmp_path: Path) -> None:
    times: list[float] = []

    def script(seen: Seen) -> Act:
        times.append(time.monotonic())
        return Act(status=429, headers={"retry-after-ms": "700"}) if seen.number == 0 else Act()

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=1)], prompts=2) as found,
    ):
        found.run(patience=QUICK)
    assert times[1] - times[0] >= 0.7


def test_requests_stop_while_the_rate_limit_headers_say_that_none_are_left(tmp_path: Path) -> None:
    times: list[float] = []

    def script(seen: Seen) -> Act:
        times.append(time.monotonic())
        gone = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "600ms"}
        return Act(headers=gone) if seen.number == 0 else Act()

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=1)], prompts=2) as found,
    ):
        found.run()
    assert times[1] - times[0] >= 0.6


def test_a_wait_of_an_hour_is_an_error_and_not_a_wait(tmp_path: Path) -> None:
    with (
        JudgeServer(script=lambda s: Act(status=429, headers={"retry-after": "3600"})) as server,
        arena(tmp_path, [judge(server)], prompts=1) as found,
    ):
        found.run()
        assert "asked to wait 3600 s" in found.verdicts()[0].reason


def test_two_processes_share_the_work_and_ask_for_nothing_twice(tmp_path: Path) -> None:
    with JudgeServer(latency=(0.02, 0.01)) as server:
        seats = [judge(server, max_concurrency=4)]
        with arena(tmp_path, seats, prompts=40) as one:
            results = []

            def other() -> None:
                with arena(tmp_path, seats, prompts=40) as two:
                    results.append(two.run().computed)

            thread = threading.Thread(target=other)
            thread.start()
            mine = one.run().computed
            thread.join()
            assert mine + results[0] == 80
            assert min(mine, results[0]) > 0
            assert len(server.seen) == 80
            assert Counter(one.winners()) == {"candidate": 80}


def test_a_reply_an_older_parser_could_not_read_is_read_again_without_a_call(tmp_path: Path) -> None:
    with (
        JudgeServer(script=lambda seen: Act(text="Winner: B")) as server,
        arena(tmp_path, [judge(server, output="text")], prompts=1) as found,
    ):
        unread = [
            task.verdict(reply)
            for task, reply in zip(found.tasks, [_unread("Winner: B"), _unread("Nonsense")], strict=True)
        ]
        found.store.add_verdicts(unread, evaluation="eval-test", judge="openai")
        places = {seat.judge.id: seat for seat in found.seats}
        again = reread(found.tasks, places, found.store, "eval-test")
        assert [v.letter for v in again] == ["B"]
        assert [v.status for v in found.verdicts()] == [Status.OK, Status.INVALID]
        assert found.run().computed == 0
        assert server.seen == []
        assert found.store.calls("eval-test")[0] == 2


def _unread(text: str) -> Reply:
    return Reply(Status.INVALID, reason="unreadable: by an older parser", text=text)


def test_a_store_that_fails_ends_the_run_with_its_own_words(tmp_path: Path) -> None:
    with (
        JudgeServer(script=lambda seen: Act(text="x" * 40_000 + "\nWinner: A")) as server,
        arena(tmp_path, [judge(server, output="text")], prompts=200) as found,
    ):
        pages = found.store._read("PRAGMA page_count")[0][0]
        found.store._read(f"PRAGMA max_page_count = {pages + 40}")
        with pytest.raises(StoreError, match=r"disk with .* is full"):
            found.run()
        assert 0 < len(found.verdicts()) < 400


# --- killed ----------------------------------------------------------------------------

CHILD = """
import sys
sys.path[:0] = [{root!r}, {source!r}]
from pathlib import Path
from tests.judge.arena import PRICE, arena, judge

class There:
    openai = {address!r}

seats = [judge(There(), max_concurrency={most}, price=PRICE)]
with arena(Path({folder!r}), seats, prompts={prompts}) as a:
    print("ready", flush=True)
    a.run(cap={cap})
"""


def child(
    server: JudgeServer, folder: Path, *, prompts: int, most: int, cap: float | None = None
) -> str:
    """A process that judges."""
    return CHILD.format(
        root=str(ROOT), source=str(ROOT / "src"), address=server.openai, folder=str(folder),
        most=most, prompts=prompts, cap=cap,
    )  # fmt: skip


@pytest.mark.parametrize("moment", [0.15, 0.3, 0.5, 0.8])
def test_killed_at_any_moment_no_more_is_paid_twice_than_was_in_flight(
    tmp_path: Path, moment: float
) -> None:
    most = 8
    with JudgeServer(latency=(0.05, 0.02)) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", child(server, tmp_path, prompts=100, most=most)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        while not server.seen:
            time.sleep(0.005)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with arena(tmp_path, [judge(server, max_concurrency=most, price=PRICE)], prompts=100) as found:
            found.run()
            assert Counter(found.winners()) == {"candidate": 200}
        texts = Counter((seen.answers["A"], seen.answers["B"], seen.letters) for seen in server.seen)
        twice = sum(count - 1 for count in texts.values())
    assert len(texts) == 200
    assert twice <= most, f"{twice} of at most {most} paid twice"


def test_the_first_interrupt_finishes_what_is_in_flight(tmp_path: Path) -> None:
    with (
        JudgeServer(latency=(0.1, 0.0)) as server,
        arena(tmp_path, [judge(server, max_concurrency=8)], prompts=60) as found,
    ):
        threading.Timer(0.45, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        done = found.run()
        assert done.interrupted
        assert 0 < done.computed < 120
        assert len(server.seen) == done.computed
        assert "in flight" in found.said[0]
        assert found.run().computed == 120 - done.computed


# --- money -----------------------------------------------------------------------------

rates = st.fixed_dictionaries(
    {
        "busy": st.floats(0, 0.2),
        "broken": st.floats(0, 0.1),
        "garbled": st.floats(0, 0.3),
        "reset": st.floats(0, 0.2),
    }
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    price=st.tuples(st.floats(0.01, 50), st.floats(0.01, 200)),
    share=st.floats(0.0, 1.2),
    rates=rates,
    seed=st.integers(0, 1000),
)
def test_what_the_server_bills_never_exceeds_the_budget(
    tmp_path_factory: pytest.TempPathFactory,
    price: tuple[float, float],
    share: float,
    rates: dict[str, float],
    seed: int,
) -> None:
    draw = random.Random(seed)
    plain = faults(rates, seed)

    def script(seen: Seen) -> Act:
        act = plain(seen)
        act.tokens = (draw.randint(1, len(seen.raw) + 900), draw.randint(1, 200))
        if act.status == 200 and act.body is None and draw.random() < 0.1:
            act.text = "neither"
        return act

    paid = Price(input=price[0], output=price[1], source="a test", read_on="2026-01-01")
    folder = tmp_path_factory.mktemp("budget")
    with (
        JudgeServer(script=script, price=price) as server,
        arena(
            folder, [judge(server, max_tokens=200, price=paid, max_concurrency=8)], prompts=12
        ) as found,
    ):
        most = 24 * (5000 * price[0] + 200 * price[1]) / 1e6
        cap = share * most / 2
        done = found.run(cap=cap, patience=Patience(first_wait=0.001, most_wait=0.01))
        assert server.billed <= cap + 1e-9
        assert server.billed <= found.spent + 1e-9
        assert found.spent <= cap + 1e-9
        assert found.store.committed("eval-test") == pytest.approx(found.spent)
        finished = len(found.verdicts())
        assert done.broke or done.stopped or finished == 24


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
    """Two judges of different speed: what is paid for beyond complete prompts stays small."""
    with (
        JudgeServer(script=lambda s: Act(tokens=(1000, 100))) as quick,
        JudgeServer(script=lambda s: Act(tokens=(1000, 100)), latency=(0.05, 0.0)) as slow,
        arena(
            tmp_path,
            [
                judge(quick, id="quick", price=PRICE, max_tokens=200, max_concurrency=4),
                judge(slow, id="slow", endpoint="b", price=PRICE, max_tokens=200, max_concurrency=4),
            ],
            prompts=60,
        ) as found,
    ):
        assert found.run(cap=0.4).broke
        kept = found.store.verdicts(t.key for t in found.tasks)
        by_prompt = Counter(t.prompt for t in found.tasks if t.key in kept)
        complete = sum(count == 4 for count in by_prompt.values())
    assert len(by_prompt) - complete <= 20


def test_calls_of_a_killed_process_are_charged_in_full(tmp_path: Path) -> None:
    with JudgeServer(latency=(5.0, 0.0)) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", child(server, tmp_path, prompts=20, most=4, cap=1.0)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        while len(server.seen) < 4:
            time.sleep(0.01)
        process.kill()
        process.communicate()
        with arena(tmp_path, [judge(server, price=PRICE)], prompts=20) as found:
            set_aside = found.store.committed("eval-test")
            assert set_aside > 0
            found.store.settle_dead(found.owner)
            assert found.spent == pytest.approx(set_aside)
            assert found.store.ledger()[0].lost >= 4


def test_a_judge_prefers_what_its_mind_prefers_in_either_order(tmp_path: Path) -> None:
    with (
        JudgeServer(mind=prefer_longer) as server,
        arena(tmp_path, [judge(server)], prompts=6, text=lambda side, n: side * 3) as found,
    ):
        found.run()
        assert set(found.winners()) == {"candidate"}
