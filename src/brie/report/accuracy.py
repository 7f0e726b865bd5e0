"""Right and wrong of both sides, as sentences and tables that page, Markdown and terminal print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from brie.conventions import FEWEST_SOURCES
from brie.number_format import (
    difference,
    listed,
    p_equals,
    percent,
    plural,
    points,
    signed,
    signed_span,
    span,
)
from brie.records.accuracy import Accuracy, AccuracyPart, Correct
from brie.records.analysis import Analysis
from brie.records.estimates import Estimate
from brie.report.clean import one_line

KINDS = {
    "label": "the label that the reference is",
    "exact": "the exact answer",
    "numeric": "a number",
    "regex": "a pattern",
    "contains": "a text it must contain",
    "json_schema": "a JSON Schema",
    "length": "a length",
    "python": "Python code of the suite",
}
"""Kind of check -> what an answer is held against."""
_LEVEL = 0.05


@dataclass(frozen=True)
class Grid:
    """A table: the first cell of a row is its name."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remark: str = ""


@dataclass(frozen=True)
class RightAndWrong:
    """What is known of right and wrong."""

    sentences: tuple[str, ...]
    grids: tuple[Grid, ...]


def right_and_wrong(analysis: Analysis) -> RightAndWrong | None:
    """The section of a report; None where no prompt says what is right."""
    numbers = analysis.accuracy
    if numbers is None:
        return None
    grids = [_sides(numbers), *_labels(numbers), *_sources(numbers)]
    return RightAndWrong(tuple(_sentences(numbers)), tuple(grids))


def _sentences(numbers: Accuracy) -> Iterator[str]:
    gap, compared = numbers.difference.accuracy, numbers.difference
    ends = "" if gap.low is None or gap.high is None else f"{signed_span(gap.low, gap.high)}, "
    test = "exact McNemar test" if compared.method == "mcnemar-exact" else "sign-flip test"
    excluded = gap.low is not None and gap.high is not None and (gap.low > 0 or gap.high < 0)
    shown = compared.p_value < _LEVEL and (excluded or gap.low is None)
    finding = f"a difference of {difference(gap.value)}" if shown else "no difference is shown"
    yield (
        f"The candidate's answers are right in {percent(numbers.candidate.accuracy.value)}, the "
        f"baseline's in {percent(numbers.baseline.accuracy.value)}: {finding} "
        f"({signed(gap.value)}, {ends}{test} p {p_equals(compared.p_value)})."
    )
    yield (
        f"Only the candidate is right in {plural(compared.candidate_only, 'comparison')}, only the "
        f"baseline in {compared.baseline_only:,}."
    )
    held = [f"{KINDS.get(kind, kind)} ({count:,})" for kind, count in sorted(numbers.kinds.items())]
    rest = f"; {plural(numbers.unchecked, 'prompt')} cannot be checked" if numbers.unchecked else ""
    yield f"Answers are held against {listed(held)}{rest}. No judge is asked, and none is overruled."


def _sides(numbers: Accuracy) -> Grid:
    """Both sides and the one who always gives one answer: all prompts, seen and unseen sources."""
    whole = AccuracyPart(
        prompts=numbers.prompts, candidate=numbers.candidate, baseline=numbers.baseline,
        always=numbers.always, only=numbers.labels[0] if len(numbers.labels) == 1 else None,
    )  # fmt: skip
    parts = {"all prompts": whole, **numbers.by_training}
    head = ("", *(f"{name} ({part.prompts:,})".capitalize() for name, part in parts.items()))
    rows = [
        ("Accuracy, candidate", *(_estimate(part.candidate.accuracy) for part in parts.values())),
        ("Accuracy, baseline", *(_estimate(part.baseline.accuracy) for part in parts.values())),
    ]
    remark = ""
    if numbers.always is not None:
        label = one_line(numbers.always.label, 40)
        always = [part.always for part in parts.values()]
        rows.append((f"Accuracy, always “{label}”", *(points(a.accuracy) if a else "–" for a in always)))
        rows += [
            ("Macro-F1, candidate", *(_macro(part, part.candidate) for part in parts.values())),
            ("Macro-F1, baseline", *(_macro(part, part.baseline) for part in parts.values())),
            (
                f"Macro-F1, always “{label}”",
                *(points(a.macro_f1) if a and a.macro_f1 is not None else "–" for a in always),
            ),
        ]
        remark = _unit(numbers)
    return Grid("Right answers, 0 to 100", head, tuple(rows), remark)


