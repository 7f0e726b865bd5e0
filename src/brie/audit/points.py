"""Answers judged alone, paired by prompt: of two models' values the higher wins, equal ones tie.

A judge's value of one model meets its value of every other model on the same prompt and sample. What
a model lacks, or what has no value, makes a comparison that could not be used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from math import nan

from brie.audit.rows import Item, Point, Row, of_answers
from brie.audit.vocabulary import SCORE, Declared, plain, status_of
from brie.errors import InputError
from brie.reading.skipped import Skipped
from brie.records import Status

_BAD = (Status.ERROR, Status.REFUSED, Status.INVALID)


def paired(points: Sequence[Point]) -> Iterator[Item]:
    """Rows of every two models that the points know, in the order of their names."""
    models = sorted({point.model for point in points})
    if len(models) == 1:
        yield Skipped(
            points[0].line, f"every row is of one model, {models[0]}: there is nothing to compare"
        )
        return
    groups: dict[tuple[str, str, str], dict[str, list[Point]]] = {}
    for point in points:
        by_model = groups.setdefault((point.prompt, point.judge, point.sample), {})
        by_model.setdefault(point.model, []).append(point)
    for by_model in groups.values():
        for first, second in combinations(models, 2):
            one, two = by_model.get(first, []), by_model.get(second, [])
            if one and two:
                yield _row(one, two)
            elif len(models) == 2:
                alone = (one or two)[0]
                yield _alone(alone, (first, second))


def with_failures(points: Sequence[Point], declared: Declared) -> list[Point]:
    """The points; those whose value is declared a failure have none.

    Raises:
        InputError: some values are -1 and none else is below 0: judges' scores that could not be read
            are often written so, and as scores they would all be losses; or they are out of different
            numbers.
    """
    failures = {word: status for word, meant in declared.words.items() if (status := status_of(meant))}
    marked = [
        point._replace(status=status, value=nan)
        if point.status is Status.OK and (status := failures.get(plain(point.value)))
        else point
        for point in points
    ]
    most = sorted({point.out_of for point in marked if point.status is Status.OK})
    if len(most) > 1:
        listed = " and ".join(f"out of {top:g}" if top else "numbers alone" for top in most[:3])
        raise InputError(f"some scores are {listed}: write all of them on one scale.")
    values = Counter(point.value for point in marked if point.status is Status.OK)
    lowest = sorted(values)[:2]
    if lowest[:1] == [-1] and lowest[1:] and lowest[1] >= 0 and plain(-1.0) not in declared.words:
        raise InputError(
            f"{values[-1.0]:,} of {values.total():,} scores are -1, and no other is below 0: is that a "
            f'score, or a reply that could not be read? Say which: --winner "-1=invalid" or --winner '
            f'"-1={SCORE}"'
        )
    return marked


def _row(one: Sequence[Point], two: Sequence[Point]) -> Row:
    """One comparison; a model's values of one prompt and sample count by their mean."""
    bad = [point.status for point in (*one, *two) if point.status is not Status.OK]
    status = next((status for status in _BAD if status in bad), Status.OK)
    score = nan
    if status is Status.OK:
        difference = _mean(one) - _mean(two)
        score = 0.5 if abs(difference) < 1e-12 else float(difference > 0)
    first, second = one[0], two[0]
    both = first.answer is not None and second.answer is not None
    return Row(
        line=min(first.line, second.line),
        prompt=first.prompt,
        name=first.name,
        judge=first.judge,
        status=status,
        models=(first.model, second.model),
        score=score,
        defined=False,
        sample=first.sample,
        category=min(first.category, second.category),
        right=(first.value > 0, second.value > 0) if first.right and second.right else None,
        **(of_answers(first=first.answer or "", second=second.answer or "") if both else {}),
    )


def _alone(point: Point, models: tuple[str, str]) -> Row:
    """A prompt that only one of two models answered."""
    return Row(
        line=point.line,
        prompt=point.prompt,
        name=point.name,
        judge=point.judge,
        status=Status.INVALID,
        models=models,
        defined=False,
        sample=point.sample,
        category=point.category,
    )


def _mean(points: Sequence[Point]) -> float:
    return sum(point.value for point in points) / len(points)
