"""The judge-agreement report: pairs, panel, categories, disagreements (docs/statistics.md 8.1)."""

from __future__ import annotations

import numpy as np

from brie.analyse.agreement import (
    ac1_of,
    category_counts,
    cohen_kappa,
    coincidences_of,
    krippendorff_alpha,
    ratio,
)
from brie.analyse.arrays import AnyInts, Floats, Ints, distinct, group_mean, ranked
from brie.analyse.cells import judge_means
from brie.analyse.pairs import (
    IMAGINED,
    K,
    PairTables,
    base_rate_intervals,
    estimate,
    one_is_constant,
    pair_entries,
    pair_tables,
    shares,
    with_imagined,
)
from brie.analyse.ratings import Ratings, Unit, ratings
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.conventions import FEWEST_PROMPTS
from brie.records.agreement import (
    Agreement,
    CategoryAgreement,
    Consistency,
    Disagreement,
    PanelAgreement,
    PanelCoefficients,
)
from brie.records.estimates import Estimate

_CATEGORY_COLUMNS = 300
_SHOWN_DISAGREEMENTS = 20


def agreement(study: Study, unit: Unit | None = None) -> Agreement | None:
    """Everything about how judges agree; None, with a note, for one judge."""
    if len(study.table.judges) < 2:
        study.notes["agreement"] = "one judge: there is nobody to agree with"
        return None
    rated = ratings(study.cells, unit)
    if not (np.isfinite(rated.score).sum(axis=1) > 1).any():
        study.notes["agreement"] = "no two judges have a usable verdict on the same comparison"
        return None
    study.notes["effective_judges"] = "needs human labels"
    tables = pair_tables(study, rated)
    rates = base_rate_intervals(study, tables)
    return Agreement(
        unit=rated.unit,
        pairs=pair_entries(study, tables, "agreement.pairs", rates),
        panel=panel(study, rated, tables, "agreement.panel"),
        by_category=_by_category(study, rated),
        disagreements=disagreements(study, rated),
    )


def panel(study: Study, rated: Ratings, pairs: PairTables, path: str) -> PanelAgreement:
    """The whole panel: coefficients over all judges, unanimity, base rates, precision gain."""
    counts = category_counts(rated.category, K)
    raters = counts.sum(axis=1)
    several = raters > 1
    unanimous = float((counts[several].max(axis=1) == raters[several]).mean())
    return PanelAgreement(
        **_panel_coefficients(study, rated, counts, path),
        kappa=_mean_kappa(study, pairs, path),
        unanimous=unanimous,
        marginals=shares((counts / np.maximum(raters, 1)[:, None]).sum(axis=0)),
        n=int(several.sum()),
        prompts=distinct(rated.prompt),
        precision_gain=precision_gain(study, f"{path}.precision_gain"),
        effective_judges=None,
    )


def _panel_coefficients(
    study: Study, rated: Ratings, counts: Floats, path: str
) -> dict[str, Estimate | None]:
    """Mean pairwise agreement, both alphas and Gwet's AC1 for any number of judges."""
    raters = counts.sum(axis=1, keepdims=True)
    several = (raters > 1).astype(np.float64)
    agree = (counts * (counts - 1)).sum(axis=1, keepdims=True) / np.maximum(raters * (raters - 1), 1)
    each = coincidences_of(rated.category, K).reshape(-1, K**2)
    pieces = np.concatenate(
        [each, agree, several, counts / np.maximum(raters, 1), np.ones_like(agree)], axis=1
    )
    prompts, whole = distinct(rated.prompt), pieces.sum(axis=0, keepdims=True)
    drawn = study.bootstrap.sums(rated.prompt, pieces)
    drawn += study.bootstrap.imagined @ _imagined(whole[0] / prompts)
    occurring = np.flatnonzero(counts.sum(axis=0))

    def parts(sums: Floats, used: AnyInts) -> dict[str, Floats]:
        table = sums[:, : K**2].reshape(-1, K, K)
        observed = ratio(sums[:, K**2], sums[:, K**2 + 1])
        rate = ratio(sums[:, K**2 + 2 + used], sums[:, -1:])
        return {
            "percent": observed,
            "alpha": krippendorff_alpha(table),
            "alpha_ordinal": krippendorff_alpha(table, "ordinal"),
            "ac1": ac1_of(observed, rate),
        }

    point, draws = parts(whole, occurring), parts(drawn, with_imagined(occurring))
    return {
        name: estimate(study, float(point[name][0]), draws[name], prompts, f"{path}.{name}")
        for name in point
    }


