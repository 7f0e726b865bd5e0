"""Suites that are plain lists of prompts: text, one a line, and tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.catalog import load_suite
from brie.errors import InputError, UsageError
from brie.project import Project
from brie.records import Suite


def _load(folder: Path, name: str, text: str) -> Suite:
    path = folder / name
    path.write_bytes(text.encode())
    return load_suite(str(path), Project(folder))


def test_a_text_file_holds_a_prompt_a_line(tmp_path: Path) -> None:
    suite = _load(tmp_path, "mine.txt", "\ufeffWhat is rain?\r\n\r\n  Tell me, why?  \n")
    assert (suite.name, suite.rubric) == ("mine", "general")
    assert [p.messages[0].content for p in suite.prompts] == ["What is rain?", "Tell me, why?"]
    assert {(p.messages[0].role, p.category) for p in suite.prompts} == {("user", "all")}


def test_ids_come_from_the_text_so_that_other_lines_do_not_matter(tmp_path: Path) -> None:
    before = _load(tmp_path, "one.txt", "What is rain?\nWhy?\n").prompts
    after = _load(tmp_path, "two.txt", "First.\nWhy?\n\nWhat is rain?\n").prompts
    table = _load(tmp_path, "three.csv", "prompt\nWhy?\n").prompts
    assert len({p.id for p in after}) == 3
    assert {p.id for p in before} <= {p.id for p in after}
    assert table[0].id == before[1].id


def test_a_table_names_its_columns(tmp_path: Path) -> None:
    text = 'Category,prompt,reference,id\nrain,"Tell me,\nplease: why ""rain""?",It falls.,r1\n,Why?,,\n'
    first, second = _load(tmp_path, "mine.csv", text).prompts
    assert first.messages[0].content == 'Tell me,\nplease: why "rain"?'
    assert (first.id, first.category, first.reference) == ("r1", "rain", "It falls.")
    assert (second.category, second.reference) == ("all", None)


def test_a_table_as_some_spreadsheets_write_it(tmp_path: Path) -> None:
    (prompt,) = _load(tmp_path, "mine.csv", "\ufeffprompt;system\r\nOne, two;Be brief.\r\n").prompts
    assert [m.content for m in prompt.messages] == ["Be brief.", "One, two"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("s.txt", "\n \n", ["s.txt has no prompts"]),
        ("s.txt", "Why?\nHow?\nWhy?\n", ["line 3 repeats", "line 1"]),
        ("s.csv", "", ["must name the columns", "`prompt`"]),
        ("s.csv", "prompt\n", ["s.csv has no prompts"]),
        ("s.csv", "question\nWhy?\n", ["must name the columns", "'question'"]),
        ("s.csv", "prompt,categori\nWhy?,a\n", ["'categori'", "did you mean 'category'"]),
        ("s.csv", "prompt,prompt\na,b\n", ["'prompt' is named twice"]),
        ("s.csv", "prompt,category\nWhy, then?,a\n", ["line 2 has 3 cells", "double quotes"]),
        ("s.csv", 'prompt,category\n"Why?,a\n', ["is not CSV"]),
        ("s.csv", "prompt,category\n ,a\n", ["line 2", "not empty"]),
        ("s.csv", "id,prompt\na,Why?\na,How?\n", ["line 3 repeats", "line 2"]),
        ("s.csv", "prompt,difficulty\nWhy?,silly\n", ["line 2", "difficulty"]),
    ],
)
def test_a_mistake_is_named_by_its_place(tmp_path: Path, name: str, text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        _load(tmp_path, name, text)
    for word in words:
        assert word in str(caught.value)


def test_text_that_is_not_utf_8_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_bytes(b"Why?\n\xff\xfe\n")
    with pytest.raises(InputError, match="line 2 is not UTF-8"):
        load_suite(str(tmp_path / "s.txt"), Project(tmp_path))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no suite file"):
        load_suite(str(tmp_path / "s.csv"), Project(tmp_path))
