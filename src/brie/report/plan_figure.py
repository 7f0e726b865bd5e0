"""The plan as a figure: what more prompts would let a suite detect."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from brie.analyse.power import smallest_detectable
from brie.errors import UsageError
from brie.number_format import percent, plural
from brie.records.studies import PlanTable
from brie.report.clean import one_line
from brie.report.drawing import INK, LINE, LOSS, PAPER, SOFT, STYLE, TIE, WIN, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (WIN, LOSS, SOFT, INK, TIE)
_DASHES = ("-", "--", ":", "-.", "-")
TICKS = (8, 15, 30, 60, 100, 200, 400, 800, 1600)


def write_plan_figure(plan: PlanTable, path: Path) -> Path:
    """Draw the smallest detectable win rate over the number of prompts, one line a design.

    Args:
        plan: its designs.
        path: where to, an .svg, .png or .pdf file; the same plan gives the same bytes.

    Raises:
        UsageError: the file cannot be written.
    """
    import matplotlib

    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = new_figure(7, 4.4)
        axes = figure.add_axes((0.1, 0.2, 0.86, 0.62))
        _curves(axes, plan)
        title = f"What {one_line(plan.suite, 40)} can find: {plan.prompts:,} prompts"
        figure.text(0.02, 0.93, title, fontsize=11, fontweight="bold")
        figure.text(0.02, 0.875, _under(plan), fontsize=8.5, color=SOFT)
        figure.text(0.02, 0.03, _equivalent(plan), fontsize=8.5, color=SOFT)
        return save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> Path:
    """Save without dates, so that the same figure gives the same bytes.

    Raises:
        UsageError: the file cannot be written.
    """
    metadata = {
        ".svg": {"Date": None, "Creator": "brie"}, ".png": {"Software": "brie"},
        ".pdf": {"CreationDate": None, "Creator": "brie"},
    }[path.suffix.lower()]  # fmt: skip
    try:
        figure.savefig(path, metadata=metadata)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}.") from error
    return path


def _curves(axes: Axes, plan: PlanTable) -> None:
    n = plan.prompts
    span = [8, *range(9, 100), *range(100, 1600, 10), 1600]
    designs = _designs(plan)
    for number, (label, ratio) in enumerate(designs):
        points = [(count, smallest_detectable(count, ratio)) for count in span]
        known = [(count, 100 * rate) for count, rate in points if rate is not None]
        colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]
        smallest = smallest_detectable(n, ratio)
        text = f"{label}: {percent(smallest)}" if smallest is not None else f"{label}: nothing"
        xs, ys = [x for x, _ in known], [y for _, y in known]
        axes.plot(xs, ys, dash, color=colour, lw=2, label=text)
        if smallest is not None:
            axes.plot([n], [100 * smallest], "o", color=colour, ms=6)
    axes.legend(
        loc="upper right", frameon=True, facecolor=PAPER, edgecolor=LINE, handlelength=2.6, fontsize=8.5
    )
    axes.set_xscale("log")
    axes.set(xlim=(8, 1600), ylim=(50, 100))
    axes.set_xticks(TICKS, [str(tick) for tick in TICKS])
    axes.minorticks_off()
    axes.set_yticks([50, 60, 70, 80, 90, 100])
    axes.grid(color=LINE, lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=8.5)
    axes.axvline(n, color=SOFT, lw=1.1, ls=(0, (1.5, 2)))
    axes.set_xlabel("Prompts in the suite; dotted: this suite", fontsize=8.5)
    axes.set_ylabel("Smallest win rate found, %", fontsize=8.5)


def _designs(plan: PlanTable) -> list[tuple[str, float]]:
    """Label and variance ratio of each design that differs from the others."""
    ratios: dict[int, dict[str, float]] = {}
    for row in plan.rows:
        order = "both orders" if row.positions == "both" else "one order"
        ratios.setdefault(row.samples, {}).setdefault(order, row.ratio)
    return [
        design
        for samples, by_order in ratios.items()
        for design in _of_samples(plural(samples, "sample"), by_order)
    ]


def _of_samples(label: str, by_order: Mapping[str, float]) -> list[tuple[str, float]]:
    """One line where the order makes no difference: two would lie on each other."""
    if len(set(by_order.values())) == 1:
        return [(label, next(iter(by_order.values())))]
    return [(f"{label}, {order}", ratio) for order, ratio in by_order.items()]


def _measured(plan: PlanTable) -> list[str]:
    """The evaluations whose variance is used."""
    return list(dict.fromkeys(row.measured for row in plan.rows if row.measured))


def _under(plan: PlanTable) -> str:
    used = _measured(plan)
    partly = " (else assumed)" if any(row.measured is None for row in plan.rows) else ""
    named = " and ".join(one_line(name, 50) for name in used)
    source = f"as measured by {named}, upper limit{partly}" if used else "assumed"
    return f"80 % power, 5 % two-sided; variance {source}"


def _equivalent(plan: PlanTable) -> str:
    needed = dict.fromkeys(f"{row.equivalence:,} ({row.samples})" for row in plan.rows)
    return f"Prompts for `equivalent` (samples): {', '.join(needed)}".replace("`", "")
