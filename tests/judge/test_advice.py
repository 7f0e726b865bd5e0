"""What a message tells to change makes it work: each advice is followed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from brie.records import Provider
from tests.fakes.judge_servers import JudgeServer
from tests.fakes.judge_wire import Act, Seen
from tests.judge.arena import arena, judge


@dataclass(frozen=True)
class Advice:
    """A refusal, what is told about it, and that being done."""

    api: str
    refused: Callable[[Seen], bool]
    message: str
    told: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    status: int = 400


ADVICE = {
    "a setting that is not taken": Advice(
        "gpt", lambda seen: "temperature" in seen.body,
        "Unsupported value: 'temperature' does not support 0.5 with this model.",
        "'temperature' as judges/gpt.toml has it; change or remove that line",
        {"temperature": 0.5},
    ),
    "a setting of one's own": Advice(
        "anthropic", lambda seen: "own" in seen.body, "own: Extra inputs are not permitted",
        "'own' as judges/anthropic.toml has it; change or remove that line",
        {"parameters": {"own": 1}},
    ),
    "a form": Advice(
        "gpt", lambda seen: seen.form == "json_schema",
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
        'put output = "text" into judges/gpt.toml', {}, {"output": "text"},
    ),
    "tools": Advice(
        "anthropic", lambda seen: seen.form == "tool", "tools: this model has none",
        'put output = "text" into judges/anthropic.toml', {"output": "tool"}, {"output": "text"},
    ),
    "a limit that is too large": Advice(
        "openai", lambda seen: seen.body.get("max_tokens", 0) > 4096,
        "max_tokens is too large: 9000. This model supports at most 4096 completion tokens.",
        "lower max_tokens there", {"max_tokens": 9000}, {"max_tokens": 4000},
    ),
    "another protocol": Advice(
        "gpt", lambda seen: seen.api != "responses",
        "This model is only supported in v1/responses and not in v1/chat/completions.",
        'provider = "openai-responses"', {}, {"provider": Provider.OPENAI_RESPONSES}, 404,
    ),
    "a key that nobody named": Advice(
        "openai", lambda seen: seen.key != "sk-good", "No API key provided.",
        'api_key_env = "MY_KEY" in judges/openai.toml', {}, {"api_key_env": "MY_KEY"}, 401,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ADVICE)
def test_doing_what_is_told_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    advice = ADVICE[name]
    monkeypatch.setenv("MY_KEY", "sk-good")

    def script(seen: Seen) -> Act:
        body = json.dumps({"error": {"message": advice.message}}).encode()
        return Act(status=advice.status, body=body) if advice.refused(seen) else Act()

    with JudgeServer(script=script) as server:
        with arena(tmp_path / "before", [judge(server, advice.api, **advice.before)]) as found:
            done = found.run()
            assert advice.told in done.stopped[advice.api]
        with arena(tmp_path / "after", [judge(server, advice.api, **advice.after)]) as found:
            done = found.run()
            assert (done.errors, done.stopped) == (0, {})
