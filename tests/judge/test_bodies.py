"""Bodies that no provider should send: nothing hangs, nothing fills the memory, nothing is believed."""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from brie.evaluation.plan import panel_judge
from brie.judge.documents import decoded
from brie.judge.faults import Fault
from brie.judge.interface import Reply
from brie.judge.providers import open_judge
from brie.judge.retry import RetryPolicy
from brie.records import JudgeSpec, Provider, Status, Verdict, whole_text
from brie.wire.client import LONGEST_REPLY
from tests.fakes.judge_servers import JudgeServer
from tests.fakes.judge_wire import Act
from tests.judge.arena import PRICE, RUBRIC, arena, judge
from tests.judge.test_replies import asked, shown

HALF = "\ud83d"


@pytest.mark.parametrize("api", ["openai", "anthropic"])
@pytest.mark.parametrize(
    "act",
    [
        Act(changed={"reasons": f"cut {HALF}"}),
        Act(text=f"Winner: A {HALF}"),
        Act(status=400, body=b'{"error": {"message": "no \\ud83d"}}'),
        Act(body=b'{"model": "\\udc00", "choices": [], "content": "\\ud83d"}'),
        Act(body=b'{"model": "\xed\xa0\xbd", "content": [{"type": "text", "text": "\xed\xa0\xbd"}]}'),
    ],
)
def test_half_a_surrogate_pair_ends_as_a_verdict_or_in_its_status(
    tmp_path: Path, api: str, act: Act
) -> None:
    with (
        JudgeServer(script=lambda seen: act) as server,
        arena(tmp_path, [judge(server, api)], prompts=2) as found,
    ):
        done = found.run(retry_policy=RetryPolicy(tries=1))
        assert done.computed == 4
        for verdict in found.verdicts():
            verdict.model_dump_json().encode()
        if act.changed:
            assert {v.status for v in found.verdicts()} == {Status.OK}
            assert all("\ufffd" in v.reason for v in found.verdicts())


def test_a_verdict_can_be_written_whatever_is_put_into_it() -> None:
    key = "sha256:" + "0" * 64
    verdict = Verdict(
        key=key, judge=key, rubric=key, presentation=key, status=Status.ERROR, letter=None,
        reason=HALF, reply=HALF, served=HALF,
    )  # fmt: skip
    assert (verdict.reason, verdict.reply, verdict.served) == ("\ufffd",) * 3
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_decoding_keeps_pairs_and_replaces_halves() -> None:
    assert decoded(b'{"a": ["\\ud83d\\ude00", "\\ud83d", {"\\ude00": 1}]}') == {
        "a": ["\U0001f600", "\ufffd", {"\ufffd": 1}]
    }
    assert whole_text("plain \u00e9") == "plain \u00e9"


USAGES: list[dict[str, JsonValue]] = [
    {"prompt_tokens": "many", "completion_tokens": 5},
    {"prompt_tokens": float("nan"), "completion_tokens": 5},
    {"prompt_tokens": float("inf"), "completion_tokens": 5},
    {"prompt_tokens": -5, "completion_tokens": 5},
    {"prompt_tokens": 0, "completion_tokens": 0},
    {"prompt_tokens": 10**30, "completion_tokens": 5},
    {"prompt_tokens": 900, "completion_tokens": 50_000},
    {"prompt_tokens": 900, "completion_tokens": -1},
    {"prompt_tokens": 900, "completion_tokens": 5.5},
    {"prompt_tokens": 900, "completion_tokens": [5]},
    {"prompt_tokens": True, "completion_tokens": 5},
    {"prompt_tokens": 900, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 5000}},
    {"prompt_tokens": 900, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": "x"}},
]


def completion(usage: JsonValue, text: str = "Winner: B") -> bytes:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], "usage": usage, "model": "m"}).encode()


