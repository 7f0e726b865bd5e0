"""Folding: no word is ever cut, wide scripts count double, and a printed command can be pasted."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brie.lines import columns, command, folded, shortened

COMMAND = "brie eval --suite support --candidate 'runs/läuf 1/pins/best.json' --judge mine --samples 3"


@given(
    st.lists(st.text("abcé評-", min_size=1, max_size=30), min_size=1, max_size=30),
    st.integers(30, 200),
    st.sampled_from(["", "  ! check  ", "brie: "]),
)
def test_folding_keeps_every_word_whole_and_every_line_in_its_width(
    words: list[str], width: int, first: str
) -> None:
    lines = folded(" ".join(words), width, first=first)
    assert " ".join(lines).split() == [*first.split(), *words]
    for line in lines:
        assert columns(line) <= width or len(line.split()) - len(first.split()) <= 1


@given(st.text("ab 評", min_size=1, max_size=300), st.integers(12, 60))
def test_text_of_others_never_passes_the_edge(text: str, width: int) -> None:
    lines = folded(text, width, first="  ", whole=False)
    assert all(columns(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("before", ["resume with the same command: ", "Go on: ", "", "next  "])
def test_a_command_that_is_folded_is_still_the_same_command(width: int, before: str) -> None:
    lines = folded(f"{before}{COMMAND}", width, hanging="  ")
    text = "\n".join(lines)
    pasted = text[text.index("brie eval") :]
    code = f"brie() {{ printf '%s\\n' \"$@\"; }}\n{pasted}"
    read = subprocess.run(["sh", "-c", code], capture_output=True, text=True, check=True).stdout
    assert read.splitlines() == shlex.split(COMMAND)[1:]


def test_a_command_that_fits_on_a_line_is_not_taken_apart() -> None:
    text = "the disk is full. Free some space, then go on: brie train --resume 'a b', or wait."
    lines = folded(text, 60)
    assert lines == [
        "the disk is full. Free some space, then go on:",
        "brie train --resume 'a b', or wait.",
    ]


def test_lines_of_a_text_stay_lines_and_keep_their_indentation() -> None:
    text = "say which evaluation:\n  brie report eval-demo-1\n  brie report 'my run'"
    assert folded(text, 60) == text.split("\n")


def test_a_name_with_blanks_is_quoted_in_a_command() -> None:
    assert command("train", "--resume", "läuf 1") == "brie train --resume 'läuf 1'"


@pytest.mark.parametrize(
    ("text", "room", "short"),
    [
        ("all of it", 20, "all of it"),
        ("It is only a program: it reads nothing.", 24, "It is only a program"),
        ("The rate would be 73 % (62 to 82 %) here.", 30, "The rate would be 73 % (62 to…"),
        ("x" * 50, 10, "x" * 9 + "…"),
    ],
)
def test_a_shortened_text_ends_with_a_clause_or_says_that_it_goes_on(
    text: str, room: int, short: str
) -> None:
    assert shortened(text, room) == short
    assert columns(short) <= room
