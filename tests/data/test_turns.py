"""What a row says is honoured, or the row is refused in a sentence; nothing is dropped in silence."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from brie.data.check import check
from brie.data.check_words import sentences
from brie.data.encode import IGNORED, Encoder
from brie.data.families import family_template
from brie.data.load import load, parse
from brie.data.mapping import mapping_of
from brie.data.template import choose
from brie.data.tokenizer import load_tokenizer
from brie.errors import InputError, UsageError
from brie.project import packaged
from tests.data.families import family_tokenizer
from tests.data.rows import row, write

USER, MORE = {"role": "user", "content": "Why?"}, {"role": "user", "content": "And?"}


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


def talk(*turns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": list(turns), **more}


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    tokenizer = load_tokenizer(packaged("models", "tiny"))
    return Encoder(tokenizer, choose(tokenizer), 4096)


@pytest.fixture(scope="module")
def qwen3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("qwen3")
    family_tokenizer("qwen3", folder)
    return folder


def learned(encoder: Encoder, path: Path) -> list[str]:
    """All stretches the loss covers, over all rows of a file."""
    texts = []
    for encoded in (part for conversation in load(path) for part in encoder.encode(conversation)):
        pairs = itertools.groupby(encoded.labels, key=lambda label: label != IGNORED)
        texts += [encoder.tokenizer.decode(list(run)) for on, run in pairs if on]
    return texts


@pytest.mark.parametrize(
    "key", [{"weight": 0}, {"weight": 0.0}, {"train": False}, {"loss": False}, {"loss_mask": 0}]
)
def test_an_answer_that_is_marked_so_is_seen_and_not_learned(
    tmp_path: Path, encoder: Encoder, key: dict[str, Any]
) -> None:
    on = dict.fromkeys(key, 1)
    path = write(tmp_path / "f.jsonl", [talk(USER, said("Bad.", **key), MORE, said("Good.", **on))])
    assert learned(encoder, path) == ["Good.<|im_end|>"]
    (encoded,) = encoder.encode(load(path)[0])
    assert "Bad." in encoder.tokenizer.decode(encoded.ids)
    assert "1 answer marked as not to be learned: seen, not learned" in list(sentences(check(path)))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (talk(USER, said("x", weight=0.5)), "`weight` must be 0 or 1, true or false, found 0.5"),
        (talk(USER, said("x", weight=1, train=False)), "`weight` and `train` contradict each other"),
        (talk({**USER, "train": True}, said("x")), "`train` asks to learn a user turn"),
        (talk(USER, said("x", weight=0)), "none of its answers is to be learned"),
        (row(label=False), "labelled a bad answer (`label`: false)"),
        (row(train=False), "marked as not to be learned"),
        (talk({**USER, "function_call": {"name": "f"}}, said("x")), "belong to the assistant's turns"),
        (talk(USER, said("x", tool_calls=[{"id": "1"}])), "object with the function's `name`"),
        (talk({**USER, "tool_calls": [{"name": "f"}]}, said("x")), "belong to the assistant's turns"),
        ({"prompt": "a", "completion": "b", "functions": [{"name": "f"}]}, "write them as `tools`"),
        (row(tools={"name": "f"}), "`tools` must be a list of objects"),
        (row(system=3), "`system` must be a string"),
        (talk({"role": "system", "content": "a"}, USER, said("x"), system="b"), "and another one"),
        (row(images=["a.png"]), "holds `images`; brie trains on text alone"),
        (
            talk({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, said("x")),
            "messages[0].content[0] is an image (`image_url`)",
        ),
        (
            talk({"role": "user", "content": [{"type": "tool_use"}]}, said("x")),
            "a part of type 'tool_use' is no text",
        ),
        (talk(USER, said("x", reasoning_content="a", thinking="b")), "are two thoughts"),
    ],
)
def test_what_cannot_be_honoured_is_refused(tmp_path: Path, bad: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        load(write(tmp_path / "f.jsonl", [row(), bad]))
    assert ":2: " in str(caught.value)
    assert words in str(caught.value)


def test_parts_of_text_are_joined_and_a_system_prompt_beside_the_turns_comes_first(
    tmp_path: Path,
) -> None:
    parts = {"role": "user", "content": [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]}
    path = write(tmp_path / "f.jsonl", [talk(parts, said("x"), system="Be kind.")])
    turns = load(path)[0].messages
    assert [(turn.role, turn.content) for turn in turns] == [
        ("system", "Be kind."),
        ("user", "AB"),
        ("assistant", "x"),
    ]
    assert "content in parts, joined (1 row: line 1)" in parse(path).notes


def test_oddities_are_one_line_a_kind(tmp_path: Path) -> None:
    twice = '{"prompt": "a", "prompt": "b", "completion": "c"}\n'
    path = tmp_path / "f.jsonl"
    path.write_text(
        twice * 7
        + json.dumps(talk(USER, MORE, said("x", mood="odd"), note="n"))
        + "\n"
        + "".join(json.dumps(talk(USER, said(""))) + "\n" for _ in range(8))
    )
    report = check(path)
    assert set(report.notes) >= {
        "`prompt` stands twice in one object, and the last one counts (7 rows: line 1, 2, 3, 4, 5, …)",
        "key of a turn not used in training: mood (1 row: line 8)",
        "two user turns in a row (1 row: line 8)",
        "keys not used in training: note",
    }
    errors = [text for text in sentences(report) if text.startswith("ERROR")]
    assert errors == [
        "ERROR 8 rows: line 9, 10, 11, 12, 13, …: the assistant's answer in turn 2 is empty"
    ]
    assert len(report.problems) == 8


def test_a_key_is_read_from_elsewhere_in_the_row(tmp_path: Path) -> None:
    rows = [row(f"{n}?", meta={"source": "ab"[n % 2]}) for n in range(4)]
    path = write(tmp_path / "f.jsonl", rows)
    assert {r.source for r in load(path)} == {"unknown"}
    assert [r.source for r in load(path, mapping_of(["source=meta.source"]))] == ["a", "b", "a", "b"]
    other = write(tmp_path / "g.jsonl", [{"ask": "a", "say": "b"}])
    assert load(other, mapping_of(["prompt=ask", "completion=say"]))[0].messages[1].content == "b"
    with pytest.raises(InputError, match=r"no row has `meta.other`, which --map takes for `source`"):
        load(path, mapping_of(["source=meta.other"]))
    with pytest.raises(UsageError, match=r"--map origin=meta\.source: expected KEY=PATH"):
        mapping_of(["origin=meta.source"])


CALL = {"type": "function", "function": {"name": "weather", "arguments": '{"town": "Ulm"}'}}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]
CALLING = talk(
    USER,
    said("", tool_calls=[CALL]) | {"content": None},
    {"role": "tool", "content": "sunny", "tool_call_id": "1"},
    said("Sun."),
    tools=TOOLS,
)


def test_tools_calls_and_replies_are_written_by_a_template_that_can(tmp_path: Path, qwen3: Path) -> None:
    tokenizer = load_tokenizer(qwen3)
    encoder = Encoder(tokenizer, choose(tokenizer), 4096)
    path = write(tmp_path / "f.jsonl", [CALLING])
    texts = learned(encoder, path)
    assert texts[0] == (
        '<tool_call>\n{"name": "weather", "arguments": {"town": "Ulm"}}\n</tool_call><|im_end|>'
    )
    assert texts[1] == "Sun.<|im_end|>"
    encoded = encoder.encode(load(path)[0])[-1]
    assert "<tool_response>\nsunny" in tokenizer.decode(encoded.ids)
    assert "1 row with `tools`, `tool_calls` or a tool's reply" in " ".join(sentences(check(path)))


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% for m in messages %}{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}", "shows no tools"),
        (
            "{{ tools | tojson }}"
            "{% for m in messages %}{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}",
            "leaves out part of the answer in turn 2 ('weather'",
        ),
    ],
)
def test_tools_are_refused_where_the_template_passes_over_them(
    tmp_path: Path, template: str, words: str
) -> None:
    tokenizer = load_tokenizer(packaged("models", "tiny"))
    tokenizer.chat_template = template
    encoder = Encoder(tokenizer, choose(tokenizer), 4096)
    report = check(write(tmp_path / "f.jsonl", [CALLING]), encoder=encoder, tokenizer="t")
    assert words in report.problems[0][1]
    assert not report.ok


def test_arguments_stay_text_for_a_template_that_wants_text(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(packaged("models", "tiny"))
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}{% for c in m.tool_calls or [] %}"
        "{{ c.function.name + c.function.arguments }}{% endfor %}<|im_end|>{% endfor %}"
    )
    encoder = Encoder(tokenizer, choose(tokenizer), 4096)
    path = write(tmp_path / "f.jsonl", [talk(USER, said("Look.", tool_calls=[CALL]))])
    assert learned(encoder, path) == ['Look.weather{"town": "Ulm"}<|im_end|>']


def test_a_thought_is_given_to_the_template_or_the_row_is_refused(tmp_path: Path, qwen3: Path) -> None:
    tokenizer = load_tokenizer(qwen3)
    path = write(tmp_path / "f.jsonl", [talk(USER, said("Yes.", reasoning_content="Hm."))])
    on = Encoder(tokenizer, choose(tokenizer, thinking=True), 4096)
    assert learned(on, path) == ["<think>\nHm.\n</think>\n\nYes.<|im_end|>"]
    with pytest.raises(InputError, match="line 1: turn 2 holds a thought"):
        learned(Encoder(tokenizer, choose(tokenizer), 4096), path)
    tokenizer.chat_template = family_template("chatml")
    with pytest.raises(InputError, match="leaves out part of the answer in turn 2"):
        learned(Encoder(tokenizer, choose(tokenizer), 4096), path)


def test_special_tokens_in_text_are_told_and_keep_answers_from_training(
    tmp_path: Path, encoder: Encoder
) -> None:
    rows = [row("a <|im_start|> b", "Fine."), row("c", "Done.<|im_end|>"), row("d", "<b>bold</b>")]
    path = write(tmp_path / "f.jsonl", rows)
    report = check(path, encoder=encoder, tokenizer="tiny")
    assert report.problems == ((2, "special tokens stand in the text of an answer: <|im_end|>"),)
    assert report.marks_in_prompts == "<|im_start|> (1 row: line 1)"
    without = " ".join(sentences(check(path)))
    assert "special tokens of chat templates stand in the text of answers: <|im_end|> (1 row" in without
    assert check(path).ok


GZIPPED = gzip.compress(b'{"prompt": "a"}', mtime=0)
"""Without the time in it, which would be in the test's name."""