@pytest.mark.parametrize("usage", USAGES, ids=str)
def test_usage_that_cannot_be_true_is_charged_at_its_worst_and_said_once(
    tmp_path: Path, usage: dict[str, JsonValue]
) -> None:
    with (
        JudgeServer(script=lambda seen: Act(body=completion(usage))) as server,
        arena(tmp_path, [judge(server, price=PRICE, output="text")], prompts=3) as found,
    ):
        found.run(cap=5.0)
        assert {v.letter for v in found.verdicts()} == {"B"}
        opened = open_judge(found.panel_judges[0])
        for task, verdict in zip(found.tasks, found.verdicts(), strict=True):
            assert verdict.usage.usd == pytest.approx(opened.worst(found.shown(task)))
            assert verdict.usage.input_tokens == verdict.usage.output_tokens == 0
        assert len([said for said in found.said if "cannot be true" in said]) == 1


@pytest.mark.parametrize("usage", [None, "none", [], {}, 5, {"total_tokens": 5}])
def test_usage_that_is_not_there_is_charged_at_its_worst(tmp_path: Path, usage: JsonValue) -> None:
    with (
        JudgeServer(script=lambda seen: Act(body=completion(usage))) as server,
        arena(tmp_path, [judge(server, price=PRICE, output="text")], prompts=1) as found,
    ):
        found.run(cap=5.0)
        opened = open_judge(found.panel_judges[0])
        assert [v.usage.usd for v in found.verdicts()] == [
            pytest.approx(opened.worst(found.shown(task))) for task in found.tasks
        ]


def test_the_most_that_is_possible_is_believed(tmp_path: Path) -> None:
    usage: JsonValue = {"prompt_tokens": 900, "completion_tokens": 1024}
    with JudgeServer(script=lambda seen: Act(body=completion(usage))) as server:
        (reply,) = asked(judge(server, price=PRICE, output="text"), 1)
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.remark) == (900, 1024, "")


# --- size ----------------------------------------------------------------------------------


@contextmanager
def serving(body: Iterator[bytes] | None, headers: dict[str, str], raw: bytes = b"") -> Iterator[str]:
    """A server whose replies are sent piece by piece, until nobody reads them; gives its address."""
    pieces = [raw] if body is None else body

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            """Nothing."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for piece in pieces:
                    self.wfile.write(piece)
            except OSError:
                pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


def said_of(address: str, api: Provider) -> str:
    """What asking there once ends in."""
    root = address.removesuffix("/v1") if api is Provider.ANTHROPIC else address
    spec = JudgeSpec(
        id="mine", provider=api, model="m", base_url=root, endpoint="here", output="text", timeout=60.0
    )

    async def ask() -> Reply:
        opened = open_judge(panel_judge(spec, RUBRIC))
        try:
            return await opened.ask(shown(0))
        finally:
            await opened.close()

    with pytest.raises(Fault) as fault:
        asyncio.run(ask())
    assert fault.value.billed
    return str(fault.value)


def peak() -> float:
    """MiB this process has used at most."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (2**20 if sys.platform == "darwin" else 2**10)


@pytest.mark.parametrize("api", [Provider.OPENAI_COMPATIBLE, Provider.ANTHROPIC])
def test_a_gigabyte_of_blanks_is_not_read_to_its_end(api: Provider) -> None:
    blanks = (b" " * 2**20 for _ in range(1024))
    before = peak()
    with serving(blanks, {"content-length": str(2**30)}) as address:
        assert f"longer than {LONGEST_REPLY // 2**20} MiB" in said_of(address, api)
    assert peak() - before < 150


@pytest.mark.parametrize("api", [Provider.OPENAI_COMPATIBLE, Provider.ANTHROPIC])
def test_a_bomb_is_not_unpacked(api: Provider) -> None:
    bomb = gzip.compress(b" " * (200 * 2**20), compresslevel=9)
    before = peak()
    with serving(None, {"content-encoding": "gzip"}, bomb) as address:
        assert "longer than" in said_of(address, api)
    assert peak() - before < 200


def test_a_compression_nobody_asked_for_is_not_unpacked() -> None:
    with serving(None, {"content-encoding": "br"}, b"x" * 100) as address:
        assert "which was not asked for" in said_of(address, Provider.OPENAI_COMPATIBLE)


