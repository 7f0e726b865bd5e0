"""The win rate by judge, category, source and sample index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from brie.analyse.arrays import Bools, Ints, present
from brie.analyse.bootstrap import plus_one
from brie.analyse.categories import pooled_rates
from brie.analyse.cells import prompt_means
from brie.analyse.criteria_order import criteria_orders
from brie.analyse.multiplicity import benjamini_hochberg, holm
from brie.analyse.position import Presentation, presentation_effects
from brie.analyse.rewards import rewards
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.conventions import FEWEST_PROMPTS
from brie.records.agreement import Consistency
from brie.records.estimates import Ends, FlipCounts, Outcomes, PositionEffect, SliceNumbers, WinRate
from brie.records.judges import JudgeNumbers

Part = TypeVar("Part", bound=SliceNumbers)

LISTED = 200
"""Categories, sources or samples beyond this many are not listed one by one."""
NAMED_IN_ADVANCE = 6
"""Up to this many categories are Holm-adjusted; more are exploration (Benjamini-Hochberg)."""
POOLED_BELOW = 15


def by_judge(study: Study) -> dict[str, JudgeNumbers]:
    """Each judge alone: rate, outcomes, effects of presentation, unusable verdicts."""
    return {name: _one_judge(study, code, name) for code, name in enumerate(study.table.judges)}


def with_consistency(
    judges: Mapping[str, JudgeNumbers], again: Mapping[str, Consistency]
) -> dict[str, JudgeNumbers]:
    """Judges' numbers with how those that were asked again agree with themselves."""
    return {
        name: numbers.model_copy(update={"consistency": again[name]}) if name in again else numbers
        for name, numbers in judges.items()
    }


def by_category(study: Study) -> dict[str, SliceNumbers]:
    """Each category: rate, adjusted p, simultaneous interval, pooled estimate where prompts are few."""
    slices = by_prompt_group(study, "by_category", study.table.category, study.table.categories)
    names = study.table.categories
    keep = {name: study.category == code for code, name in enumerate(names)}
    pooled = pooled_rates(study.means.mean, study.category, len(names))
    return {
        name: _pooled(part, float(pooled[names.index(name)]))
        for name, part in with_family(study, "by_category", slices, keep).items()
    }


def with_family(
    study: Study, path: str, slices: Mapping[str, Part], keep: Mapping[str, Bools]
) -> dict[str, Part]:
    """Parts with an adjusted p and a simultaneous interval each, over all of them.

    Args:
        study: what is analysed.
        path: their key in the document.
        slices: parts by name.
        keep: name -> which prompt means are in it.
    """
    rates = {name: part.win_rate for name, part in slices.items() if part.win_rate is not None}
    if not rates:
        return dict(slices)
    named = len(rates) <= NAMED_IN_ADVANCE
    adjusted = (holm if named else benjamini_hochberg)(np.array([r.p_value for r in rates.values()]))
    changed = dict(slices)
    for (name, rate), p in zip(rates.items(), adjusted.tolist(), strict=True):
        update: dict[str, float | str | WinRate | Ends] = {
            "win_rate": rate.model_copy(update={"p_adjusted": p}),
            "p_adjusted": p,
            "adjustment": "holm" if named else "benjamini-hochberg",
        }
        interval = _simultaneous(study, f"{path}.{name}.simultaneous", keep[name], len(rates))
        if interval is not None:
            update["simultaneous"] = interval
        changed[name] = slices[name].model_copy(update=update)
    return changed


def _pooled(part: SliceNumbers, pooled: float) -> SliceNumbers:
    """A category with its rate drawn towards the others', where its prompts are few."""
    rate = part.win_rate
    if rate is None or rate.prompts >= POOLED_BELOW or np.isnan(pooled):
        return part
    return part.model_copy(update={"win_rate": rate.model_copy(update={"pooled": pooled})})


def by_source(study: Study) -> dict[str, SliceNumbers]:
    """Each source's rate."""
    return by_prompt_group(study, "by_source", study.table.source, study.table.sources)


def by_sample(study: Study) -> dict[str, SliceNumbers]:
    """The rate of each sample index alone."""
    samples = present(study.table.sample[study.table.repeat == 0])
    if len(samples) > LISTED:
        study.notes["by_sample"] = f"{len(samples)} samples are too many to list"
        return {}
    return {
        str(index): SliceNumbers(
            win_rate=study.rate(f"by_sample.{index}.win_rate", study.cells.sample == index)
        )
        for index in samples.tolist()
    }


