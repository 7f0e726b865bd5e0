"""Batches: half the price, nothing submitted twice, every item accounted for."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from brie.errors import UsageError
from brie.judge import JudgingResult
from brie.judge.batch import BatchRunner, PollPolicy
from brie.judge.settings import check
from brie.provenance import now
from brie.records import Status
from brie.store.ledger import BatchBody, BatchRow
from brie.store.owner import Owner
from tests.fakes.judge_servers import JudgeServer
from tests.fakes.judge_wire import Act
from tests.judge.arena import PRICE, Arena, arena, judge

APIS = ("anthropic", "gpt")
ROOT = Path(__file__).parents[2]


def run(found: Arena, **named: Any) -> JudgingResult:
    """Judge through batches that are asked after without a pause."""
    return found.run(batch=True, polling=PollPolicy(0.01, 0.02), **named)


@pytest.mark.parametrize("api", APIS)
def test_a_batch_brings_the_same_verdicts_at_half_the_price(tmp_path: Path, api: str) -> None:
    with (
        JudgeServer(price=(3.0, 15.0), batch_rounds=2) as server,
        arena(tmp_path, [judge(server, api, price=PRICE)], prompts=10) as found,
    ):
        done = run(found, cap=1.0)
        assert done.computed == 20
        assert not done.errors
        assert Counter(found.winners()) == {"candidate": 20}
        assert len(server.batches.submitted) == 1
        assert server.seen == []
        assert found.spent == pytest.approx(server.billed)
        assert found.store.committed("eval-test") == pytest.approx(found.spent)
        assert run(found).computed == 0
        assert len(server.batches.submitted) == 1


def test_another_model_in_a_batch_is_said_once(tmp_path: Path) -> None:
    with JudgeServer() as server, arena(tmp_path, [judge(server, "gpt")], prompts=4) as found:
        every = found.tasks
        server.script = lambda seen: Act(snapshot="older")
        found.tasks = every[:2]
        assert found.run().computed == 2
        server.script = lambda seen: Act()
        found.tasks = every
        assert run(found).computed == 6
        (said,) = [line for line in found.said if "answers now" in line]
        assert "`a-model-snapshot fp_test` answers now, before it was `a-model-older fp_test`" in said


@pytest.mark.parametrize("api", APIS)
def test_items_are_handled_one_by_one(tmp_path: Path, api: str) -> None:
    with (
        JudgeServer() as server,
        arena(tmp_path, [judge(server, api, output="json_schema")], prompts=5) as found,
    ):
        server.batches.outcome = {0: "errored", 1: "expired", 2: "missing", 3: "unreadable"}
        done = run(found)
        first, second = server.batches.submitted
        assert [len(first.items), len(second.items)] == [10, 3]
        assert len(server.seen) == 1
        assert "could not be used" in server.seen[0].text
        statuses = Counter(v.status for v in found.verdicts())
        # The second batch fails alike: these are left as errors, and said to be.
        assert statuses == {Status.OK: 7, Status.ERROR: 3}
        assert done.errors == 3
        reasons = {v.reason.split(":")[0] for v in found.verdicts() if v.status is Status.ERROR}
        assert reasons == {"batch"}
        server.batches.outcome = {}
        assert found.run().computed == 3
        assert Counter(found.winners()) == {"candidate": 10}


@pytest.mark.parametrize("api", APIS)
def test_a_batch_that_was_taken_without_our_knowing_is_found_and_not_submitted_again(
    tmp_path: Path, api: str
) -> None:
    with (
        JudgeServer() as server,
        arena(tmp_path, [judge(server, api)], prompts=5) as found,
    ):
        server.batches.broken = True
        done = run(found)
        assert len(server.batches.submitted) == 1
        assert done.computed == 10
        assert Counter(found.winners()) == {"candidate": 10}


class EndsWhenSeen(Owner):
    """Sees another process end when it has looked at it three times."""

    def __init__(self, folder: Path, other: Owner) -> None:
        super().__init__(folder)
        self.other, self.looks = other, 0

    def is_alive(self, name: str) -> bool:
        self.looks += name == self.other.name
        if self.looks == 3:
            self.other.__exit__(None, None, None)
        return super().is_alive(name)


def test_what_a_living_process_hands_over_is_left_to_it(tmp_path: Path) -> None:
    with JudgeServer() as server, arena(tmp_path, [judge(server, "gpt")], prompts=2) as found:
        by_key = {task.key: task for task in found.tasks}
        other = Owner(tmp_path / ".owners")
        body: BatchBody = {
            "keys": {f"b-{n}": key for n, key in enumerate(by_key)},
            "numbers": dict.fromkeys(by_key, "1"), "provider_id": None, "owner": other.name,
        }  # fmt: skip
        row = BatchRow("b", found.tasks[0].judge, "submitting", body, now())
        found.store.open_batch(row, "eval-test", list(by_key), seconds=60)
        with EndsWhenSeen(tmp_path / ".owners", other) as me:
            found.owner = me
            asyncio.run(BatchRunner(found.context(), by_key, PollPolicy(0.01, 0.02)).collect())
            assert me.looks == 3
            assert found.store.batch("b").state == "done"
            assert run(found).computed == 4
        assert len(server.batches.submitted) == 1


def test_somebody_elses_batch_of_the_same_size_is_not_taken_for_ours(tmp_path: Path) -> None:
    with (
        JudgeServer() as server,
        arena(tmp_path / "one", [judge(server, "anthropic")], prompts=5) as one,
        arena(tmp_path / "two", [judge(server, "anthropic")], prompts=5) as two,
    ):
        run(one)
        server.batches.broken = True
        run(two)
        assert len(server.batches.submitted) == 2
        assert Counter(two.winners()) == {"candidate": 10}


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("batch", "sizes"), [({"requests": 7}, [7, 7, 6]), ({"size": 30_000}, None), ({}, [20])]
)
def test_what_is_too_much_for_one_batch_goes_into_several(
    tmp_path: Path, api: str, batch: dict[str, int], sizes: list[int] | None
) -> None:
    """All are under way together; the server refuses a batch that holds more than was agreed."""
    with (
        JudgeServer(price=(3.0, 15.0)) as server,
        arena(tmp_path, [judge(server, api, price=PRICE, batch=batch)], prompts=10) as found,
    ):
        server.batches.requests = batch.get("requests", 20)
        server.batches.size = batch.get("size", 10**6)
        assert run(found, cap=1.0).computed == 20
        given = [len(batch.items) for batch in server.batches.submitted]
        assert given == sizes if sizes else 1 < len(given) < 20
        assert sum(given) == server.batches.most_waiting == 20
        assert Counter(found.winners()) == {"candidate": 20}
        assert found.spent == pytest.approx(server.billed)


def test_bytes_are_counted_as_they_are_sent(tmp_path: Path) -> None:
    """Marks that JSON writes as two signs, and letters of three bytes."""
    with JudgeServer() as server:
        seat = judge(server, "gpt", batch={"size": 40_000})
        with arena(tmp_path, [seat], prompts=8, text=lambda side, n: '"\\\n鴨' * 900) as found:
            server.batches.size = 40_000
            assert run(found).computed == 16
            sent = [len(content) for content in server.batches.files.values()]
    assert len(sent) > 1
    assert max(sent) > 20_000, "there was room for another one"


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("room", [1, 5, 12])
def test_a_provider_that_has_no_room_is_given_less_at_a_time(
    tmp_path: Path, api: str, room: int
) -> None:
    """Nobody said how much may wait there: what it refuses is handed over again, and costs nothing."""
    with (
        JudgeServer(price=(3.0, 15.0), batch_rounds=2) as server,
        arena(tmp_path, [judge(server, api, price=PRICE, batch={"requests": 8})], prompts=10) as found,
    ):
        server.batches.room = room
        done = run(found, cap=1.0)
        assert (done.computed, done.errors, done.stopped) == (20, 0, {})
        assert Counter(found.winners()) == {"candidate": 20}
        done_there = [batch for batch in server.batches.submitted if not batch.refused]
        assert sum(len(batch.items) for batch in done_there) == 20
        assert server.batches.most_waiting <= room
        assert found.spent == pytest.approx(server.billed)


@pytest.mark.parametrize("api", APIS)
def test_a_provider_without_room_for_one_request_stops_its_judge(tmp_path: Path, api: str) -> None:
    with JudgeServer() as server, arena(tmp_path, [judge(server, api)], prompts=2) as found:
        server.batches.room = 0
        assert "no room for a single request" in run(found).stopped[api]
        assert found.verdicts() == []
        server.batches.room = 4
        assert run(found).computed == 4


@pytest.mark.parametrize("api", APIS)
def test_the_tokens_that_may_wait_are_kept_to(tmp_path: Path, api: str) -> None:
    with JudgeServer(batch_rounds=1) as server:
        seat = judge(server, api, batch={"requests": 3, "tokens": 15_000})
        with arena(tmp_path, [seat], prompts=10) as found:
            assert run(found).computed == 20
            weight = max(len(json.dumps(i)) for b in server.batches.submitted for i in b.items) // 3
    assert not any(batch.refused for batch in server.batches.submitted)
    assert 3 < server.batches.most_waiting <= 15_000 // weight + 1


@pytest.mark.parametrize("api", APIS)
def test_batches_are_kept_as_they_come_and_not_one_after_the_other(tmp_path: Path, api: str) -> None:
    """The first of three is not through before the other two are in."""
    with (
        JudgeServer() as server,
        arena(tmp_path, [judge(server, api, batch={"requests": 2})], prompts=3) as found,
    ):
        in_store = 0

        def note(count: int) -> None:
            nonlocal in_store
            in_store += count
            if in_store == 4:
                server.batches.submitted[0].left = 0

        handle = server.batches.handle

        def slow_first(*given: Any) -> tuple[int, bytes]:
            if len(server.batches.submitted) == 3 and in_store == 0:
                server.batches.submitted[0].left = 10**6
            return handle(*given)

        server.batches.handle = slow_first  # type: ignore[method-assign, assignment]
        assert run(found, on_done=note).computed == 6
        assert any("2 verdicts is in; 1 are under way" in line for line in found.said)


CHILD = """
import sys
sys.path[:0] = [{root!r}, {source!r}]
from pathlib import Path
from brie.judge.batch import PollPolicy
from brie.judge.settings import check
from tests.judge.arena import arena, judge

