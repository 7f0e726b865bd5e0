"""No text of a model, a judge or a suite comes alive in Markdown, as GitHub reads it."""

# ruff: noqa: E501
from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brie.report.markdown import bullets, code_span, escape, fenced, prose, summary, table
from tests.hostile.github import PIECES, is_dead, rendered

TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
CONTEXTS: dict[str, Callable[[str], str]] = {
    "a paragraph": escape,
    "prose": prose,
    "a list": lambda text: bullets([text, text]),
    "a heading": lambda text: f"# {escape(text)}: {prose(text)}",
    "a cell": lambda text: table(("", "x"), [(escape(text), prose(text)), (escape(text), code_span(text))]),
    "emphasis": lambda text: f"**{escape(text)}** *{prose(text)}*",
    "a summary": lambda text: f"<details><summary>win: {summary(text)}</summary>\n\n{escape(text)}\n\n</details>",
    "a fence": fenced,
    "a quotation": lambda text: f"> {escape(text)}",
    "a code span": lambda text: f"said {code_span(text)} at the end",
}  # fmt: skip


@pytest.mark.parametrize("context", CONTEXTS)
def test_each_pieceis_dead_everywhere(context: str) -> None:
    for piece in PIECES:
        for around in ("{}", " {} ", "a{}b", "({})", "x {}", "1{}", "_{}_"):
            is_dead(CONTEXTS[context](around.format(piece)))


@pytest.mark.parametrize("context", CONTEXTS)
@given(text=TEXTS)
def test_pieces_together_are_dead_everywhere(context: str, text: str) -> None:
    is_dead(CONTEXTS[context](text))


@given(text=TEXTS)
def test_the_text_itself_is_what_is_read(text: str) -> None:
    page = rendered("x" + escape("x " + " ".join(text.split()) + " x"))
    shown = "".join(page.texts).rstrip("\n")
    if all(char.isprintable() for char in text):
        assert " ".join(shown.split()) == " ".join(("xx " + " ".join(text.split()) + " x").split())
