"""Text of models becomes harmless, and what was there stays visible."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brie.report.clean import SHOWN, cell, clean, clip, is_clean, one_line, without_paths
from tests.report.hostile import HOSTILE


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_text_loses_its_control_and_direction_characters(name: str) -> None:
    assert is_clean(clean(HOSTILE[name]))


def test_every_character_there_is_is_cleaned_or_harmless() -> None:
    assert [hex(n) for n in range(sys.maxunicode + 1) if not is_clean(clean(chr(n)))] == []


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_no_text_survives_with_a_dangerous_character(text: str) -> None:
    cleaned = clean(text)
    assert is_clean(cleaned)
    cleaned.encode("utf-8")


@given(st.text(alphabet="abc äß漢 \n\t👍.,:;"))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert clean(text) == text


def test_what_was_removed_is_shown() -> None:
    assert clean("a\x1b[31mb\u202ec") == "a␛[31mb⟨U+202E⟩c"


def test_line_ends_become_line_feeds_and_joiners_stay() -> None:
    assert clean("a\r\nb") == "a\nb"
    assert clean(HOSTILE["persian"]) == HOSTILE["persian"]
    assert clean(HOSTILE["emoji"]) == HOSTILE["emoji"]


def test_a_long_text_is_cut_and_says_so() -> None:
    text, remark = clip("x" * 10_000_000)
    assert len(text) == SHOWN
    assert remark == "the first 6,000 of 10,000,000 characters are shown"
    assert clip("short") == ("short", "")


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\n=1", "＝1"])
def test_a_cell_is_never_a_formula(start: str) -> None:
    assert cell(start).startswith("'")


def test_a_cell_with_plain_text_is_unchanged() -> None:
    assert cell("plain = text") == "plain = text"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("brie eval --suite /home/ann/prompts/s.jsonl", "brie eval --suite …/s.jsonl"),
        ("brie eval --suite ~/s.jsonl", "brie eval --suite …/s.jsonl"),
        ("brie eval --data=/Users/ann/x/d.jsonl --yes", "brie eval --data=…/d.jsonl --yes"),
        (r"brie eval --suite C:\Users\ann\s.jsonl", "brie eval --suite …/s.jsonl"),
        ("brie eval --baseline hf:Qwen/Qwen2.5@abc", "brie eval --baseline hf:Qwen/Qwen2.5@abc"),
        ("brie eval --suite suites/mine.jsonl", "brie eval --suite suites/mine.jsonl"),
        ("see https://example.org/a/b", "see https://example.org/a/b"),
    ],
)
def test_commands_lose_the_machines_folders(command: str, shown: str) -> None:
    assert without_paths(command) == shown


def test_one_line_is_one_line() -> None:
    assert one_line("a\n b\tc", 10) == "a b c"
    assert one_line("word " * 100, 10).endswith("…")
