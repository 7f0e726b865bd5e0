"""Where the noise in a win rate comes from, and what to buy next (docs/statistics.md 11).

Balanced design prompt x sample-in-prompt x judge, orders averaged. Judges are fixed: the win rate
is about these judges, so the component between them adds no variance to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brie.analyse.arrays import Floats, Ints, distinct, ranked
from brie.analyse.bootstrap import PLUS_FOUR, PROMPT_BOOTSTRAP, PromptBootstrap, percentiles
from brie.analyse.cells import Cells
from brie.conventions import FEWEST_PROMPTS
from brie.records.estimates import Estimate, Purchase

PADDED = ("prompt", "sample")
"""Components whose intervals have the imagined prompts of `_imagined`."""
CROSSED = ("prompt_judge", "noise")
"""Components whose intervals have those of `_crossed`, with several samples and several judges."""
_QUARTER = 0.25
OPTIONAL = ("sample", "judge", "prompt_judge", "noise")
_CLEAR = 0.80
_DEFINED = 0.75
_Z95 = 1.959964
_LARGEST = 20_000_000


@dataclass(frozen=True)
class Cost:
    """Price of one more unit, in any one currency (dollars, minutes); 1 call each by default."""

    prompt: float = 0.0
    """Writing one more prompt."""
    completion: float = 0.0
    """One answer of one side."""
    call: float = 1.0
    """One judge call."""


@dataclass(frozen=True)
class Component:
    """One variance component: negative estimates are shown as 0, with the raw value."""

    value: float
    raw: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Variance:
    """Components of a verdict's variance, and of the win rate's."""

    prompt: Component
    sample: Component | None
    """None with one sample a prompt."""
    judge: Component | None
    """None with one judge."""
    prompt_judge: Component | None
    noise: Component | None
    """None with one judge: then `sample` contains it."""
    order_noise: float | None
    """var(d)/2, d the difference between a comparison's two orders: what the order adds to the
    variance of one verdict. Half of it stays in `noise`, where orders are averaged."""
    win_rate: float
    """Variance of the win rate; equals var(c)/G."""
    prompts: int
    samples: int
    judges: int
    dropped: int
    """Prompts left out because a cell of theirs is missing."""
    sample_share: Estimate | None
    """Share of a prompt mean's variance that is the draw of its samples; None with one sample."""
    next_best: str | None
    """"prompts" or "samples"; None where neither is clearly better, or only one can be predicted."""
    purchases: tuple[Purchase, ...]
    method: str = PROMPT_BOOTSTRAP


@dataclass(frozen=True)
class Balanced:
    """The prompts of an evaluation that have every cell."""

    prompt: Ints
    score: Floats
    """(prompts, samples, judges), orders averaged."""
    order: Floats | None
    """Differences between the two orders in the same shape; None unless all are known."""
    dropped: int
    """Prompts with a missing cell."""


def balanced_scores(cells: Cells) -> Balanced:
    """The part of the evaluation that is a full prompt x sample x judge design."""
    judges = len(cells.table.judges)
    samples, sample = ranked(cells.sample)
    prompts, prompt = ranked(cells.prompt)
    shape = (len(prompts), len(samples), judges)
    score, order = np.full(shape, np.nan), np.full(shape, np.nan)
    where = (prompt, sample, cells.judge)
    score[where] = np.where(cells.complete, cells.mean, np.nan)
    order[where] = np.where(cells.identical, 0.0, cells.first - cells.second)
    full = ~np.isnan(score).any(axis=(1, 2))
    known = full.any() and not np.isnan(order[full]).any()
    return Balanced(prompts[full], score[full], order[full] if known else None, int((~full).sum()))


def mean_squares(score: Floats) -> dict[str, Floats]:
    """MS of prompts, samples in prompts, judges, prompts x judges and residual, NaN where undefined."""
    pieces, shape = _pieces(score)
    return _mean_squares(pieces.sum(axis=0)[None], shape, np.array([float(shape[0])]))


def components(ms: dict[str, Floats], samples: int, judges: int, prompts: int) -> dict[str, Floats]:
    """Raw components from mean squares; merged where samples or judges are single."""
    k, j = samples, judges
    none = np.full_like(ms["P"], np.nan)
    if k > 1 and j > 1:
        return {
            "noise": ms["E"],
            "prompt_judge": (ms["PJ"] - ms["E"]) / k,
            "sample": (ms["S"] - ms["E"]) / j,
            "prompt": (ms["P"] - ms["S"] - ms["PJ"] + ms["E"]) / (k * j),
            "judge": (ms["J"] - ms["PJ"]) / (prompts * k),
        }
    if k > 1:  # one judge: samples and noise cannot be told apart
        return {"noise": none, "prompt_judge": none, "judge": none, "sample": ms["S"],
                "prompt": (ms["P"] - ms["S"]) / k}  # fmt: skip
    if j > 1:  # one sample: it belongs to its prompt, and noise to prompt x judge
        return {"noise": ms["PJ"], "prompt_judge": none, "sample": none,
                "prompt": (ms["P"] - ms["PJ"]) / j, "judge": (ms["J"] - ms["PJ"]) / prompts}  # fmt: skip
    return {"noise": none, "prompt_judge": none, "sample": none, "judge": none, "prompt": ms["P"]}


