"""Judges that workers ask: one process keeps claims, money and limits for all of them."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.judge.faults import Fault
from brie.judge.shared import SharedJudges
from brie.workers import Job, Line
from brie.workers.interface import Block, Row
from brie.workers.local import LocalWorkers
from tests.fakes.judge_servers import JudgeServer
from tests.fakes.judge_wire import Act, Seen
from tests.fakes.thread_workers import ThreadLine, ThreadWorkers
from tests.judge.arena import PRICE, arena, judge


@dataclass
class Watched:
    """Processes whose numbers a test knows."""

    count: int
    told: str = ""
    lines: list[Line] = field(default_factory=list)

    def start(self, job: Job[Block, Row]) -> list[Line]:
        """Start them."""
        self.lines = [*LocalWorkers(self.count).start(job)]
        return self.lines

    def process(self, worker: int) -> int:
        """The process of a worker."""
        told = re.search(r"process (\d+)", self.lines[worker].name)
        assert told is not None
        return int(told[1])


def asked_for(seen: Seen) -> tuple[str, ...]:
    """What a request is about."""
    return (seen.answers["A"], seen.answers["B"], *seen.letters)


def at(server: JudgeServer, number: int, then: Callable[[], None]) -> Callable[[Seen], Act]:
    """Hold requests from that one on, do something when nothing else comes, and let go."""
    done = threading.Event()

    def script(seen: Seen) -> Act:
        return Act(until=held) if seen.number >= number else Act()

    def held() -> bool:
        if not done.is_set() and server.flying == 8:
            then()
            done.set()
        return done.is_set()

    return script


def test_two_processes_judge_and_one_that_is_killed_costs_what_it_had_in_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-of-the-environment")
    workers, in_flight = Watched(2), list[tuple[str, ...]]()

    def kill() -> None:
        in_flight.extend(asked_for(seen) for seen in server.seen[-8:])
        os.kill(workers.process(0), signal.SIGKILL)

    with JudgeServer(price=(3.0, 15.0)) as server:
        server.script = at(server, 20, kill)
        panel = [judge(server, max_concurrency=8, price=PRICE, api_key_env="SOME_KEY")]
        with (
            arena(tmp_path, panel, prompts=30) as found,
            SharedJudges(workers, found.said.append) as sharing,
        ):
            done = found.run(sharing=sharing)
            assert done.computed == 60
            assert not done.errors
            assert Counter(found.winners()) == {"candidate": 60}
            asked = Counter(map(asked_for, server.seen))
            twice = {what for what, count in asked.items() if count > 1}
            assert len(asked) == 60
            assert 0 < len(twice) < 8, "the other worker had some of the eight"
            assert sum(asked.values()) == 60 + len(twice)
            assert twice <= set(in_flight)
            server.settle()
            assert found.spent >= server.billed
            assert {seen.key for seen in server.seen} == {"sk-of-the-environment"}
            (told,) = [said for said in found.said if "SIGKILL" in said]
            assert f"with {len(twice)} requests in flight" in told
            assert "the others go on" in told


def test_limits_and_money_hold_for_all_workers_together(tmp_path: Path) -> None:
    with JudgeServer(price=(3.0, 15.0), latency=(0.01, 0.005)) as server:
        panel = [judge(server, max_concurrency=4, price=PRICE)]
        with (
            arena(tmp_path, panel, prompts=30) as found,
            SharedJudges(ThreadWorkers(3), found.said.append) as sharing,
        ):
            done = found.run(sharing=sharing, cap=0.08)
            assert done.broke
            assert 0 < done.computed < 60
            assert server.billed <= found.spent <= 0.08
            assert server.most_flying <= 4
            assert found.run(sharing=sharing, cap=5.0).computed == 60 - done.computed
            assert len(server.seen) == 60


def test_a_refusal_for_too_many_slows_all_workers_down(tmp_path: Path) -> None:
    def script(seen: Seen) -> Act:
        return Act(status=429) if server.flying > 3 else Act(delay=0.01)

    with JudgeServer(script=script) as server:
        panel = [judge(server, max_concurrency=16)]
        with (
            arena(tmp_path, panel, prompts=15) as found,
            SharedJudges(ThreadWorkers(3), found.said.append) as sharing,
        ):
            assert found.run(sharing=sharing).errors == 0
            assert Counter(found.winners()) == {"candidate": 30}


def test_a_worker_without_the_key_says_so_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-1")

    class Elsewhere(ThreadWorkers):
        def start(self, job: Job[Block, Row]) -> list[ThreadLine]:
            monkeypatch.delenv("SOME_KEY")
            return super().start(job)

    with JudgeServer() as server:
        panel = [judge(server, api_key_env="SOME_KEY")]
        with (
            arena(tmp_path, panel) as found,
            SharedJudges(Elsewhere(2), found.said.append) as sharing,
            pytest.raises(UsageError, match="SOME_KEY"),
        ):
            found.run(sharing=sharing)
        assert server.seen == []


def test_when_every_worker_has_ended_the_judge_stops_and_the_next_run_goes_on(tmp_path: Path) -> None:
    workers = ThreadWorkers(2)

    def end_all() -> None:
        for line in workers.lines:
            line.end("was switched off")

    with JudgeServer() as server:
        server.script = at(server, 10, end_all)
        panel = [judge(server, max_concurrency=8)]
        with arena(tmp_path, panel) as found:
            with SharedJudges(workers, found.said.append) as sharing:
                done = found.run(sharing=sharing)
            assert "every worker has ended" in done.stopped["openai"]
            assert sum("was switched off" in said for said in found.said) == 2
            assert "none is left" in found.said[-1] or "none is left" in found.said[-2]
            with SharedJudges(ThreadWorkers(2), found.said.append) as sharing:
                found.run(sharing=sharing)
            assert Counter(found.winners()) == {"candidate": 40}


def test_a_fault_travels_with_all_it_says() -> None:
    import pickle

    fault = Fault("slow down", "again", wait=3.0, busy=True, outage=True, http=429)
    travelled = pickle.loads(pickle.dumps(fault))
    assert str(travelled) == "slow down"
    assert vars(travelled) == vars(fault)