def position_effect(study: Study, path: str, shown: Presentation) -> PositionEffect:
    """The position effect with its flips as the document has them; notes on all that has no number."""
    for name, reason in shown.reasons.items():
        study.notes[f"{path}{name}"] = reason
    flips = shown.flips
    if flips.rate is None:
        study.notes[f"{path}position.flip_rate"] = "no comparison was judged in both orders"
    return PositionEffect(
        **shown.position.model_dump(),
        flip_rate=flips.rate,
        flips=FlipCounts(
            compared=flips.compared, first=flips.first, second=flips.second, p_value=flips.p_value
        ),
    )


def _one_judge(study: Study, code: int, name: str) -> JudgeNumbers:
    table, path = study.table, f"by_judge.{name}."
    rows = table.judge == code
    rate = study.rate(f"{path}win_rate", study.cells.judge == code)
    shown = presentation_effects(study.shown, study.shown_cells, rows, level=study.settings.level)
    rewarded = rewards(table, code, level=study.settings.level)
    if isinstance(rewarded, str):
        study.notes[f"{path}rewards"] = rewarded
    read = criteria_orders(table, rows, level=study.settings.level)
    contradictions, scored = table.contradictions(rows)
    return JudgeNumbers(
        win_rate=rate,
        outcomes=table.outcomes(rows),
        position=position_effect(study, path, shown),
        label=shown.label,
        layout=shown.layout,
        **({} if read is None else {"criteria_order": read}),
        rewards=None if isinstance(rewarded, str) else rewarded,
        half=int((study.cells.half & (study.cells.judge == code)).sum()),
        contradictions=contradictions if scored else None,
        scored=scored,
        **table.status_counts(rows),
    )


def by_prompt_group(
    study: Study, path: str, group: Ints, names: tuple[str, ...]
) -> dict[str, SliceNumbers]:
    """Win rate and outcomes of each group of prompts.

    Args:
        study: what is analysed.
        path: the key of the document.
        group: one entry a prompt of the table: its place in `names`.
        names: of the groups.
    """
    if len(names) > LISTED:
        study.notes[path] = f"{len(names)} are too many to list"
        return {}
    bounds = [prompt_means(extreme) for extreme in study.extremes] if study.has_missing else []
    of_mean, outcomes = group[study.means.prompt], _outcomes(study.table, group, len(names))
    slices: dict[str, SliceNumbers] = {}
    for code, name in enumerate(names):
        extremes = [end.mean[group[end.prompt] == code] for end in bounds]
        rate = study.rate_of(
            f"{path}.{name}.win_rate",
            study.means.where(of_mean == code),
            (float(extremes[0].mean()), float(extremes[1].mean()))
            if extremes and len(extremes[0])
            else None,
            planning=path == "by_category",
        )
        slices[name] = SliceNumbers(win_rate=rate, outcomes=outcomes[code])
    if (
        path == "by_source"
        and len(study.means)
        and np.bincount(of_mean, minlength=1).min() < FEWEST_PROMPTS
    ):
        study.notes[path] = f"sources of fewer than {FEWEST_PROMPTS} prompts have the betting interval"
    return slices


def _outcomes(table: VerdictTable, group: Ints, size: int) -> list[Outcomes]:
    used = table.counted_once
    side = 1 + np.sign(table.score[used] - 0.5).astype(np.int64)
    counts = np.bincount(3 * group[table.prompt[used]] + side, minlength=3 * size).reshape(size, 3)
    outcomes = [Outcomes(win=win, tie=tie, loss=loss) for loss, tie, win in counts.tolist()]
    if table.identical_as_ties:
        return outcomes
    same = np.bincount(group[table.prompt[table.usable & table.identical]], minlength=size).tolist()
    return [
        counted.model_copy(update={"identical": number})
        for counted, number in zip(outcomes, same, strict=True)
    ]


def _simultaneous(study: Study, path: str, keep: Bools, count: int) -> Ends | None:
    """Interval at level 1 - alpha/m: all m hold together; None for few prompts or one part."""
    if int(keep.sum()) < FEWEST_PROMPTS or count < 2:
        return None
    level = 1 - (1 - study.settings.level) / count
    drawn = plus_one(study.means.mean[keep], study.rng(path), resamples=study.settings.resamples)
    interval = drawn.interval(level)
    return interval.low, interval.high
