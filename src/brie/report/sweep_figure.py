"""A sweep's settings as a figure: every run a dot, every interval drawn, all holding together."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from brie.number_format import plural
from brie.records.sweeps import SettingRate, SweepTable
from brie.report.clean import one_line
from brie.report.drawing import LINE, PAPER, SOFT, STYLE, WIN, new_figure
from brie.report.plan_figure import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 0.32
"""Inches of a setting."""


def write_sweep_figure(document: SweepTable, path: Path) -> Path:
    """Draw the win rate of every setting, the leading one on top.

    Args:
        document: the settings.
        path: where to, an .svg, .png or .pdf file; the same document gives the same bytes.

    Raises:
        UsageError: the file cannot be written.
    """
    import matplotlib

    rows = document.table.settings
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        height = 1.7 + _ROW * len(rows)
        figure = new_figure(7, height)
        axes = figure.add_axes((0.34, 0.85 / height, 0.62, _ROW * len(rows) / height))
        for place, row in enumerate(rows):
            _draw(axes, place, row)
        axes.axvline(50, color=SOFT, lw=1.1, ls=(0, (1.5, 2)))
        axes.set(xlim=(0, 100), xticks=[0, 25, 50, 75, 100], ylim=(len(rows) - 0.4, -0.6))
        axes.set_yticks(range(len(rows)), [_named(row, document) for row in rows])
        axes.grid(axis="x", color=LINE, lw=0.8)
        axes.set_axisbelow(True)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=8.5)
        axes.set_xlabel(f"Win rate against {one_line(document.baseline, 40)}, %", fontsize=8.5)
        title = f"{document.name} on {document.suite}"
        figure.text(0.02, 1 - 0.28 / height, one_line(title, 70), fontsize=11, fontweight="bold")
        figure.text(0.02, 1 - 0.52 / height, _under(document), fontsize=8.5, color=SOFT)
        figure.text(0.02, 0.1 / height, _foot(document), fontsize=8.5, color=SOFT)
        return save_figure(figure, path)


def _draw(axes: Axes, place: int, row: SettingRate) -> None:
    if row.low is not None and row.high is not None:
        ends = [100 * row.low, 100 * row.high]
        axes.plot(ends, [place] * 2, color=WIN, lw=2.6, alpha=0.6, solid_capstyle="butt")
    if row.runs > 1:
        axes.plot([100 * row.least, 100 * row.most], [place] * 2, "|", color=SOFT, ms=9, mew=1.4)
    axes.plot([100 * row.value], [place], "o", color=WIN, ms=6, mec=PAPER, mew=1)


def _named(row: SettingRate, document: SweepTable) -> str:
    marked = row.best and document.table.freedom is not None
    return f"{one_line(row.name, 34)}{' *' if marked else ''}"


def _under(document: SweepTable) -> str:
    table = document.table
    many = f"n = {plural(table.prompts, 'prompt')}, {plural(table.runs, 'run')} of each setting"
    if table.freedom is None:
        return f"{many}; too few for intervals"
    return f"{many}; {100 * table.level:g} % intervals that hold together (max-T)"


def _foot(document: SweepTable) -> str:
    ends = "Strokes: the lowest and the highest run. " if document.table.runs > 1 else ""
    if document.table.freedom is None:
        return ends.strip()
    return f"{ends}*: cannot be told from the best."
