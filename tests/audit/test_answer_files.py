"""Files of answers that other tools write, read as one model's answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from pydantic import JsonValue

from brie.audit.answer_files import names_in, read_answers
from brie.errors import InputError, UsageError
from brie.pin import GivenAnswers, pin_answers

Rows = Sequence[Mapping[str, JsonValue]]


def lines(path: Path, rows: Rows) -> Path:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def read(path: Path, name: str = "", prompt: str | None = None) -> GivenAnswers:
    """The answers alone."""
    return read_answers(path, name, prompt=prompt)[0]


def said(given: GivenAnswers) -> list[tuple[str, str, list[str]]]:
    """Id, question and texts of every prompt."""
    return [
        (p.id, p.messages[-1].content if p.messages else "", [t.text for t in p.texts])
        for p in given.prompts
    ]


ALPACA: Rows = [
    {"instruction": "Name a tree.", "output": "Oak.", "generator": "my-tune", "dataset": "helpful"},
    {"instruction": "Sum up.", "input": "A long text.", "output": "", "generator": "my-tune"},
]
FASTCHAT: Rows = [
    {
        "question_id": 81, "model_id": "vicuna", "answer_id": "x", "tstamp": 1.5,
        "choices": [{"index": 0, "turns": ["First.", "Second."]}, {"index": 1, "turns": ["Again."]}],
    }
]  # fmt: skip
ARENA_HARD: Rows = [
    {
        "uid": "u1", "model": "o3", "ans_id": "y",
        "messages": [
            {"role": "user", "content": "Why?"}, {"role": "assistant", "content": {"answer": "So."}},
        ],
    }
]  # fmt: skip
LM_EVAL: Rows = [
    {
        "doc_id": 0, "doc": {}, "target": "4",
        "arguments": {"gen_args_0": {"arg_0": "2+2?", "arg_1": {}}},
        "resps": [["four", "4"]], "filtered_resps": ["4"], "filter": name, "exact_match": 1.0,
    }
    for name in ("strict", "flexible")
]  # fmt: skip
OPENAI: Rows = [
    {
        "id": "b", "custom_id": "q1", "error": None,
        "response": {"status_code": 200, "body": {"model": "gpt-x", "choices": [
            {"finish_reason": "length", "message": {"role": "assistant", "content": "Cut"}}]}},
    },
    {
        "id": "c", "custom_id": "q2", "error": None,
        "response": {"status_code": 200, "body": {"model": "gpt-x", "output": [
            {"type": "reasoning", "summary": []},
            {"type": "message", "content": [{"type": "output_text", "text": "Whole."}]}]}},
    },
    {"id": "d", "custom_id": "q3", "response": None, "error": {"code": "batch_expired"}},
]  # fmt: skip
ANTHROPIC: Rows = [
    {"custom_id": "q1", "result": {"type": "succeeded", "message": {
        "model": "claude-x", "stop_reason": "max_tokens",
        "content": [{"type": "text", "text": "Cut"}]}}},
    {"custom_id": "q2", "result": {"type": "errored", "error": {"type": "invalid_request"}}},
]  # fmt: skip


def test_alpaca_outputs_keep_what_stands_in_input(tmp_path: Path) -> None:
    path = tmp_path / "model_outputs.json"
    path.write_text(json.dumps(ALPACA), "utf-8")
    given = read(path)
    assert (given.origin.label, given.origin.empty) == ("my-tune", 1)
    assert said(given) == [("", "Name a tree.", ["Oak."]), ("", "Sum up.\n\nA long text.", [""])]
    assert [p.category for p in given.prompts] == ["helpful", "all"]


def test_model_answers_take_the_questions_beside_them(tmp_path: Path) -> None:
    folder = tmp_path / "model_answer"
    folder.mkdir()
    path = lines(folder / "vicuna.jsonl", FASTCHAT)
    assert said(read(path)) == [("81", "", ["First.", "Again."])]
    lines(
        tmp_path / "question.jsonl",
        [{"question_id": 81, "category": "writing", "turns": ["Write.", "B"]}],
    )
    given, notes = read_answers(path)
    assert said(given) == [("81", "Write.", ["First.", "Again."])]
    assert given.prompts[0].category == "writing"
    assert any("first turns" in note for note in notes)


def test_arena_hard_answers_hold_their_questions(tmp_path: Path) -> None:
    given = read(lines(tmp_path / "o3.jsonl", ARENA_HARD))
    assert (given.origin.label, said(given)) == ("o3", [("u1", "Why?", ["So."])])


def test_two_filters_of_one_reply_are_one_answer_and_repeats_are_samples(tmp_path: Path) -> None:
    given = read(lines(tmp_path / "samples_sums.jsonl", LM_EVAL))
    assert said(given) == [("0", "2+2?", ["four", "4"])]
    assert given.prompts[0].reference == "4"


def test_logs_of_inspect_have_epochs_as_samples(tmp_path: Path) -> None:
    samples: list[JsonValue] = [
        {
            "id": 1, "epoch": epoch, "input": [{"role": "user", "content": "Hi?"}], "target": "x",
            "output": {"completion": text, "choices": [{"stop_reason": stop}]}, "scores": {},
        }
        for epoch, text, stop in ((1, "One", "stop"), (2, "Two", "max_tokens"))
    ]  # fmt: skip
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"eval": {"model": "m/x", "task": "t"}, "samples": samples}), "utf-8")
    given = read(path)
    assert (given.origin.label, said(given)) == ("m/x", [("1", "Hi?", ["One", "Two"])])
    assert [text.finish for text in given.prompts[0].texts] == ["stop", "length"]


def test_providers_of_promptfoo_are_models(tmp_path: Path) -> None:
    rows: list[JsonValue] = [
        {
            "provider": {"id": name}, "vars": {"x": 1}, "prompt": {"raw": raw}, "success": True,
            "score": 1, "response": {"output": f"by {name}"},
        }
        for name in ("a", "b")
        for raw in ("Say it.", '[{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]')
    ]  # fmt: skip
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"results": {"results": rows}}), "utf-8")
    assert names_in(path) == ["a", "b"]
    assert said(read(path, "b")) == [("", "Say it.", ["by b"]), ("", "U", ["by b"])]
    with pytest.raises(UsageError, match="say which"):
        read(path)


@pytest.mark.parametrize(
    ("rows", "model", "texts", "lost"),
    [(OPENAI, "gpt-x", ["Cut", "Whole."], "1 row"), (ANTHROPIC, "claude-x", ["Cut"], "1 row")],
)
def test_batch_outputs_are_answers_by_id_and_failures_are_counted(
    tmp_path: Path, rows: Rows, model: str, texts: list[str], lost: str
) -> None:
    given, notes = read_answers(lines(tmp_path / "out.jsonl", rows))
    assert given.origin.label == model
    assert [p.texts[0].text for p in given.prompts] == texts
    assert given.prompts[0].texts[0].finish == "length"
    assert any(lost in note for note in notes)


GEMINI: Rows = [
    {
        "request": {"contents": [{"role": "user", "parts": [{"text": "Why?"}]}]},
        "response": {"modelVersion": "gemini-x", "candidates": [
            {"finishReason": "MAX_TOKENS",
             "content": {"parts": [{"text": "Hm.", "thought": True}, {"text": "So"}]}}]},
    },
    {"request": {"contents": [{"parts": [{"text": "How?"}]}]}, "response": {}},
]  # fmt: skip
BEDROCK: Rows = [
    {
        "recordId": "r1",
        "modelInput": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}]},
        "modelOutput": {"model": "claude-x", "stop_reason": "max_tokens",
                        "content": [{"type": "text", "text": "So"}]},
    },
    {"recordId": "r2", "modelInput": {}, "error": {"errorCode": 400}},
]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "label", "id_"), [(GEMINI, "gemini-x", ""), (BEDROCK, "claude-x", "r1")]
)
def test_batches_of_clouds_hold_their_questions(
    rows: Rows, label: str, id_: str, tmp_path: Path
) -> None:
    given, notes = read_answers(lines(tmp_path / "out.jsonl", rows))
    assert (given.origin.label, said(given)) == (label, [(id_, "Why?", ["So"])])
    assert given.prompts[0].texts[0].finish == "length"
    assert "1 row" in notes[0]


TURNS: Rows = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
FROM: Rows = [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]


@pytest.mark.parametrize(
    "row", [{"messages": [*TURNS], "model": "m"}, {"conversations": [*FROM], "id": 3}]
)
def test_a_logged_conversation_ends_with_the_answer(row: dict[str, JsonValue], tmp_path: Path) -> None:
    given = read(lines(tmp_path / "log.jsonl", [row]))
    assert said(given) == [(str(row.get("id", "")), "Why?", ["So."])]


@pytest.mark.parametrize(
    "cell", ["So.", {"text": "So."}, [{"role": "assistant", "content": "So."}], [{"text": "So."}]]
)
def test_an_answer_may_be_a_message(cell: JsonValue, tmp_path: Path) -> None:
    path = lines(
        tmp_path / "f.jsonl", [{"prompt": "Why?", "mine": cell}, {"prompt": "How?", "mine": "x"}]
    )
    assert said(read(path))[0] == ("", "Why?", ["So."])


def test_answers_that_open_with_a_thought_are_said_to(tmp_path: Path) -> None:
    path = lines(tmp_path / "f.jsonl", [{"prompt": "Why?", "mine": "<think>Hm.</think>\nSo."}])
    given, notes = read_answers(path)
    assert said(given)[0][2] == ["<think>Hm.</think>\nSo."]
    assert "1 of 1 answer begin" in notes[0]


def test_tables_come_with_tabs_as_json_and_with_a_row_an_answer(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("id\tquestion\tmine\n7\tWhat?\tThis.\n", "utf-8")
    assert said(read(tmp_path / "t.tsv")) == [("7", "What?", ["This."])]
    long: Rows = [{"prompt": "P", "model": m, "answer": f"by {m}"} for m in ("x", "y", "x")]
    path = lines(tmp_path / "long.jsonl", long)
    assert names_in(path) == ["x", "y"]
    assert said(read(path, "x")) == [("", "P", ["by x", "by x"])]
    (tmp_path / "wide.json").write_text('[{"prompt": "P", "mine": ["a", "b"], "n": 4}]', "utf-8")
    assert said(read(tmp_path / "wide.json", "mine")) == [("", "P", ["a", "b"])]


def test_a_prompt_that_is_not_plain_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("instruction,input,mine\nDo it,with this,Done\n", "utf-8")
    with pytest.raises(UsageError, match=r"instruction, input.*--prompt COLUMN"):
        read(path, "mine")
    assert said(read(path, "mine", "input")) == [("", "with this", ["Done"])]


def test_a_side_may_be_called_as_what_is_otherwise_the_reference(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("prompt,reference,mine\nP,R,M\n", "utf-8")
    assert read(path, "mine").prompts[0].reference == "R"
    as_side = read(path, "reference")
    assert (said(as_side), as_side.prompts[0].reference) == ([("", "P", ["R"])], None)


def test_a_pin_is_over_prompts_and_texts_alone(tmp_path: Path) -> None:
    one, other = tmp_path / "a.csv", tmp_path / "b.csv"
    one.write_text("prompt,x,y\nP,1,2\nQ,3,4\n", "utf-8")
    other.write_text("prompt,z\nQ,3\nP,1\n", "utf-8")
    assert pin_answers(read(one, "x")).digest == pin_answers(read(other)).digest
    assert pin_answers(read(one, "x")).digest != pin_answers(read(one, "y")).digest


def test_a_task_that_writes_nothing_has_no_answers(tmp_path: Path) -> None:
    row: dict[str, JsonValue] = {
        "doc_id": 0, "resps": [[[-1.5, False]]], "arguments": [["Q", " yes"]], "target": 0,
    }  # fmt: skip
    with pytest.raises(InputError, match="writes nothing"):
        read(lines(tmp_path / "s.jsonl", [row]))


def test_an_answer_that_is_an_object_is_refused_with_its_line(tmp_path: Path) -> None:
    path = lines(tmp_path / "t.jsonl", [{"prompt": "P", "mine": {"x": "y"}}])
    with pytest.raises(InputError, match="line 1: the answer is no text"):
        read(path, "mine")
