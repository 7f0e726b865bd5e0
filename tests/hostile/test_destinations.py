"""Requests go where the quote says, with what the judge's file says, and nowhere else."""

from __future__ import annotations

import json

import pytest

from tests.fakes.openai_server import FakeServer, Reply
from tests.hostile.world import World

AWAY = "http://192.168.77.9:8000/v1"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (AWAY, "192.168.77.9"),
        ("http://mybox.local/v1", "mybox.local"),
        ("http://169.254.7.7/v1", "169.254.7.7"),
        ("http://[fd00::7]/v1", "fd00::7"),
        ("http://0.0.0.0/v1", "0.0.0.0"),
    ],
)
def test_a_judge_in_the_same_network_is_named_and_asks_first(
    world: World,
    address: str,
    host: str,
) -> None:
    world.judge("gpt", url=address)
    said = world.eval("--samples", "1")
    assert said.code == 2
    assert f"prompts and answers go to {host}" in said.err
    assert "nobody is here to agree" in said.err
    assert list(world.folder.glob("runs/eval-*")) == []


def test_a_server_for_a_side_is_named_and_asks_first(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_PROXY", world.server.base_url.removesuffix("/v1"))
    monkeypatch.setenv("LAB_KEY", "sk-canary-lab")
    more = 'api_key_env = "LAB_KEY"\nproxy_env = "MY_PROXY"\n'
    world.settings(more, url="http://models.invalid/v1")
    said = world.eval("--max-new-tokens", "20", judges=("longer",))
    assert said.code == 2
    assert "lab: prompts go to models.invalid, and the key over plain http" in said.err
    assert "nobody is here to agree" in said.err
    assert world.server.requests == []
    assert world.server.keys == []
    assert world.eval("--stop-after", "seal", judges=("longer",)).code == 0
    name = world.evaluation().name
    assert world.brie("generate", name).code == 2
    assert world.server.requests == []
    assert world.brie("generate", name, "--yes").code == 0
    assert set(world.server.keys) == {"Bearer sk-canary-lab"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("who", ["judge", "model"])
def test_a_redirect_is_followed_by_nobody(world: World, status: int, who: str) -> None:
    world.judge("gpt")
    with FakeServer(models=("base", "tuned", "judge")) as other:
        moved = Reply(b"", status, {"Location": f"{other.base_url}/chat/completions"})
        if who == "judge":
            world.judging = lambda body: moved
        else:
            world.answering = lambda body: moved
        said = world.eval("--yes")
        assert other.requests == []
        assert other.keys == []
    assert said.code in (2, 3)
    assert f"HTTP {status}" in said.err
    assert "only where" in said.err


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_stands_before_a_server_on_this_machine(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    here = world.server.base_url.replace("127.0.0.1", "localhost")
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    world.judge("gpt", url=here)
    world.settings(url=here)
    with FakeServer() as proxy:
        monkeypatch.setenv(name, proxy.base_url.removesuffix("/v1"))
        said = world.eval("--yes")
        assert (proxy.requests, proxy.keys) == ([], [])
    assert said.code == 0, said.err


def test_a_proxy_that_the_judges_file_names_is_used_and_said(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.judge("gpt", 'proxy_env = "MY_PROXY"\n', url="http://judge.invalid/v1")
    said = world.eval("--yes")
    assert said.code == 2
    assert "set MY_PROXY" in said.err
    monkeypatch.setenv("MY_PROXY", world.server.base_url.removesuffix("/v1"))
    said = world.eval("--yes")
    assert said.code == 0
    assert "prompts and answers go to judge.invalid through the proxy of MY_PROXY" in said.err
    assert {headers["host"] for headers in world.server.headers} >= {"judge.invalid"}


@pytest.mark.parametrize("provider", ["openai", "openai-compatible", "openai-responses", "anthropic"])
def test_what_the_sdks_read_for_their_vendor_goes_to_no_other_host(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    provider: str,
) -> None:
    for name, value in {
        "OPENAI_ORG_ID": "org-canary",
        "OPENAI_PROJECT_ID": "proj-canary",
        "OPENAI_CUSTOM_HEADERS": "X-Inner: inner-canary\nAuthorization: Bearer canary-of-headers",
        "ANTHROPIC_CUSTOM_HEADERS": "X-Inner: inner-canary\nX-Api-Key: canary-of-headers",
        "ANTHROPIC_AUTH_TOKEN": "canary-of-a-token",
        "OPENAI_API_KEY": "sk-canary-of-openai",
        "ANTHROPIC_API_KEY": "sk-canary-of-anthropic",
    }.items():
        monkeypatch.setenv(name, value)
    world.judge("gpt")
    file = world.folder / "judges" / "gpt.toml"
    address = world.server.base_url.removesuffix("/v1" if provider == "anthropic" else "")
    file.write_text(
        file.read_text("utf-8")
        .replace("openai-compatible", provider)
        .replace(world.server.base_url, address)
    )
    world.eval("--yes")
    assert any(headers.get("host") for headers in world.server.headers)
    assert "canary" not in json.dumps(world.server.headers)


def test_a_vendors_key_is_for_the_vendors_host(world: World) -> None:
    for address in ("https://evil.example/v1", "https://api.openai.com.evil.example/v1"):
        world.judge("mine", url=address)
        file = world.folder / "judges" / "mine.toml"
        file.write_text(file.read_text("utf-8").replace("openai-compatible", "openai"))
        said = world.eval("--samples", "1", judges=("mine",))
        assert "OPENAI_API_KEY" not in said.err
        assert f"prompts and answers go to {address.split('/')[2]}" in said.err


def test_a_key_that_others_can_read_on_the_way_is_said_before_it_is_sent(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-canary-plain")
    world.judge("gpt", 'api_key_env = "MY_KEY"\n', url=AWAY)
    said = world.eval("--samples", "1")
    assert said.code == 2
    assert "and the key over plain http, which others can read on the way" in said.err
    world.judge("gpt", 'api_key_env = "MY_KEY"\n', url=AWAY.replace("http:", "https:"))
    assert "plain http" not in world.eval("--samples", "1").err


def test_a_project_found_further_up_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "project:" not in world.brie("ls").err
    inner = world.folder / "work" / "here"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    said = world.brie("ls")
    assert said.err.count(f"project: {world.folder}") == 1


def test_a_judge_that_stands_before_brie_s_own_is_named(world: World) -> None:
    world.judge("claude-sonnet")
    said = world.eval("--yes", judges=("claude-sonnet",))
    assert said.code == 0, said.err
    assert "claude-sonnet is this project's own judge (judges/claude-sonnet.toml)" in said.err
    world.judge("gpt")
    assert "own judge" not in world.eval("--yes").err
