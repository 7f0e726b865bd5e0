"""Nothing that is printed holds a control sequence of a server, a file or a name."""

from __future__ import annotations

import json

import pytest

from tests.fakes.openai_server import Reply
from tests.hostile.world import Said, World

TITLE = "\x1b]0;gone\x07"
LINK = "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\"
ODD = f"a{TITLE}{LINK}\x9b31m\u202ebc\r\x08"
CONTROL = ("\x1b", "\x07", "\x9b", "\u202e", "\r", "\x08")


def _is_plain(said: Said) -> None:
    for sign in CONTROL:
        assert sign not in said.out, repr(said.out)
        assert sign not in said.err, repr(said.err)


@pytest.mark.parametrize("who", ["judge", "model"])
@pytest.mark.parametrize("status", [400, 401, 404])
def test_words_of_a_server(world: World, who: str, status: int) -> None:
    world.judge("gpt")
    refusal = Reply.error(status, ODD)
    if who == "judge":
        world.judging = lambda body: refusal
    else:
        world.answering = lambda body: refusal
    said = world.eval("--yes")
    assert said.code in (2, 3)
    _is_plain(said)
    _is_plain(world.brie("ls"))


def test_names_of_a_suite_a_judge_and_a_model(world: World) -> None:
    quoted = json.dumps(ODD)
    world.judge("gpt", f"description = {quoted}\n")
    suite = world.folder / "small.toml"
    suite.write_text(suite.read_text("utf-8").replace('"small"', quoted), "utf-8")
    for said in (
        world.brie("suite", "check", "small.toml"),
        world.brie("plan", "--suite", "small.toml"),
        world.brie("judges", "ls"),
        world.eval("--yes", judges=("longer",)),
        world.brie("ls"),
        world.brie("judge", "no\x1b]0;such\x07evaluation"),
        world.brie("eval", "--suite", f"no{TITLE}suite"),
        world.brie("pin", f"no{TITLE}model"),
        world.brie(f"no{TITLE}verb"),
        world.brie("ls", f"--no{TITLE}option"),
        world.brie("verify", f"no{TITLE}evaluation"),
        world.brie("eval", "--suite", "small.toml", "--candidate", f"server:lab#{TITLE}"),
    ):
        _is_plain(said)


def test_keys_and_values_of_a_file_of_judgments(world: World) -> None:
    row = {"prompt": "q", f"who{ODD}": "tuned", "winner": ODD, "model_a": ODD, "model_b": "b"}
    (world.folder / "votes.json").write_text(json.dumps([row] * 3), "utf-8")
    _is_plain(world.brie("audit", "votes.json"))
    _is_plain(world.brie("audit", "votes.json", "--candidate", ODD.replace("\r", ""), "--baseline", "b"))
    (world.folder / "rows.jsonl").write_text(json.dumps({f"x{ODD}": 1}) + "\n", "utf-8")
    _is_plain(world.brie("data", "check", "rows.jsonl"))
    (world.folder / "odd.toml").write_text(f"{json.dumps(ODD)} = 1\n", "utf-8")
    _is_plain(world.brie("suite", "check", "odd.toml"))


def test_a_key_of_this_environment_is_not_printed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "canary-of-the-command-line")
    said = world.brie("eval", "--suite", "canary-of-the-command-line")
    assert "canary" not in said.err + said.out
