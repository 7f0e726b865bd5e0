"""The win rate over training steps as a figure: every interval drawn, all holding together."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from brie.number_format import percent
from brie.records.studies import CurveDocument, CurveRung
from brie.report.clean import one_line
from brie.report.drawing import LINE, LOSS, PAPER, SOFT, STYLE, WIN, new_figure
from brie.report.plan_figure import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def write_curve_figure(document: CurveDocument, title: str, path: Path) -> Path:
    """Draw the win rate of every checkpoint.

    Args:
        document: the checkpoints, and what judges chose.
        title: what was evaluated.
        path: where to, an .svg, .png or .pdf file; the same document gives the same bytes.

    Raises:
        UsageError: the file cannot be written.
    """
    import matplotlib

    rungs = document.checkpoints
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = new_figure(7, 4)
        axes = figure.add_axes((0.1, 0.2, 0.86, 0.6))
        steps = [rung.step or 0 for rung in rungs]
        values = [100 * rung.value for rung in rungs]
        axes.plot(steps, values, color=WIN, lw=1, alpha=0.5)
        for rung, step, value in zip(rungs, steps, values, strict=True):
            ends = [100 * rung.low, 100 * rung.high]
            axes.plot([step] * 2, ends, color=WIN, lw=2.6, alpha=0.6, solid_capstyle="butt")
            axes.plot([step], [value], "o", color=WIN, ms=6, mec=PAPER, mew=1)
            _mark(axes, step, _words(rung, document))
        axes.axhline(50, color=SOFT, lw=1.1, ls=(0, (1.5, 2)))
        axes.set_xticks(steps, [str(step) for step in steps])
        axes.set(ylim=(0, 100), yticks=[0, 25, 50, 75, 100])
        axes.grid(axis="y", color=LINE, lw=0.8)
        axes.set_axisbelow(True)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=8.5)
        axes.set_xlabel("Training step", fontsize=8.5)
        axes.set_ylabel("Win rate against the base, %", fontsize=8.5)
        figure.text(0.02, 0.92, one_line(title, 70), fontsize=11, fontweight="bold")
        figure.text(0.02, 0.86, _under(document), fontsize=8.5, color=SOFT)
        figure.text(0.02, 0.03, _quote(document), fontsize=8.5, color=SOFT)
        return save_figure(figure, path)


def _words(rung: CurveRung, document: CurveDocument) -> list[str]:
    chosen = document.selection.checkpoint if document.selection else None
    words = ["best by loss"] if rung.name == document.best_by_validation_loss else []
    return [*words, "chosen"] if rung.name == chosen else words


def _mark(axes: Axes, step: int, words: list[str]) -> None:
    if words:
        axes.text(step, 2, "\n".join(words), ha="center", va="bottom", fontsize=8, color=LOSS)


def _under(document: CurveDocument) -> str:
    prompts = document.checkpoints[0].prompts
    return f"n = {prompts:,} prompts ({document.prompts}); 95 % intervals that hold together (max-T)"


def _quote(document: CurveDocument) -> str:
    chosen = document.selection
    if chosen is None:
        return "The default checkpoint is the best by validation loss; this shows, it does not select."
    rate = chosen.win_rate
    low, high = (percent(end) for end in (rate.low, rate.high))
    return (
        f"Quote step {chosen.step} with {percent(rate.value)} [{low}, {high}], from the "
        f" {chosen.quoted_prompts:,} prompts that did not choose it."
    )
