"""Killed or interrupted: nothing finished is lost, and no more paid twice than was in flight."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from brie.ci.documents import differences
from brie.judge.providers import open_judge
from tests.fakes.judge_servers import JudgeServer, never, smooth
from tests.fakes.judge_wire import Act, Seen
from tests.judge.arena import PRICE, arena, judge

ROOT = Path(__file__).parents[2]

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


@pytest.mark.parametrize("asked", [1, 20, 70, 150])
def test_killed_at_any_moment_no_more_is_paid_twice_than_was_in_flight(
    tmp_path: Path, asked: int
) -> None:
    most = 8
    with JudgeServer(latency=(0.05, 0.02)) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", child(server, tmp_path, prompts=100, most=most)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        while len(server.seen) < asked:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with arena(tmp_path, [judge(server, max_concurrency=most, price=PRICE)], prompts=100) as found:
            found.run()
            assert Counter(found.winners()) == {"candidate": 200}
        texts = Counter((seen.answers["A"], seen.answers["B"], seen.letters) for seen in server.seen)
        twice = sum(count - 1 for count in texts.values())
    assert len(texts) == 200
    assert twice <= most, f"{twice} of at most {most} paid twice"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_interrupt_finishes_what_is_in_flight(tmp_path: Path, number: int) -> None:
    def script(seen: Seen) -> Act:
        if seen.number == 30:
            os.kill(os.getpid(), number)
        return Act(delay=0.1)

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=8)], prompts=60) as found,
    ):
        done = found.run()
        assert done.interrupted
        assert 0 < done.computed < 120
        assert len(server.seen) == done.computed
        assert "in flight" in found.said[0]
        assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
        server.script = smooth
        assert found.run().computed == 120 - done.computed


def test_calls_of_a_killed_process_are_charged_in_full_and_no_others(tmp_path: Path) -> None:
    with JudgeServer(script=lambda seen: Act(until=never)) as server:
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
            assert found.store.ledger()[0].lost == 4
            worst = open_judge(found.panel_judges[0]).worst(found.shown(found.tasks[0]))
            assert found.spent == pytest.approx(4 * worst, rel=0.01)


# --- and the numbers in the end ------------------------------------------------------------

EVALUATION = """
import sys
sys.path[:0] = [{root!r}, {source!r}]
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from tests.flow.test_planted import good, text
from tests.flow.world import World
from tests.judge.arena import judge

class There:
    openai = {openai!r}
    anthropic = {anthropic!r}

seats = tuple(judge(There(), api, max_concurrency={most}) for api in ("openai", "anthropic"))
world = replace(World.make(Path(mkdtemp())), root=Path({folder!r}))
print("ready", flush=True)
said, _ = world.evaluate(text, panel_judges=seats, prompts={prompts})
print(said.to_json())
"""


def evaluation(server: JudgeServer, folder: Path, *, prompts: int, most: int) -> subprocess.Popen[str]:
    """A process that judges and analyses; it has made the answers when this returns."""
    folder.mkdir(exist_ok=True)
    code = EVALUATION.format(
        root=str(ROOT), source=str(ROOT / "src"), openai=server.openai, anthropic=server.anthropic,
        folder=str(folder), most=most, prompts=prompts,
    )  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    return process


def _numbers(process: subprocess.Popen[str]) -> Any:
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 0
    return json.loads(out)


def _killed_again_and_again(folder: Path, *, kills: int, prompts: int, seed: int) -> None:
    """Kill at random moments of the work, go on each time, and compare with a run left alone."""
    most, draw = 4, random.Random(seed)
    with JudgeServer(latency=(0.05, 0.02)) as server:
        whole = _numbers(evaluation(server, folder / "whole", prompts=prompts, most=most))
        server.seen.clear()
        done = 0
        for kill in range(kills):
            process = evaluation(server, folder / "killed", prompts=prompts, most=most)
            # Somewhere in the next part of the work: no kill comes too late.
            until = (kill + draw.random()) / kills * 4 * prompts
            while len(server.seen) < max(until, done + 1) and process.poll() is None:
                time.sleep(0.002)
            time.sleep(draw.uniform(0, 0.05))
            process.kill()
            process.communicate()
            done = len(server.seen)
        again = _numbers(evaluation(server, folder / "killed", prompts=prompts, most=most))
        asked = Counter((s.api, s.answers["A"], s.answers["B"], s.letters) for s in server.seen)
    assert list(differences(whole, again)) == []
    assert whole["counts"]["ok"] == len(asked) == 4 * prompts
    twice = sum(asked.values()) - len(asked)
    assert twice <= kills * 2 * most, f"{twice} paid twice in {kills} kills"


@pytest.mark.slow
def test_killed_three_times_the_numbers_are_those_of_a_run_left_alone(tmp_path: Path) -> None:
    _killed_again_and_again(tmp_path, kills=3, prompts=15, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_killed_at_ten_random_moments_the_numbers_are_those_of_a_run_left_alone(
    tmp_path: Path, seed: int
) -> None:
    _killed_again_and_again(tmp_path, kills=10, prompts=60, seed=seed)
