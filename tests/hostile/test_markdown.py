"""No text of a model, a judge or a suite comes alive in Markdown, as GitHub reads it."""

# ruff: noqa: E501
from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st

from brie.report.markdown import bullets, code_span, escape, fenced, prose, summary, table
from tests.fakes.openai_server import Body, Reply, answer
from tests.hostile.world import World, verdict

ALIVE = re.compile(
    r"(?:^|(?<=[^\w`]))@[\w-]"  # a mention
    r"|#\d|\bgh-\d"  # a reference; owner/repo#1 is one too
    r"|\b(?=[0-9a-f]*)[0-9a-f]{7,40}\b"  # a commit
    r"|https?://|\bwww\.|ftp://|[\w.+-]+@[\w-]+\.\w|mailto:\w|xmpp:\w",
    re.IGNORECASE,
)
PIECES = (
    "@octocat", "@", "#1", "#", "GH-12", "gh-3", "org/repo#2", "org/repo", "octocat@a0b1c2d", "&#64;octocat", "@``octocat", "#``1", "a0b``1c2d3",
    "&#35;1", "\\#1", "\\@you", "a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9", "deadbeef", "1234567", "defaced",
    "http://evil.example", "_http://evil.example", "1https://evil.example/x", "HTTPS://Evil.example",
    "www.evil.example", "_www.evil.example", "me@evil.example", "mailto:me@evil.example", "xmpp:me@evil.example",
    "ftp://evil.example", "[a](http://evil.example)", "![a](http://evil.example/i.png)", "[a]: http://evil.example",
    "<http://evil.example>", "<img src=x onerror=alert(1)>", "<a href='x'>", "<!--", "-->", "<!-- -->", "`", "``",
    "```", "|", "\\", "*", "_", "~~", "$", "[^1]", "[ ]", "- ", "1. ", "> ", "# ", "&amp;", "&lt;", "\u200b", "é",
    " ", "\n", "\t", "a", "7", "x",
)  # fmt: skip
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


class Rendered(HTMLParser):
    """Text nodes outside code, and every element with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self._code = 0
        self._whole = True
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))
        self._code += tag in ("code", "pre")
        self._whole = True

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("code", "pre")
        self._whole = True

    def handle_comment(self, data: str) -> None:
        self._whole = True

    def handle_data(self, data: str) -> None:
        if self._code:
            return
        if self._whole or not self.texts:
            self.texts.append(data)
        else:
            self.texts[-1] += data
        self._whole = False


def rendered(markdown: str) -> Rendered:
    """As GitHub renders it: with its extensions, and with the HTML that is in it."""
    return Rendered(
        cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)
    )


def _is_dead(markdown: str, *, links: int = 0) -> None:
    page = rendered(markdown)
    alive = [text for text in page.texts if ALIVE.search(text)]
    assert alive == [], markdown
    assert sum(tag in ("a", "img", "script", "iframe") for tag, _ in page.tags) == links, markdown


@pytest.mark.parametrize("context", CONTEXTS)
def test_each_piece_is_dead_everywhere(context: str) -> None:
    for piece in PIECES:
        for around in ("{}", " {} ", "a{}b", "({})", "x {}", "1{}", "_{}_"):
            _is_dead(CONTEXTS[context](around.format(piece)))


@pytest.mark.parametrize("context", CONTEXTS)
@given(text=TEXTS)
def test_pieces_together_are_dead_everywhere(context: str, text: str) -> None:
    _is_dead(CONTEXTS[context](text))


@given(text=TEXTS)
def test_the_text_itself_is_what_is_read(text: str) -> None:
    page = rendered("x" + escape("x " + " ".join(text.split()) + " x"))
    shown = "".join(page.texts).rstrip("\n")
    if all(char.isprintable() for char in text):
        assert " ".join(shown.split()) == " ".join(("xx " + " ".join(text.split()) + " x").split())


def test_a_report_and_its_pull_request_text_are_dead(world: World) -> None:
    hostile = " ".join(piece for piece in PIECES if piece.isprintable() and "`" not in piece)
    world.judge("gpt", model="judge@octocat")

    def answering(body: Body) -> Reply:
        message = {"role": "assistant", "content": hostile}
        return answer(
            body, choices=[{"index": 0, "finish_reason": "stop", "message": message}],
            system_fingerprint="@octocat #1 http://evil.example a0b1c2d3e4",
        )  # fmt: skip

    world.answering = answering
    world.judging = lambda body: verdict(body, hostile, model="@octocat/judge#2")
    suite = world.folder / "small.toml"
    told = suite.read_text("utf-8").replace(
        "Question 0?", "Ask @octocat about #1, org/repo#2 and www.evil.example"
    )
    suite.write_text(told.replace('id = "p1"', 'id = "@octocat"\ncategory = "GH-4 a0b1c2d3"'), "utf-8")
    assert world.eval("--yes").code == 0
    name = world.evaluation().name
    _is_dead((world.folder / "reports" / name / "report.md").read_text("utf-8"))
    said = world.brie("report", name, "--pr")
    if said.code == 0:
        _is_dead(said.out)
