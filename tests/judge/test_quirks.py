"""Servers that differ, in their own words: each quirk ends as a verdict, or in its right status."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from brie.judge.retry import RetryPolicy
from brie.judge.words import cause_of, seconds_of, words_of
from brie.records import Status
from tests.fakes.judge_servers import JudgeServer
from tests.fakes.quirks import QUIRKS, Quirk
from tests.judge.arena import arena, judge

QUICK = RetryPolicy(first_wait=0.01, most_wait=0.05, patience=30.0, probes=(0.1, 0.2))
TOLD = {"credit": "no credit", "quota": "quota", "key": "key", "model": "no such model",
        "memory": "not enough memory", "region": "does not serve the place"}  # fmt: skip
MOST = 8
"""Requests in flight."""


@pytest.mark.parametrize("quirk", QUIRKS, ids=str)
def test_each_quirk_ends_as_a_verdict_or_in_its_right_status(tmp_path: Path, quirk: Quirk) -> None:
    seat_settings = {"max_concurrency": MOST, "max_tokens": 1024, **quirk.judge}
    with (
        JudgeServer(script=quirk) as server,
        arena(tmp_path, [judge(server, **seat_settings)], prompts=12) as found,
    ):
        done = found.run(retry_policy=QUICK)
        statuses = Counter(v.status for v in found.verdicts())
        asked = len(server.seen)
    if quirk.end in TOLD:
        assert TOLD[quirk.end] in done.stopped["openai"]
        assert asked <= MOST, "it stops at once"
        return
    assert done.stopped == {}
    lost = {"refused": Status.REFUSED, "invalid": Status.INVALID}.get(quirk.end)
    assert statuses == ({Status.OK: 22, lost: 2} if lost else {Status.OK: 24})
    assert asked <= 24 + 2 * MOST + 12


def test_with_many_in_flight_all_are_put_in_the_way_the_first_one_found(tmp_path: Path) -> None:
    """Forty come back refused at the same time, and every one of them is asked again in plain text."""
    quirk = next(q for q in QUIRKS if (q.server, q.what) == ("DeepSeek", "form"))
    with (
        JudgeServer(script=quirk, latency=(0.02, 0.01)) as server,
        arena(tmp_path, [judge(server, max_concurrency=32)], prompts=50) as found,
    ):
        done = found.run()
        assert (done.errors, done.stopped) == (0, {})
        assert Counter(found.winners()) == {"candidate": 100}
        assert Counter(seen.form for seen in server.seen)["json_schema"] <= 32


def test_the_constant_part_opens_the_users_turn_where_there_is_no_system_role(tmp_path: Path) -> None:
    quirk = QUIRKS[0]
    with (
        JudgeServer(script=quirk) as server,
        arena(tmp_path, [judge(server, max_concurrency=1)], prompts=2) as found,
    ):
        found.run()
        refused, *folded = [seen.body["messages"] for seen in server.seen]
        assert len(folded) == 4
        for messages in folded:
            assert [turn["role"] for turn in messages] == ["user"]
            assert messages[0]["content"].startswith(refused[0]["content"])


@pytest.mark.parametrize(
    ("span", "seconds"),
    [("34s", 34.0), ("7m12.5s", 432.5), ("1h34m52s", 5692.0), ("120ms", 0.12), ("26 seconds", 26.0),
     ("2 minutes", 120.0), ("0s", 0.0), ("soon", None)],
)  # fmt: skip
def test_spans_are_read_in_every_unit(span: str, seconds: float | None) -> None:
    assert seconds_of(span) == seconds


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "no"}}, {"error": "no"}, {"message": "no"}, {"detail": "no"},
        [{"error": {"message": "no"}}], {"errors": [{"message": "no"}]}, '{"error": {"message": "no"}}',
        {"error": {"message": '{"error": {"message": "no"}}'}}, "no",
    ],
)  # fmt: skip
def test_words_are_found_in_whatever_they_are_wrapped(body: object) -> None:
    assert words_of(body).message == "no"


@pytest.mark.parametrize(
    "body", [None, [], {}, "", 0, [[]], {"error": {}}, {"error": []}, {"detail": []}]
)
def test_a_body_without_words_breaks_nothing(body: object) -> None:
    assert isinstance(words_of(body).message, str)
    assert cause_of(500, words_of(body)) == ""
