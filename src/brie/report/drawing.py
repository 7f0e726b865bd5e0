"""How figures are drawn: colours, letters, the scale from 0 to 100, and how they are saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from brie import number_format
from brie.records.analysis import WinRate
from brie.report.sentence import interval_of, of_sources

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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


def new_figure(width: float, height: float, dpi: int = 200) -> Figure:
    """Without pyplot: no window, no state between figures."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=dpi)


def saved(figure: Figure, stem: Path) -> list[Path]:
    """A figure as SVG and PNG, without a date in them."""
    svg, png = stem.with_suffix(".svg"), stem.with_suffix(".png")
    figure.savefig(svg, metadata={"Date": None, "Creator": "brie"})
    figure.savefig(png, metadata={"Software": "brie"})
    return [svg, png]


def draw_scale(axes: Axes, rate: WinRate, *, size: float = 1.0) -> None:
    """The scale from 0 to 100 with rate, interval and 50; `size`: of letters and lines."""
    ends = interval_of(rate)
    axes.axvspan(0, 50, color="#f6e7dd", lw=0)
    axes.axvspan(50, 100, color="#e2edf6", lw=0)
    frame(axes, 0, 100, 50)
    if ends:
        low, high = 100 * ends[0], 100 * ends[1]
        axes.plot([low, high], [0, 0], color=WIN, lw=5 * size, alpha=0.6, solid_capstyle="butt")
        _end(axes, low, "right", size)
        _end(axes, high, "left", size)
    sources = of_sources(rate)
    if sources is not None:
        mean, low, high = (100 * number for number in sources)
        axes.plot([low, high], [-0.5, -0.5], color=WIN, lw=2 * size, alpha=0.6, solid_capstyle="butt")
        axes.plot([mean], [-0.5], "o", color=WIN, ms=4 * size)
        ends_of = number_format.span(*sources[1:])
        note = f"new sources: {number_format.points(sources[0])} ({ends_of})"
        middle = min(85.0, max(15.0, (low + high) / 2))
        axes.text(middle, -0.85, note, ha="center", va="center", fontsize=7 * size, color=SOFT)
    axes.plot([100 * rate.value], [0], "o", color=WIN, ms=9 * size, mec=PAPER, mew=1.5 * size,
              clip_on=False)  # fmt: skip
    label = number_format.points(rate.value)
    axes.text(
        100 * rate.value, 0.5, label, ha="center", va="center", fontsize=12 * size, fontweight="bold"
    )
    axes.set_ylim(-1.15, 1)
    axes.tick_params(labelsize=8.5 * size)


def frame(axes: Axes, low: float, high: float, middle: float) -> None:
    """Axes from `low` to `high` with a dotted line in the middle, and nothing else drawn."""
    axes.set_xlim(low, high)
    axes.spines[:].set_visible(False)
    axes.set_yticks([])
    if (low, high) == (0, 100):
        axes.set_xticks([0, 25, 50, 75, 100])
    axes.grid(axis="x", color=LINE, lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", length=0, labelsize=8.5)
    axes.axvline(middle, color=SOFT, lw=1.1, ls=(0, (1.5, 2)))


def _end(axes: Axes, at: float, side: Literal["left", "right"], size: float) -> None:
    """An interval's end in figures, outside it; under it where the scale ends there."""
    words = number_format.points(at / 100)
    if 6 <= at <= 94:
        shift = 1.2 if side == "left" else -1.2
        axes.text(at + shift, 0, words, ha=side, va="center", fontsize=9 * size)
        return
    inner = "right" if at > 50 else "left"
    axes.text(at, -0.42, words, ha=inner, va="center", fontsize=9 * size)
