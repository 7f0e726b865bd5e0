"""The card to share: both names, verdict, rate, interval, size, judges, and how it stands."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from brie.digest import short
from brie.number_format import plural
from brie.records import Manifest
from brie.records.analysis import Analysis
from brie.report.clean import one_line
from brie.report.drawing import DOUBT, INK, LOSS, SOFT, WIN, draw_scale, new_figure
from brie.report.facts import checks_worst_first
from brie.report.leaderboard import table_of
from brie.report.opening import Opening, opening
from brie.report.sentence import tone

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

LEFT, RIGHT = 0.055, 0.945
_FLOOR = 0.47
"""Where the scale begins: what stands above it ends there."""
_LINE = 1.42 * 1.39 / 630
"""Height of a line of letters of size 1, as a share of the card."""
_TONES = {"better": WIN, "worse": LOSS, "conditional": DOUBT, "withheld": DOUBT}


def card(analysis: Analysis, manifest: Manifest | None) -> Figure | None:
    """The card, 1200 x 630 pixels; None where there is no rate."""
    rate = analysis.win_rate
    if rate is None or table_of(analysis) is not None:
        return None
    figure, top = new_figure(12, 6.3, dpi=100), opening(analysis, manifest)
    _names(figure, analysis)
    y = _verdict(figure, top, _TONES.get(tone(analysis), SOFT))
    for remark in top.remarks[:2]:
        y = _wrapped(figure, y, remark, 17, INK)
    if top.rate:
        _wrapped(figure, y, top.rate.partition(" (")[2].removesuffix(")"), 19, SOFT)
    draw_scale(figure.add_axes((LEFT, 0.26, RIGHT - LEFT, 0.19)), rate, size=1.6)
    _wrapped(figure, 0.175, top.line, 14, INK)
    figure.text(LEFT, 0.05, _foot(analysis), fontsize=13, color=SOFT)
    figure.text(RIGHT, 0.05, "brie", fontsize=20, fontweight="bold", ha="right")
    return figure


def _names(figure: Figure, analysis: Analysis) -> None:
    """Both names on a line each, so that none has to be cut for the other."""
    for y, text, weight in (
        (0.915, analysis.candidate.name, "bold"),
        (0.85, f"against {analysis.baseline.name}", "normal"),
    ):
        _fitted(figure, y, one_line(text, 90), 22, weight)
    suite = one_line(f"{analysis.suite.name} {analysis.suite.version}".strip(), 36)
    figure.text(RIGHT, 0.915, suite, fontsize=15, color=SOFT, ha="right")


def _verdict(figure: Figure, top: Opening, colour: str) -> float:
    """The verdict, large; returns where the next line stands."""
    word = top.word.replace("`", "")
    if not top.rate:
        return _wrapped(figure, 0.77, word, 25, colour, weight="bold")
    rate = top.rate.partition(" (")[0]
    line = figure.text(LEFT, 0.76, f"{word}: ", fontsize=40, fontweight="bold", color=colour, va="top")
    wide = line.get_window_extent().width / figure.bbox.width
    if wide + 0.021 * len(rate) > RIGHT - LEFT:
        line.remove()
        y = _wrapped(figure, 0.78, word, 27, colour, weight="bold")
        return _wrapped(figure, y, rate, 22, INK, weight="bold")
    figure.text(LEFT + wide, 0.76, rate, fontsize=40, fontweight="bold", color=INK, va="top")
    return 0.64


def _wrapped(
    figure: Figure, y: float, text: str, size: int, colour: str, *, weight: str = "normal"
) -> float:
    """A text from `y` downwards, as far as there is room for it; returns where the next stands."""
    each = size * _LINE
    floor = _FLOOR if y > _FLOOR else 0.08
    fit = min(3, int((y - floor) / each))
    if fit < 1:
        return y
    plain = text.replace("`", "").replace(" %", "\u00a0%")
    per_line = round((1480 if weight == "normal" else 1300) / size)
    lines = textwrap.wrap(plain, per_line, break_on_hyphens=False, max_lines=fit, placeholder=" …")
    shown = figure.text(
        LEFT, y, "\n".join(lines), fontsize=size, color=colour, fontweight=weight, va="top",
        linespacing=1.3,
    )  # fmt: skip
    _within(figure, shown, RIGHT - LEFT)
    return y - len(lines) * each - 0.012


def _fitted(figure: Figure, y: float, text: str, size: int, weight: str) -> None:
    """A text on one line, smaller where it is long."""
    _within(figure, figure.text(LEFT, y, text, fontsize=size, fontweight=weight), 0.65)


def _within(figure: Figure, text: Text, room: float) -> None:
    """Smaller letters where a text is wider than a share of the card."""
    wide = text.get_window_extent().width / figure.bbox.width
    if wide > room:
        text.set_fontsize(float(text.get_fontsize()) * room / wide)


def _foot(analysis: Analysis) -> str:
    checks = checks_worst_first(analysis)
    bad = [check.id.replace("_", " ") for check in checks if check.status in ("fail", "warn")]
    seal = f"plan {short(analysis.seal, 16)}" if analysis.seal else "imported verdicts"
    if not bad:
        return f"{plural(len(analysis.checks), 'check')} passed · {seal}" if analysis.checks else seal
    return one_line(f"look at: {', '.join(bad)} · {seal}", 110)
