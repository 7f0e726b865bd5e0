"""A run's loss over its steps as a figure: every step's, and every validation's."""

from __future__ import annotations

import warnings
from pathlib import Path

from brie.report.clean import one_line
from brie.report.drawing import LINE, LOSS, PAPER, SOFT, STYLE, WIN, new_figure
from brie.report.plan_figure import save_figure
from brie.train.config import RunManifest


def write_loss_figure(run: RunManifest, title: str, path: Path, step: int | None = None) -> Path | None:
    """Draw a run's training and validation loss; None where it has no step.

    Args:
        run: with its history.
        title: what was trained.
        path: where to, an .svg, .png or .pdf file; the same run gives the same bytes.
        step: the checkpoint that is marked.

    Raises:
        UsageError: the file cannot be written.
    """
    import matplotlib

    if not run.history:
        return None
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = new_figure(7, 3.6)
        axes = figure.add_axes((0.09, 0.15, 0.88, 0.66))
        steps = [point.step for point in run.history]
        axes.plot(steps, [point.loss for point in run.history], color=SOFT, lw=1, label="training")
        measured = run.evaluations
        axes.plot(
            [point.step for point in measured], [point.loss for point in measured], "o-", color=WIN,
            lw=1.6, ms=5, mec=PAPER, mew=0.8, label="validation",
        )  # fmt: skip
        if step is not None:
            axes.axvline(step, color=LOSS, lw=1.1, ls=(0, (1.5, 2)), label="this checkpoint")
        axes.grid(axis="y", color=LINE, lw=0.8)
        axes.set_axisbelow(True)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=8.5)
        axes.set_xlabel("Training step", fontsize=8.5)
        axes.set_ylabel(
            "Loss" if run.config.recipe.method != "sft" else "Loss, nats a token", fontsize=8.5
        )
        axes.legend(frameon=False, fontsize=8.5, ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
        figure.text(0.02, 0.92, one_line(title, 60), fontsize=11, fontweight="bold")
        return save_figure(figure, path)
