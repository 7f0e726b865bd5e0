"""The Responses interface, deployments on Azure, and headers of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brie.errors import UsageError
from brie.judge.retry import RetryPolicy
from brie.judge.settings import check, check_keys
from brie.records import Status
from tests.fakes.judge_servers import JudgeServer, letter_b
from tests.fakes.judge_wire import Act, Seen
from tests.judge.arena import PRICE, arena, judge

APIS = ("responses", "azure")
SECRET = "tok-7f3a99-not-to-be-kept"


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("output", ["tool", "json_schema", "text"])
def test_every_form_of_verdict_is_asked_for_and_read(tmp_path: Path, api: str, output: str) -> None:
    with (
        JudgeServer(mind=letter_b, price=(3.0, 15.0)) as server,
        arena(tmp_path, [judge(server, api, output=output, price=PRICE)], prompts=2) as found,
    ):
        assert found.run(cap=1.0).computed == 4
        assert [v.letter for v in found.verdicts()] == ["B"] * 4
        assert {seen.form for seen in server.seen} == {output}
        assert found.spent == pytest.approx(server.billed)
        assert all(v.served.startswith("a-model-snapshot") for v in found.verdicts())


@pytest.mark.parametrize(
    ("act", "status", "word"),
    [
        (Act(stop="length"), Status.INVALID, "1024 tokens"),
        (Act(stop="content_filter", text=""), Status.REFUSED, "filter"),
        (Act(text="I like both."), Status.INVALID, "unreadable"),
    ],
)
def test_a_response_that_is_no_verdict_has_its_own_status(
    tmp_path: Path, act: Act, status: Status, word: str
) -> None:
    with (
        JudgeServer(script=lambda seen: act) as server,
        arena(tmp_path, [judge(server, "responses")], prompts=1) as found,
    ):
        found.run()
        assert {v.status for v in found.verdicts()} == {status}
        assert all(word in v.reason for v in found.verdicts())


def test_a_refusal_and_a_failed_response_are_told_apart(tmp_path: Path) -> None:
    def script(seen: Seen) -> Act:
        refusal = {"type": "refusal", "refusal": "I will not."}
        message = {"type": "message", "role": "assistant", "content": [refusal]}
        document: dict[str, Any] = {"status": "completed", "model": "m", "output": [message]}
        if seen.number == 0:
            document = {
                "status": "failed",
                "output": [],
                "error": {"code": "server_error", "message": "x"},
            }
        return Act(body=json.dumps(document).encode())

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, "responses")], prompts=1) as found,
    ):
        found.run(retry_policy=RetryPolicy(first_wait=0.01))
        assert {v.status for v in found.verdicts()} == {Status.REFUSED}
        assert len(server.seen) == 3


def test_nothing_is_kept_at_the_provider_and_settings_are_sent_as_they_stand(tmp_path: Path) -> None:
    parameters = {"reasoning": {"effort": "low"}, "text": {"verbosity": "low"}}
    with (
        JudgeServer() as server,
        arena(tmp_path, [judge(server, "responses", parameters=parameters, max_tokens=99)]) as found,
    ):
        found.run()
        body = server.seen[0].body
    assert body["store"] is False
    assert body["reasoning"] == {"effort": "low"}
    assert body["text"]["verbosity"] == "low"
    assert body["text"]["format"]["strict"] is True
    assert body["max_output_tokens"] == 99
    assert "messages" not in body
    assert "max_tokens" not in body


@pytest.mark.parametrize(
    ("tail", "path"),
    [
        ("", "/openai/deployments/a-model/chat/completions?api-version=2024-10-21"),
        ("?api-version=2025-04-01-preview",
         "/openai/deployments/a-model/chat/completions?api-version=2025-04-01-preview"),
        ("/openai/v1/", "/openai/v1/chat/completions"),
    ],
)  # fmt: skip
def test_a_deployment_is_asked_at_its_own_path_with_the_key_in_its_own_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: str, path: str
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", SECRET)
    paths: list[str] = []
    with JudgeServer() as server:
        plain = server._answer

        async def noted(method: str, asked: str, *rest: Any) -> bool:
            paths.append(asked)
            return await plain(method, asked, *rest)

        server._answer = noted  # type: ignore[method-assign,assignment]
        seat = judge(server, "azure", base_url=server.root + tail, api_key_env="AZURE_OPENAI_API_KEY")
        with arena(tmp_path, [seat], prompts=1) as found:
            found.run()
            assert {v.status for v in found.verdicts()} == {Status.OK}
        assert set(paths) == {path}
        assert server.seen[0].headers["api-key"] == SECRET


def test_an_older_deployment_that_refuses_the_limits_new_name_gets_the_old_one(tmp_path: Path) -> None:
    def script(seen: Seen) -> Act:
        refuses = {"error": {"message": "Unrecognized request argument supplied: max_completion_tokens"}}
        new = "max_completion_tokens" in seen.body
        return Act(status=400, body=json.dumps(refuses).encode()) if new else Act()

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, "azure", max_concurrency=1)], prompts=2) as found,
    ):
        assert found.run().errors == 0
        assert len(server.seen) == 5


HEADERS = {"x-gateway-key": "env:GATEWAY_KEY", "HTTP-Referer": "env:WHO_ASKS"}


@pytest.mark.parametrize("api", ["openai", "anthropic", "gpt", "responses", "azure"])
def test_own_headers_are_sent_and_their_values_are_kept_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: str
) -> None:
    monkeypatch.setenv("GATEWAY_KEY", SECRET)
    monkeypatch.setenv("WHO_ASKS", "https://lab.example.org")

    def script(seen: Seen) -> Act:
        told = f"your header was {seen.headers['x-gateway-key']}"
        if seen.number % 2:
            return Act(status=400, body=json.dumps({"error": {"message": told}}).encode())
        return Act(text=f"{told}\nNo winner.")

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server, api, headers=HEADERS)], prompts=3) as found,
    ):
        found.run()
        assert {seen.headers["x-gateway-key"] for seen in server.seen} == {SECRET}
        assert server.seen[0].headers["http-referer"] == "https://lab.example.org"
        kept = "".join(v.model_dump_json() for v in found.verdicts())
        assert "[key]" in kept
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"x-gateway-key": "abc123"}, 'x-gateway-key = "env:MY_VARIABLE"'),
        ({"x-gateway-key": "env:"}, "must name a variable"),
        ({"content-type": "env:KIND"}, "set by brie"),
        ({"bad name": "env:KIND"}, "no header"),
    ],
)
def test_a_value_that_stands_in_the_file_is_refused(headers: dict[str, str], told: str) -> None:
    with JudgeServer() as server:
        seat = judge(server, headers=headers)
    with pytest.raises(UsageError, match=r"judges/openai\.toml") as refused:
        check(seat.judge)
    assert told in str(refused.value)
    assert "abc123" not in str(refused.value)


def test_a_header_without_its_variable_is_a_missing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_KEY", raising=False)
    with JudgeServer() as server:
        seat = judge(server, headers=HEADERS)
    with pytest.raises(UsageError, match="openai: set GATEWAY_KEY"):
        check_keys([seat])


def test_headers_are_no_part_of_who_a_judge_is() -> None:
    with JudgeServer() as server:
        plain, own = judge(server), judge(server, headers=HEADERS)
    assert plain.digest == own.digest
    assert plain.sealed() == own.sealed()
    assert "headers" not in plain.sealed().model_dump_json()
