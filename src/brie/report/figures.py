"""Figures for papers and posts as SVG and PNG: one style, intervals always drawn, n always written."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from brie import number_format
from brie.digest import short
from brie.records import Manifest
from brie.records.analysis import Analysis, WinRate
from brie.report import facts
from brie.report.clean import one_line
from brie.report.panel import panel_of
from brie.report.sentence import interval_of, of_sources, tone, verdict_sentence, verdict_word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

INK, SOFT, LINE, PAPER = "#1d1c1a", "#5d594f", "#e2ded4", "#fbfaf7"
WIN, TIE, LOSS = "#0a5f9e", "#b9b5aa", "#a84308"
"""Blue and burnt orange: told apart with every common colour blindness, and by lightness."""
DOUBT = "#8a6100"
"""Of a verdict that does not stand by itself."""
STYLE: dict[str, str | int | bool | list[str]] = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 10,
    "text.color": INK, "axes.labelcolor": SOFT, "xtick.color": SOFT, "ytick.color": INK,
    "axes.edgecolor": LINE, "axes.facecolor": PAPER, "figure.facecolor": PAPER,
    "svg.hashsalt": "brie", "svg.fonttype": "path", "text.parse_math": False,
}  # fmt: skip
_ROW = 0.34
_NAMES = 24
_SHORT = 56
"""Characters of a verdict that fit on the card in its largest letters."""


def write_figures(analysis: Analysis, manifest: Manifest | None, out: Path) -> list[Path]:
    """Write every figure the analysis has data for to `out`, each as SVG and PNG.

    `card` (1200 x 630 pixels, to share), `win_rate`, `forest`, `outcomes`, `effects`,
    `agreement`. The same analysis gives the same bytes on one machine.
    """
    import matplotlib

    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        for name, draw in _FIGURES.items():
            figure = draw(analysis, manifest)
            if figure is not None:
                written += _saved(figure, out / name)
    return written


def _saved(figure: Figure, stem: Path) -> list[Path]:
    svg, png = stem.with_suffix(".svg"), stem.with_suffix(".png")
    figure.savefig(svg, metadata={"Date": None, "Creator": "brie"})
    figure.savefig(png, metadata={"Software": "brie"})
    return [svg, png]


def card(analysis: Analysis, manifest: Manifest | None) -> Figure | None:
    """The share card: verdict, sentence, scale, judges, n, fingerprint of the plan."""
    rate = analysis.win_rate
    if rate is None:
        return None
    figure = new_figure(12, 6.3, dpi=100)
    tones = {"better": WIN, "worse": LOSS, "conditional": DOUBT, "withheld": DOUBT}
    word = verdict_word(analysis)
    write = figure.text
    write(
        0.06, 0.88, textwrap.fill(word, 92), fontsize=20 if len(word) <= _SHORT else 15,
        fontweight="bold", color=tones.get(tone(analysis), SOFT),
    )  # fmt: skip
    sentence = verdict_sentence(analysis, manifest).replace("`", "").replace(" %", "\u00a0%")
    size = 20 if len(sentence) <= 4 * 62 else 16
    lines = textwrap.wrap(sentence, 62 if size == 20 else 78, break_on_hyphens=False)
    body = "\n".join(lines[:6])
    write(0.06, 0.83, body, fontsize=size, fontweight="bold", va="top", linespacing=1.35)
    _scale(figure.add_axes((0.06, 0.24, 0.88, 0.2)), rate, big=True)
    write(0.06, 0.115, _under(analysis, manifest), fontsize=13, color=SOFT)
    mark = (
        f"fingerprint of the plan {short(analysis.seal, 16)}" if analysis.seal else "imported verdicts"
    )
    write(0.06, 0.055, mark, fontsize=13, color=SOFT)
    write(0.94, 0.055, "brie", fontsize=20, fontweight="bold", ha="right")
    return figure


def win_rate(analysis: Analysis, manifest: Manifest | None) -> Figure | None:
    """The headline alone: rate and interval on the scale from 0 to 100."""
    if analysis.win_rate is None:
        return None
    figure = new_figure(7, 1.9)
    _scale(figure.add_axes((0.05, 0.34, 0.9, 0.4)), analysis.win_rate, big=False)
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
    axes = figure.add_axes((0.27, 0.7 / height, 0.5, 1 - 1.1 / height))
    _frame(axes, 0, 100, 50)
    y = 0.0
    for group in groups:
        axes.text(
            -0.5, y, group.title, transform=axes.get_yaxis_transform(), fontweight="bold", va="center"
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
    _frame(axes, -reach, reach, 0)
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
    square = facts.agreement_square(analysis.agreement.pairs if analysis.agreement else ())
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


_FIGURES: dict[str, Callable[[Analysis, Manifest | None], Figure | None]] = {
    "card": card,
    "win_rate": win_rate,
    "forest": forest,
    "outcomes": outcomes,
    "effects": effects,
    "agreement": agreement,
}


def new_figure(width: float, height: float, dpi: int = 200) -> Figure:
    """Without pyplot: no window, no state between figures."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=dpi)


