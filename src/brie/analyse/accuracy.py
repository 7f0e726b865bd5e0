"""Right and wrong of both sides, by label, by source, and their difference (docs/statistics.md 14).

Accuracy, precision, recall and F1 are scikit-learn's. The prompt is the unit of every interval; from
`FEWEST_SOURCES` sources on, that of an F1 has sources as its unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from brie.analyse.arrays import Bools, Floats, Ints, binomial_two_sided, generator
from brie.analyse.bootstrap import PromptBootstrap, percentiles, plus_one
from brie.analyse.compare import PAIRED_T, SIGN_FLIP, paired_gap
from brie.analyse.signflip import sign_flip
from brie.analyse.slices import LISTED
from brie.analyse.win_rate import Settings
from brie.conventions import FEWEST_PROMPTS, FEWEST_SOURCES
from brie.records import Side
from brie.records.accuracy import (
    Accuracy,
    AccuracyDifference,
    AccuracyPart,
    AlwaysOne,
    Correct,
    LabelNumbers,
)
from brie.records.estimates import Estimate

MCNEMAR = "mcnemar-exact"
OVER_PROMPTS = "prompt-bootstrap-plus-one"
OVER_SOURCES = "source-bootstrap-plus-one"
NO_LABEL = -1
SIDES: tuple[Side, Side] = ("candidate", "baseline")


@dataclass(frozen=True)
class Graded:
    """Both sides' answers to the prompts whose right answer is known."""

    right: Mapping[Side, Bools]
    """(prompts, samples)."""
    source: Ints
    """(prompts,): code of each prompt's source."""
    sources: tuple[str, ...]
    labels: tuple[str, ...] = ()
    """Empty: the references are no few labels, and nothing below is used."""
    truth: Ints | None = None
    """(prompts,): code of the right label; `NO_LABEL` where a prompt has none."""
    said: Mapping[Side, Ints] | None = None
    """(prompts, samples): code of the label that is said, len(labels) for none of them."""

    @property
    def prompts(self) -> int:
        """How many there are."""
        return len(self.source)

    @property
    def samples(self) -> int:
        """Answers a prompt."""
        return int(self.right["candidate"].shape[1])

    def only(self, keep: Bools) -> Graded:
        """Some of the prompts."""
        return replace(
            self,
            right={side: right[keep] for side, right in self.right.items()},
            source=self.source[keep],
            truth=None if self.truth is None else self.truth[keep],
            said=None if self.said is None else {side: said[keep] for side, said in self.said.items()},
        )

    @cached_property
    def labelled(self) -> Graded | None:
        """The prompts that have a label; None where there are none."""
        if self.truth is None or self.said is None or not (self.truth != NO_LABEL).any():
            return None
        return self.only(self.truth != NO_LABEL)

    @cached_property
    def occurring(self) -> list[int]:
        """Codes of the labels that are right somewhere."""
        return [] if self.truth is None else sorted({*self.truth.tolist()} - {NO_LABEL})


def accuracy_of(
    graded: Graded,
    settings: Settings,
    seed: int,
    *,
    kinds: Mapping[str, int],
    unchecked: int = 0,
    seen: Bools | None = None,
) -> Accuracy:
    """Everything that is known of right and wrong.

    Args:
        graded: at least one prompt.
        settings: of the intervals.
        seed: of their random draws.
        kinds: kind of check -> prompts.
        unchecked: prompts that are not in `graded`.
        seen: (prompts,) whether training has seen the prompt's source; None: not known.
    """
    commonest = _commonest(graded)
    draws = _Draws.of(graded, settings, seed, "accuracy")
    whole = _part(graded, draws, settings, seed, "accuracy", commonest)
    parts = {
        "seen sources": seen if seen is not None else np.zeros(graded.prompts, np.bool_),
        "unseen sources": ~seen if seen is not None else np.zeros(graded.prompts, np.bool_),
    }
    used = np.unique(graded.source).tolist()
    listed = used if 1 < len(used) <= LISTED else []
    return Accuracy(
        prompts=graded.prompts,
        samples=graded.samples,
        kinds=dict(kinds),
        unchecked=unchecked,
        labels=graded.labels,
        candidate=whole.candidate,
        baseline=whole.baseline,
        difference=_difference(graded, draws, settings, seed),
        always=whole.always,
        by_source={
            graded.sources[code]: _of_source(graded, code, settings, seed, commonest) for code in listed
        },
        by_training={
            name: _of_training(graded.only(keep), settings, seed, f"accuracy.{name}", commonest)
            for name, keep in parts.items()
            if keep.any() and not keep.all()
        },
    )


