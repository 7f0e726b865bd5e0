"""The providers through their real SDKs, against a local server: what is sent, read, and blamed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import pytest

from brie.errors import UsageError
from brie.judge.providers import open_judge
from brie.judge.retry import RetryPolicy
from brie.judge.settings import check
from brie.records import JudgeSpec, Provider, Status, Verdict
from tests.fakes.judge_servers import JudgeServer, Script, letter_b, never
from tests.fakes.judge_wire import Act, Seen
from tests.judge.arena import PRICE, arena, judge

APIS = ("openai", "anthropic", "gpt")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on this machine decides what a test finds."""
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def always(act: Act) -> Script:
    """The same happens to every request."""
    return lambda seen: act


def once(act: Act) -> Script:
    """It happens to the first request only."""
    return lambda seen: act if seen.number == 0 else Act()


def one(
    tmp_path: Path, server: JudgeServer, api: str = "openai", tries: int = 6, **changes: Any
) -> list[Verdict]:
    """The two verdicts on one comparison."""
    with arena(tmp_path, [judge(server, api, **changes)], prompts=1) as found:
        found.run(retry_policy=RetryPolicy(tries=tries, patience=0))
        return found.verdicts()


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("output", ["tool", "json_schema", "text"])
def test_every_form_of_verdict_is_asked_for_and_read(tmp_path: Path, api: str, output: str) -> None:
    with (
        JudgeServer(mind=letter_b) as server,
        arena(tmp_path, [judge(server, api, output=output)], prompts=2) as found,
    ):
        assert found.run().computed == 4
        assert [v.letter for v in found.verdicts()] == ["B"] * 4
        assert {seen.form for seen in server.seen} == {output}
        assert all(v.served.startswith("a-model-snapshot") for v in found.verdicts())
        assert all(set(v.scores) == {"Correctness", "Completeness", "Clarity", "Instruction following"}
                   for v in found.verdicts()) == (output != "text")  # fmt: skip


@pytest.mark.parametrize("api", APIS)
def test_settings_of_the_file_are_sent_as_they_stand_and_nothing_else(tmp_path: Path, api: str) -> None:
    parameters = {"reasoning_effort": "low", "own": {"deep": [1, 2.5]}}
    with JudgeServer() as server:
        one(tmp_path, server, api, parameters=parameters, max_tokens=321, output="text")
        body = server.seen[0].body
    assert body["reasoning_effort"] == "low"
    assert body["own"] == {"deep": [1, 2.5]}
    assert "temperature" not in body
    limit = "max_completion_tokens" if api == "gpt" else "max_tokens"
    assert body[limit] == 321
    allowed = {"model", "messages", "system", limit, "reasoning_effort", "own"}
    assert set(body) <= allowed


