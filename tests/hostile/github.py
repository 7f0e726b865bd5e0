"""Markdown as GitHub renders it, and what would come alive there."""

# ruff: noqa: E501
from __future__ import annotations

import re
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

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


def is_dead(markdown: str, *, links: int = 0) -> None:
    page = rendered(markdown)
    alive = [text for text in page.texts if ALIVE.search(text)]
    assert alive == [], markdown
    assert sum(tag in ("a", "img", "script", "iframe") for tag, _ in page.tags) == links, markdown
