"""The verdict in one screen: what a terminal shows last, in at most 16 lines of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brie.conventions import FEWEST_PROMPTS
from brie.lines import columns, folded, shortened
from brie.number_format import listed, plural, points, span
from brie.records import Check, Manifest
from brie.records.analysis import Analysis
from brie.report import facts
from brie.report.benchmarks import tasks_clause
from brie.report.clean import one_line
from brie.report.leaderboard import Place, places, table_of, title_of
from brie.report.opening import prompts_words
from brie.report.panel import panel_of
from brie.report.people import is_anchored, people_words
from brie.report.provenance import count_rows
from brie.report.sentence import (
    identical_words,
    interval_of,
    tone,
    verdict_sentence,
    verdict_word,
)

if TYPE_CHECKING:
    from rich.text import Text

LINES = 16
"""Most lines at 80 columns."""
LABEL = 10
"""Columns before what a label names."""
SCALE = 41
TONES = {"better": "bold green", "worse": "bold red", "even": "bold cyan"}
STATUS = {"fail": "bold red", "warn": "yellow", "not_run": "dim", "pass": "green"}
_NAME = 16
_MODELS = 5
_ROOM = 28
"""Columns of the scale's line that the scale itself does not take."""


@dataclass(frozen=True)
class Where:
    """What stands below the numbers: where to read on."""

    report: str = ""
    link: str = ""
    """Address of the report, behind its path where a terminal can follow it."""
    next_command: str = ""
    rest_command: str = ""
    """What prints everything."""


def last_screen(
    analysis: Analysis, manifest: Manifest | None, width: int, where: Where, *, full: bool = False
) -> list[Text]:
    """Word and standing, both names, the rate, what warns, the weakest part, who judged, what is next.

    Args:
        analysis: the numbers.
        manifest: the plan, where there is one.
        width: columns of a line.
        where: report and commands.
        full: the checks stand above in full already.
    """
    above = [*_head(analysis, width), *_rate(analysis, manifest, width), *_tasks(analysis, width)]
    below = [
        *_weakest(analysis, width),
        *_judged(analysis, manifest, width),
        *_cost(analysis, width),
        *_reading_on(where, width, full=full),
    ]
    return [*above, *_checks(analysis, width, LINES - len(above) - len(below)), *below]


def _head(analysis: Analysis, width: int) -> list[Text]:
    """The verdict, whose it is and on what; what makes it no plain verdict has lines of its own."""
    from rich.text import Text

    word = verdict_word(analysis)
    named = analysis.candidate.name in word and analysis.baseline.name in word
    word = one_line(word if named else word.upper(), 400)  # a model's name stays as it is
    style = TONES.get(tone(analysis), "bold yellow")
    suite = analysis.suite
    names = one_line(title_of(analysis), width)
    rate = analysis.win_rate
    counted = prompts_words(analysis, rate) if rate else plural(suite.prompts, "prompt")
    asked = f"{one_line(suite.name, 40)}, {counted}{', no verdict' if analysis.interim else ''}"
    if analysis.audit is None:
        asked = f"suite {asked}"
    whole = f"{word}  {names}; {asked}"
    if columns(whole) <= width:
        return [Text.assemble((word, style), "  ", (f"{names}; {asked}", "dim"))]
    if columns(word) + 2 + columns(names) <= width:
        lines = [Text.assemble((word, style), "  ", (names, "dim"))]
        return lines + [Text(part, "dim") for part in folded(asked, width, whole=False)[:1]]
    lines = [Text(part, style) for part in folded(shortened(word, 2 * width - 8), width, whole=False)]
    return lines + [Text(part, "dim") for part in folded(f"{names}; {asked}", width, whole=False)[:2]]


def _rate(analysis: Analysis, manifest: Manifest | None, width: int) -> list[Text]:
    """The rate on its scale; of many models the first ones, of nothing judged why."""
    from rich.text import Text

    rows = places(analysis)
    if rows:
        return [_model(row, width) for row in rows[:_MODELS]]
    rate = analysis.win_rate
    if rate is None:
        sentence = one_line(verdict_sentence(analysis, manifest), 2_000).replace("`", "")
        return [Text(part) for part in folded(shortened(sentence, 2 * width - 8), width, whole=False)]
    ends = interval_of(rate)
    scale = min(SCALE, width - _ROOM) | 1  # odd, so that fifty has a place
    interval = span(*ends) if ends else "no interval"
    line = Text.assemble(
        (f"{points(rate.value)} of 100".ljust(LABEL + 1), "bold"), bar(rate.value, ends, scale),
        f"  {interval}",
    )  # fmt: skip
    claim = analysis.audit.claim if analysis.audit is not None else None
    told = analysis.audit.findings[0] if analysis.audit and claim and analysis.audit.findings else ""
    if analysis.counts.identical * 2 >= max(1, analysis.counts.comparisons):
        told = told or f"{identical_words(analysis)}."
    return [line, *(Text(part) for part in folded(one_line(told, 300), width, whole=False) if told)]


def _tasks(analysis: Analysis, width: int) -> list[Text]:
    """What benchmarks say beside the rate, on at most two lines."""
    clause = tasks_clause(analysis).replace("`", "")
    return _labelled("Tasks", shortened(clause, 2 * (width - LABEL) - 8), width) if clause else []


