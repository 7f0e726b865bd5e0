"""The result on a terminal: 80 columns, good without colour and in a log file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from brie.number_format import plural, points, span
from brie.records import Manifest
from brie.records.analysis import Analysis
from brie.report import facts
from brie.report.clean import one_line
from brie.report.leaderboard import places, title_of
from brie.report.provenance import count_rows
from brie.report.sentence import caveats, interval_of, tone, verdict_sentence, verdict_word

if TYPE_CHECKING:
    from rich.text import Text

WIDTH = 80
_BAR = 41
_NAME = 20
_ROWS = 12
"""Rows of one group; the report has them all."""
_TONES = {"better": "bold green", "worse": "bold red", "even": "bold cyan"}
_STATUS = {"fail": "bold red", "warn": "yellow", "not_run": "dim", "pass": "green"}
_ASCII = str.maketrans({
    "─": "-", "━": "=", "●": "o", "│": "|", "┼": "+", "✕": "x", "✓": "v", "–": "-", "−": "-",
    "…": "~", "‑": "-", "’": "'", "⟨": "<", "⟩": ">", "≤": "<=",
})  # fmt: skip


def summarise(
    analysis: Analysis,
    manifest: Manifest | None = None,
    *,
    report: str | None = None,
    next_command: str | None = None,
    colour: bool = True,
    unicode: bool = True,
    width: int = WIDTH,
) -> str:
    """The summary as text that ends without a line feed.

    Args:
        analysis: the numbers.
        manifest: the plan, where there is one: it says which judges are rules.
        report: path of the report, printed as given.
        next_command: what the user may want to run next.
        colour: with ANSI colours; without, nothing is lost: every mark is also a sign or word.
        unicode: False where the output's encoding cannot carry line-drawing signs.
        width: columns; nothing but `report` and `next_command` is printed wider.
    """
    lines = [
        *_head(analysis, width),
        *_wrapped(verdict_sentence(analysis, manifest), width),
        *(line for caveat in caveats(analysis) for line in _wrapped("- " + caveat, width, "  ")),
        *_scale(analysis),
        *_models(analysis, width),
        *_groups(analysis, manifest, width),
        *_checks(analysis, width),
        *_closing(analysis, report, next_command, width),
    ]
    text = _printed(lines, width, colour)
    return text if unicode else text.translate(_ASCII).encode("ascii", "replace").decode()


def _head(analysis: Analysis, width: int) -> list[Text]:
    """The verdict and whose it is; a verdict that does not stand has lines of its own."""
    from rich.text import Text

    word = verdict_word(analysis)
    named = analysis.candidate.name in word and analysis.baseline.name in word
    word = word if named else word.upper()  # a model's name stays as it is
    style = _TONES.get(tone(analysis), "bold yellow")
    names = f"{title_of(analysis)}, {analysis.suite.name}"
    if len(word) > width // 2:
        lines = [Text(part, style) for part in _broken(one_line(word, 400), width)]
        return [*lines, _fitted(names, width, "dim", pad=False)]
    room = max(10, WIDTH - len(word) - 2)
    return [Text.assemble((word, style), "  ", _fitted(names, room, "dim", pad=False))]


def _scale(analysis: Analysis) -> list[Text]:
    from rich.text import Text

    rate = analysis.win_rate
    if rate is None:
        return []
    ends = interval_of(rate)
    value = points(rate.value)
    interval = f"  ({span(*ends)})" if ends else ""
    rule = f"  {'0':<{_BAR // 4}}{'25':<{_BAR // 4}}{'50':<{_BAR // 4}}{'75':<{_BAR // 4 - 1}}100"
    return [
        Text(""),
        Text.assemble("  ", _bar(rate.value, ends), "  ", (value, "bold"), interval),
        Text(rule, "dim"),
    ]


def _bar(value: float, ends: tuple[float, float] | None) -> Text:
    """A scale of 41 places: `─` the scale, `━` the interval, `│` fifty, `●` the rate."""
    from rich.text import Text

    places = ["─"] * _BAR
    if ends:
        first, last = (round(end * (_BAR - 1)) for end in ends)
        places[first : last + 1] = ["━"] * (last - first + 1)
    places[_BAR // 2] = "┼" if places[_BAR // 2] == "━" else "│"
    places[round(value * (_BAR - 1))] = "●"
    text = Text("".join(places))
    text.highlight_regex("[─]+", "dim")
    text.highlight_regex("[━●]+", "bold")
    return text


def _groups(analysis: Analysis, manifest: Manifest | None, width: int) -> list[Text]:
    from rich.text import Text

    lines: list[Text] = []
    for group in facts.groups(analysis, manifest):
        if group.id not in {"judges", "categories", "sources"}:
            continue
        lines += [Text(""), Text(group.title, "bold")]
        lines += [_row(row, width) for row in group.rows[:_ROWS]]
        if len(group.rows) > _ROWS:
            lines.append(Text(f"  … {len(group.rows) - _ROWS} more in the report", "dim"))
    return lines


def _models(analysis: Analysis, width: int) -> list[Text]:
    from rich.text import Text

    rows = places(analysis)
    lines = [Text(""), Text("Models", "bold")] if rows else []
    for row in rows[:_ROWS]:
        ends = (row.low, row.high) if row.low is not None and row.high is not None else None
        line = Text("  ").append_text(_fitted(row.name, _NAME + 8))
        line.append(f"{points(row.value):>5}", "bold").append(f"  {span(*ends) if ends else '–':<11}")
        lines.append(line.append(f"rank {row.rank}", "dim"))
    if len(rows) > _ROWS:
        lines.append(Text(f"  … {len(rows) - _ROWS} more in the report", "dim"))
    return lines


def _row(row: facts.Row, width: int) -> Text:
    from rich.text import Text

    line = Text("  ")
    line.append_text(_fitted(row.name, _NAME))
    if row.value is None:
        line.append("    –  no win rate")
    else:
        ends = span(row.low, row.high) if row.low is not None and row.high is not None else "–"
        line.append(f"{points(row.value):>5}", "bold").append(f"  {ends:<11}")
        line.append(f"n {row.n}" if row.n is not None else "", "dim")
    room = width - line.cell_len - 2
    if row.note and room > 12:
        line.append("  ").append_text(_fitted(row.note, room, "dim", pad=False))
    return line


def _checks(analysis: Analysis, width: int) -> list[Text]:
    from rich.text import Text

    if not analysis.checks:
        return []
    lines = [Text(""), Text("Checks", "bold")]
    for check in facts.checks_worst_first(analysis):
        if check.status == "pass":
            continue
        sign = facts.STATUS_MARKS[check.status]
        name = check.id.replace("_", " ")
        body = one_line(check.summary, 400).replace("`", "")
        for number, part in enumerate(_broken(body, width - 18)):
            start = f"  {sign} {name:<14}" if number == 0 else " " * 18
            style = _STATUS[check.status] if number == 0 else ""
            lines.append(Text.assemble((start, style), part))
    passed = [check.id.replace("_", " ") for check in analysis.checks if check.status == "pass"]
    if passed:
        listing = f"{len(passed)} of {len(analysis.checks)} passed: {', '.join(passed)}"
        lines += _wrapped(f"  {facts.STATUS_MARKS['pass']} {listing}", width, "    ")
    return lines


def _closing(analysis: Analysis, report: str | None, next_command: str | None, width: int) -> list[Text]:
    from rich.text import Text

    counts = analysis.counts
    shown = [f"{value} {name.split(' (')[0]}" for name, value in count_rows(counts)[6:] if value != "0"]
    verdicts = f"{plural(counts.verdicts, 'verdict')}: {', '.join(shown)}" if shown else "no verdicts"
    lines = [Text(""), *_wrapped(f"{verdicts}.", width)]
    cost = analysis.cost
    if cost is not None:
        lines += _wrapped(f"Cost    {facts.cost_words(cost)}", width, " " * 8)
    if report:
        lines.append(Text(f"Report  {report}"))
    if next_command:
        lines.append(Text(f"Next    {next_command}"))
    return lines


def _wrapped(text: str, width: int, hanging: str = "") -> list[Text]:
    from rich.text import Text

    parts = _broken(one_line(text, 2_000).replace("`", ""), width - len(hanging))
    indent = len(text) - len(text.lstrip())
    return [Text((" " * indent if number == 0 else hanging) + part) for number, part in enumerate(parts)]


def _broken(text: str, width: int) -> Sequence[str]:
    """Lines of at most `width` terminal columns; wide scripts count double."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=io.StringIO(), width=width)
    return [line.plain.rstrip() for line in Text(text).wrap(console, width)] or [""]


def _fitted(text: str, columns: int, style: str = "", *, pad: bool = True) -> Text:
    """A text in exactly, or without `pad` at most, so many columns."""
    from rich.text import Text

    fitted = Text(one_line(text, columns), style)
    fitted.truncate(columns, overflow="ellipsis", pad=pad)
    return fitted


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
