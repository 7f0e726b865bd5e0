"""Figures for papers and posts as SVG and PNG: one style, intervals always drawn, n always written."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from brie import number_format
from brie.project import write_text
from brie.records import Manifest
from brie.records.analysis import Analysis
from brie.report import facts
from brie.report.badge import badge
from brie.report.card import card
from brie.report.clean import one_line
from brie.report.drawing import (
    INK,
    LINE,
    LOSS,
    PAPER,
    SOFT,
    STYLE,
    TIE,
    WIN,
    draw_scale,
    frame,
    new_figure,
    saved,
)  # fmt: skip
from brie.report.judge_pairs import AgreementCell, agreement_square
from brie.report.panel import panel_of
from brie.report.people import is_anchored, people_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

Drawer = Callable[["Analysis", "Manifest | None"], "Figure | None"]
_ROW = 0.34
_NAMES = 30
"""Characters of a name on one line."""


def write_figures(analysis: Analysis, manifest: Manifest | None, out: Path) -> list[Path]:
    """Write every figure the analysis has data for to `out`, each as SVG and PNG, and a badge (SVG).

    `card` (1200 x 630 pixels, to share), `badge`, `win_rate`, `forest`, `outcomes`, `effects`,
    `agreement`. The same analysis gives the same bytes on one machine.
    """
    return write_card(analysis, manifest, out) + _drawn(_FIGURES, analysis, manifest, out)


def write_card(analysis: Analysis, manifest: Manifest | None, out: Path) -> list[Path]:
    """Write what is shared: `card.svg`, `card.png` and `badge.svg`; no card where there is no rate."""
    drawn = _drawn({"card": card}, analysis, manifest, out)
    write_text(out / "badge.svg", badge(analysis))
    return [*drawn, out / "badge.svg"]


def _drawn(
    drawers: Mapping[str, Drawer], analysis: Analysis, manifest: Manifest | None, out: Path
) -> list[Path]:
    import matplotlib

    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        for name, draw in drawers.items():
            figure = draw(analysis, manifest)
            if figure is not None:
                written += saved(figure, out / name)
    return written


def win_rate(analysis: Analysis, manifest: Manifest | None) -> Figure | None:
    """The headline alone: rate and interval on the scale from 0 to 100."""
    if analysis.win_rate is None:
        return None
    figure = new_figure(7, 1.9)
    draw_scale(figure.add_axes((0.05, 0.34, 0.9, 0.4)), analysis.win_rate)
    figure.text(0.05, 0.87, _names(analysis), fontsize=9.5, fontweight="bold")
    figure.text(0.05, 0.06, _under(analysis, manifest), fontsize=8.5, color=SOFT)
    return figure


def forest(analysis: Analysis, manifest: Manifest | None) -> Figure | None:
    """Rates with intervals by judge, category and source, with n at the right."""
    groups = facts.groups(analysis, manifest)
    rows = sum(len(group.rows) + 1.6 for group in groups)
    if not groups:
        return None
    height = max(2.0, rows * _ROW + 1.1)
    figure = new_figure(7, height)
    axes = figure.add_axes((0.33, 0.7 / height, 0.44, 1 - 1.1 / height))
    frame(axes, 0, 100, 50)
    y = 0.0
    for group in groups:
        axes.text(
            -0.7, y, group.title, transform=axes.get_yaxis_transform(), fontweight="bold", va="center"
        )
        y += 1
        for row in group.rows:
            _forest_row(axes, row, y)
            y += 1
        y += 0.6
    axes.set_ylim(y - 0.4, -0.9)
    axes.set_xlabel("Win rate of the candidate, ties counting half; dotted: no difference", fontsize=8.5)
    figure.text(0.02, 1 - 0.22 / height, _names(analysis), fontsize=9.5, fontweight="bold")
    return figure


def outcomes(analysis: Analysis, manifest: Manifest | None) -> Figure | None:
    """Wins, ties and losses of shown pairs: all, and by judge."""
    rows = [("All", analysis.outcomes)]
    judges = next((g for g in facts.groups(analysis, manifest) if g.id == "judges"), None)
    rows += [(row.name, row.outcomes) for row in (judges.rows if judges else ()) if row.outcomes]
    rows = [(name, o) for name, o in rows if o.win + o.tie + o.loss]
    if not rows:
        return None
    height = len(rows) * _ROW + 1.2
    figure = new_figure(7, height)
    axes = figure.add_axes((0.27, 0.35 / height, 0.68, 1 - 1.15 / height))
    for y, (name, counts) in enumerate(rows):
        total, left = counts.win + counts.tie + counts.loss, 0.0
        parts = ((counts.win, WIN, "white"), (counts.tie, TIE, INK), (counts.loss, LOSS, "white"))
        for count, colour, ink in parts:
            share = 100 * count / total
            axes.barh(y, share, left=left, height=0.66, color=colour, edgecolor=PAPER)
            if share > 7:
                axes.text(
                    left + share / 2, y, f"{count:,}", ha="center", va="center", color=ink, fontsize=8.5
                )
            left += share
        axes.text(-1.5, y, f"{one_line(name, _NAMES)}  n {total:,}", ha="right", va="center", fontsize=9)
    axes.set(xlim=(0, 100), ylim=(len(rows) - 0.4, -0.6))
    axes.axis("off")
    title = "Shown pairs won, tied, lost by the candidate (from the left)"
    figure.text(0.02, 1 - 0.28 / height, title, fontsize=9.5, fontweight="bold")
    return figure


def effects(analysis: Analysis, manifest: Manifest | None) -> Figure | None:
    """Position, letter and layout effects with their intervals, in points."""
    shown = [effect for effect in facts.effects(analysis) if effect.value is not None]
    if not shown:
        return None
    height = len(shown) * _ROW + 1.3
    figure = new_figure(7, height)
    axes = figure.add_axes((0.27, 0.7 / height, 0.5, 1 - 1.15 / height))
    reach = max(10.0, *(100 * abs(b) for e in shown for b in (e.low, e.high, e.value) if b is not None))
    frame(axes, -reach, reach, 0)
    for y, effect in enumerate(shown):
        _mark(axes, y, effect.value, effect.low, effect.high)
        axes.text(-0.03, y, effect.name, transform=axes.get_yaxis_transform(), ha="right", va="center")
        text = number_format.signed(effect.value or 0.0)
        if effect.low is not None and effect.high is not None:
            text += f" ({number_format.signed_span(effect.low, effect.high)})"
        axes.text(1.03, y, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlabel(f"Points; {_prompts(analysis)}", fontsize=8.5)
    title = "What order and letter alone were worth"
    figure.text(0.02, 1 - 0.28 / height, title, fontsize=9.5, fontweight="bold")
    return figure


def agreement(analysis: Analysis, manifest: Manifest | None) -> Figure | None:
    """Cohen's kappa of each pair of judges with its interval; n in every cell."""
    square = agreement_square(analysis.agreement.pairs if analysis.agreement else ())
    if square is None or len(square.names) > 12:
        return None
    count = len(square.names)
    side = max(3.6, 1.15 * count + 1.6)
    figure = new_figure(side, side)
    axes = figure.add_axes((1.5 / side, 0.3 / side, 1 - 1.7 / side, 1 - 1.1 / side))
    for y, row in enumerate(square.rows):
        for x, cell in enumerate(row):
            shade = 0.06 + 0.3 * max(0.0, cell.kappa[0]) if cell and cell.kappa else 0.0
            axes.add_patch(_square(x, y, shade))
            if cell and cell.kappa:
                axes.text(x + 0.5, y + 0.5, _cell_text(cell), ha="center", va="center", fontsize=8)
    names = [one_line(name, 16) for name in square.names]
    axes.set(xlim=(0, count), ylim=(count, 0))
    axes.set_xticks([i + 0.5 for i in range(count)], names, fontsize=8.5)
    axes.set_yticks([i + 0.5 for i in range(count)], names, fontsize=8.5)
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)
    figure.text(0.02, 1 - 0.25 / side, "Agreement: Cohen's kappa", fontsize=9.5, fontweight="bold")
    return figure


