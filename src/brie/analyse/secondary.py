"""Everything beside the headline, as `analysis.json` has it: values, and notes where there are none."""

from __future__ import annotations

import numpy as np

from brie.analyse.categories import omnibus
from brie.analyse.length import length_controlled
from brie.analyse.ranges import leave_one_judge_out, leave_one_source_out, majority_means
from brie.analyse.study import Study
from brie.analyse.variance import Component, Cost, Variance, variance_components
from brie.records.estimates import LengthControlled, Omnibus, Ranges, VarianceComponents, WinRate


def categories(study: Study) -> Omnibus | None:
    """The omnibus test over categories."""
    test = omnibus(
        study.means.mean,
        study.category,
        study.rng("categories"),
        resamples=study.settings.resamples,
    )
    if isinstance(test, str):
        study.notes["categories"] = test
        return None
    if test.f is None:
        study.notes["categories.f"] = "prompts of a category are all alike, so F is infinite"
    return test


def ranges(study: Study) -> Ranges:
    """Leave-one-out ranges: descriptions, not intervals."""
    judges = leave_one_judge_out(study.cells)
    sources = leave_one_source_out(study.means.mean, study.source, study.table.sources)
    if judges is None:
        study.notes["ranges.judges"] = "one judge: there is nothing to leave out"
    if sources is None:
        study.notes["ranges.sources"] = "one source: there is nothing to leave out"
    return Ranges(judges=judges, sources=sources)


def majority(study: Study) -> WinRate | None:
    """The panel's majority vote, a second line: it sharpens noise and shared bias alike."""
    means = majority_means(study.cells)
    if means is None:
        study.notes["majority"] = "one judge: its vote is the majority"
        return None
    ends = [majority_means(end) for end in study.extremes]
    bounds = tuple(float(end.mean.mean()) for end in ends if end is not None and len(end))
    return study.rate_of("majority", means, (bounds[0], bounds[1]) if len(bounds) == 2 else None)


def length(study: Study) -> LengthControlled | None:
    """The length-controlled rate, on the verdicts of the headline."""
    table, cells = study.table, study.cells
    if table.length_difference is None:
        study.notes["length_controlled"] = "the lengths of the answers are not known"
        return None
    used = table.usable & cells.complete[cells.of_row] & np.isfinite(table.length_difference)
    rate = length_controlled(
        table.score[used],
        table.length_difference[used],
        table.position[used],
        table.prompt[used],
        level=study.settings.level,
    )
    if isinstance(rate, str):
        study.notes["length_controlled"] = rate
        return None
    return rate


def variance(study: Study, cost: Cost) -> VarianceComponents | None:
    """Components as plain numbers, their intervals beside them, and what to buy next."""
    measured = variance_components(study.cells, study.bootstrap, level=study.settings.level, cost=cost)
    if isinstance(measured, str):
        study.notes["variance"] = measured
        return None
    _variance_notes(study, measured)
    parts: dict[str, Component | None] = {
        "prompt": measured.prompt, "sample": measured.sample, "judge": measured.judge,
        "prompt_judge": measured.prompt_judge, "noise": measured.noise,
    }  # fmt: skip
    present = {name: part for name, part in parts.items() if part}
    return VarianceComponents(
        **{name: part.value if part else None for name, part in parts.items()},
        raw={name: part.raw for name, part in present.items()},
        intervals={name: (part.low, part.high) for name, part in present.items()},
        order_noise=measured.order_noise,
        win_rate=measured.win_rate,
        next_best=measured.next_best,
        purchases=measured.purchases,
        prompts=measured.prompts,
        samples=measured.samples,
        judges=measured.judges,
        dropped=measured.dropped,
        level=study.settings.level,
        method=measured.method,
        sample_share=measured.sample_share,
    )


def _variance_notes(study: Study, measured: Variance) -> None:
    notes = study.notes
    if measured.samples == 1:
        notes["variance.sample"] = "one sample a prompt: its noise is part of the prompt component"
        notes["variance.next_best"] = "one sample a prompt: what a second one buys is not measured"
    elif measured.next_best is None:
        notes["variance.next_best"] = "no clear difference between more prompts and more samples"
    if measured.judges == 1:
        notes["variance.judge"] = "one judge"
        notes["variance.noise"] = "one judge: noise is part of the sample or prompt component"
    if measured.judges == 1 or measured.samples == 1:
        notes["variance.prompt_judge"] = "not separable from noise in this design"
    if measured.order_noise is None:
        notes["variance.order_noise"] = "not every comparison was judged in both orders"
