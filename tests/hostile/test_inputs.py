"""A broken part of a file costs that part, and what cannot be used is said in a sentence."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.openai_server import Body, FakeServer, Reply, answer
from tests.hostile.world import World, is_probe, verdict

ROWS = 400


def _judgments(folder: Path, spoil: Callable[[str], str]) -> str:
    """A JSON array of pairwise judgments, one of them spoiled."""
    rows = [
        json.dumps(
            {
                "instruction": f"Question {n}?",
                "output_1": "yes, " * (n % 5 + 1),
                "output_2": "no, " * (n % 3 + 1),
                "generator_1": "base",
                "generator_2": "tuned",
                "annotator": "a-judge",
                "preference": 1 + n % 2,
            }
        )
        for n in range(ROWS)
    ]
    rows[207] = spoil(rows[207])
    (folder / "votes.json").write_text("[" + ",\n".join(rows) + "]", "utf-8")
    return "votes.json"


SPOILED: dict[str, Callable[[str], str]] = {
    "a comma missing": lambda row: row.replace('", "output_2"', '" "output_2"'),
    "a quote inside a text": lambda row: row.replace("yes, ", 'he said "yes" ', 1),
    "no value": lambda row: row.replace('"preference": 2', '"preference": '),
    "not a number": lambda row: row.replace('"preference": 2', '"preference": two'),
    "a line feed in a text": lambda row: row.replace("Question", "Ques\ntion"),
    "cut off": lambda row: row[: len(row) // 2],
    "without its end": lambda row: row[:-1],
    "without a quote": lambda row: row.replace('"annotator": "', '"annotator": ', 1),
    "words": lambda row: "oh no",
}


@pytest.mark.parametrize("how", SPOILED)
def test_one_broken_judgment_costs_itself(world: World, how: str) -> None:
    said = world.brie("audit", _judgments(world.folder, SPOILED[how]))
    assert said.code == 0, said.err
    (path,) = world.folder.glob("reports/*/analysis.json")
    analysis = json.loads(path.read_text("utf-8"))
    # Where half of a row is left, the row behind it may be taken for its other half.
    lost = ROWS - analysis["counts"]["verdicts"]
    assert lost == 1 or (how == "cut off" and lost == 2)
    assert analysis["audit"]["skipped"] == 1


def test_a_long_array_with_an_early_break_is_read_in_linear_time(world: World) -> None:
    row = json.dumps({"prompt": "x" * 2000, "model_a": "tuned", "model_b": "base", "winner": "A"})
    (world.folder / "votes.json").write_text("[{]," + ",".join([row] * 8000) + "]", "utf-8")
    start = time.process_time()
    world.brie("audit", "votes.json", "--candidate", "tuned", "--baseline", "base")
    assert time.process_time() - start < 30


@pytest.mark.parametrize("pattern", ["(", "[a", "(?P<x", "a{2,1}", "*"])
def test_a_pattern_that_is_none_is_refused_before_anything_is_asked(world: World, pattern: str) -> None:
    _with_check(world, "regex", pattern)
    for said in (world.brie("suite", "check", "small.toml"), world.eval("--yes", judges=("regex",))):
        assert said.code == 2
        assert "is no regular expression" in said.err
        assert "p0" in said.err
    assert world.server.requests == []


@pytest.mark.parametrize("value", ["abc", "nan", "1e999", "--1"])
def test_a_number_that_is_none_is_refused(world: World, value: str) -> None:
    _with_check(world, "numeric", value)
    said = world.brie("suite", "check", "small.toml")
    assert said.code == 2
    assert "p0" in said.err or "[[prompt]] 1" in said.err


def test_a_pattern_without_an_end_has_a_limit(world: World) -> None:
    _with_check(world, "regex", "^(a|aa)+$")
    world.answering = lambda body: _saying(body, ("a" * 60) if body["model"] == "tuned" else "b")
    start = time.process_time()
    said = world.eval("--yes", judges=("regex",))
    assert time.process_time() - start < 60
    assert said.code in (0, 3)
    (path,) = world.folder.glob("runs/eval-*/analysis.json")
    assert json.loads(path.read_text("utf-8"))["counts"]["invalid"] == 6


def _saying(body: Body, text: str) -> Reply:
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": text + body["model"]},
    }
    return answer(body, choices=[choice])


def _with_check(world: World, kind: str, value: str) -> None:
    world.judge("gpt")
    prompts = "".join(f'[[prompt]]\nid = "p{n}"\nprompt = "Question {n}?"\n' for n in range(3))
    check = f'check = {{kind = "{kind}", value = "{value}"}}\n'
    first, rest = prompts.split('[[prompt]]\nid = "p1"')
    (world.folder / "small.toml").write_text(
        f'name = "small"\n{first}{check}[[prompt]]\nid = "p1"{rest}', "utf-8"
    )


HALVES = {
    "reasons": lambda body: verdict(body, "nice \ud83d"),
    "model": lambda body: verdict(body, model="m\ud83d"),
    "fingerprint": lambda body: verdict(body, system_fingerprint="f\udc00"),
    "refusal": lambda body: verdict(
        body,
        choices=[
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "refusal": "no \ud83d"},
            }
        ],
    ),
}


@pytest.mark.parametrize("where", HALVES)
def test_half_of_a_pair_in_a_reply_holds_up_nothing(world: World, where: str) -> None:
    world.judge("gpt")
    world.judging = HALVES[where]
    assert world.eval("--yes").code in (0, 3)
    assert world.brie("verify", world.evaluation().name).code == 0


def test_half_of_a_pair_in_an_answer_or_a_prompt_is_a_sentence(world: World) -> None:
    world.judge("gpt")
    world.answering = lambda body: _saying(body, "nice \ud83d")
    assert world.eval("--yes").code == 0
    (world.folder / "half.jsonl").write_text('{"id": "p", "prompt": "Say \\ud83d"}\n', "utf-8")
    said = world.brie("suite", "check", "half.jsonl")
    assert said.code == 2
    assert "half of a surrogate pair" in said.err
    assert world.brie("eval", "--suite", "half.jsonl", *SIDES_, "--samples", "1", "--controls", "0",
                      "--judge", "longer", "--yes").code in (0, 2)  # fmt: skip


SIDES_ = ("--candidate", "server:lab#tuned", "--baseline", "server:lab#base")
USAGES = {
    "words": {"prompt_tokens": "abc", "completion_tokens": 5, "total_tokens": 5},
    "no number": {"prompt_tokens": float("nan"), "completion_tokens": 5, "total_tokens": 5},
    "400 digits": {"prompt_tokens": 10**400, "completion_tokens": 5, "total_tokens": 5},
    "negative": {"prompt_tokens": -(10**9), "completion_tokens": -5, "total_tokens": 5},
    "1e15": {"prompt_tokens": 10**15, "completion_tokens": 5, "total_tokens": 5},
    "a list": [1, 2],
}


@pytest.mark.parametrize("what", USAGES)
def test_a_count_of_tokens_that_cannot_be_true_costs_what_it_can_at_most(
    world: World, what: str
) -> None:
    world.judge("gpt")
    world.judging = lambda body: verdict(body, usage=USAGES[what])
    assert world.eval("--yes", "--budget", "3").code in (0, 3)
    (path,) = world.folder.glob("runs/eval-*/analysis.json")
    assert 0 <= json.loads(path.read_text("utf-8"))["cost"]["usd"] < 3


def test_a_strange_header_stops_no_judge(world: World) -> None:
    odd = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1.2.3s",
        "retry-after": "soon",
        "date": "yesterday",
    }
    world.judge("gpt")

    def judging(body: Body) -> Reply:
        reply = verdict(body)
        return Reply(reply.body, reply.status, {**reply.headers, **odd})

    world.judging = judging
    assert world.eval("--yes").code == 0


def test_a_reply_that_unpacks_to_more_than_any_reply_is_not_read(world: World) -> None:
    world.judge("gpt")
    bombs: list[Body] = []

    def judging(body: Body) -> Reply:
        reply = verdict(body)
        if is_probe(body) or bombs:
            return reply
        bombs.append(body)
        return Reply(gzip.compress(b" " * (40 << 20) + reply.body, 1), 200, {"Content-Encoding": "gzip"})

    world.judging = judging
    assert world.eval("--yes").code == 0
    asked = [body for body in world.server.requests if body["model"] == "judge" and not is_probe(body)]
    assert len(asked) == 7, "the reply that was too long was asked for again"


BROKEN_TOML = {
    "nested arrays": "a = " + "[" * 3000 + "]" * 3000,
    "a long number": "a = " + "9" * 5000,
    "not a number": 'provider = "rules"\nmodel = "longer"\ntemperature = nan\n',
    "no end": 'a = "',
    "not text": "\udcff",
}


@pytest.mark.parametrize("what", BROKEN_TOML)
def test_a_settings_file_that_is_none_is_a_sentence(world: World, what: str) -> None:
    raw = BROKEN_TOML[what].encode("utf-8", "surrogateescape")
    (world.folder / "judges").mkdir(exist_ok=True)
    (world.folder / "judges" / "odd.toml").write_bytes(raw)
    (world.folder / "odd.toml").write_bytes(raw)
    for said in (
        world.eval("--yes", judges=("odd",)),
        world.brie("suite", "check", "odd.toml"),
        world.brie("train", "--recipe", "odd.toml", "--dry-run"),
    ):
        assert said.code == 2, said.err
        assert said.err.startswith(("brie: ", "lab#"))


@pytest.mark.parametrize(
    "row",
    [
        '{"id": "p", "system": "s", "messages": 5}',
        '{"id": "p", "system": "s", "messages": {"a": 1}}',
        '{"id": "p", "prompt": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"id": "p", "prompt": NaN}',
        "[1]",
    ],
)
def test_a_prompt_of_another_kind_is_a_sentence(world: World, row: str) -> None:
    (world.folder / "odd.jsonl").write_text(row + "\n", "utf-8")
    said = world.brie("suite", "check", "odd.jsonl")
    assert said.code == 2
    assert said.err.startswith("brie: ")


@pytest.mark.parametrize(
    "verb", [("unbundle",), ("verify",), ("audit",), ("suite", "check"), ("data", "check")]
)
def test_a_pipe_is_not_waited_for(world: World, verb: tuple[str, ...]) -> None:
    os.mkfifo(world.folder / "pipe.jsonl")
    said = world.brie(*verb, "pipe.jsonl")
    assert said.code == 2
    assert said.err.startswith("brie: ")


ODD_FILES: dict[str, str] = {
    "deep": "[" * 100_000,
    "deep rows": json.dumps([{"winner": "A"}])[:-1] + "," + "[" * 100_000 + "]" * 100_000 + "]",
    "arena_hard": json.dumps(
        {"question_id": "q", "model": "m", "judge": "j", "games": [{"score": {}}, {"score": []}]}
    ),
    "mt_bench": '{"question_id": NaN, "model_1": "tuned", "model_2": "base", "g1_winner": "model_1", '
    '"g2_winner": "model_1", "judge": ["j", "pair-v2"], "turn": 1}',
    "alpaca": json.dumps([{"instruction": "i", "output_1": "a", "output_2": "b", "generator_1": "base",
                           "generator_2": "tuned", "annotator": "x", "preference": 10**400}]),
    "a bad value of 5 MB": json.dumps(
        [{"prompt": "q", "model_a": "tuned", "model_b": "base", "winner": "z" * 5_000_000}]
    ),
    "nothing": "",
    "a null": "null",
}  # fmt: skip


@pytest.mark.parametrize("what", ODD_FILES)
def test_judgments_that_are_none_are_a_sentence(world: World, what: str) -> None:
    (world.folder / "odd.json").write_text(ODD_FILES[what], "utf-8")
    said = world.brie("audit", "odd.json", "--candidate", "tuned", "--baseline", "base")
    assert said.code in (0, 2), said.err
    assert len(said.err + said.out) < 20_000
    assert "Traceback" not in said.err
    for path in world.folder.glob("reports/*/*"):
        assert path.stat().st_size < 4_000_000


def test_a_zip_with_something_before_it_is_no_bundle(world: World) -> None:
    with FakeServer(models=("base", "tuned")) as _:
        assert world.eval("--yes", judges=("longer",)).code == 0
    name = world.evaluation().name
    assert world.brie("bundle", name, "-o", "a.brie.zip").code == 0
    whole = (world.folder / "a.brie.zip").read_bytes()
    assert world.brie("verify", "a.brie.zip").code == 0
    (world.folder / "b.brie.zip").write_bytes(b"MZ" + whole)
    said = world.brie("verify", "b.brie.zip")
    assert said.code == 2
    assert "is no bundle" in said.err