def test_a_tool_is_strict_and_called_once_where_the_provider_can(tmp_path: Path) -> None:
    sent: dict[str, dict[str, Any]] = {}
    for api in APIS:
        with JudgeServer() as server:
            one(tmp_path / api, server, api, output="tool")
            sent[api] = server.seen[0].body
    assert sent["gpt"]["tools"][0]["function"]["strict"] is True
    assert sent["gpt"]["tool_choice"] == {"type": "function", "function": {"name": "give_verdict"}}
    assert sent["anthropic"]["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert "tool_choice" not in sent["openai"]
    assert "strict" not in sent["openai"]["tools"][0]["function"]
    with JudgeServer() as server:
        one(tmp_path / "own", server, "gpt", output="tool", parameters={"tool_choice": "auto"})
        assert server.seen[0].body["tool_choice"] == "auto"


def test_a_margin_is_kept_with_the_verdict(tmp_path: Path) -> None:
    with JudgeServer(script=always(Act(changed={"margin": "slightly"}))) as server:
        assert {v.margin for v in one(tmp_path, server)} == {"slightly"}


@pytest.mark.parametrize("output", ["tool", "json_schema", "text"])
def test_a_message_is_written_to_the_byte_as_the_sdk_writes_it(tmp_path: Path, output: str) -> None:
    with JudgeServer() as server:
        one(tmp_path, server, "anthropic", output=output, parameters={"thinking": {"type": "adaptive"}})
        sent = server.seen[0]
        client = anthropic.Anthropic(api_key="none", base_url=server.anthropic, max_retries=0)
        client.messages.with_raw_response.create(**sent.body)
        of_the_sdk = server.seen[-1]
    assert sent.raw == of_the_sdk.raw
    marks = ("content-type", "x-stainless-raw-response", "anthropic-version", "accept", "user-agent")
    assert {sent.headers.get(name) is not None for name in marks} == {True}
    ours, theirs = (
        {name: seen.headers[name] for name in marks if name != "user-agent"}
        for seen in (sent, of_the_sdk)
    )
    assert ours == theirs


def test_a_temperature_is_sent_where_it_is_set_even_if_it_is_zero(tmp_path: Path) -> None:
    with JudgeServer() as server:
        one(tmp_path, server, "openai", temperature=0.0)
        assert server.seen[0].body["temperature"] == 0.0


def test_a_limit_under_another_name_replaces_the_usual_one(tmp_path: Path) -> None:
    with JudgeServer() as server:
        one(tmp_path, server, "openai", parameters={"max_completion_tokens": 99})
        body = server.seen[0].body
    assert body["max_completion_tokens"] == 99
    assert "max_tokens" not in body


def test_the_constant_part_is_marked_for_the_prompt_cache(tmp_path: Path) -> None:
    with JudgeServer() as server:
        one(tmp_path, server, "anthropic")
        parts = [seen.body["system"] for seen in server.seen]
    assert parts[0] == parts[1]
    assert parts[0][0]["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_tokens_are_counted_and_priced(tmp_path: Path, api: str) -> None:
    with (
        JudgeServer(script=always(Act(tokens=(1000, 100)))) as server,
        arena(tmp_path, [judge(server, api, price=PRICE)], prompts=1) as found,
    ):
        found.run(cap=10.0)
        usage = found.verdicts()[0].usage
    assert (usage.input_tokens, usage.output_tokens) == (1000, 100)
    assert usage.usd == pytest.approx((1000 * 3 + 100 * 15) / 1e6)


FAULTS: dict[str, tuple[Act, str]] = {
    "html": (Act(body=b"<html>Bad gateway</html>", kind="text/html"), "HTTP 200 with HTML"),
    "empty": (Act(body=b""), "HTTP 200 with an empty body"),
    "not utf-8": (Act(body=b'{"choices": "\xff\xfe"}'), "not UTF-8"),
    "cut json": (Act(body=b'{"choices": [{"mes'), "no valid JSON"),
    "another document": (Act(body=b'{"object": "list", "data": []}'), "of another kind"),
    "a list": (Act(body=b"[1, 2, 3]"), "of another kind"),
    "an error in a 200": (Act(body=b'{"error": {"message": "quota"}}'), "quota"),
    "500": (Act(status=500), "HTTP 500"),
    "529": (Act(status=529), "HTTP 529"),
    "429": (Act(status=429), "HTTP 429"),
    "408": (Act(status=408), "HTTP 408"),
    "reset": (Act(reset=True), "broke"),
}


@pytest.mark.parametrize("api", ["openai", "anthropic"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_is_tried_again_and_leaves_no_trace(
    tmp_path: Path, api: str, name: str
) -> None:
    with JudgeServer(script=once(FAULTS[name][0])) as server:
        kept = one(tmp_path, server, api)
    assert [v.status for v in kept] == [Status.OK, Status.OK]
    assert max(v.usage.attempts for v in kept) == 2


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    with JudgeServer(script=always(FAULTS[name][0])) as server:
        kept = one(tmp_path, server, tries=2)
    assert {v.status for v in kept} == {Status.ERROR}
    assert all(FAULTS[name][1] in v.reason and v.letter is None for v in kept)


def test_a_hang_is_an_error_after_the_files_timeout(tmp_path: Path) -> None:
    with JudgeServer(script=always(Act(until=never))) as server:
        kept = one(tmp_path, server, tries=1, timeout=0.3)
    assert {v.reason for v in kept} == {"no answer within 0.3 s"}


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with JudgeServer() as server:
        seat = judge(server)
    with arena(tmp_path, [seat], prompts=1) as found:
        found.run(retry_policy=RetryPolicy(tries=1, patience=0))
        assert "cannot be reached" in found.verdicts()[0].reason
        assert server.root in found.verdicts()[0].reason


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
def test_a_certificate_that_cannot_be_verified_stops_the_judge_at_once(tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("certificate", "key")]
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    subprocess.run(
        [*command.split(), "-out", files[0], "-keyout", files[1]], check=True, capture_output=True
    )
    with (
        JudgeServer(certificate=(files[0], files[1])) as server,
        arena(tmp_path, [judge(server)], prompts=20) as found,
    ):
        done = found.run()
    assert "certificate" in done.stopped["openai"]
    assert done.computed < 40


VERDICT_FAULTS: dict[str, tuple[Act, Status, str]] = {
    "prose": (Act(text="Both have their merits."), Status.INVALID, "unreadable"),
    "off-label": (Act(changed={"winner": "C"}), Status.INVALID, "'C'"),
    "empty": (Act(text=""), Status.INVALID, "empty"),
    "other case": (Act(changed={"case": "0000"}), Status.INVALID, "another request"),
    "two winners": (Act(twice="tie"), Status.INVALID, "different winners"),
}


@pytest.mark.parametrize("api", ["openai", "anthropic"])
@pytest.mark.parametrize("name", VERDICT_FAULTS)
def test_a_verdict_that_cannot_be_read_is_asked_for_once_more_with_the_error_named(
    tmp_path: Path, api: str, name: str
) -> None:
    act, status, word = VERDICT_FAULTS[name]
    with JudgeServer(script=always(act)) as server:
        kept = one(tmp_path, server, api, output="tool")
        asked = [seen.text for seen in server.seen]
    assert {v.status for v in kept} == {status}
    assert all(word in v.reason and v.letter is None for v in kept)
    assert len(asked) == 4
    again = [text for text in asked if "could not be used" in text]
    assert len(again) == 2
    assert all(word in text for text in again)


@pytest.mark.parametrize(
    ("api", "act", "status"),
    [
        ("openai", Act(stop="length"), Status.INVALID),
        ("anthropic", Act(stop="max_tokens"), Status.INVALID),
        ("openai", Act(stop="content_filter", text=""), Status.REFUSED),
        ("anthropic", Act(stop="refusal", text=""), Status.REFUSED),
        ("openai", Act(text="I'm sorry, but I can't help with that."), Status.REFUSED),
    ],
)
def test_cut_off_and_refused_replies_have_their_own_status(
    tmp_path: Path, api: str, act: Act, status: Status
) -> None:
    with JudgeServer(script=always(act)) as server:
        kept = one(tmp_path, server, api)
    assert {v.status for v in kept} == {status}
    assert all(v.letter is None and v.reason for v in kept)


def test_duplicate_tool_calls_that_agree_are_one_verdict(tmp_path: Path) -> None:
    with JudgeServer(mind=letter_b, script=always(Act(twice="B"))) as server:
        kept = one(tmp_path, server, "anthropic")
    assert {v.letter for v in kept} == {"B"}


def test_ten_megabytes_are_kept_at_both_ends_only(tmp_path: Path) -> None:
    with JudgeServer(script=always(Act(text="word " * 2_000_000 + "\nWinner: A"))) as server:
        kept = one(tmp_path, server, output="text")
    assert {v.letter for v in kept} == {"A"}
    assert all(len(v.reply) < 50_000 and len(v.reason) < 50_000 for v in kept)


def test_a_prompt_whose_front_was_cut_is_invalid_and_names_the_setting(tmp_path: Path) -> None:
    with (
        JudgeServer(script=always(Act(tokens=(60, 40)))) as server,
        arena(
            tmp_path, [judge(server)], prompts=1, text=lambda side, n: f"{side} says so " * 300
        ) as found,
    ):
        found.run()
        assert {v.status for v in found.verdicts()} == {Status.INVALID}
        assert "prompt truncated" in found.verdicts()[0].reason
        assert "num_ctx" in found.verdicts()[0].reason
        assert len(server.seen) == 2


REFUSALS: dict[str, tuple[str, int, dict[str, Any], str]] = {
    "a wrong key": ("gpt", 401, {"error": {"message": "bad key"}}, "check OPENAI_API_KEY"),
    "no such model": ("gpt", 404, {"error": {"message": "no model"}}, "judges/gpt.toml"),
    "no credit": ("anthropic", 402, {"error": {"message": "billing"}}, "no credit"),
    "a parameter by its field": (
        "gpt", 400,
        {"error": {"message": "Unsupported value", "param": "temperature"}},
        "'temperature' as judges/gpt.toml has it",
    ),
    "a parameter in its words": (
        "anthropic", 400,
        {"type": "error", "error": {"message": "`temperature` is not supported for this model."}},
        "'temperature' as judges/anthropic.toml has it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_what_every_request_would_fail_of_stops_the_judge_with_what_to_change(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, status, body, told = REFUSALS[name]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-not-accepted")
    act = Act(status=status, body=json.dumps(body).encode())
    changes = {"api_key_env": "OPENAI_API_KEY"} if api == "gpt" else {}
    with (
        JudgeServer(script=always(act)) as server,
        arena(tmp_path, [judge(server, api, temperature=0.5, **changes)], prompts=30) as found,
    ):
        done = found.run()
        assert told in done.stopped[api]
        assert {v.status for v in found.verdicts()} == {Status.ERROR}
        assert len(server.seen) <= 17


def test_a_request_that_is_too_long_fails_alone(tmp_path: Path) -> None:
    def script(seen: Seen) -> Act:
        long = "Question 0?" in seen.text
        return Act(status=400, body=b'{"error": {"message": "prompt is too long"}}') if long else Act()

    with (
        JudgeServer(script=script) as server,
        arena(tmp_path, [judge(server)], prompts=5) as found,
    ):
        done = found.run()
        statuses = [v.status for v in found.verdicts()]
    assert statuses == [Status.INVALID] * 2 + [Status.OK] * 8
    assert not done.stopped


def test_a_compatible_server_that_refuses_a_schema_is_asked_in_plain_text(tmp_path: Path) -> None:
    def script(seen: Seen) -> Act:
        refuses = b'{"error": {"message": "response_format json_schema is not supported"}}'
        return Act(status=400, body=refuses) if seen.form == "json_schema" else Act()

    with (
        JudgeServer(mind=letter_b, script=script) as server,
        arena(tmp_path, [judge(server, max_concurrency=1)], prompts=3) as found,
    ):
        found.run()
        assert {v.letter for v in found.verdicts()} == {"B"}
        assert [seen.form for seen in server.seen] == ["json_schema"] + ["text"] * 6


def test_no_key_is_needed_for_a_server_on_this_machine_and_a_named_one_must_be_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with JudgeServer() as server:
        one(tmp_path, server, "anthropic")
        assert server.seen[0].key == "none"
        with pytest.raises(UsageError, match="set MY_KEY"):
            open_judge(judge(server, "openai", api_key_env="MY_KEY"))
        monkeypatch.setenv("MY_KEY", "secret")
        one(tmp_path / "again", server, "openai", api_key_env="MY_KEY")
        assert server.seen[-1].key == "secret"


def test_the_sdks_own_address_variables_lead_no_request_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    with JudgeServer() as server:
        for api in ("openai", "anthropic"):
            one(tmp_path / api, server, api)
        assert len(server.seen) == 4


BAD: list[tuple[dict[str, Any], str]] = [
    ({"base_url": None}, "needs base_url"),
    ({"base_url": "localhost:1234"}, "no http or https address"),
    ({"endpoint": None}, "name the server: endpoint"),
    ({"output": "rule"}, "allowed here: tool, json_schema, text, logprobs"),
    ({"output": "logprobs", "provider": Provider.ANTHROPIC}, "allowed here: tool, json_schema, text."),
    ({"parameters": {"top_logprobs": 5}}, "top_logprobs is set by brie"),
    ({"parameters": {"stream": True}}, "stream is set by brie"),
]


@pytest.mark.parametrize(("changes", "told"), BAD)
def test_settings_that_cannot_work_are_refused_before_anything_is_asked(
    changes: dict[str, Any], told: str
) -> None:
    settings: dict[str, Any] = {
        "id": "mine", "provider": Provider.OPENAI_COMPATIBLE, "model": "m",
        "base_url": "http://localhost:1/v1", "endpoint": "here", "output": "text",
    }  # fmt: skip
    check(JudgeSpec(**settings))
    with pytest.raises(UsageError, match=r"judges/mine\.toml") as refused:
        check(JudgeSpec(**{**settings, **changes}))
    assert told in str(refused.value)


def test_the_same_model_on_another_server_is_another_judge() -> None:
    with JudgeServer() as server:
        one_, two = judge(server), judge(server, endpoint="elsewhere")
        same: Callable[..., Any] = lambda **c: judge(server, **c).digest  # noqa: E731
        assert one_.digest != two.digest
        assert one_.digest == same(
            price=PRICE, max_concurrency=3, family="x", description="y", timeout=9.0
        )
        assert one_.digest != same(temperature=0.1)