def _scale(axes: Axes, rate: WinRate, *, big: bool) -> None:
    ends, size = interval_of(rate), 1.6 if big else 1.0
    axes.axvspan(0, 50, color="#f6e7dd", lw=0)
    axes.axvspan(50, 100, color="#e2edf6", lw=0)
    _frame(axes, 0, 100, 50)
    if ends:
        low, high = 100 * ends[0], 100 * ends[1]
        axes.plot([low, high], [0, 0], color=WIN, lw=5 * size, alpha=0.6, solid_capstyle="butt")
        axes.text(
            low - 1.2, 0, number_format.points(ends[0]), ha="right", va="center", fontsize=9 * size
        )
        axes.text(
            high + 1.2, 0, number_format.points(ends[1]), ha="left", va="center", fontsize=9 * size
        )
    sources = of_sources(rate)
    if sources is not None:
        mean, low, high = (100 * number for number in sources)
        axes.plot([low, high], [-0.5, -0.5], color=WIN, lw=2 * size, alpha=0.6, solid_capstyle="butt")
        axes.plot([mean], [-0.5], "o", color=WIN, ms=4 * size)
        ends_of = number_format.span(*sources[1:])
        note = f"mean of source means {number_format.points(sources[0])} ({ends_of})"
        middle = min(85.0, max(15.0, (low + high) / 2))
        axes.text(middle, -0.85, note, ha="center", va="center", fontsize=7 * size, color=SOFT)
    axes.plot([100 * rate.value], [0], "o", color=WIN, ms=9 * size, mec=PAPER, mew=1.5 * size)
    label = number_format.points(rate.value)
    axes.text(
        100 * rate.value, 0.5, label, ha="center", va="center", fontsize=12 * size, fontweight="bold"
    )
    axes.set_ylim(-1.15, 1)
    axes.tick_params(labelsize=8.5 * size)


def _frame(axes: Axes, low: float, high: float, middle: float) -> None:
    axes.set_xlim(low, high)
    axes.spines[:].set_visible(False)
    axes.set_yticks([])
    if (low, high) == (0, 100):
        axes.set_xticks([0, 25, 50, 75, 100])
    axes.grid(axis="x", color=LINE, lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", length=0, labelsize=8.5)
    axes.axvline(middle, color=SOFT, lw=1.1, ls=(0, (1.5, 2)))


def _forest_row(axes: Axes, row: facts.Row, y: float) -> None:
    beside = axes.get_yaxis_transform()
    axes.text(
        -0.03, y, one_line(row.name, _NAMES), transform=beside, ha="right", va="center", fontsize=9
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


def _mark(axes: Axes, y: float, value: float | None, low: float | None, high: float | None) -> None:
    if low is not None and high is not None:
        axes.plot([100 * low, 100 * high], [y, y], color=WIN, lw=2.6, alpha=0.6, solid_capstyle="butt")
    if value is not None:
        axes.plot([100 * value], [y], "o", color=WIN, ms=6, mec=PAPER, mew=1)


def _square(x: float, y: float, shade: float) -> Rectangle:
    from matplotlib import patches
    from matplotlib.colors import to_rgba

    return patches.Rectangle((x, y), 1, 1, facecolor=to_rgba(WIN, shade), edgecolor=LINE)


def _cell_text(cell: facts.AgreementCell) -> str:
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
    panel = panel_of(analysis, manifest)
    who = panel.models + panel.rules + panel.people
    kind = "rule-based" if panel.only_rules else "judged by"
    listing = number_format.listed(who) if len(who) <= 4 else f"{len(who)} judges"
    suite = one_line(f"{analysis.suite.name} {analysis.suite.version}", 30)
    level = number_format.percent(analysis.win_rate.level) if analysis.win_rate else ""
    return one_line(f"{_prompts(analysis)} of {suite}; {kind}: {listing}; {level} interval", 110)
