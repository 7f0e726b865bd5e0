"""How far a judge agrees with people, beside how far people agree among themselves
(docs/statistics.md 9.1).

Both are means over pairs, of a judge with each person or of two people, and both are corrected for
chance by what each of the two says by itself, so one can be held against the other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from brie.analyse.agreement import (
    category_counts,
    coincidences,
    coincidences_of,
    krippendorff_alpha,
    ratio,
)
from brie.analyse.arrays import Floats, Ints, distinct
from brie.analyse.pairs import CONSTANT, IMAGINED, K, estimate, one_is_constant
from brie.analyse.ratings import ratings
from brie.analyse.study import Study
from brie.records.estimates import Estimate
from brie.records.people import AgreementWithPeople

COEFFICIENTS = ("percent", "kappa", "alpha")
_APART = (2, 3, 0, 1)
"""The imagined prompts, those on which both agree and those on which they do not exchanged."""


@dataclass(frozen=True)
class Voted:
    """Comparisons that people voted on, and what judges said of them: 0 loss, 1 tie, 2 win, or NaN."""

    study: Study
    prompt: Ints
    """Prompt of each comparison."""
    judges: tuple[str, ...]
    judged: Floats
    """(comparisons, judges)"""
    people: Floats
    """(comparisons, people)"""

    @classmethod
    def of(cls, study: Study, people: Collection[str]) -> Voted:
        """Split what was said into judges and people.

        Args:
            study: one verdict for each comparison and judge or person.
            people: which of its judges are people.
        """
        rated = ratings(study.cells, "comparison")
        human = np.array([name in people for name in rated.judges], dtype=np.bool_)
        said = rated.category
        voted = np.isfinite(said[:, human]).any(axis=1)
        names = tuple(name for name in rated.judges if name not in people)
        return cls(study, rated.prompt[voted], names, said[voted][:, ~human], said[voted][:, human])

    @cached_property
    def counts(self) -> Floats:
        """(comparisons, K) votes for each outcome."""
        return category_counts(self.people, K)

    @cached_property
    def majority(self) -> Ints:
        """What most people said of each comparison; a tie where no outcome has most votes."""
        most = self.counts == self.counts.max(axis=1, keepdims=True)
        return np.where(most.sum(axis=1) == 1, most.argmax(axis=1), 1).astype(np.int64)


@dataclass(frozen=True)
class _Coefficients:
    """Percent, kappa and alpha: the values, and in every resample."""

    values: dict[str, float]
    draws: dict[str, Floats]
    prompts: int
    comparisons: int
    constant: bool = False

    def measured(self, study: Study, path: str) -> AgreementWithPeople:
        """With intervals; kappa is None where one side always says the same."""
        given = {
            name: estimate(study, self.values[name], self.draws[name], self.prompts, f"{path}.{name}")
            for name in COEFFICIENTS
        }
        if given["kappa"] is not None and self.constant:
            given["kappa"] = None
            study.notes[f"{path}.kappa"] = CONSTANT
        return AgreementWithPeople(
            percent=given["percent"], kappa=given["kappa"], alpha=given["alpha"], n=self.comparisons
        )


@dataclass(frozen=True)
class MeasuredAgreement:
    """People among themselves, each judge with people, and the differences."""

    people: AgreementWithPeople | None
    """None where no comparison has two votes."""
    judges: dict[str, AgreementWithPeople]
    less_people: dict[str, dict[str, Estimate | None]]
    """Judge -> coefficient -> the judge's minus people's; empty where either has none."""


def agreement_with_people(voted: Voted, path: str) -> MeasuredAgreement:
    """Schouten's (1982) kappa, of a judge with a group and of the group itself; Krippendorff's alpha.

    Observed and expected agreement are means over pairs: kappa = (o - e) / (1 - e), e of a pair being
    the chance that the two say the same if each only kept its own base rates.

    Args:
        voted: what was said.
        path: of the notes.
    """
    study = voted.study
    imagined = study.bootstrap.imagined
    among, apart = _among(voted, imagined), _among(voted, imagined[:, _APART])
    people = None if among is None else among.measured(study, f"{path}.people")
    judges: dict[str, AgreementWithPeople] = {}
    differences: dict[str, dict[str, Estimate | None]] = {}
    for code, name in enumerate(voted.judges):
        own = _with_people(voted, code)
        if own is None:
            continue
        judges[name] = own.measured(study, f"{path}.by_judge.{name}")
        if apart is not None and people is not None:
            differences[name] = _less(study, (own, judges[name]), (apart, people))
    return MeasuredAgreement(people, judges, differences)


def _less(
    study: Study,
    judge: tuple[_Coefficients, AgreementWithPeople],
    people: tuple[_Coefficients, AgreementWithPeople],
) -> dict[str, Estimate | None]:
    """A judge's coefficients minus people's, in the same resamples; where judge and people agree on an
    imagined prompt, people disagree among themselves."""
    (one, shown), (two, among) = judge, people
    return {
        name: estimate(
            study, one.values[name] - two.values[name], one.draws[name] - two.draws[name],
            min(one.prompts, two.prompts), f"less_people.{name}",
        )
        for name in COEFFICIENTS
        if getattr(shown, name) is not None and getattr(among, name) is not None
    }  # fmt: skip


def _with_people(voted: Voted, judge: int) -> _Coefficients | None:
    """A judge against all people; every comparison weighs one, its votes share it."""
    used = np.isfinite(voted.judged[:, judge])
    if not used.any():
        return None
    said = np.eye(K)[voted.judged[used, judge].astype(np.int64)]
    shares = voted.counts[used] / voted.counts[used].sum(axis=1, keepdims=True)
    pieces = (said[:, :, None] * shares[:, None, :]).reshape(-1, K**2)
    prompt = voted.prompt[used]
    prompts = distinct(prompt)
    drawn = voted.study.bootstrap.sums(prompt, pieces).reshape(-1, K, K)
    for times, (first, second) in zip(voted.study.bootstrap.imagined.T, IMAGINED, strict=True):
        drawn[:, first, second] += times * len(pieces) / prompts
    table = pieces.sum(axis=0).reshape(K, K)
    values, draws = _of_table(table[None]), _of_table(drawn)
    return _Coefficients(
        {name: float(values[name][0]) for name in COEFFICIENTS},
        draws,
        prompts,
        len(pieces),
        one_is_constant(table),
    )


def _of_table(table: Floats) -> dict[str, Floats]:
    """(draws, K, K) of a judge by people."""
    total = table.sum(axis=(1, 2))
    observed = ratio(np.trace(table, axis1=1, axis2=2), total)
    chance = ratio((table.sum(axis=2) * table.sum(axis=1)).sum(axis=1), total**2)
    return {
        "percent": observed,
        "kappa": ratio(observed - chance, 1 - chance),
        "alpha": krippendorff_alpha(coincidences(table)),
    }


def _among(voted: Voted, imagined: Floats) -> _Coefficients | None:
    """People among themselves, on comparisons with two votes or more.

    Args:
        voted: what was said.
        imagined: (resamples, 4) how often each imagined prompt joins.
    """
    several = voted.counts.sum(axis=1) > 1
    if not several.any():
        return None
    people, counts, prompt = voted.people[several], voted.counts[several], voted.prompt[several]
    raters = counts.sum(axis=1)
    agree = (counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1))
    each = np.stack([people == outcome for outcome in range(K)], axis=2).astype(np.float64)
    pieces = np.concatenate(
        [np.ones((len(agree), 1)), agree[:, None], coincidences_of(people, K).reshape(-1, K**2),
         each.reshape(len(agree), -1)],
        axis=1,
    )  # fmt: skip
    prompts, whole = distinct(prompt), pieces.sum(axis=0, keepdims=True)
    drawn = voted.study.bootstrap.sums(prompt, pieces)
    drawn += imagined @ _imagined(whole[0] / prompts, people.shape[1])
    together = np.isfinite(people).astype(np.float64)
    shared = together.T @ together
    np.fill_diagonal(shared, 0.0)
    values, draws = _of_people(whole, shared), _of_people(drawn, shared)
    return _Coefficients(
        {name: float(values[name][0]) for name in COEFFICIENTS}, draws, prompts, len(agree)
    )


def _of_people(sums: Floats, shared: Floats) -> dict[str, Floats]:
    """Columns: comparisons, their mean agreement, coincidences, each person's outcomes.

    Args:
        sums: (draws, 2 + K * K + people * K)
        shared: (people, people) comparisons that both voted on, 0 with oneself.
    """
    observed = ratio(sums[:, 1], sums[:, 0])
    said = sums[:, 2 + K**2 :].reshape(len(sums), -1, K)
    rates = np.nan_to_num(ratio(said, said.sum(axis=2, keepdims=True)))
    chance = np.einsum("dik,ij,djk->d", rates, shared / shared.sum(), rates, optimize=True)
    return {
        "percent": observed,
        "kappa": ratio(observed - chance, 1 - chance),
        "alpha": krippendorff_alpha(sums[:, 2 : 2 + K**2].reshape(-1, K, K)),
    }


def _imagined(mean: Floats, people: int) -> Floats:
    """The imagined prompts' pieces (4, columns), as large as the mean prompt's: half of the people
    say the one outcome, half the other."""
    items, coincident = mean[0], mean[2 : 2 + K**2].sum()
    votes = mean[2 + K**2 :].reshape(people, K).sum(axis=1)
    lines = []
    for first, second in IMAGINED:
        half = (np.eye(K)[first] + np.eye(K)[second]) / 2
        table = np.zeros((K, K))
        table[first, second] += 0.5
        table[second, first] += 0.5
        agree = items if first == second else 0.0
        lines.append([items, agree, *(coincident * table.ravel()), *np.outer(votes, half).ravel()])
    return np.array(lines)
