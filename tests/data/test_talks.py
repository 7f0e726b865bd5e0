"""Turns in the forms of other trainers keep their speakers, their texts and their switches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brie.data.load import load, parse
from brie.data.mapping import mapping_of
from tests.data.rows import row, write

Said = list[tuple[str, str]]
ASKED, ANSWERED = {"role": "user", "content": "Ready?"}, {"role": "assistant", "content": "Yes."}
PLAIN: Said = [("user", "Ready?"), ("assistant", "Yes.")]
TOLD: Said = [("system", "Be brief."), *PLAIN]


def said(path: Path, *mapping: str) -> list[Said]:
    rows = load(path, mapping_of(mapping))
    return [[(turn.role, turn.content) for turn in row.messages] for row in rows]


def problem(path: Path) -> str:
    (only,) = parse(path).problems
    return only.text


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ({"conversation": [{"system": "Be brief.", "input": "Ready?", "output": "Yes."}]}, TOLD),
        ({"conversation": [{"system": "", "input": "Ready?", "output": "Yes."}]}, PLAIN),
        ({"conversation": [{"human": "Ready?", "assistant": "Yes."}]}, PLAIN),
        ({"messages": {"role": ["user", "assistant"], "content": ["Ready?", "Yes."]}}, PLAIN),
        ({"messages": str([ASKED, ANSWERED])}, PLAIN),
        ([ASKED, ANSWERED], PLAIN),
        ({"messages": [ASKED, ANSWERED], "system_prompt": "Be brief."}, TOLD),
        ({"messages": [ASKED, ANSWERED], "system": [{"text": "Be "}, {"text": "brief."}]}, TOLD),
        (
            {
                "conversations": [
                    {"from": "human", "value": "Ready?"},
                    {"from": "gpt", "value": "Yes."},
                ],
                "system_message": "Be brief.",
            },
            TOLD,
        ),
        ({"prompt": "Ready?", "completion": "Yes.", "system_prompt": "Be brief."}, TOLD),
        ({"prompt": [ASKED], "completion": ANSWERED}, PLAIN),
    ],
)
def test_a_form_of_turns_is_read(tmp_path: Path, form: Any, wanted: Said) -> None:
    path = write(tmp_path / "d.jsonl", [form, form])
    assert said(path) == [wanted, wanted]


def test_what_was_no_key_of_bries_is_told(tmp_path: Path) -> None:
    pairs = write(tmp_path / "p.jsonl", [{"conversation": [{"input": "Ready?", "output": "Yes."}]}])
    assert parse(pairs).read_as == ("chat: input -> user, output -> assistant; 1 row",)
    told = write(tmp_path / "s.jsonl", [{**row(), "system_prompt": "Be brief."}])
    assert parse(told).read_as == ("chat: system_prompt -> system; 1 row",)
    own = write(tmp_path / "o.jsonl", [{**row(), "system": "Be brief."}])
    assert parse(own).read_as == ()


def test_a_list_of_conversations_is_one_of_rows_and_one_of_turns_is_not(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps([[ASKED, ANSWERED], [ASKED, ANSWERED]]))
    assert said(path) == [PLAIN, PLAIN]
    path.write_text(json.dumps([ASKED, ANSWERED]))
    assert "is a turn, not a row" in parse(path).problems[0].text


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"messages": ["Ready?", "Yes."]}, "does not say who speaks"),
        ({"id": "1", "dialog": ["Ready?", "Yes."]}, "`dialog` is a list of texts"),
        ({"messages": "[{'role': 'user'}\n {'role': 'assistant'}]"}, "df.to_json"),
        ({"conversation": [{"input": "Ready?", "reply": "Yes."}]}, "--map role="),
    ],
)
def test_turns_without_speakers_are_refused_in_words(tmp_path: Path, form: Any, words: str) -> None:
    assert words in problem(write(tmp_path / "d.jsonl", [form]))


@pytest.mark.parametrize(
    ("form", "mapping"),
    [
        ({"request": {"id": 1, "messages": [ASKED, ANSWERED]}}, "messages=request.messages"),
        (
            {
                "messages": [
                    {"role": "User", "utterance": "Ready?"},
                    {"role": "Chatbot", "utterance": "Yes."},
                ]
            },
            "content=utterance",
        ),
    ],
)
def test_the_map_that_the_error_names_reads_the_row(tmp_path: Path, form: Any, mapping: str) -> None:
    path = write(tmp_path / "d.jsonl", [form])
    assert f"--map {mapping}" in problem(path)
    assert said(path, mapping) == [PLAIN]


def test_a_passage_beside_prompt_and_completion_is_asked_about(tmp_path: Path) -> None:
    form = {"prompt": "Who?", "completion": "Ann.", "context": "Ann came."}
    path = write(tmp_path / "d.jsonl", [form])
    assert "--map prompt=prompt+context, or not: --map prompt=prompt" in problem(path)
    assert said(path, "prompt=prompt+context")[0][0] == ("user", "Who?\n\nAnn came.")
    assert said(path, "prompt=prompt")[0][0] == ("user", "Who?")
    within = {"prompt": "Ann came. Who?", "completion": "Ann.", "context": "Ann came."}
    assert not parse(write(tmp_path / "w.jsonl", [within])).problems


def test_the_map_for_columns_says_what_it_leaves_out(tmp_path: Path) -> None:
    form = {"Question": "Why?", "Thoughts": "Hm.", "Answer": "So."}
    assert "leaves out `Thoughts`" in problem(write(tmp_path / "d.jsonl", [form]))


def test_a_number_column_of_pandas_is_not_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("Unnamed: 0,question,answer\n0,Ready?,Yes.\n")
    assert said(path) == [PLAIN]


def test_rows_of_pairs_are_sent_to_where_pairs_are_learned(tmp_path: Path) -> None:
    halves = {"chosen": "Yes.", "rejected": "No."}
    for form in ({"question": "Ready?", **halves}, {"messages": [ASKED], **halves}):
        assert "--method dpo --prefs FILE" in problem(write(tmp_path / "d.jsonl", [form]))
    assert said(write(tmp_path / "e.jsonl", [{"messages": [ASKED, ANSWERED], **halves}])) == [PLAIN]


@pytest.mark.parametrize("key", ["training", "loss_scale", "step_loss_mask", "output_with_loss"])
def test_more_names_of_the_switch_are_known(tmp_path: Path, key: str) -> None:
    off = [ASKED, {**ANSWERED, key: 0}, ASKED, ANSWERED]
    (read,) = load(write(tmp_path / "d.jsonl", [{"messages": off}]))
    assert [turn.learned for turn in read.messages] == [True, False, True, True]


@pytest.mark.parametrize("key", ["train_detail", "mask", "token_weights", "learn_from"])
def test_a_key_that_may_say_what_is_learned_is_not_passed_over(tmp_path: Path, key: str) -> None:
    form = {"messages": [ASKED, {**ANSWERED, key: [1, 0]}]}
    assert f"`{key}` may say what of the answer is learned" in problem(
        write(tmp_path / "d.jsonl", [form])
    )


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"messages": [{**ASKED, "images": ["a.png"]}, ANSWERED]}, "messages[0] holds `images`"),
        ({**row(), "image_path": "a.png"}, "holds `image_path`"),
        ({**row(), "documents": [{"text": "t"}]}, "`documents` would not be rendered"),
        ({**row(), "chat_template_kwargs": {"enable_thinking": True}}, "rendered otherwise"),
        ({"prompt": "Ready?", "completion": "No.", "label": "False"}, "labelled a bad answer"),
        ({**row(), "kto_tag": False}, "labelled a bad answer"),
    ],
)
def test_what_would_be_trained_otherwise_than_meant_is_refused(
    tmp_path: Path, form: Any, words: str
) -> None:
    assert words in problem(write(tmp_path / "d.jsonl", [form]))


def test_a_class_that_is_called_false_is_no_judgment(tmp_path: Path) -> None:
    form = {"prompt": "Is two odd?", "completion": "False", "label": "False"}
    assert not parse(write(tmp_path / "d.jsonl", [form])).problems
    plain = {**row(), "chat_template_kwargs": {"enable_thinking": False}, "images": []}
    assert not parse(write(tmp_path / "e.jsonl", [plain])).problems