def _of_source(
    graded: Graded, code: int, settings: Settings, seed: int, commonest: int | None
) -> AccuracyPart:
    """One source; its F1 have no intervals."""
    path, part = f"accuracy.by_source.{graded.sources[code]}", graded.only(graded.source == code)
    draws = _Draws.of(part, replace(settings, resamples=0), seed, path)
    return _part(part, draws, settings, seed, path, commonest)


def _of_training(
    part: Graded, settings: Settings, seed: int, path: str, commonest: int | None
) -> AccuracyPart:
    return _part(part, _Draws.of(part, settings, seed, path), settings, seed, path, commonest)


def _part(
    graded: Graded,
    draws: _Draws | None,
    settings: Settings,
    seed: int,
    path: str,
    commonest: int | None,
) -> AccuracyPart:
    labelled = graded.labelled
    alone = labelled is not None and len(labelled.occurring) == 1
    sides = {side: _correct(graded, side, draws, settings, seed, path) for side in SIDES}
    return AccuracyPart(
        prompts=graded.prompts,
        candidate=sides["candidate"],
        baseline=sides["baseline"],
        always=_always(labelled, commonest) if labelled is not None and commonest is not None else None,
        only=labelled.labels[labelled.occurring[0]] if labelled is not None and alone else None,
    )


def _correct(
    graded: Graded, side: Side, draws: _Draws | None, settings: Settings, seed: int, path: str
) -> Correct:
    means = graded.right[side].mean(axis=1)
    ends: tuple[float | None, float | None] = (None, None)
    drawn = plus_one(means, generator(seed, f"{path}.{side}"), resamples=settings.resamples)
    if len(means) >= FEWEST_PROMPTS:
        interval = drawn.interval(settings.level)
        ends = (interval.low, interval.high)
    accuracy = Estimate(
        value=float(means.mean()), low=ends[0], high=ends[1], level=settings.level, n=len(means),
        method=drawn.method,
    )  # fmt: skip
    labelled = graded.labelled
    if labelled is None or labelled.said is None:
        return Correct(accuracy=accuracy)
    return Correct(
        accuracy=accuracy,
        macro_f1=draws.macro(side) if draws is not None else None,
        by_label=_by_label(labelled, side, draws),
        outside=int((labelled.said[side] == len(labelled.labels)).sum()),
    )


def _by_label(labelled: Graded, side: Side, draws: _Draws | None) -> dict[str, LabelNumbers]:
    from sklearn.metrics import precision_recall_fscore_support

    truth, said = _flat(labelled, side)
    codes = list(range(len(labelled.labels)))
    precision, recall, _, support = precision_recall_fscore_support(
        truth, said, labels=codes, zero_division=np.nan
    )
    return {
        labelled.labels[code]: LabelNumbers(
            prompts=int(support[code]) // labelled.samples,
            answers=int((said == code).sum()),
            precision=_defined(precision[code]),
            recall=_defined(recall[code]),
            f1=draws.of_label(side, code) if draws is not None else None,
        )
        for code in codes
        if support[code] or (said == code).any()
    }


def _flat(labelled: Graded, side: Side) -> tuple[Ints, Ints]:
    """Right and given label of every answer of a side."""
    assert labelled.truth is not None
    assert labelled.said is not None
    return np.repeat(labelled.truth, labelled.samples), labelled.said[side].ravel()