class There:
    openai = {openai!r}
    anthropic = {anthropic!r}

with arena(Path({folder!r}), [judge(There(), {api!r}, **{changes!r})], prompts=10) as found:
    print("ready", flush=True)
    found.run(batch=True, polling=PollPolicy(0.05, 0.05))
"""


def child(server: JudgeServer, folder: Path, api: str, **changes: Any) -> subprocess.Popen[str]:
    """A process that hands batches over and waits for them."""
    code = CHILD.format(
        root=str(ROOT), source=str(ROOT / "src"), openai=server.openai, anthropic=server.anthropic,
        folder=str(folder), api=api, changes=changes,
    )  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    return process


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("looks", [0, 1, 2, 8])
@pytest.mark.slow
def test_killed_at_any_moment_no_batch_is_submitted_twice(tmp_path: Path, api: str, looks: int) -> None:
    rounds = 1000
    with JudgeServer(batch_rounds=rounds) as server:
        process = child(server, tmp_path, api)
        while not server.batches.submitted or server.batches.submitted[0].left > rounds - looks:
            time.sleep(0.002)
        process.kill()
        process.communicate()
        server.batches.submitted[0].left = 1
        with arena(tmp_path, [judge(server, api)], prompts=10) as found:
            # Without --batch too: what is under way is collected, not asked for again.
            done = found.run(polling=PollPolicy(0.01, 0.02))
            assert Counter(found.winners()) == {"candidate": 20}
        assert done.computed == 20
        assert len(server.batches.submitted) == 1
        assert server.seen == []


@pytest.mark.parametrize(
    ("api", "moment"),
    [
        ("gpt", "first taken"),
        pytest.param("anthropic", "first taken", marks=pytest.mark.slow),
        pytest.param("gpt", "second taken", marks=pytest.mark.slow),
        ("anthropic", "second taken"),
        pytest.param("gpt", "one kept", marks=pytest.mark.slow),
        ("anthropic", "one kept"),
        pytest.param("gpt", "last taken", marks=pytest.mark.slow),
        pytest.param("anthropic", "last taken", marks=pytest.mark.slow),
    ],
)
def test_killed_between_the_parts_the_next_run_goes_on_with_each(
    tmp_path: Path, api: str, moment: str
) -> None:
    """Parts of four, twelve at a time: some are in, some under way, some not handed over."""
    few = {"requests": 4}
    with JudgeServer(batch_rounds=10**6) as server:
        taken = server.batches.submitted
        server.batches.room = 12
        process = child(server, tmp_path, api, batch=few)
        wanted = {"first taken": 1, "second taken": 2, "one kept": 4, "last taken": 3}[moment]
        while len(taken) < min(wanted, 3):
            time.sleep(0.002)
        if moment == "one kept":
            taken[0].left = 0
        while len(taken) < wanted:
            time.sleep(0.002)
        process.kill()
        process.communicate()
        for batch in taken:
            batch.left = min(batch.left, 1)
        server.batches.room = 10**6
        server.batch_rounds = 1
        with arena(tmp_path, [judge(server, api, batch=few)], prompts=10) as found:
            run(found)
            assert Counter(found.winners()) == {"candidate": 20}
            assert found.store.batches("eval-test") == []
        asked = Counter(json.dumps(body) for b in taken if not b.refused for _, body in b.items)
        assert (len(asked), asked.total()) == (20, 20), "each is handed over once"
        assert server.seen == []


def test_a_batch_that_is_refused_stops_its_judge_and_holds_nothing(tmp_path: Path) -> None:
    with (
        JudgeServer() as server,
        arena(tmp_path, [judge(server, "anthropic")], prompts=3) as found,
    ):
        handle = server.batches.handle
        server.batches.handle = lambda *given: (400, b'{"error": {"message": "too many"}}')  # type: ignore[method-assign]
        done = run(found)
        assert "too many" in done.stopped["anthropic"]
        assert found.verdicts() == []
        server.batches.handle = handle  # type: ignore[method-assign]
        assert found.run().computed == 6


@pytest.mark.parametrize("cap", [0.0, 0.004, 0.01, 0.03])
def test_batches_keep_the_budget(tmp_path: Path, cap: float) -> None:
    with (
        JudgeServer(price=(3.0, 15.0)) as server,
        arena(tmp_path, [judge(server, "gpt", price=PRICE, max_tokens=100)], prompts=10) as found,
    ):
        done = run(found, cap=cap)
        assert server.billed <= found.spent + 1e-9
        assert found.spent <= cap + 1e-9
        assert done.broke == (len(found.verdicts()) < 20)


def test_a_rule_and_a_local_server_judge_beside_a_batch(tmp_path: Path) -> None:
    with (
        JudgeServer() as server,
        arena(
            tmp_path, [judge(server, "anthropic"), judge(server, "openai", endpoint="b")], prompts=4
        ) as found,
    ):
        assert run(found).computed == 16
        assert len(server.batches.submitted) == 1
        assert len(server.seen) == 8


def test_a_broken_line_of_a_result_file_costs_only_itself(tmp_path: Path) -> None:
    with (
        JudgeServer() as server,
        arena(tmp_path, [judge(server, "anthropic")], prompts=3) as found,
    ):
        plain = server.batches._results
        server.batches._results = lambda name, server: plain(name, server)[:-40]  # type: ignore[method-assign]
        run(found)
        assert Counter(v.status for v in found.verdicts())[Status.OK] >= 5


STRANGE = ("surrogate", "not a number", "a list", "words")


@pytest.mark.parametrize("api", APIS)
def test_a_reply_that_no_row_can_hold_costs_only_itself(tmp_path: Path, api: str) -> None:
    with (
        JudgeServer() as server,
        arena(tmp_path, [judge(server, api, output="json_schema")], prompts=250) as found,
    ):
        server.batches.outcome = {50 * n: kind for n, kind in enumerate(STRANGE)}
        run(found)
        assert found.store.batches("eval-test") == []
        strange = [v for v in found.verdicts() if v.status is not Status.OK]
        assert len(found.verdicts()) == 500
        assert len(strange) <= len(STRANGE)
        assert len(server.batches.submitted) <= 2
        assert all(len(batch.items) <= len(STRANGE) for batch in server.batches.submitted[1:])


def test_a_batch_that_fails_keeps_its_reason_and_is_not_handed_over_again(tmp_path: Path) -> None:
    with JudgeServer() as server, arena(tmp_path, [judge(server, "gpt")], prompts=5) as found:
        server.batches.failed = "Too many tokens are waiting. Limit: 90,000."
        done = run(found)
        assert len(server.batches.submitted) == 1
        assert "Too many tokens are waiting. Limit: 90,000." in done.stopped["gpt"]
        assert done.errors == 10
        assert {v.reason for v in found.verdicts()} == {f"batch: {server.batches.failed}"}
        assert sum(v.usage.attempts for v in found.verdicts()) == 0
        server.batches.failed = ""
        assert run(found).computed == 10
        assert Counter(found.winners()) == {"candidate": 10}


@pytest.mark.parametrize("api", APIS)
def test_what_batches_did_not_cost_buys_the_next_ones(tmp_path: Path, api: str) -> None:
    """A cap below the worst case of all, and well above what they cost."""
    with (
        JudgeServer(price=(3.0, 15.0)) as server,
        arena(tmp_path, [judge(server, api, price=PRICE, max_tokens=2000)], prompts=20) as found,
    ):
        done = run(found, cap=0.25)
        assert not done.broke
        assert Counter(found.winners()) == {"candidate": 40}
        assert len(server.batches.submitted) > 1
        assert server.billed <= found.spent + 1e-9 <= 0.25
        sizes = [len(batch.items) for batch in server.batches.submitted]
        assert sum(sizes) == 40


@pytest.mark.parametrize(
    ("api", "batch", "told"),
    [
        ("gpt", {"requests": 50_001}, r"judges/gpt.toml: \[batch\] requests may be 50000 at most"),
        ("anthropic", {"size": 256_000_001}, r"\[batch\] size may be 256000000 at most"),
        ("openai", {"requests": 5}, r"judges/openai.toml: provider openai-compatible has no batches"),
    ],
)
def test_more_than_the_provider_takes_is_refused(api: str, batch: dict[str, int], told: str) -> None:
    with JudgeServer() as server:
        spec = judge(server, api, batch=batch).judge
    with pytest.raises(UsageError, match=told):
        check(spec)


def test_how_batches_are_handed_over_changes_no_judge() -> None:
    with JudgeServer() as server:
        plain, several = judge(server, "gpt"), judge(server, "gpt", batch={"requests": 5})
    assert plain.digest == several.digest
    assert plain.judge.sealed() == several.judge.sealed()