_FIGURES: dict[str, Drawer] = {
    "win_rate": win_rate,
    "forest": forest,
    "outcomes": outcomes,
    "effects": effects,
    "agreement": agreement,
}


def _forest_row(axes: Axes, row: facts.Row, y: float) -> None:
    beside = axes.get_yaxis_transform()
    axes.text(
        -0.03,
        y,
        _on_two_lines(row.name),
        transform=beside,
        ha="right",
        va="center",
        fontsize=9,
        linespacing=0.95,
    )
    if row.value is None:
        axes.text(1.03, y, "no win rate", transform=beside, va="center", fontsize=8.5, color=SOFT)
        return
    _mark(axes, y, row.value, row.low, row.high)
    text = number_format.points(row.value)
    if row.low is not None and row.high is not None:
        text += f"  ({number_format.span(row.low, row.high)})"
    text += f"  n {row.n}" if row.n is not None else ""
    axes.text(1.03, y, text, transform=beside, va="center", fontsize=8.5)


def _on_two_lines(name: str) -> str:
    lines = textwrap.wrap(one_line(name), _NAMES, max_lines=2, placeholder=" …")
    return "\n".join(lines)


def _mark(axes: Axes, y: float, value: float | None, low: float | None, high: float | None) -> None:
    if low is not None and high is not None:
        axes.plot([100 * low, 100 * high], [y, y], color=WIN, lw=2.6, alpha=0.6, solid_capstyle="butt")
    if value is not None:
        axes.plot([100 * value], [y], "o", color=WIN, ms=6, mec=PAPER, mew=1, clip_on=False)


def _square(x: float, y: float, shade: float) -> Rectangle:
    from matplotlib import patches
    from matplotlib.colors import to_rgba

    return patches.Rectangle((x, y), 1, 1, facecolor=to_rgba(WIN, shade), edgecolor=LINE)


def _cell_text(cell: AgreementCell) -> str:
    assert cell.kappa is not None
    value, low, high = cell.kappa
    lines = [
        number_format.two_digits(value),
        f"{number_format.two_digits(low)} to {number_format.two_digits(high)}"
        if low is not None and high is not None
        else "",
    ]
    lines.append(f"n {cell.n:,}")
    return "\n".join(line for line in lines if line)


def _names(analysis: Analysis) -> str:
    names = f"{analysis.candidate.name} against {analysis.baseline.name}, {analysis.suite.name}"
    return one_line(names, 90)


def _prompts(analysis: Analysis) -> str:
    return f"n = {number_format.plural(analysis.win_rate.prompts if analysis.win_rate else 0, 'prompt')}"


def _under(analysis: Analysis, manifest: Manifest | None) -> str:
    if is_anchored(analysis):
        return one_line(f"{_prompts(analysis)} of {analysis.suite.name}; {people_words(analysis)}", 110)
    panel = panel_of(analysis, manifest)
    who = panel.models + panel.rules + panel.people
    kind = "rule-based" if panel.only_rules else "judged by"
    listing = number_format.listed(who) if len(who) <= 4 else f"{len(who)} judges"
    suite = one_line(f"{analysis.suite.name} {analysis.suite.version}", 30)
    level = number_format.percent(analysis.win_rate.level) if analysis.win_rate else ""
    return one_line(f"{_prompts(analysis)} of {suite}; {kind}: {listing}; {level} interval", 110)