def _macro(part: AccuracyPart, side: Correct) -> str:
    return "not defined" if part.only is not None else _estimate(side.macro_f1)


def _unit(numbers: Accuracy) -> str:
    """What the intervals of F1 resample, and how far the candidate's is from the baseline's."""
    words = (
        f"Intervals of F1 resample sources from {FEWEST_SOURCES} on, else prompts; those "
        "of accuracy resample prompts."
    )
    gap = numbers.difference.macro_f1
    if gap is not None and gap.low is not None and gap.high is not None:
        words += (
            f" Macro-F1, candidate minus baseline: {signed(gap.value)} "
            f"({signed_span(gap.low, gap.high)})."
        )
    return words


def _labels(numbers: Accuracy) -> Iterator[Grid]:
    if not numbers.labels:
        return
    rows: list[tuple[str, ...]] = []
    for label in numbers.labels:
        for name, side in (("candidate", numbers.candidate), ("baseline", numbers.baseline)):
            counted = side.by_label.get(label)
            if counted is not None:
                rows.append(
                    (
                        f"{one_line(label, 40)}, {name}",
                        f"{counted.prompts:,}", f"{counted.answers:,}",
                        _share(counted.precision), _share(counted.recall), _estimate(counted.f1),
                    )
                )  # fmt: skip
    for name, side in (("candidate", numbers.candidate), ("baseline", numbers.baseline)):
        rows.append((f"Any other answer, {name}", "–", f"{side.outside or 0:,}", "–", "–", "–"))
    head = ("Label", "Prompts", "Answers", "Precision", "Recall", "F1")
    remark = "An answer that says no label is wrong."
    if len(numbers.labels) == 1:
        remark += (
            " With one label nothing can be mistaken for it: there is recall, and F1 is not defined."
        )
    yield Grid("By label", head, tuple(rows), remark)


def _sources(numbers: Accuracy) -> Iterator[Grid]:
    if not numbers.by_source:
        return
    labelled = bool(numbers.labels)
    rows = [
        (
            f"{one_line(name, 60)}" + (f" (all “{one_line(part.only, 40)}”)" if part.only else ""),
            f"{part.prompts:,}",
            _source(part, part.candidate, labelled),
            _source(part, part.baseline, labelled),
            *((points(part.always.accuracy) if part.always else "–",) if labelled else ()),
        )
        for name, part in numbers.by_source.items()
    ]
    always = (f"Always “{one_line(numbers.always.label, 40)}”",) if labelled and numbers.always else ()
    head = ("Source", "Prompts", "Candidate", "Baseline", *always)
    alone = any(part.only for part in numbers.by_source.values())
    remark = "Accuracy" + (", then macro-F1." if labelled else ".")
    if alone:
        remark += (
            " Where all prompts of a source have one label, accuracy is its recall: F1 not defined."
        )
    yield Grid("By source", head, tuple(rows), remark)


def _source(part: AccuracyPart, side: Correct, labelled: bool) -> str:
    text = points(side.accuracy.value)
    if not labelled or part.only is not None or side.macro_f1 is None:
        return text
    return f"{text}, F1 {points(side.macro_f1.value)}"


def _estimate(estimate: Estimate | None) -> str:
    if estimate is None:
        return "–"
    value, ends = points(estimate.value), (estimate.low, estimate.high)
    return value if ends[0] is None or ends[1] is None else f"{value} ({span(ends[0], ends[1])})"


def _share(value: float | None) -> str:
    return "–" if value is None else points(value)
