"""Keys leave this process in requests alone, whatever servers send back."""

from __future__ import annotations

import base64
import itertools
import json
import zipfile
from collections.abc import Callable

import pytest

from tests.fakes.openai_server import Body, Reply, answer
from tests.hostile.world import World, is_probe, verdict

KEYS = {
    "LAB_KEY": "sk-canary-lab/9f3C+q7x=K&<tail>",
    "MY_KEY": "sk-canary-my-8h2JqL5vNw0-end",
    "GATEWAY": "Bearer canary-gateway-Zx81Qm-end",
    "UNUSED_ACCESS": "canary-unused-77Yt5Rr2-end",
    "HF_TOKEN": "hf_canaryTokenOfTheHub12345",
}
"""Of a server, a judge, two judges that are not asked, and one that no file names."""
CUTS = (170, 290, 140, 80, 190, 270, 200, 299, 0)
LATE_CUTS = (0, 19_980)


def _secrets() -> list[str]:
    return [value.rpartition(" ")[2] for value in KEYS.values()]


def _echo(pad: int) -> str:
    return "x" * pad + " ".join(_secrets())


@pytest.fixture
def keyed(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Servers, judges and headers, each with a key under a variable of its own name."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    world.settings('api_key_env = "LAB_KEY"\n')
    world.judge("gpt", 'api_key_env = "MY_KEY"\n')
    world.judge("third", 'api_key_env = "GATEWAY"\n')
    world.judge("other", 'api_key_env = "UNUSED_ACCESS"\n')
    return world


def _nothing_leaked(world: World) -> None:
    """No whole key anywhere, nor one without its last characters, nor one written otherwise."""
    for secret in _secrets():
        shapes = {secret, secret[:-1], secret[:-4], secret[:12], json.dumps(secret)[1:-1]}
        for shape in shapes:
            assert world.holds(shape) == [], shape


def _error(status: int, kind: str = "json") -> Callable[[Body], Reply]:
    """Replies that echo every key, each time at another place."""
    pads = itertools.cycle(CUTS)

    def reply(body: Body) -> Reply:
        text = _echo(next(pads))
        if kind == "html":
            return Reply(f"<html>{text}</html>".encode(), status, {"Content-Type": "text/html"})
        if kind == "slashes":
            return Reply(json.dumps({"error": {"message": text}}).replace("/", "\\/").encode(), status)
        return Reply.error(status, text, **{"x-echo": text[-200:]})

    return reply


ERRORS = {
    "400": lambda: _error(400),
    "400, slashes escaped": lambda: _error(400, "slashes"),
    "401": lambda: _error(401),
    "404": lambda: _error(404),
    "400 with HTML": lambda: _error(400, "html"),
}


@pytest.mark.parametrize("error", ERRORS)
def test_what_a_judge_refuses_with_holds_no_key_across_any_cut(keyed: World, error: str) -> None:
    keyed.judging = ERRORS[error]()
    said = keyed.eval("--yes")
    assert said.code in (2, 3), said.err
    _nothing_leaked(keyed)


@pytest.mark.parametrize("error", [*ERRORS, "200 with HTML"])
def test_what_a_served_model_refuses_with_holds_no_key_across_any_cut(keyed: World, error: str) -> None:
    keyed.answering = ERRORS[error]() if error in ERRORS else _error(200, "html")
    said = keyed.eval("--yes")
    assert said.code in (2, 3), said.err
    _nothing_leaked(keyed)


@pytest.mark.parametrize("pad", LATE_CUTS)
def test_answers_fingerprints_and_verdicts_hold_no_key(keyed: World, pad: int) -> None:
    echo = _echo(pad)

    def answering(body: Body) -> Reply:
        message = {"role": "assistant", "content": echo[-400:]}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return answer(
            body, system_fingerprint=echo, model=echo, choices=[choice],
            usage={"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10},
        )  # fmt: skip

    keyed.answering = answering
    keyed.judging = lambda body: verdict(body, echo, model=echo, system_fingerprint=echo)
    said = keyed.eval("--yes", "--max-new-tokens", "9999")
    assert said.code == 0, said.err
    name = keyed.evaluation().name
    assert keyed.brie("judge", name, "--judge", "longer").code == 0
    assert keyed.brie("report", name).code == 0
    assert keyed.brie("bundle", name, "-o", "out.brie.zip").code == 0
    with zipfile.ZipFile("out.brie.zip") as archive:
        members = b"".join(archive.read(member) for member in archive.namelist())
    for secret in _secrets():
        assert secret[:12].encode() not in members
    _nothing_leaked(keyed)


def test_a_header_of_a_judges_file_is_a_key_too(keyed: World) -> None:
    keyed.judge("gpt", 'api_key_env = "MY_KEY"\n[headers]\nx-gateway = "env:GATEWAY"\n')
    keyed.judging = lambda body: verdict(body, _echo(0), model=KEYS["GATEWAY"])
    assert keyed.eval("--yes").code == 0
    assert any(headers.get("x-gateway") == KEYS["GATEWAY"] for headers in keyed.server.headers)
    _nothing_leaked(keyed)


def test_a_key_under_any_variable_that_a_file_names_keeps_a_bundle_here(keyed: World) -> None:
    # It came in with an answer, before its variable was named for a key.
    late = "canary-of-a-name-that-says-nothing"
    keyed.answering = lambda body: answer(body, system_fingerprint=late)
    assert keyed.eval("--yes").code == 0
    assert keyed.brie("report", keyed.evaluation().name).code == 0
    keyed.judge("fourth", 'api_key_env = "MINE"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINE", late)
        said = keyed.brie("bundle", keyed.evaluation().name, "-o", "out.brie.zip")
    assert said.code == 2
    assert "a key of this environment stands in" in said.err
    assert late not in said.err
    assert list(keyed.folder.glob("*.zip")) == []


@pytest.mark.parametrize("where", ["judge", "server"])
def test_a_password_in_an_address_is_refused_and_not_repeated(keyed: World, where: str) -> None:
    url = keyed.server.base_url.replace("http://", "http://user:secretpw-CANARY@")
    if where == "judge":
        keyed.judge("gpt", url=url)
    else:
        keyed.settings(url=url)
    said = keyed.eval("--yes")
    assert said.code == 2
    assert "holds a user name or a password" in said.err
    assert [
        told for told in keyed.holds("secretpw-CANARY") if told not in ("gpt.toml", "brie.toml")
    ] == []


def test_the_key_is_sent_and_nothing_else_of_the_environment(keyed: World) -> None:
    assert keyed.eval("--yes").code == 0
    sent = set(keyed.server.keys)
    assert sent == {f"Bearer {KEYS['LAB_KEY']}", f"Bearer {KEYS['MY_KEY']}"}
    assert base64.b64encode(KEYS["MY_KEY"].encode()).decode() not in str(sent)
    assert any(is_probe(body) for body in keyed.server.requests)