def _imagined(mean: Floats) -> Floats:
    """The imagined prompts' pieces (4, columns), as large as the mean prompt's.

    Args:
        mean: a prompt's mean coincidences, agreeing items, items with several verdicts, base rates
            and items.
    """
    table, (_, several), items = mean[: K**2], mean[K**2 : K**2 + 2], mean[-1]
    lines = []
    for first, second in IMAGINED:
        said = np.zeros((K, K))
        said[first, second] += 0.5
        said[second, first] += 0.5
        agree = several if first == second else 0.0
        lines.append([*(table.sum() * said.ravel()), agree, several, *(items * said.sum(axis=0)), items])
    return np.array(lines)


def _mean_kappa(study: Study, pairs: PairTables, path: str) -> Estimate | None:
    """Light 1971: the mean of the pairs' kappas, over the pairs that have one."""
    tables = cohen_kappa(pairs.tables)
    defined = np.isfinite(tables) & ~np.array([one_is_constant(table) for table in pairs.tables])
    tables = np.where(defined, tables, np.nan)
    if not defined.any():
        return estimate(study, float("nan"), tables, max(pairs.prompts), f"{path}.kappa")
    drawn = cohen_kappa(pairs.draws[:, defined])
    known = np.isfinite(drawn)
    mean = ratio(np.where(known, drawn, 0.0).sum(axis=1), known.sum(axis=1))
    return estimate(study, float(tables[defined].mean()), mean, max(pairs.prompts), f"{path}.kappa")


def precision_gain(study: Study, path: str) -> Estimate | None:
    """mean_j Var(rate_j) / Var(panel rate): how far the panel narrows the interval. Not validity."""
    by_judge = judge_means(study.cells)
    prompt = np.flatnonzero(~np.isnan(by_judge).any(axis=1))
    by_judge = by_judge[prompt]
    if len(by_judge) < FEWEST_PROMPTS:
        study.notes[path] = (
            f"too few prompts with every judge: {len(by_judge)} of the {FEWEST_PROMPTS} needed"
        )
        return None
    pieces = _gain_pieces(by_judge)
    draws = study.bootstrap.sums(prompt, pieces)
    draws += study.bootstrap.imagined @ _gain_pieces(_divided(by_judge.shape[1]))
    value = float(_gain(pieces.sum(axis=0)[None])[0])
    if not np.isfinite(value):
        study.notes[path] = "the panel's result is the same for every prompt"
        return None
    return estimate(study, value, _gain(draws), len(by_judge), path)


def disagreements(study: Study, rated: Ratings) -> tuple[Disagreement, ...]:
    """The items judges disagree on most, to read: largest spread of scores first."""
    with np.errstate(all="ignore"):
        low = np.where(np.isnan(rated.score), np.inf, rated.score).min(axis=1, initial=np.inf)
        high = np.where(np.isnan(rated.score), -np.inf, rated.score).max(axis=1, initial=-np.inf)
        around = rated.score - np.nanmean(rated.score, axis=1, keepdims=True)
    spread = high - low
    order = np.lexsort((-np.nansum(around**2, axis=1), -spread))[:_SHOWN_DISAGREEMENTS]
    return tuple(
        Disagreement(
            prompt=study.table.prompts[rated.prompt[i]],
            sample=int(rated.sample[i]),
            spread=float(spread[i]),
            scores={
                name: float(value)
                for name, value in zip(rated.judges, rated.score[i], strict=True)
                if np.isfinite(value)
            },
        )
        for i in order.tolist()
        if spread[i] > 0
    )


