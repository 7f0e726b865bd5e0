"""A result in at most 25 lines of Markdown, for a pull request: `brie report --pr`.

    ### Better: 86 of 100, ties half (80 won, 13 tied, 7 lost)
    `demo:best` against `brie/tiny`, suite `demo`
    likely 79 to 91 · 66 prompts · judged by a rule (`reference`), no model and no person · stands

    `0 ────────────────────│───────────━━━●━──── 100`

    - ⚠ **length**: At equal length the rate would be 73 % …

    | | Prompt | Candidate | Baseline |
    …

Texts of models, prompts and names stand in code spans: no mention, link, image or HTML comes alive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from brie.errors import UsageError
from brie.records import Check
from brie.report.clean import one_line
from brie.report.facts import STATUS_MARKS
from brie.report.markdown import bar_line, code_span, prose, table
from brie.report.page import Page
from brie.report.shown import ShownExample

LINES = 25
_CHECKS = 8
"""Checks with a line of their own; the others are named together."""
_TEXT = 140
"""Characters shown of a prompt or an answer."""
_SUMMARY = 170


def render_pull_request(page: Page, link: str = "") -> str:
    """The result as at most 25 lines of GitHub-flavoured Markdown, ending in one line feed.

    Args:
        page: the report's content.
        link: address of the full report; "" names the command that shows it.

    Raises:
        UsageError: `link` is no http or https address.
    """
    top, analysis = page.opening, page.analysis
    sides = f"{code_span(analysis.candidate.name)} against {code_span(analysis.baseline.name)}"
    blocks = [
        f"### {prose(top.title)}",
        "\n".join((f"{sides}, {code_span(analysis.suite.name)}", prose(one_line(top.line, 400)))),
        *(
            ["\n".join(f"- {prose(one_line(said, 300))}" for said in top.remarks[:2])]
            if top.remarks
            else []
        ),
        bar_line(page),
        "\n".join(_checks(page.checks)),
        table(("", "Prompt", "Candidate", "Baseline"), list(_rows(page.shelves.best))),
        _closing(page, link),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _checks(checks: Sequence[Check]) -> Iterator[str]:
    bad = [check for check in checks if check.status in ("fail", "warn")]
    for check in bad[:_CHECKS]:
        mark = STATUS_MARKS[check.status].replace("!", "⚠")
        name = check.id.replace("_", " ")
        yield f"- {mark} **{prose(name)}**: {prose(one_line(check.summary, _SUMMARY))}"
    if len(bad) > _CHECKS:
        others = ", ".join(check.id.replace("_", " ") for check in bad[_CHECKS:])
        yield f"- and {prose(others)}"
    if not bad and checks:
        yield "- ✓ no check fails or warns"


def _rows(examples: Sequence[ShownExample]) -> Iterator[tuple[str, ...]]:
    """One win and one loss, the clearest."""
    for outcome, name in (("won", "Won"), ("lost", "Lost")):
        shown = next((example for example in examples if example.outcome == outcome), None)
        if shown is not None:
            sides = (shown.answers.candidate, shown.answers.baseline)
            answers = ["".join(piece.text for piece in pieces) for pieces in sides]
            yield (
                name,
                *(code_span(one_line(text, _TEXT)) or "(empty)" for text in (shown.prompt, *answers)),
            )


def _closing(page: Page, link: str) -> str:
    command = f"`brie report {page.analysis.id} --open`"
    if not link:
        return f"Full report: {command}"
    address = urlsplit(link)
    if address.scheme not in ("http", "https") or not address.netloc or set(link) & set(" <>()\\`\n"):
        raise UsageError(f"{link[:200]!r} is no address of a page; it begins with https://")
    return f"[Full report](<{link}>), or {command}"
