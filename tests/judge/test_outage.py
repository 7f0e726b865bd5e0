"""A judge that does not answer for a while is waited for, and nothing it ate is counted or lost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from brie.judge.retry import RetryPolicy
from brie.records import Status
from tests.fakes.judge_servers import JudgeServer
from tests.fakes.judge_wire import Act, Seen
from tests.judge.arena import arena, judge
from tests.judge.test_calls import GOOD, again, ask

SCALED = RetryPolicy(first_wait=0.01, most_wait=0.05, patience=600.0, probes=(0.1, 0.2))
"""A night in seconds."""
TRIED = 12
"""Requests while a judge is held after which an outage is over."""


def without_end(broken: Broken) -> bool:
    """An outage that lasts."""
    return False


@dataclass
class Broken:
    """A server that is away from a certain request on, until something has happened."""

    act: Act
    over: Callable[[Broken], bool] = without_end
    """Whether it is there again."""
    begins: int = 40
    during: list[float] = field(default_factory=list)
    """When it was asked meanwhile."""
    held: list[float] = field(default_factory=list)
    """Those of them since it was said that the judge is held."""
    said: list[str] = field(default_factory=list)
    """What the run says."""
    there_again: bool = False

    def __call__(self, seen: Seen) -> Act:
        self.there_again = self.there_again or self.over(self)
        if seen.number < self.begins or self.there_again:
            return Act(delay=0.01)
        self.during.append(time.monotonic())
        if any("It is held" in line for line in self.said):
            self.held.append(self.during[-1])
        return self.act


def tried_for_a_while(broken: Broken) -> bool:
    """It was asked a few times after it was held."""
    return len(broken.held) >= TRIED


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
    script = Broken(WAYS[way], tried_for_a_while)
    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=8)], prompts=60) as found,
    ):
        script.said = found.said
        done = found.run(retry_policy=SCALED)
        assert (done.computed, done.errors, done.stopped) == (120, 0, {})
        assert Counter(found.winners()) == {"candidate": 120}
        texts = Counter((s.answers["A"], s.answers["B"], s.letters) for s in server.seen)
    # Seven were waiting for another try when it was held; after those, one in a tenth of a second tries.
    alone = TRIED - 7
    assert script.held[-1] - script.held[0] >= 0.1 * (alone - 1)
    assert len(texts) == 120
    assert any("It is held" in line and "--patience" in line for line in found.said)
    assert any("answers again" in line for line in found.said)


@pytest.mark.slow
def test_twenty_seconds_of_outage_cost_no_verdict_and_nothing_twice(tmp_path: Path) -> None:
    script = Broken(
        Act(status=500), lambda away: bool(away.during) and time.monotonic() > away.during[0] + 20, 300
    )
    policy = RetryPolicy(patience=120.0, probes=(1.0, 2.0))
    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=32)], prompts=1000) as found,
    ):
        done = found.run(retry_policy=policy)
        assert (done.computed, done.errors, done.stopped) == (2000, 0, {})
        assert len(server.seen) - len(script.during) == 2000


def test_when_patience_ends_the_judge_stops_and_the_next_run_goes_on(tmp_path: Path) -> None:
    script = Broken(Act(status=503), begins=0)
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
    """It is away until the other one has finished."""
    with (
        JudgeServer() as there,
        JudgeServer(
            script=Broken(
                Act(status=503),
                lambda away: len(there.seen) == 120 and not there.flying,
                begins=10,
            )
        ) as away,
        arena(
            tmp_path,
            [judge(away, max_concurrency=2), judge(there, "anthropic", max_concurrency=2)],
            prompts=60,
        ) as found,
    ):
        found.run(retry_policy=replace(SCALED, patience=60.0))
        assert Counter(found.winners()) == {"candidate": 240}


def test_ten_verdicts_an_outage_ate_stop_no_judge(tmp_path: Path) -> None:
    script = Broken(Act(status=429, headers={"retry-after-ms": "50"}), tried_for_a_while, begins=0)
    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=16)], prompts=20) as found,
    ):
        script.said = found.said
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