def variance_components(
    cells: Cells,
    bootstrap: PromptBootstrap,
    *,
    level: float = 0.95,
    cost: Cost | None = None,
) -> Variance | str:
    """Components with prompt-bootstrap intervals, and what the next call is best spent on.

    Four imagined prompts join the resamples for the intervals of the prompt and sample components and
    of the sample's share, which would be too narrow near a rate of 0 or 1.

    Returns the reason where fewer than `FEWEST_PROMPTS` have every cell.
    """
    if _size(cells) > _LARGEST:
        return "the design is too unbalanced: few prompts share samples and judges"
    design = balanced_scores(cells)
    score, order = design.score, design.order
    if len(score) < FEWEST_PROMPTS:
        of = f"{len(score)} of the {FEWEST_PROMPTS} needed"
        return f"too few prompts with every judge on every sample: {of}"
    prompts, k, j = score.shape
    pieces, shape = _pieces(score)
    point = components(mean_squares(score), k, j, prompts)
    counted = np.concatenate([pieces, np.ones((prompts, 1))], axis=1)
    drawn = bootstrap.sums(design.prompt, counted)
    draws = components(_mean_squares(drawn[:, :-1], shape, drawn[:, -1]), k, j, prompts)
    joined = drawn + bootstrap.imagined @ _imagined(k, j)
    padded = components(_mean_squares(joined[:, :-1], shape, joined[:, -1]), k, j, prompts)
    best, purchases = _next_best(point, draws, shape, 1 if order is None else 2, cost or Cost())
    draws |= {name: padded[name] for name in PADDED}
    if k > 1 and j > 1:
        joined = drawn + _QUARTER * bootstrap.imagined @ _crossed(k, j)
        crossed = components(_mean_squares(joined[:, :-1], shape, joined[:, -1]), k, j, prompts)
        draws |= {name: crossed[name] for name in CROSSED}
    sample, judge, prompt_judge, noise = (
        _component(point[name], draws[name], level) for name in OPTIONAL
    )
    return Variance(
        prompt=_required(point["prompt"], draws["prompt"], level),
        sample_share=_sample_share(point, padded, (prompts, k, j), level),
        sample=sample,
        judge=judge,
        prompt_judge=prompt_judge,
        noise=noise,
        order_noise=None if order is None else float(order.var(axis=(0, 1), ddof=1).mean() / 2),
        win_rate=float(score.mean(axis=(1, 2)).var(ddof=1)) / prompts,
        prompts=prompts,
        samples=k,
        judges=j,
        dropped=design.dropped,
        next_best=best,
        purchases=purchases,
    )


def variance_of_win_rate(
    parts: dict[str, Floats], samples: float, judges: int, prompts: float
) -> Floats:
    """P/G + S/(Gk) + PJ/(GJ) + E/(GkJ), for fixed judges; absent components count as 0."""
    p, s, pj, e = (np.nan_to_num(parts[name]) for name in ("prompt", "sample", "prompt_judge", "noise"))
    return np.asarray(p + s / samples + pj / judges + e / (samples * judges)) / prompts


def _size(cells: Cells) -> int:
    """Entries a full prompt x sample x judge table would have."""
    return distinct(cells.prompt) * distinct(cells.sample) * len(cells.table.judges)


def _pieces(score: Floats) -> tuple[Floats, tuple[int, int, int]]:
    """Per prompt: mean, its square, sums of squares over judges, samples and all, judge means."""
    c, by_judge, by_sample = score.mean(axis=(1, 2)), score.mean(axis=1), score.mean(axis=2)
    pieces = np.column_stack(
        [c, c**2, (by_judge**2).sum(axis=1), (by_sample**2).sum(axis=1),
         (score**2).sum(axis=(1, 2)), by_judge]
    )  # fmt: skip
    return pieces, (score.shape[0], score.shape[1], score.shape[2])


def _mean_squares(sums: Floats, shape: tuple[int, int, int], weight: Floats) -> dict[str, Floats]:
    _, k, j = shape
    # Where groups of prompts are resampled, or some prompts are left out, their number varies.
    g = weight
    c, c2, judge2, sample2, all2 = (sums[:, i] for i in range(5))
    grand = c / g
    judge = sums[:, 5:] / g[:, None]
    ss_p = k * j * (c2 - g * grand**2)
    ss_j = g * k * ((judge**2).sum(axis=1) - j * grand**2)
    ss_s = j * (sample2 - k * c2)
    ss_pj = k * (judge2 - j * c2) - ss_j
    ss_e = all2 - k * judge2 - j * sample2 + k * j * c2

    def over(ss: Floats, freedom: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(freedom > 0, np.clip(ss, 0, None) / freedom, np.nan))

    return {
        "P": over(ss_p, g - 1),
        "S": over(ss_s, g * (k - 1)),
        "J": over(ss_j, np.full_like(g, j - 1.0)),
        "PJ": over(ss_pj, (g - 1) * (j - 1)),
        "E": over(ss_e, g * (k - 1) * (j - 1)),
    }