def _model(row: Place, width: int) -> Text:
    from rich.text import Text

    ends = span(row.low, row.high) if row.low is not None and row.high is not None else "–"
    name = fitted(row.name, min(30, width - 30))
    return Text.assemble(name, (f"{points(row.value):>5}", "bold"), f"  {ends:<11}rank {row.rank}")


def bar(value: float, ends: tuple[float, float] | None, scale: int = SCALE) -> Text:
    """A scale of so many places: `─` the scale, `━` the interval, `│` fifty, `●` the rate."""
    from rich.text import Text

    signs = ["─"] * scale
    if ends:
        first, last = (round(end * (scale - 1)) for end in ends)
        signs[first : last + 1] = ["━"] * (last - first + 1)
    signs[scale // 2] = "┼" if signs[scale // 2] == "━" else "│"
    signs[round(value * (scale - 1))] = "●"
    text = Text("".join(signs))
    text.highlight_regex("[─]+", "dim")
    text.highlight_regex("[━●]+", "bold")
    return text


def _checks(analysis: Analysis, width: int, room: int) -> list[Text]:
    """What warns, a line each as far as there is room; then how many passed."""
    from rich.text import Text

    ordered = facts.checks_worst_first(analysis)
    warning = [check for check in ordered if check.status in ("fail", "warn")]
    if not ordered:
        return []
    fits = max(1, room - 1)
    shown = warning if len(warning) <= fits else warning[: fits - 1]
    lines = [_check(check, width) for check in shown]
    if len(shown) < len(warning):
        rest = listed([name_of(check) for check in warning[len(shown) :]])
        lines.append(Text(f"  … {len(warning) - len(shown)} more: {shortened(rest, width - 20)}"))
    passed = sum(check.status == "pass" for check in ordered)
    idle = [name_of(check) for check in ordered if check.status == "not_run"]
    tail = f"; not run: {listed(idle)}" if idle else ""
    told = shortened(f"{passed:,} of {plural(len(ordered), 'check')} passed{tail}", width - 4)
    meant = f"   brie explain {warning[0].id.replace('_', ' ')}" if warning else ""
    told += meant if columns(told + meant) <= width - 4 else ""
    lines.append(Text.assemble((f"  {facts.STATUS_MARKS['pass']} ", STATUS["pass"]), told))
    return lines


def _check(check: Check, width: int) -> Text:
    from rich.text import Text

    start = f"  {facts.STATUS_MARKS[check.status]} {name_of(check):<{_NAME - 4}}"
    told = shortened(one_line(check.summary, 400).replace("`", ""), width - columns(start) - 1)
    return Text.assemble((start, STATUS[check.status]), " ", told.rstrip("."))


def name_of(check: Check) -> str:
    """A check's name as people read it."""
    return check.id.replace("_", " ")


def _weakest(analysis: Analysis, width: int) -> Iterator[Text]:
    """The category, else the source, with the lowest rate among those with enough prompts."""
    of = {group.id: group for group in facts.groups(analysis)}
    for key in ("categories", "sources"):
        rows = [
            row for row in (of[key].rows if key in of else ())
            if row.value is not None and (row.n or 0) >= FEWEST_PROMPTS
        ]  # fmt: skip
        if rows and table_of(analysis) is None:
            low = min(rows, key=lambda row: row.value or 0.0)
            ends = (
                f" ({span(low.low, low.high)})" if low.low is not None and low.high is not None else ""
            )
            rate, asked = points(low.value or 0.0), plural(low.n or 0, "prompt")
            yield from _labelled("Weakest", f"{one_line(low.name, 40)} {rate}{ends}, {asked}", width)
            return


def _judged(analysis: Analysis, manifest: Manifest | None, width: int) -> list[Text]:
    counts = analysis.counts
    shown = [f"{value} {name.split(' (')[0]}" for name, value in count_rows(counts)[6:] if value != "0"]
    if counts.verdicts and counts.ok == counts.verdicts:
        shown = ["all usable"]
    verdicts = f"{plural(counts.verdicts, 'verdict')}, {', '.join(shown)}" if shown else "no verdicts"
    if is_anchored(analysis):
        return _labelled("Judged", f"{people_words(analysis)}: {verdicts}", width)
    panel = panel_of(analysis, manifest)
    judges = one_line(panel.by, 200).replace("`", "")
    told = f"by {judges}: {verdicts}" if panel.size else verdicts
    return _labelled("Judged", told, width)


def _cost(analysis: Analysis, width: int) -> list[Text]:
    return _labelled("Cost", facts.cost_words(analysis.cost), width) if analysis.cost else []


def _reading_on(where: Where, width: int, *, full: bool) -> Iterator[Text]:
    from rich.style import Style
    from rich.text import Text

    if where.report:
        path = Text(where.report, Style(link=where.link) if where.link else "")
        yield Text.assemble("Report".ljust(LABEL), path)
    if where.rest_command and not full:
        yield from _labelled("In full", where.rest_command, width, whole=True)
    if where.next_command:
        yield from _labelled("Next", where.next_command, width, whole=True)


def _labelled(label: str, text: str, width: int, *, whole: bool = False) -> list[Text]:
    from rich.text import Text

    return [Text(line) for line in folded(text, width, first=label.ljust(LABEL), whole=whole)]


def fitted(text: str, room: int, style: str = "", *, pad: bool = True) -> Text:
    """A text in exactly, or without `pad` at most, so many columns."""
    from rich.text import Text

    cut = Text(one_line(text, room), style)
    cut.truncate(room, overflow="ellipsis", pad=pad)
    return cut
