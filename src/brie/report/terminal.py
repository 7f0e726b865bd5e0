"""The result on a terminal: 80 columns, good without colour and in a log file."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from brie.lines import folded
from brie.number_format import points, span
from brie.records import Manifest
from brie.records.analysis import Analysis
from brie.report import facts
from brie.report.accuracy import Grid, RightAndWrong, right_and_wrong
from brie.report.benchmarks import benchmarks
from brie.report.clean import one_line
from brie.report.last_screen import STATUS, Where, fitted, last_screen, name_of
from brie.report.leaderboard import places
from brie.report.sentence import caveats, verdict_sentence

if TYPE_CHECKING:
    from rich.text import Text

WIDTH = 80
_NAME = 20
_ROWS = 12
"""Rows of one group; the report has them all."""
_ASCII = str.maketrans({
    "─": "-", "━": "=", "●": "o", "│": "|", "┼": "+", "✕": "x", "✓": "v", "–": "-", "−": "-",
    "…": "~", "‑": "-", "’": "'", "⟨": "<", "⟩": ">", "≤": "<=",
})  # fmt: skip
_NO_PLACE = Where()


def summarise(
    analysis: Analysis,
    manifest: Manifest | None = None,
    *,
    where: Where = _NO_PLACE,
    full: bool = False,
    colour: bool = True,
    unicode: bool = True,
    width: int = WIDTH,
) -> str:
    """The summary as text that ends without a line feed, and with the verdict.

    Args:
        analysis: the numbers.
        manifest: the plan, where there is one: it says which judges are rules.
        where: the report, and commands to go on with.
        full: everything first: the sentence, the groups, the checks in full.
        colour: with ANSI colours; without, nothing is lost: every mark is also a sign or word.
        unicode: False where the output's encoding cannot carry line-drawing signs.
        width: columns; nothing but a path or a command is printed wider.
    """
    lines = [*_in_full(analysis, manifest, width)] if full else []
    lines += last_screen(analysis, manifest, width, where, full=full)
    text = _printed(lines, width, colour)
    return text if unicode else text.translate(_ASCII).encode("ascii", "replace").decode()


def _in_full(analysis: Analysis, manifest: Manifest | None, width: int) -> list[Text]:
    """What the last screen has no room for."""
    from rich.text import Text

    return [
        *_wrapped(verdict_sentence(analysis, manifest), width),
        *(line for caveat in caveats(analysis) for line in _wrapped("- " + caveat, width, "  ")),
        *_findings(analysis, width),
        *_models(analysis, width),
        *_groups(analysis, manifest, width),
        *_right("Right and wrong", right_and_wrong(analysis), width),
        *_right("Benchmarks", benchmarks(analysis), width),
        *_checks(analysis, width),
        Text(""),
    ]


def _findings(analysis: Analysis, width: int) -> list[Text]:
    """Of an audit: what is odd about the files; a claim opens the sentence already."""
    facts_of = analysis.audit
    told = facts_of.findings[1 if facts_of.claim is not None else 0 :] if facts_of else ()
    return [line for finding in told for line in _wrapped("- " + finding, width, "  ")]


def _groups(analysis: Analysis, manifest: Manifest | None, width: int) -> list[Text]:
    from rich.text import Text

    lines: list[Text] = []
    for group in facts.groups(analysis, manifest):
        if group.id not in {"judges", "categories", "sources", "lengths"}:
            continue
        lines += [Text(""), Text(group.title, "bold")]
        lines += [_row(row, width) for row in group.rows[:_ROWS]]
        if len(group.rows) > _ROWS:
            lines.append(Text(f"  … {len(group.rows) - _ROWS} more in the report", "dim"))
        lines += _wrapped(group.about, width) if group.about else []
    return lines


def _right(title: str, right: RightAndWrong | None, width: int) -> list[Text]:
    """Right and wrong, where prompts say what is right; or what benchmarks say."""
    from rich.text import Text

    if right is None:
        return []
    lines = [Text(""), Text(title, "bold")]
    lines += [line for sentence in right.sentences for line in _wrapped(sentence, width)]
    for grid in right.grids:
        lines += [Text(""), *_grid(grid, width)]
        lines += _wrapped(grid.remark, width) if grid.remark else []
    return lines


def _grid(grid: Grid, width: int) -> list[Text]:
    """A table without lines; what is too wide is folded in its cell."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    for number, name in enumerate(grid.head):
        table.add_column(
            Text(name or grid.title), justify="left" if number == 0 else "right", overflow="fold"
        )
    for row in grid.rows[:_ROWS]:
        table.add_row(*map(Text, row))
    out = io.StringIO()
    Console(file=out, width=width, color_system=None, highlight=False).print(table)
    lines = [Text(line.rstrip()) for line in out.getvalue().splitlines()]
    if len(grid.rows) > _ROWS:
        lines.append(Text(f"… {len(grid.rows) - _ROWS} more in the report", "dim"))
    return lines


