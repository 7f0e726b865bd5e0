"""A judge that does not answer for a while is waited for, and nothing it ate is counted or lost."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from brie.judge.retry import RetryPolicy
from brie.records import Status
from tests.fakes.judge_servers import JudgeServer
from tests.fakes.judge_wire import Act, Seen
from tests.judge.arena import arena, judge
from tests.judge.test_calls import GOOD, again, ask

SCALED = RetryPolicy(first_wait=0.01, most_wait=0.05, patience=60.0, probes=(0.1, 0.2))
"""A night in seconds."""


@dataclass
class Broken:
    """A server that is away for so many seconds from a certain request on."""

    act: Act
    seconds: float
    begins: int = 40
    since: float = 0.0
    during: list[float] = field(default_factory=list)
    """When it was asked meanwhile."""

    def __call__(self, seen: Seen) -> Act:
        now = time.monotonic()
        if seen.number >= self.begins and not self.since:
            self.since = now
        if self.since and now < self.since + self.seconds:
            self.during.append(now - self.since)
            return self.act
        return Act(delay=0.01)


WAYS = {
    "500": Act(status=500),
    "503": Act(status=503, body=b'{"error": {"message": "Loading model", "code": 503}}'),
    "529": Act(status=529),
    "429": Act(status=429),
    "html": Act(status=502, body=b"<html>Bad gateway</html>", kind="text/html"),
    "portal": Act(body=b"<html>Log in to this network</html>", kind="text/html"),
    "reset": Act(reset=True),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_outage_in_the_middle_is_survived_without_a_person(tmp_path: Path, way: str) -> None:
    script = Broken(WAYS[way], seconds=1.5)
    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=8)], prompts=60) as found,
    ):
        done = found.run(retry_policy=SCALED)
        assert (done.computed, done.errors, done.stopped) == (120, 0, {})
        assert Counter(found.winners()) == {"candidate": 120}
        texts = Counter((s.answers["A"], s.answers["B"], s.letters) for s in server.seen)
    late = [moment for moment in script.during if moment > 1.0]
    assert len(late) <= 8, "while it is held, one request in a tenth of a second tries"
    assert len(texts) == 120
    assert any("It is held" in line and "--patience" in line for line in found.said)
    assert any("answers again" in line for line in found.said)


@pytest.mark.slow
def test_twenty_seconds_of_outage_cost_no_verdict_and_nothing_twice(tmp_path: Path) -> None:
    script = Broken(Act(status=500), seconds=20.0, begins=300)
    policy = RetryPolicy(patience=120.0, probes=(1.0, 2.0))
    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=32)], prompts=1000) as found,
    ):
        done = found.run(retry_policy=policy)
        assert (done.computed, done.errors, done.stopped) == (2000, 0, {})
        assert len(server.seen) - len(script.during) == 2000


def test_when_patience_ends_the_judge_stops_and_the_next_run_goes_on(tmp_path: Path) -> None:
    script = Broken(Act(status=503), seconds=1e9, begins=0)
    policy = RetryPolicy(first_wait=0.01, most_wait=0.02, patience=0.6, probes=(0.1, 0.2))
    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=4)], prompts=30) as found,
    ):
        done = found.run(retry_policy=policy)
        assert "no answer for 1 s" in done.stopped["openai"]
        assert 0 < done.errors <= 4
        assert {v.status for v in found.verdicts()} == {Status.ERROR}
        server.script = lambda seen: Act()
        assert found.run().errors == 0
        assert Counter(found.winners()) == {"candidate": 60}


def test_the_other_judge_does_not_wait_for_the_one_that_is_held(tmp_path: Path) -> None:
    with (
        JudgeServer(script=Broken(Act(status=503), seconds=1.5, begins=10)) as away,
        JudgeServer() as there,
        arena(
            tmp_path,
            [judge(away, max_concurrency=2), judge(there, "anthropic", max_concurrency=2)],
            prompts=60,
        ) as found,
    ):
        done: list[int] = []
        finished: dict[str, float] = {}

        def note(count: int) -> None:
            done.append(count)
            if len(there.seen) == 120:
                finished.setdefault("there", time.monotonic())

        found.run(retry_policy=SCALED, on_done=note)
        assert Counter(found.winners()) == {"candidate": 240}
        assert finished["there"] < away.script.since + 1.5  # type: ignore[attr-defined]


def test_ten_verdicts_an_outage_ate_stop_no_judge(tmp_path: Path) -> None:
    script = Broken(Act(status=429, headers={"retry-after-ms": "50"}), seconds=1.2, begins=0)
    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=16)], prompts=20) as found,
    ):
        done = found.run(retry_policy=SCALED)
        assert (done.errors, done.stopped) == (0, {})


def test_one_request_that_always_breaks_the_server_is_an_error_and_no_outage(tmp_path: Path) -> None:
    def script(seen: Seen) -> Act:
        return Act(status=500) if "Question 3?" in seen.text else Act(delay=0.01)

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=4)], prompts=30) as found,
    ):
        done = found.run(retry_policy=SCALED)
        assert (done.errors, done.stopped) == (2, {})
        assert not any("held" in line for line in found.said)


def test_a_request_tries_for_all_every_half_minute_to_a_minute() -> None:
    run = ask(*[again(outage=True)] * 12, GOOD)
    assert run.reply.status is Status.OK
    assert run.reply.usage.attempts == 13
    assert all(30.0 <= wait <= 60.001 for wait in run.waits[5:])
    assert run.gate.flying == 0


def test_an_interrupt_ends_the_waiting() -> None:
    run = ask(again(outage=True), stop_after=100.0)
    assert "stopped before another try" in run.reply.reason
    assert len(run.judge.times) <= 6 + 3


def test_after_half_an_hour_nobody_waits_any_longer() -> None:
    run = ask(again(outage=True))
    assert run.reply.fatal
    assert "no answer for 30 min 00 s" in run.reply.reason
    assert run.judge.times[-1] < 1900
