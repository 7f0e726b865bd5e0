"""One small request a judge before anything else: what cannot work is known, and the rest is settled."""

from __future__ import annotations

import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brie.errors import UsageError
from brie.judge.probe import ProbeTerms, probe
from brie.records import PanelJudge
from tests.fakes.judge_servers import JudgeServer
from tests.fakes.judge_wire import Act
from tests.fakes.quirks import QUIRKS, with_schema
from tests.judge.arena import PRICE, Arena, arena, judge


def asked(found: Arena, **changes: Any) -> dict[str, Any]:
    """Probe the judges of an arena."""
    terms = ProbeTerms(
        store=found.store, owner=found.owner, evaluation="eval-test", cap=None, patience=20.0,
        say=found.said.append,
    )  # fmt: skip
    return probe(found.panel_judges, replace(terms, **changes))


@pytest.mark.parametrize("api", ["openai", "anthropic", "gpt"])
def test_one_request_settles_how_a_judge_is_asked_and_no_verdict_comes_of_it(
    tmp_path: Path, api: str
) -> None:
    with (
        JudgeServer(price=(3.0, 15.0)) as server,
        arena(tmp_path, [judge(server, api, price=PRICE)], prompts=3) as found,
    ):
        assert set(asked(found)) == {api}
        assert (len(server.probes), len(server.seen)) == (1, 0)
        assert found.verdicts() == []
        assert found.spent == pytest.approx(server.billed)
        assert found.spent > 0
        assert found.store.committed("eval-test") == pytest.approx(found.spent)
        found.run()
        assert Counter(found.winners()) == {"candidate": 6}
        assert found.store.habits(api)[0] == 6, "its size says nothing about the suite's pairs"


@pytest.mark.parametrize(
    "quirk", [q for q in QUIRKS if q.end in ("credit", "quota", "key", "model")], ids=str
)
def test_what_no_request_would_survive_is_one_sentence_after_one_request(
    tmp_path: Path, quirk: Any
) -> None:
    with (
        JudgeServer(script=quirk) as server,
        arena(tmp_path, [judge(server, price=PRICE)]) as found,
    ):
        with pytest.raises(UsageError, match=r"judge 'openai' cannot be asked: .*brie judges ls"):
            asked(found)
        assert len(server.probes) == 1
        assert found.store.committed("eval-test") == 0


def test_a_server_that_is_not_there_is_known_at_once_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with JudgeServer() as server:
            seat = judge(server, base_url=address)
        with arena(tmp_path, [seat]) as found:
            with pytest.raises(UsageError, match=r"cannot be reached.*Start that server") as told:
                asked(found)
            assert found.said == [], "a wait would be said"
    assert address[:-3] in str(told.value)


def test_every_judge_that_cannot_be_asked_is_named_at_once(tmp_path: Path) -> None:
    def key(seen: Any) -> Act:
        return Act(status=401, body=b'{"error": {"message": "bad key"}}')

    with (
        JudgeServer(script=key) as one,
        JudgeServer() as two,
        arena(tmp_path, [judge(one), judge(one, "anthropic"), judge(two, "gpt")]) as found,
    ):
        with pytest.raises(UsageError) as told:
            asked(found)
        assert "\n  openai: HTTP 401" in str(told.value)
        assert "\n  anthropic: HTTP 401" in str(told.value)
        assert "gpt:" not in str(told.value)


def test_the_workers_start_from_what_it_found(tmp_path: Path) -> None:
    quirk = next(q for q in QUIRKS if q.what == "form" and q.when is with_schema)
    with JudgeServer(script=quirk) as server, arena(tmp_path, [judge(server)], prompts=10) as found:
        found.run(settled=asked(found))
        assert {seen.form for seen in server.seen} == {"text"}
        assert len(server.seen) == 20


def test_a_model_that_is_loading_is_waited_for_and_that_is_said(tmp_path: Path) -> None:
    def script(seen: Any) -> Act:
        loading = b'{"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}'
        return Act(status=503, body=loading) if seen.number == 0 else Act()

    with JudgeServer(script=script) as server, arena(tmp_path, [judge(server)]) as found:
        assert set(asked(found)) == {"openai"}
        assert len(server.probes) == 2
        (line,) = found.said
        assert "Loading model" in line
        assert "--patience" in line


def test_a_model_that_never_loads_is_given_up_when_patience_ends(tmp_path: Path) -> None:
    with (
        JudgeServer(script=lambda seen: Act(status=503)) as server,
        arena(tmp_path, [judge(server)]) as found,
        pytest.raises(UsageError, match="HTTP 503"),
    ):
        asked(found, patience=0.5)


@pytest.mark.parametrize(
    "act",
    [
        Act(text="I like both."),
        Act(text=""),
        Act(stop="length"),
        Act(body=b"[1, 2]"),
        Act(status=400, body=b'{"error": {"message": "something about this request"}}'),
        Act(text="I cannot help with that.", stop="content_filter"),
    ],
)
def test_a_reply_that_says_nothing_stops_nothing(tmp_path: Path, act: Act) -> None:
    with JudgeServer(script=lambda seen: act) as server, arena(tmp_path, [judge(server)]) as found:
        assert set(asked(found)) == {"openai"}
        assert len(server.probes) <= 2


def test_without_money_for_it_there_is_none(tmp_path: Path) -> None:
    seats: list[PanelJudge] = []
    with JudgeServer() as server:
        seats = [judge(server, price=PRICE)]
        with arena(tmp_path, seats) as found:
            assert asked(found, cap=0.0) == {}
            assert server.probes == []