def _defined(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _f1(truth: Ints, said: Ints, labels: int) -> tuple[list[float | None], float | None]:
    """Every label's F1, and their mean over those where it is defined."""
    from sklearn.metrics import f1_score

    codes = list(range(labels))
    each = f1_score(truth, said, labels=codes, average=None, zero_division=np.nan)
    mean = f1_score(truth, said, labels=codes, average="macro", zero_division=np.nan)
    return [_defined(value) for value in each], _defined(mean)


def _commonest(graded: Graded) -> int | None:
    labelled = graded.labelled
    if labelled is None or labelled.truth is None:
        return None
    return int(np.bincount(labelled.truth, minlength=len(labelled.labels)).argmax())


def _always(labelled: Graded, label: int) -> AlwaysOne:
    from sklearn.metrics import accuracy_score

    truth = labelled.truth
    assert truth is not None
    said = np.full(len(truth), label, np.int64)
    several = len(labelled.occurring) > 1
    return AlwaysOne(
        label=labelled.labels[label],
        accuracy=float(accuracy_score(truth, said)),
        macro_f1=_f1(truth, said, len(labelled.labels))[1] if several else None,
    )


# --- intervals of F1 -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Draws:
    """F1 of both sides in the same resamples; of two imagined units each side has one right."""

    values: Mapping[Side, tuple[list[float | None], float | None]]
    """Side -> every label's F1, and their mean, as observed."""
    drawn: Mapping[Side, Floats]
    """Side -> (resamples, labels)."""
    level: float
    units: int
    method: str

    @classmethod
    def of(cls, graded: Graded, settings: Settings, seed: int, path: str) -> _Draws | None:
        """Resample prompts, or sources where there are enough; None below two different labels."""
        labelled = graded.labelled
        if labelled is None or len(labelled.occurring) < 2:
            return None
        sources, of_source = np.unique(labelled.source, return_inverse=True)
        grouped = len(sources) >= FEWEST_SOURCES
        unit = of_source if grouped else np.arange(labelled.prompts)
        units = len(sources) if grouped else labelled.prompts
        few = labelled.prompts < FEWEST_PROMPTS
        bootstrap = PromptBootstrap.draw(
            units + 2, generator(seed, f"{path}.f1"), 0 if few else settings.resamples
        )
        codes = np.concatenate([unit, [units, units + 1]])
        width = len(labelled.labels)
        drawn = {}
        for number, side in enumerate(SIDES):
            pieces = _pieces(labelled, side)
            imagined = _imagined(pieces) * (labelled.prompts / units)
            sums = bootstrap.sums(codes, np.concatenate([pieces, np.roll(imagined, number, axis=0)]))
            with np.errstate(invalid="ignore", divide="ignore"):
                drawn[side] = 2 * sums[:, :width] / (sums[:, width : 2 * width] + sums[:, 2 * width :])
        values = {side: _f1(*_flat(labelled, side), width) for side in SIDES}
        return cls(values, drawn, settings.level, units, OVER_SOURCES if grouped else OVER_PROMPTS)

    def of_label(self, side: Side, code: int) -> Estimate | None:
        """F1 of one label."""
        return self._estimate(self.values[side][0][code], self.drawn[side][:, code])

    def macro(self, side: Side) -> Estimate | None:
        """The mean of the labels' F1."""
        return self._estimate(self.values[side][1], self._means(side))

    def difference(self) -> Estimate | None:
        """The candidate's mean minus the baseline's."""
        first, second = self.values["candidate"][1], self.values["baseline"][1]
        value = None if first is None or second is None else first - second
        return self._estimate(value, self._means("candidate") - self._means("baseline"))

    def _means(self, side: Side) -> Floats:
        defined = np.isfinite(self.drawn[side])
        total = np.where(defined, self.drawn[side], 0.0).sum(axis=1)
        return np.asarray(total / np.maximum(defined.sum(axis=1), 1), np.float64)

    def _estimate(self, value: float | None, draws: Floats) -> Estimate | None:
        if value is None:
            return None
        low, high = (percentiles(draws, self.level) if len(draws) else None) or (None, None)
        return Estimate(
            value=value, low=low, high=high, level=self.level, n=self.units, method=self.method
        )


def _pieces(labelled: Graded, side: Side) -> Floats:
    """(prompts, 3 labels): answers that say the label and are right, that say it, that should."""
    assert labelled.truth is not None
    assert labelled.said is not None
    codes = np.arange(len(labelled.labels))
    said = (labelled.said[side][:, :, None] == codes).mean(axis=1)
    true = (labelled.truth[:, None] == codes).astype(np.float64)
    return np.concatenate([said * true, said, true], axis=1)


def _imagined(pieces: Floats) -> Floats:
    """Two prompts, the first one answered rightly: their labels are spread as those of all prompts."""
    width = pieces.shape[1] // 3
    share = pieces[:, 2 * width :].mean(axis=0)
    other = (1 - share) / max(width - 1, 1)
    right = np.concatenate([share, share, share])
    wrong = np.concatenate([np.zeros(width), other, share])
    return np.stack([right, wrong])


# --- candidate minus baseline ----------------------------------------------------------------


def _difference(
    graded: Graded, draws: _Draws | None, settings: Settings, seed: int
) -> AccuracyDifference:
    ours, theirs = (graded.right[side] for side in SIDES)
    gap = ours.mean(axis=1) - theirs.mean(axis=1)
    low, high = paired_gap(gap).interval(settings.level) if len(gap) >= FEWEST_PROMPTS else (None, None)
    first, second = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    alone = graded.samples == 1
    flipped = sign_flip(gap, generator(seed, "accuracy.difference"), resamples=settings.flips)
    return AccuracyDifference(
        accuracy=Estimate(
            value=float(gap.mean()), low=low, high=high, level=settings.level, n=len(gap),
            method=PAIRED_T,
        ),
        p_value=binomial_two_sided(first, first + second) if alone else flipped.p_value,
        method=MCNEMAR if alone else SIGN_FLIP,
        candidate_only=first,
        baseline_only=second,
        macro_f1=draws.difference() if draws is not None else None,
    )  # fmt: skip
