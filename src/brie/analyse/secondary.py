"""Everything beside the headline, as `analysis.json` has it: values, and notes where there are none."""

from __future__ import annotations

from typing import Any

import numpy as np

from brie.analyse.categories import omnibus
from brie.analyse.length import METHOD as LENGTH_METHOD
from brie.analyse.length import length_controlled
from brie.analyse.ranges import leave_one_judge_out, leave_one_source_out, majority_means
from brie.analyse.study import Study, plain
from brie.analyse.variance import Component, Cost, Variance, variance_components


def categories(study: Study) -> dict[str, Any] | None:
    """The omnibus test over categories."""
    found = omnibus(
        study.means.mean,
        study.category,
        study.rng("categories"),
        resamples=study.settings.resamples,
    )
    if isinstance(found, str):
        study.notes["categories"] = found
        return None
    if not np.isfinite(found.f):
        study.notes["categories.f"] = "prompts of a category are all alike, so F is infinite"
    return dict(plain(found))


def ranges(study: Study) -> dict[str, Any]:
    """Leave-one-out ranges: descriptions, not intervals."""
    judges = leave_one_judge_out(study.cells)
    sources = leave_one_source_out(study.means.mean, study.source, study.table.sources)
    if judges is None:
        study.notes["ranges.judges"] = "one judge: there is nothing to leave out"
    if sources is None:
        study.notes["ranges.sources"] = "one source: there is nothing to leave out"
    return {"judges": plain(judges), "sources": plain(sources)}


def majority(study: Study) -> dict[str, Any] | None:
    """The panel's majority vote, a second line: it sharpens noise and shared bias alike."""
    means = majority_means(study.cells)
    if means is None:
        study.notes["majority"] = "one judge: its vote is the majority"
        return None
    ends = [majority_means(end) for end in study.extremes]
    bounds = tuple(float(end.mean.mean()) for end in ends if end is not None and len(end))
    rate = study.rate_of("majority", means, (bounds[0], bounds[1]) if len(bounds) == 2 else None)
    return None if rate is None else dict(plain(rate))


def length(study: Study) -> dict[str, Any] | None:
    """The length-controlled rate, on the verdicts of the headline."""
    table, cells = study.table, study.cells
    if table.length_difference is None:
        study.notes["length_controlled"] = "the lengths of the answers are not known"
        return None
    used = table.usable & cells.complete[cells.of_row] & np.isfinite(table.length_difference)
    found = length_controlled(
        table.score[used],
        table.length_difference[used],
        table.position[used],
        table.prompt[used],
        level=study.settings.level,
    )
    if isinstance(found, str):
        study.notes["length_controlled"] = found
        return None
    return {**plain(found), "method": LENGTH_METHOD}


def variance(study: Study, cost: Cost) -> dict[str, Any] | None:
    """Components as plain numbers, their intervals beside them, and what to buy next."""
    found = variance_components(study.cells, study.bootstrap, level=study.settings.level, cost=cost)
    if isinstance(found, str):
        study.notes["variance"] = found
        return None
    _variance_notes(study, found)
    parts: dict[str, Component | None] = {
        "prompt": found.prompt, "sample": found.sample, "judge": found.judge,
        "prompt_judge": found.prompt_judge, "noise": found.noise,
    }  # fmt: skip
    return {
        **{name: part.value if part else None for name, part in parts.items()},
        "raw": {name: part.raw for name, part in parts.items() if part},
        "intervals": {name: [part.low, part.high] for name, part in parts.items() if part},
        "order_noise": found.order_noise,
        "win_rate": found.win_rate,
        "next_best": found.next_best,
        "purchases": plain(found.purchases),
        "prompts": found.prompts,
        "samples": found.samples,
        "judges": found.judges,
        "dropped": found.dropped,
        "level": study.settings.level,
        "method": found.method,
    }


def _variance_notes(study: Study, found: Variance) -> None:
    notes = study.notes
    if found.samples == 1:
        notes["variance.sample"] = "one sample a prompt: its noise is part of the prompt component"
        notes["variance.next_best"] = "one sample a prompt: what a second one buys is not measured"
    elif found.next_best is None:
        notes["variance.next_best"] = "no clear difference between more prompts and more samples"
    if found.judges == 1:
        notes["variance.judge"] = "one judge"
        notes["variance.noise"] = "one judge: noise is part of the sample or prompt component"
    if found.judges == 1 or found.samples == 1:
        notes["variance.prompt_judge"] = "not separable from noise in this design"
    if found.order_noise is None:
        notes["variance.order_noise"] = "not every comparison was judged in both orders"
