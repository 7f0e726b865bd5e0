"""Long runs: the network faults of the comparison with other tools, and memory over many verdicts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from brie.records import Status
from tests.fakes.judge_servers import JudgeServer, faults
from tests.judge.arena import arena, judge

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_five_hundred_of_five_hundred_are_right_with_ten_second_hangs_and_defaults(
    tmp_path: Path, api: str
) -> None:
    """5 % 429, 2 % 500, 1 % malformed bodies, 1 % 10-s hangs; nothing is set but the concurrency."""
    rates = {"busy": 0.05, "broken": 0.02, "garbled": 0.01, "hang": 0.01}
    script = faults(rates, seed=7, hang=10.0)
    with (
        JudgeServer(script=script, latency=(0.2, 0.05)) as server,
        arena(tmp_path, [judge(server, api, max_concurrency=32, timeout=120.0)], prompts=250) as found,
    ):
        done = found.run()
        assert (done.computed, done.errors, done.stopped) == (500, 0, {})
        assert Counter(found.winners()) == {"candidate": 500}
        assert {v.status for v in found.verdicts()} == {Status.OK}
        assert len(server.seen) > 500


@contextmanager
def far_server(latency: float) -> Iterator[int]:
    """A server in a process of its own; yields its port."""
    command = [sys.executable, "-m", "tests.fakes.judge_servers", f"--latency={latency}", "--spread=0"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.communicate()


def _memory(count: int, latency: float) -> dict[str, float]:
    with far_server(latency) as port:
        done = subprocess.run(
            [sys.executable, "-m", "tests.judge.steady", str(port), str(count)],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    assert (found["computed"], found["errors"]) == (count, 0)
    return found


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory as Linux tells it")
@pytest.mark.slow
def test_memory_is_steady() -> None:
    found = _memory(2_000, 0.0)
    assert found["peak"] - found["warm"] <= 12
    assert found["peak"] - found["start"] <= 80


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory as Linux tells it")
def test_twenty_thousand_presentations_grow_by_eighty_megabytes_at_most() -> None:
    found = _memory(20_000, 0.02)
    assert found["peak"] - found["start"] <= 80