def consistency(study: Study) -> dict[str, Consistency]:
    """How often each judge, asked again in the same order, says the same; only judges asked again."""
    table = study.table
    judges = {}
    for code, name in enumerate(table.judges):
        prompt, same = _asked_again(table, code)
        if len(prompt) == 0:
            continue
        path, prompts = f"agreement.consistency.{name}", distinct(prompt)
        draws = study.bootstrap.sums(prompt, np.column_stack([same, np.ones(len(same))]))
        agree = np.array([float(first == second) for first, second in IMAGINED])
        draws += study.bootstrap.imagined @ np.column_stack([agree, np.ones(4)]) * len(same) / prompts
        value = estimate(study, float(same.mean()), ratio(draws[:, 0], draws[:, 1]), prompts, path)
        judges[name] = Consistency(same=value, n=len(same))
    return judges


def _asked_again(table: VerdictTable, judge: int) -> tuple[Ints, Floats]:
    """Prompt of each repeated verdict, and 1 where it equals the first verdict on that presentation."""
    used = table.told & (table.judge == judge)
    first, again = used & (table.repeat == 0), used & (table.repeat > 0)
    if not again.any() or not first.any():
        return np.zeros(0, np.int64), np.zeros(0)
    comparison = table.prompt * (int(table.sample.max()) + 1) + table.sample
    _, code = ranked(9 * comparison + 3 * table.position + table.label)
    scores = group_mean(code[first], table.score[first], int(code.max()) + 1)
    known = again & np.isfinite(scores[code])
    same = np.sign(scores[code[known]] - 0.5) == np.sign(table.score[known] - 0.5)
    return table.prompt[known], same.astype(np.float64)


def _by_category(study: Study, rated: Ratings) -> dict[str, CategoryAgreement]:
    names = study.table.categories
    count = len(names) * len(rated.judges) * (len(rated.judges) - 1) // 2
    if len(names) < 2 or count > _CATEGORY_COLUMNS:
        return {}
    categories = {}
    for code, name in enumerate(names):
        part = rated.where(study.table.category[rated.prompt] == code)
        path = f"agreement.by_category.{name}"
        if not (np.isfinite(part.score).sum(axis=1) > 1).any():
            study.notes[path] = "no two judges have a usable verdict on the same comparison"
            continue
        counts = category_counts(part.category, K)
        categories[name] = CategoryAgreement(
            pairs=pair_entries(study, pair_tables(study, part), f"{path}.pairs"),
            panel=PanelCoefficients(**_panel_coefficients(study, part, counts, f"{path}.panel")),
            prompts=distinct(part.prompt),
        )
    return categories


def _gain_pieces(by_judge: Floats) -> Floats:
    """By prompt: panel and judge means, the same squared, and 1."""
    every = np.column_stack([by_judge.mean(axis=1), by_judge])
    return np.column_stack([every, every**2, np.ones(len(every))])


def _divided(judges: int) -> Floats:
    """The imagined prompts' judge means: all won, all lost, two with every other judge."""
    means = np.zeros((4, judges))
    means[0], means[2, ::2], means[3, 1::2] = 1.0, 1.0, 1.0
    return means


def _gain(sums: Floats) -> Floats:
    """Columns: panel and judge means, the same squared, number of prompts."""
    columns = (sums.shape[1] - 1) // 2
    n = sums[:, -1:]
    variance = sums[:, columns:-1] / n - (sums[:, :columns] / n) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = np.where(variance[:, 0] > 1e-12, variance[:, 0], np.nan)
        return np.asarray(variance[:, 1:].mean(axis=1) / whole)