def _models(analysis: Analysis, width: int) -> list[Text]:
    from rich.text import Text

    rows = places(analysis)
    lines = [Text(""), Text("Models", "bold")] if rows else []
    for row in rows[:_ROWS]:
        ends = (row.low, row.high) if row.low is not None and row.high is not None else None
        line = Text("  ").append_text(fitted(row.name, _NAME + 8))
        line.append(f"{points(row.value):>5}", "bold").append(f"  {span(*ends) if ends else '–':<11}")
        lines.append(line.append(f"rank {row.rank}", "dim"))
    if len(rows) > _ROWS:
        lines.append(Text(f"  … {len(rows) - _ROWS} more in the report", "dim"))
    return lines


def _row(row: facts.Row, width: int) -> Text:
    from rich.text import Text

    line = Text("  ")
    line.append_text(fitted(row.name, _NAME))
    if row.value is None:
        line.append("    –  no win rate")
    else:
        ends = span(row.low, row.high) if row.low is not None and row.high is not None else "–"
        line.append(f"{points(row.value):>5}", "bold").append(f"  {ends:<11}")
        line.append(f"n {row.n}" if row.n is not None else "", "dim")
    room = width - line.cell_len - 2
    if row.note and room > 12:
        line.append("  ").append_text(fitted(row.note, room, "dim", pad=False))
    return line


def _checks(analysis: Analysis, width: int) -> list[Text]:
    from rich.text import Text

    if not analysis.checks:
        return []
    lines = [Text(""), Text("Checks", "bold")]
    for check in facts.checks_worst_first(analysis):
        if check.status == "pass":
            continue
        start = f"  {facts.STATUS_MARKS[check.status]} {name_of(check):<14}"
        body = one_line(check.summary, 400).replace("`", "")
        first, *others = folded(body, width - len(start), whole=False)
        lines.append(Text.assemble((start, STATUS[check.status]), first))
        lines += [Text(" " * len(start) + part) for part in others]
    passed = [name_of(check) for check in analysis.checks if check.status == "pass"]
    if passed:
        listing = f"{len(passed)} of {len(analysis.checks)} passed: {', '.join(passed)}"
        mark = f"  {facts.STATUS_MARKS['pass']} "
        lines += [Text(line) for line in folded(listing, width, first=mark, whole=False)]
    return lines


def _wrapped(text: str, width: int, hanging: str = "") -> list[Text]:
    from rich.text import Text

    told = one_line(text, 2_000).replace("`", "")
    lines = folded(told, width, hanging=hanging, whole=False)
    return [Text(line) for line in lines]


def _printed(lines: Iterable[Text], width: int, colour: bool) -> str:
    from rich.console import Console

    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colour, color_system="standard" if colour else None,
        highlight=False, markup=False, emoji=False, soft_wrap=True, legacy_windows=False,
    )  # fmt: skip
    for line in lines:
        console.print(line)
    return out.getvalue().rstrip("\n")
