"""The win rate by judge, category, source and sample index."""

from __future__ import annotations

from typing import Any

import numpy as np

from brie.analyse.arrays import Ints
from brie.analyse.bootstrap import plus_one
from brie.analyse.categories import pooled_rates
from brie.analyse.cells import prompt_means
from brie.analyse.multiplicity import benjamini_hochberg, holm
from brie.analyse.position import Effect, Presentation, presentation_effects
from brie.analyse.rewards import rewards
from brie.analyse.study import Study, plain
from brie.analyse.table import VerdictTable
from brie.conventions import FEWEST_PROMPTS

LISTED = 200
"""Categories, sources or samples beyond this many are not listed one by one."""
NAMED_IN_ADVANCE = 6
"""Up to this many categories are Holm-adjusted; more are exploration (Benjamini-Hochberg)."""
POOLED_BELOW = 15


def by_judge(study: Study) -> dict[str, dict[str, Any]]:
    """Each judge alone: rate, outcomes, effects of presentation, unusable verdicts."""
    return {name: _one_judge(study, code, name) for code, name in enumerate(study.table.judges)}


def by_category(study: Study) -> dict[str, dict[str, Any]]:
    """Each category: rate, adjusted p, simultaneous interval, pooled estimate where prompts are few."""
    found = _by_prompt_group(study, "by_category", study.table.category, study.table.categories)
    tested = [name for name, entry in found.items() if entry["win_rate"] is not None]
    if not tested:
        return found
    p = np.array([found[name]["win_rate"]["p_value"] for name in tested])
    named = len(tested) <= NAMED_IN_ADVANCE
    adjusted = (holm if named else benjamini_hochberg)(p)
    pooled = pooled_rates(study.means.mean, study.category, len(study.table.categories))
    for name, value in zip(tested, adjusted, strict=True):
        entry = found[name]
        entry["p_adjusted"] = entry["win_rate"]["p_adjusted"] = float(value)
        entry["adjustment"] = "holm" if named else "benjamini-hochberg"
        rate = pooled[study.table.categories.index(name)]
        if entry["win_rate"]["prompts"] < POOLED_BELOW and not np.isnan(rate):
            entry["win_rate"]["pooled"] = float(rate)
        _simultaneous(study, name, entry, len(tested))
    return found


def by_source(study: Study) -> dict[str, dict[str, Any]]:
    """Each source's rate."""
    return _by_prompt_group(study, "by_source", study.table.source, study.table.sources)


def by_sample(study: Study) -> dict[str, dict[str, Any]]:
    """The rate of each sample index alone."""
    samples = np.unique(study.table.sample[study.table.repeat == 0])
    if len(samples) > LISTED:
        study.notes["by_sample"] = f"{len(samples)} samples are too many to list"
        return {}
    return {
        str(index): {
            "win_rate": plain(study.rate(f"by_sample.{index}.win_rate", study.cells.sample == index))
        }
        for index in samples.tolist()
    }


def presentation_fields(study: Study, path: str, shown: Presentation) -> dict[str, Any]:
    """Position, label and layout as the document has them; notes where not identified."""
    fields: dict[str, Any] = {}
    for name in ("position", "label", "layout"):
        effect: Effect = getattr(shown, name)
        fields[name] = plain(effect)
        del fields[name]["reason"]
        if effect.effect is None:
            study.notes[f"{path}{name}"] = effect.reason
    flips = shown.flips
    fields["position"]["flip_rate"] = flips.rate
    fields["position"]["flips"] = {
        "compared": flips.compared, "first": flips.first, "second": flips.second,
        "p_value": flips.p_value,
    }  # fmt: skip
    if flips.rate is None:
        study.notes[f"{path}position.flip_rate"] = "no comparison was judged in both orders"
    return fields


def _one_judge(study: Study, code: int, name: str) -> dict[str, Any]:
    table, path = study.table, f"by_judge.{name}."
    rows = table.judge == code
    rate = study.rate(f"{path}win_rate", study.cells.judge == code)
    counts = table.status_counts(rows)
    shown = presentation_effects(table, study.cells, rows, level=study.settings.level)
    rewarded = rewards(table, code, level=study.settings.level)
    if isinstance(rewarded, str):
        study.notes[f"{path}rewards"] = rewarded
    return {
        "win_rate": plain(rate),
        "outcomes": plain(table.outcomes(rows)),
        **presentation_fields(study, path, shown),
        "rewards": None if isinstance(rewarded, str) else plain(rewarded),
        "half": int((study.cells.half & (study.cells.judge == code)).sum()),
        **counts,
    }


def _by_prompt_group(
    study: Study, path: str, group: Ints, names: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    if len(names) > LISTED:
        study.notes[path] = f"{len(names)} are too many to list"
        return {}
    bounds = [prompt_means(extreme) for extreme in study.extremes] if study.has_missing else []
    of_mean, outcomes = group[study.means.prompt], _outcomes(study.table, group, len(names))
    found: dict[str, dict[str, Any]] = {}
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
        found[name] = {"win_rate": plain(rate), "outcomes": outcomes[code]}
    if (
        path == "by_source"
        and len(study.means)
        and np.bincount(of_mean, minlength=1).min() < FEWEST_PROMPTS
    ):
        study.notes[path] = f"sources of fewer than {FEWEST_PROMPTS} prompts have the betting interval"
    return found


def _outcomes(table: VerdictTable, group: Ints, size: int) -> list[dict[str, int]]:
    used = table.usable
    side = 1 + np.sign(table.score[used] - 0.5).astype(np.int64)
    counts = np.bincount(3 * group[table.prompt[used]] + side, minlength=3 * size).reshape(size, 3)
    return [{"win": int(row[2]), "tie": int(row[1]), "loss": int(row[0])} for row in counts]


def _simultaneous(study: Study, name: str, entry: dict[str, Any], count: int) -> None:
    """Interval at level 1 - alpha/m: all m hold together."""
    keep = study.category == study.table.categories.index(name)
    if int(keep.sum()) < FEWEST_PROMPTS or count < 2:
        return
    level = 1 - (1 - study.settings.level) / count
    drawn = plus_one(
        study.means.mean[keep],
        study.rng(f"by_category.{name}.simultaneous"),
        resamples=study.settings.resamples,
    )
    interval = drawn.interval(level)
    entry["simultaneous"] = [interval.low, interval.high]