def _imagined(samples: int, judges: int) -> Floats:
    """The imagined prompts' pieces (4, columns): won throughout, lost throughout, and two divided ones.

    The divided ones are won by every other sample, or with one sample by every other judge.
    """
    score = np.zeros((4, samples, judges))
    score[0] = 1.0
    if samples > 1:
        score[2, ::2], score[3, 1::2] = 1.0, 1.0
    else:
        score[2, :, ::2], score[3, :, 1::2] = 1.0, 1.0
    return np.concatenate([_pieces(score)[0], np.ones((4, 1))], axis=1)


def _crossed(samples: int, judges: int) -> Floats:
    """Pieces of imagined prompts that judges divide, and that judges and samples divide crosswise."""
    sample, judge = np.arange(samples)[:, None], np.arange(judges)[None, :]
    by_judge, crosswise = (judge + 0 * sample) % 2, (judge + sample) % 2
    score = np.stack([by_judge, 1 - by_judge, crosswise, 1 - crosswise]).astype(np.float64)
    return np.concatenate([_pieces(score)[0], np.ones((4, 1))], axis=1)


def _sample_share(
    point: dict[str, Floats], draws: dict[str, Floats], shape: tuple[int, int, int], level: float
) -> Estimate | None:
    """The share itself is resampled: its parts vary together, and not as their intervals do."""
    prompts, k, _ = shape
    value = float(_share_of(point, shape)[0])
    interval = percentiles(_share_of(draws, shape), level, finite=_DEFINED)
    if k < 2 or not np.isfinite(value) or interval is None:
        return None
    low, high = min(interval[0], value), max(interval[1], value)
    return Estimate(value=value, low=low, high=high, level=level, n=prompts, method=PLUS_FOUR)


def _share_of(parts: dict[str, Floats], shape: tuple[int, int, int]) -> Floats:
    _, k, j = shape
    positive = {name: np.clip(np.nan_to_num(values), 0, None) for name, values in parts.items()}
    whole = variance_of_win_rate(positive, k, j, 1)
    return np.asarray(positive["sample"] / k / np.where(whole > 1e-12, whole, np.nan))


def _component(point: Floats, draws: Floats, level: float) -> Component | None:
    if np.isnan(point[0]):
        return None
    return _required(point, draws, level)


def _required(point: Floats, draws: Floats, level: float) -> Component:
    raw = float(point[0])
    value = max(raw, 0.0)
    interval = percentiles(np.clip(draws, 0, None), level)
    low, high = (min(interval[0], value), max(interval[1], value)) if interval else (None, None)
    return Component(value, raw, low, high)


def _next_best(
    point: dict[str, Floats],
    draws: dict[str, Floats],
    shape: tuple[int, int, int],
    orders: int,
    cost: Cost,
) -> tuple[str | None, tuple[Purchase, ...]]:
    """Half-widths after spending as much again on one thing, and the best if resampling agrees.

    Without a price on prompts they always do at least as well as samples: they reduce every
    component. With one sample there is no sample component, so only prompts can be predicted.
    """
    here, resampled = _predicted(point, shape, orders, cost), _predicted(draws, shape, orders, cost)
    purchases = [Purchase(what=name, half_width=float(width[0])) for name, width in here.items()]
    purchases.sort(key=lambda purchase: purchase.half_width)
    if len(purchases) < 2:
        return None, tuple(purchases)
    first, second = (purchase.what for purchase in purchases)
    agree = float((resampled[first] < resampled[second]).mean())
    return (first if agree >= _CLEAR else None), tuple(purchases)


def _predicted(
    parts: dict[str, Floats], shape: tuple[int, int, int], orders: int, cost: Cost
) -> dict[str, Floats]:
    g, k, j = shape
    sample_price = 2 * cost.completion + j * orders * cost.call
    spent = g * (cost.prompt + k * sample_price)
    positive = {name: np.clip(np.nan_to_num(values), 0, None) for name, values in parts.items()}

    def half(prompts: float, samples: float) -> Floats:
        variance = variance_of_win_rate(positive, samples, j, prompts)
        return np.asarray(_Z95 * np.sqrt(variance))

    options = {"prompts": half(g + spent / (cost.prompt + k * sample_price), k)}
    if k > 1:
        options["samples"] = half(g, k + spent / (g * sample_price))
    return options