def test_a_compressed_reply_is_read() -> None:
    usage: JsonValue = {"prompt_tokens": 900, "completion_tokens": 10}
    packed = gzip.compress(completion(usage))
    with serving(None, {"content-encoding": "gzip"}, packed) as address:
        spec = JudgeSpec(
            id="mine", provider=Provider.OPENAI_COMPATIBLE, model="m", base_url=address,
            endpoint="here", output="text",
        )  # fmt: skip
        (reply,) = asked(panel_judge(spec, RUBRIC), 1)
    assert reply.letter == "B"


# --- filters and long prompts ----------------------------------------------------------------

DECLINED: list[tuple[int, JsonValue, Status]] = [
    (400, {"error": {"code": "content_filter", "message": "The response was filtered due to the prompt "
     "triggering Azure OpenAI's content management policy."}}, Status.REFUSED),
    (400, {"error": {"code": "invalid_prompt", "message": "Invalid prompt: your prompt was flagged as "
     "potentially violating our usage policy."}}, Status.REFUSED),
    (400, {"code": "DataInspectionFailed", "message": "Input data may contain inappropriate content."},
     Status.REFUSED),
    (403, {"error": {"message": "Your input requires moderation and was flagged for hate."}},
     Status.REFUSED),
    (400, {"error": {"code": "context_length_exceeded", "message": "This model's maximum context length "
     "is 8192 tokens. However, your messages resulted in 9001 tokens."}}, Status.INVALID),
    (400, {"message": "'max_tokens' or 'max_completion_tokens' is too large: 1024. This model's maximum "
     "context length is 4096 tokens and your request has 3500 input tokens"}, Status.INVALID),
    (400, {"error": {"type": "exceed_context_size_error", "message": "the request exceeds the available "
     "context size, try increasing it"}}, Status.INVALID),
    (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: "
     "210000 tokens > 200000 maximum"}}, Status.INVALID),
    (400, [{"error": {"code": 400, "message": "The input token count (1200000) exceeds the maximum "
     "number of tokens allowed (1048576).", "status": "INVALID_ARGUMENT"}}], Status.INVALID),
    (400, {"message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 "
     "maximum context length"}, Status.INVALID),
    (400, {"error": {"message": "Something else is wrong with it."}}, Status.ERROR),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "wanted"), DECLINED)
def test_what_is_wrong_with_one_request_is_no_error_to_be_asked_again(
    tmp_path: Path, status: int, body: JsonValue, wanted: Status
) -> None:
    with (
        JudgeServer(script=lambda seen: Act(status=status, body=json.dumps(body).encode())) as server,
        arena(tmp_path, [judge(server)], prompts=1) as found,
    ):
        done = found.run(retry_policy=RetryPolicy(tries=1))
        assert {v.status for v in found.verdicts()} == {wanted}
        assert not done.stopped
        count = len(server.seen)
        found.run(retry_policy=RetryPolicy(tries=1))
        assert (len(server.seen) == count) == (wanted is not Status.ERROR)


@pytest.mark.parametrize(
    "finish", ["content_filter", "content_filter: PROHIBITED_CONTENT", "SAFETY", "safety", "RECITATION"]
)
def test_a_filter_is_a_refusal_however_it_is_spelt(finish: str) -> None:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant"}}
    body = json.dumps({"choices": [choice], "usage": None, "model": "m"}).encode()
    with JudgeServer(script=lambda seen: Act(body=body)) as server:
        (reply,) = asked(judge(server), 1)
    assert reply.status is Status.REFUSED


def test_a_completion_without_a_choice_is_a_refusal() -> None:
    usage = {"prompt_tokens": 900, "completion_tokens": 0}
    body = {"object": "chat.completion", "model": "m", "choices": [], "usage": usage}
    with JudgeServer(script=lambda seen: Act(body=json.dumps(body).encode())) as server:
        (reply,) = asked(judge(server), 1)
    assert reply.status is Status.REFUSED
