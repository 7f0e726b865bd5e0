"""The table over several suites as a card to share."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from brie.number_format import points, signed, signed_span, span
from brie.report.drawing import INK, LINE, SOFT, STYLE, WIN, new_figure, saved

if TYPE_CHECKING:
    from brie.report.suites import SuitesPage

_LEFT, _RIGHT = 0.055, 0.945
_ROWS = 6
"""Suites on the card; the page has them all."""


def write_suites_card(page: SuitesPage, folder: Path) -> list[Path]:
    """Write the card as SVG and PNG, 1200 x 630 pixels; returns their paths."""
    import matplotlib as mpl

    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        figure = new_figure(12, 6.3, dpi=100)
        head = textwrap.wrap(page.sentence.replace("`", ""), 54, max_lines=2, placeholder=" …")
        figure.text(_LEFT, 0.93, "\n".join(head), fontsize=22, fontweight="bold", va="top")
        names = textwrap.shorten(page.names, 95, placeholder=" …")
        figure.text(_LEFT, 0.74, names, fontsize=15, color=SOFT)
        rows = [row for row in page.rows if row.value is not None][: _ROWS + 1]
        axes = figure.add_axes((0.36, 0.2, 0.34, 0.5))
        for place, row in enumerate(reversed(rows)):
            if row.low is not None and row.high is not None:
                ends = [100 * row.low, 100 * row.high]
                axes.plot(ends, [place, place], color=WIN, lw=6, alpha=0.6, solid_capstyle="butt")
            axes.plot([100 * (row.value or 0.0)], [place], "o", color=WIN, ms=8)
            y = 0.2 + 0.5 * (place + 0.5) / max(len(rows), 1)
            figure.text(
                _LEFT, y, textwrap.shorten(row.name, 28, placeholder=" …"), fontsize=16, va="center"
            )
            ends_of = f" ({span(row.low, row.high)})" if row.low is not None and row.high else ""
            shown = f"{points(row.value or 0.0)}{ends_of}, n {row.prompts}"
            figure.text(0.72, y, shown, fontsize=15, va="center")
        axes.axvline(50, color=INK, lw=1, ls=":")
        axes.set_xlim(0, 100)
        axes.set_ylim(-0.5, max(len(rows), 1) - 0.5)
        axes.set_yticks([])
        axes.grid(axis="x", color=LINE)
        if page.gap:
            gap = (
                f"{page.gap_name}: {signed(page.gap.value)} ({signed_span(page.gap.low, page.gap.high)})"
            )
            figure.text(_LEFT, 0.11, textwrap.shorten(gap, 100, placeholder=" …"), fontsize=14)
        foot = f"the suites' intervals hold together · plan {page.seal.removeprefix('sha256:')[:16]}"
        figure.text(_LEFT, 0.05, foot, fontsize=13, color=SOFT)
        figure.text(_RIGHT, 0.05, "brie", fontsize=20, fontweight="bold", ha="right")
        return saved(figure, folder / "card")
