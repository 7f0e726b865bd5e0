"""The engine for servers, through the official SDK, against a real local HTTP server."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from brie.digest import digest
from brie.errors import Stopped, UsageError
from brie.generate import Request
from brie.generate.served import describe
from brie.generate.server import Server, ServerEngine, check_server
from brie.records import Completion
from tests.fakes.openai_server import Body, FakeServer, Reply, answer
from tests.generate.conftest import Ask

FAST = {"retry-after-ms": "1"}
"""Asks the SDK not to wait between its retries."""


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


def _server(fake: FakeServer, **settings: object) -> Server:
    return Server(label="lab", base_url=fake.base_url, **settings)  # type: ignore[arg-type]


def _engine(fake: FakeServer, **settings: object) -> ServerEngine:
    return ServerEngine(_server(fake, **settings), {digest(None): "base", digest("x"): "tuned"})


def _both(ask: Ask, n: int = 6, **sampling: float) -> list[Request]:
    return ask(n, **sampling) + ask(n, "x", **sampling)


def test_both_sides_are_asked_by_name_with_the_same_settings(fake: FakeServer, ask: Ask) -> None:
    requests = _both(ask, top_p=0.9, temperature=0.5)
    completions = list(_engine(fake).generate(requests))
    assert {c.key for c in completions} == {r.key for r in requests}
    assert {c.text.split()[0] for c in completions if c.pin == digest("x")} == {"tuned"}
    assert {c.text.split()[0] for c in completions if c.pin == digest(None)} == {"base"}
    settings = [
        {k: v for k, v in b.items() if k not in ("model", "messages", "seed")} for b in fake.requests
    ]
    assert all(s == settings[0] for s in settings)
    assert settings[0] == {
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 12,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "chat_template_kwargs": {"enable_thinking": False},
        "top_k": -1,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "repeat_penalty": 1.0,
    }


def test_seeds_come_from_the_keys_and_repeat(fake: FakeServer, ask: Ask) -> None:
    first = {c.key: c.text for c in _engine(fake).generate(_both(ask))}
    again = {c.key: c.text for c in _engine(fake, concurrency=1).generate(_both(ask))}
    assert first == again
    seeds = [body["seed"] for body in fake.requests]
    assert len(set(seeds)) == len(first)
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_restrictions_outside_the_protocol_are_passed_on(fake: FakeServer, ask: Ask) -> None:
    list(_engine(fake).generate(ask(1, top_k=20, repetition_penalty=1.1)))
    assert fake.requests[0]["top_k"] == 20
    assert fake.requests[0]["repetition_penalty"] == 1.1


def test_what_is_recorded_of_an_answer(fake: FakeServer, ask: Ask) -> None:
    fake.behave = lambda body: answer(
        body,
        choices=[{"index": 0, "finish_reason": "length", "message": {"content": "a <|im_end|> b"}}],
        usage={"completion_tokens": 12},
    )
    engine = _engine(fake)
    completion = next(iter(engine.generate(ask(1))))
    assert (completion.text, completion.finish_reason, completion.tokens) == (
        "a <|im_end|> b",
        "length",
        12,
    )
    assert completion.measures["special_tokens"] == 1
    assert engine.fingerprints["base"] == {"fp_fake": 1}


def test_requests_run_side_by_side_up_to_the_limit(fake: FakeServer, ask: Ask) -> None:
    four = threading.Barrier(4, timeout=60)

    def together(body: Body) -> None:
        four.wait()
        time.sleep(0.05)  # A fifth, were it let in, would come meanwhile.

    fake.behave = together
    assert len(list(_engine(fake, concurrency=4).generate(ask(12)))) == 12
    assert fake.most_in_flight == 4


def test_a_busy_server_is_asked_again(fake: FakeServer, ask: Ask) -> None:
    asked: list[Body] = []

    def busy_at_first(body: Body) -> Reply | None:
        asked.append(body)
        return Reply.error(429, "slow down", **FAST) if len(asked) <= 2 else None

    fake.behave = busy_at_first
    assert len(list(_engine(fake, concurrency=1).generate(ask(3)))) == 3


def _refusing(fields: set[str], wording: str) -> Callable[[Body], Reply | None]:
    def strict(body: Body) -> Reply | None:
        refused = sorted(body.keys() & fields)
        return Reply.error(400, wording.format(refused[0])) if refused else None

    return strict


def test_refused_optional_fields_are_left_out_and_said(fake: FakeServer, ask: Ask) -> None:
    fake.behave = _refusing({"seed", "top_k"}, "Unrecognized request argument: {}")
    engine = _engine(fake, concurrency=1)
    assert len(list(engine.generate(ask(3)))) == 3
    assert engine.left_out == {"seed", "top_k=-1", "top_k"}
    assert len(fake.requests) == 3 + 3, "the refusals are remembered"
    assert "chat_template_kwargs" in fake.requests[-1]


def test_a_server_that_does_not_say_what_it_refuses_is_tried_without_each(
    fake: FakeServer, ask: Ask
) -> None:
    fake.behave = _refusing({"repetition_penalty", "top_k"}, "extra fields are not permitted")
    engine = _engine(fake, concurrency=1)
    assert len(list(engine.generate(ask(2)))) == 2
    assert {"repetition_penalty", "top_k"} <= engine.left_out
    assert "seed" in fake.requests[-1]


def test_a_server_that_fails_over_a_value_is_sent_another(fake: FakeServer, ask: Ask) -> None:
    """llama-cpp-python answers 500 to a top_k below 0, and samples from 40 where there is none."""

    def strict(body: Body) -> Reply | None:
        if body.get("top_k", 40) >= 0:
            return None
        detail = '[{"type": "greater_than_equal", "loc": ["body", "top_k"], "msg": "at least 0"}]'
        return Reply.error(500, detail, **FAST)

    fake.behave = strict
    engine = _engine(fake, concurrency=2, retries=0)
    assert len(list(engine.generate(ask(4)))) == 4
    assert fake.requests[-1]["top_k"] == 0


def _honouring(*fields: str) -> Callable[[Body], Reply | None]:
    """A server whose answers depend on the seed unless a field it honours rules that out."""
    count = iter(range(10_000))

    def reply(body: Body) -> Reply | None:
        greedy = "temperature" in fields and body["temperature"] == 0
        single = "top_k" in fields and body["top_k"] == 1
        seed = body["seed"] if "seed" in fields else next(count)
        return answer(dict(body, seed=0 if greedy or single else seed))

    return reply


@pytest.mark.parametrize("missing", ["temperature", "top_k", "seed", ""])
def test_settings_that_a_server_takes_and_ignores_are_found_by_a_probe(
    fake: FakeServer, ask: Ask, missing: str
) -> None:
    fake.behave = _honouring(*({"temperature", "top_k", "seed"} - {missing}))
    engine = ServerEngine(Server("lab", fake.base_url), {digest(None): "base"}, probe=True)
    completions = list(engine.generate(ask(2)))
    assert len(completions) == 2
    assert engine.ignored == ((missing,) if missing else ())
    assert sum(engine.fingerprints["base"].values()) == 2, "the probe is no answer"
    probes = len(fake.requests)
    list(engine.generate(ask(2)))
    assert len(fake.requests) == probes + 2, "a server is probed once"


def test_a_probe_that_fails_leaves_it_to_the_requests_to_say_why(fake: FakeServer, ask: Ask) -> None:
    fake.behave = lambda body: Reply.error(500, "out of memory", **FAST)
    server = Server("lab", fake.base_url, retries=0)
    with pytest.raises(Stopped, match="out of memory"):
        list(ServerEngine(server, {digest(None): "base"}, probe=True).generate(ask(1)))


def test_a_field_that_the_sampling_needs_is_never_left_out(fake: FakeServer, ask: Ask) -> None:
    fake.behave = _refusing({"top_k"}, "Unrecognized request argument: {}")
    with pytest.raises(UsageError, match="lab refuses: Unrecognized request argument: top_k"):
        list(_engine(fake).generate(ask(1, top_k=20)))


BROKEN: dict[str, Reply | Callable[[Body], Reply]] = {
    "html": Reply(b"<html>login</html>", 200, {"Content-Type": "text/html"}),
    "empty body": Reply(b"", 200, {"Content-Type": "application/json"}),
    "not json": Reply(b"{", 200, {"Content-Type": "application/json"}),
    "not utf-8": Reply(b'{"choices": "\xff\xfe"}', 200, {"Content-Type": "application/json"}),
    "a list": Reply.json([1, 2]),
    "null": Reply.json(None),
    "no choices": lambda body: answer(body, choices=[]),
    "choices null": lambda body: answer(body, choices=None),
    "choices of another shape": lambda body: answer(body, choices="yes"),
    "no message": lambda body: answer(body, choices=[{"index": 0, "finish_reason": "stop"}]),
    "no content": lambda body: answer(
        body, choices=[{"finish_reason": "stop", "message": {"content": None}}]
    ),
    "filtered": lambda body: answer(
        body, choices=[{"finish_reason": "content_filter", "message": {"content": "x"}}]
    ),
    "server error": Reply.error(500, "out of memory", **FAST),
    "hung up": Reply(b"", hang_up=True),
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_bad_reply_costs_one_answer_and_can_be_resumed(
    fake: FakeServer, ask: Ask, name: str
) -> None:
    requests, broken = ask(5), BROKEN[name]
    bad = requests[2].messages[-1].content

    def sometimes(body: Body) -> Reply | None:
        if body["messages"][-1]["content"] != bad:
            return None
        return broken(body) if callable(broken) else broken

    fake.behave = sometimes
    had: list[Completion] = []
    with pytest.raises(Stopped, match="1 answers could not be had from lab"):
        had.extend(_engine(fake, retries=0).generate(requests))
    assert {c.key for c in had} == {r.key for r in requests if r is not requests[2]}
    fake.behave = lambda body: None
    rest = [r for r in requests if r.key not in {c.key for c in had}]
    assert [c.key for c in _engine(fake).generate(rest)] == [requests[2].key]


def test_a_server_that_dies_half_way_stops_the_work_and_loses_nothing(ask: Ask) -> None:
    requests = ask(40)
    had: list[Completion] = []
    with FakeServer() as fake:
        engine = _engine(fake, concurrency=4, retries=0)
        stream = engine.generate(requests)
        had.extend(next(stream) for _ in range(7))
    with pytest.raises(Stopped, match="the same command asks for the rest"):
        had.extend(stream)
    assert 7 <= len(had) < 20
    with FakeServer() as again:
        left = [r for r in requests if r.key not in {c.key for c in had}]
        had.extend(_engine(again).generate(left))
    assert sorted(c.key for c in had) == sorted(r.key for r in requests)


def test_a_server_that_keeps_no_limit_is_refused(fake: FakeServer, ask: Ask) -> None:
    fake.behave = lambda body: answer(body, usage={"completion_tokens": 900})
    with pytest.raises(UsageError, match="12 tokens were asked for and 900 came"):
        list(_engine(fake).generate(ask(2)))
    long = [{"index": 0, "finish_reason": "stop", "message": {"content": "x" * 10_000_000}}]
    fake.behave = lambda body: answer(body, usage=None, choices=long)
    with pytest.raises(UsageError, match="keeps no limit"):
        list(_engine(fake).generate(ask(1)))


def test_requests_dropped_half_way_are_dropped_silently(
    fake: FakeServer, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    fake.behave = lambda body: answer(body, usage={"completion_tokens": 900})
    for _ in range(3):
        with pytest.raises(UsageError, match="keeps no limit"):
            list(_engine(fake).generate(ask(20)))
    gc.collect()
    assert [r for r in caplog.records if r.levelname in ("WARNING", "ERROR")] == []


def test_what_the_user_must_mend_is_said_at_once(
    fake: FakeServer, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.behave = lambda body: Reply.error(401, "bad key")
    monkeypatch.setenv("LAB_KEY", "secret-value")
    with pytest.raises(UsageError, match="does not accept the key; check LAB_KEY") as caught:
        list(_engine(fake, api_key_env="LAB_KEY").generate(ask(20)))
    assert "secret-value" not in str(caught.value)
    assert set(fake.keys) == {"Bearer secret-value"}
    monkeypatch.delenv("LAB_KEY")
    with pytest.raises(UsageError, match="set LAB_KEY"):
        list(_engine(fake, api_key_env="LAB_KEY").generate(ask(1)))
    fake.behave = lambda body: Reply.error(400, "maximum context length is 4096 tokens")
    with pytest.raises(UsageError, match="maximum context length is 4096"):
        list(_engine(fake).generate(ask(1)))


def test_a_model_the_server_lacks_is_found_before_any_work(fake: FakeServer) -> None:
    check_server(_server(fake), ["base", "tuned"])
    with pytest.raises(UsageError, match="'tunes'; did you mean 'tuned'"):
        check_server(_server(fake), ["tunes"])
    fake.gets["/v1/models"] = Reply.error(404, "not implemented")
    check_server(_server(fake), ["anything"])
    with pytest.raises(UsageError, match="no server answers"):
        check_server(Server(label="lab", base_url="http://127.0.0.1:9/v1"), ["base"])


def test_a_served_model_is_named_by_what_the_server_reports(fake: FakeServer) -> None:
    plain = describe(_server(fake), "base")
    assert (plain.endpoint, plain.model, plain.reported) == ("lab", "base", None)
    fake.gets["/api/tags"] = Reply.json({"models": [{"name": "base", "digest": "ab" * 32}]})
    ollama = describe(_server(fake), "base")
    assert ollama.reported == "sha256:" + "ab" * 32
    assert ollama.pin().kind == "served"
    assert ollama.pin().digest != plain.pin().digest != describe(_server(fake), "tuned").pin().digest
    fake.gets["/api/tags"] = Reply(b"<html>", 200)
    fake.gets["/v1/models"] = Reply.json({"data": [{"id": "base", "root": "Qwen/Qwen2.5-0.5B"}]})
    assert describe(_server(fake), "base").reported == "Qwen/Qwen2.5-0.5B"
    with pytest.raises(UsageError, match="is no http or https address"):
        describe(Server(label="lab", base_url="localhost:8000"), "base")
