"""Running judges: faults pass, failures stay failures, nothing is lost and nothing paid twice."""

from __future__ import annotations

import random
import re
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from brie.errors import StoreError
from brie.judge.interface import Reply, Task
from brie.judge.retry import RetryPolicy
from brie.judge.run import reread
from brie.records import Status
from tests.fakes.judge_servers import JudgeServer, faults, prefer_longer
from tests.fakes.judge_wire import Act, Seen
from tests.judge.arena import arena, judge

ROOT = Path(__file__).parents[2]
QUICK = RetryPolicy(first_wait=0.02, most_wait=0.2)
"""As patient as by default, in quicker succession."""


def test_every_verdict_is_right_in_spite_of_a_bad_network(tmp_path: Path) -> None:
    """5 % 429, 2 % 500, 1 % malformed bodies, 1 % replies that never come, with default retry_policy."""
    rates = {"busy": 0.05, "broken": 0.02, "garbled": 0.01, "hang": 0.01, "reset": 0.01}
    with (
        JudgeServer(script=faults(rates, seed=4, hang=300.0), latency=(0.01, 0.005)) as server,
        arena(tmp_path, [judge(server, max_concurrency=8, timeout=4.0)], prompts=250) as found,
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
    """8 % of 500: prose, off-label, empty, truncated, refused; every second one stays so."""
    draw = random.Random(3)
    acts = [
        Act(text="Both are good in their way."),
        Act(changed={"winner": "C"}),
        Act(text=""),
        Act(stop="length"),
        Act(stop="content_filter", text=""),
    ]

    def script(seen: Seen) -> Act:
        again = "could not be used" in seen.text
        return draw.choice(acts) if draw.random() < (0.5 if again else 0.08) else Act()

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server)], prompts=250) as found,
    ):
        found.run()
        verdicts = found.verdicts()
        statuses = Counter(v.status for v in verdicts)
        assert sum(statuses.values()) == 500
        assert 440 < statuses[Status.OK] < 495
        assert statuses[Status.INVALID] > 0
        assert statuses[Status.REFUSED] > 0
        assert set(found.winners()) == {"candidate", None}
        assert all((v.letter is None) == (v.status is not Status.OK) for v in verdicts)
        before = len(server.seen)
        found.run()
        assert len(server.seen) == before
        server.script = lambda seen: Act()
        assert found.run(retry=True).computed == statuses[Status.INVALID] + statuses[Status.REFUSED]
        assert Counter(found.winners()) == {"candidate": 500}


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
        # Two that fail while nothing else is on its way look like an outage, which is waited for.
        assert found.run(retry_policy=RetryPolicy(tries=2, first_wait=0.01, patience=0)).errors == 2
        server.script = lambda seen: Act()
        before = len(server.seen)
        assert found.run().computed == 2
        assert len(server.seen) == before + 2
        assert Counter(found.winners()) == {"candidate": 20}


def test_the_server_is_asked_less_when_it_says_so_and_more_again_after(tmp_path: Path) -> None:
    """All 32 of the first crowd are refused at once: half as many come then, and later more again."""
    after: list[int] = []
    grown = threading.Event()

    def crowded(least: int) -> Act:
        # Longer than it takes the next ones to come, were they allowed to.
        return Act(until=lambda: server.flying >= least or grown.is_set(), delay=0.02)

    def script(seen: Seen) -> Act:
        if seen.number < 32:
            return Act(status=429, until=lambda: len(server.seen) >= 32)
        if 64 <= seen.number < 128:
            after.append(server.flying)
        if seen.number < 204:
            return Act(delay=0.02)
        if server.flying >= 22:
            grown.set()
        return crowded(22)

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=32, timeout=60.0)], prompts=200) as found,
    ):
        done = found.run(retry_policy=QUICK)
        assert (done.computed, done.errors) == (400, 0)
        assert Counter(found.winners()) == {"candidate": 400}
        assert len(server.seen) == 432
    assert 1 < max(after) <= 21
    assert grown.is_set()


def test_a_wait_the_server_asks_for_is_kept(tmp_path: Path) -> None:
    times: list[float] = []

    def script(seen: Seen) -> Act:
        times.append(time.monotonic())
        return Act(status=429, headers={"retry-after-ms": "700"}) if seen.number == 0 else Act()

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=1)], prompts=2) as found,
    ):
        found.run(retry_policy=QUICK)
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
    both = threading.Event()

    def script(seen: Seen) -> Act:
        if server.flying > 4:  # One process alone has four.
            both.set()
        return Act(until=both.is_set)

    with JudgeServer(script=script) as server:
        seats = [judge(server, max_concurrency=4, timeout=60.0)]
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
        again = reread(found.tasks, found.context())
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


def test_a_judge_prefers_what_its_mind_prefers_in_either_order(tmp_path: Path) -> None:
    with (
        JudgeServer(mind=prefer_longer) as server,
        arena(tmp_path, [judge(server)], prompts=6, text=lambda side, n: side * 3) as found,
    ):
        found.run()
        assert set(found.winners()) == {"candidate"}


def _requests(folder: Path) -> list[str]:
    """What a judge is sent, each question and its repeat."""
    with (
        JudgeServer() as server,
        arena(folder, [judge(server)], prompts=2) as found,
    ):
        found.tasks += [
            Task.plan("repeat", found.panel_judges[0], task.presentation, prompt=task.prompt,
                      sample=task.sample, repeat=1)
            for task in found.tasks
        ]  # fmt: skip
        found.run()
        return sorted(seen.text for seen in server.seen)


def test_the_same_question_is_the_same_request_and_a_repeat_is_another(tmp_path: Path) -> None:
    first = _requests(tmp_path / "project")
    with sqlite3.connect(tmp_path / "project" / "brie.sqlite") as db:
        db.execute("DELETE FROM verdicts")
    db.close()
    assert _requests(tmp_path / "project") == first
    codes = {re.findall(r"Fence code: (\w+)", text)[0] for text in first}
    assert len(codes) == len(first) == 8
    others = {re.findall(r"Fence code: (\w+)", text)[0] for text in _requests(tmp_path / "other")}
    assert not codes & others


def test_another_model_under_the_judges_name_is_said_at_once_and_once(tmp_path: Path) -> None:
    with JudgeServer() as server, arena(tmp_path, [judge(server)], prompts=6) as found:
        every = found.tasks
        found.tasks = every[:4]
        assert found.run().computed == 4
        assert found.said == []
        found.tasks = every
        server.script = lambda seen: Act(snapshot="new\x1b[2J")
        assert found.run().computed == 8
        (said,) = found.said
        assert said.startswith("openai: `a-model-new")
        assert "before it was `a-model-snapshot fp_test`" in said
        assert found.run(retry=True).computed == 0
