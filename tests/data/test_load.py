"""Training files: what is accepted, and the sentence each mistake gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brie.data.load import load, parse, rows_digest
from brie.errors import InputError
from tests.data.rows import row, write

USER = {"role": "user", "content": "Why?"}
ANSWER = {"role": "assistant", "content": "So."}


def test_messages_and_prompt_with_completion_give_the_same_conversation(tmp_path: Path) -> None:
    chat = write(tmp_path / "chat.jsonl", [row("Why?", "So.", category="c", source="s")])
    pair = write(
        tmp_path / "pair.jsonl",
        [{"prompt": "Why?", "completion": "So.", "category": "c", "source": "s"}],
    )
    lists = write(tmp_path / "lists.jsonl", [{"prompt": [USER], "completion": [ANSWER]}])
    assert load(chat) == load(pair)
    assert load(lists)[0].messages == load(chat)[0].messages


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.jsonl", [row("Eins?"), row("Zwei?")])
    odd = tmp_path / "odd.jsonl"
    odd.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes().replace(b"\n", b"\r\n"))
    assert load(odd) == load(plain)
    assert rows_digest(load(odd)) == rows_digest(load(plain))
    assert any("byte-order" in note for note in parse(odd).notes)


def test_blank_lines_are_skipped_and_line_numbers_stay_true(tmp_path: Path) -> None:
    path = tmp_path / "gaps.jsonl"
    path.write_text("\n\n" + json.dumps(row()) + "\n\n" + json.dumps(row()) + "\n")
    assert [c.line for c in load(path)] == [3, 5]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ('{"messages": [', "is not JSON"),
        ("[1, 2]", "expected a JSON object, found a list"),
        ({"messages": []}, "at least one"),
        ({"messages": [{"content": "x"}, ANSWER]}, "messages[0] has no `role`"),
        ({"messages": [{"role": "user"}, ANSWER]}, "messages[0] has no `content`"),
        ({"messages": [{"role": "user", "content": None}, ANSWER]}, "must be a string, found null"),
        ({"messages": [USER, {"role": "bot", "content": "x"}]}, "role 'bot' is none of"),
        ({"messages": [USER, {"role": "assistant", "content": " \n"}]}, "turn 2 is empty"),
        ({"messages": [USER, ANSWER, USER]}, "ends with a user turn"),
        ({"messages": [ANSWER]}, "has no user turn"),
        ({"prompt": 3, "completion": "x"}, "`prompt` must be a string"),
        ({"text": "rendered"}, "give `messages` instead"),
        ({"conversations": []}, "`conversations` must be a list of turns"),
        ({"question": "x"}, "has neither `messages` nor"),
        (row(category=4), "`category` must be a string"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"messages": ' + "9" * 5000 + "}", "cannot be read as JSON"),
        ('{"prompt": "\\ud800", "completion": "x"}', "it is not Unicode"),
    ],
)
def test_each_mistake_is_one_sentence_with_file_and_line(tmp_path: Path, bad: Any, said: str) -> None:
    text = bad if isinstance(bad, str) else json.dumps(bad)
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps(row()) + "\n" + text + "\n")
    with pytest.raises(InputError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:2: ")
    assert said in message
    assert "\n" not in message


def test_invalid_utf8_is_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.jsonl"
    path.write_bytes(json.dumps(row()).encode() + b'\n{"prompt": "caf\xe9", "completion": "x"}\n')
    with pytest.raises(InputError, match=r":2: is not valid UTF-8"):
        load(path)


def test_utf16_is_read_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "wide.jsonl"
    path.write_text(json.dumps(row()) + "\n" + json.dumps(row("Eins?")) + "\n", encoding="utf-16")
    assert [c.messages[0].content for c in load(path)] == ["Why?", "Eins?"]
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-16"):
        load(path)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_file_without_rows_is_an_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match="holds no rows"):
        load(path)


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.jsonl", tmp_path):
        with pytest.raises(InputError, match="cannot read"):
            load(path)


def test_parse_collects_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text("nonsense\n" + json.dumps(row()) + '\n{"a": 1}\n')
    parsed = parse(path)
    assert [problem.line for problem in parsed.problems] == [1, 3]
    assert len(parsed.conversations) == 1


def test_the_rows_digest_ignores_where_a_row_stands_and_sees_one_letter(tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", [row("a?"), row("b?")])
    gaps = tmp_path / "gaps.jsonl"
    gaps.write_text("\n" + one.read_text())
    other = write(tmp_path / "other.jsonl", [row("a?"), row("B?")])
    assert rows_digest(load(one)) == rows_digest(load(gaps))
    assert rows_digest(load(one)) != rows_digest(load(other))
