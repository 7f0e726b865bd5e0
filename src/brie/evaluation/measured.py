"""Judges held against people's votes on the drawn prompts: what each is worth, and all together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from brie.analyse.anchored import Labels, new_prompts
from brie.analyse.arrays import Floats
from brie.analyse.by_people import MeasuredAgreement, Voted, agreement_with_people
from brie.analyse.compare import rates_by_prompt
from brie.analyse.pairs import estimate
from brie.analyse.shared_errors import SharedErrors, shared_errors, worth_in_judges
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.analyse.win_rate import Settings
from brie.analyse.worth import Drawn, Worth, gain, worth
from brie.evaluation.columns import Rows, chosen
from brie.evaluation.margins import counting_judges
from brie.evaluation.people import ratings_of
from brie.evaluation.rows import EvaluationData
from brie.evaluation.table import table
from brie.records.estimates import Estimate
from brie.records.people import MeasuredByPeople, MeasuredJudge, SharedErrorPair

PATH = "human_anchored.measured"
_THREE = 3
"""Votes on a comparison from which their majority is taken for the truth."""


def measured_by_people(
    facts: EvaluationData,
    people: Mapping[str, float],
    votes: Rows,
    settings: Settings,
    seed: int,
) -> tuple[MeasuredByPeople, dict[str, str]]:
    """Every judge's agreement, errors and worth, and why something of it is missing.

    Args:
        facts: rows with the votes.
        people: prompt -> people's mean, of the labelled ones.
        votes: the rows of the blind votes on the drawn pairs.
        settings: of the intervals.
        seed: of their draws.
    """
    panel = counting_judges(facts)
    every = [seat.judge.id for seat in facts.work.panel_judges]
    study = _study(facts, votes, settings, seed)
    columns = facts.columns
    voters = {columns.names[code] for code in np.unique(columns.judge[votes]).tolist()}
    voted = Voted.of(study, voters)
    agreement = agreement_with_people(voted, PATH)
    together = _Valued.of(facts, people, _panel_groups(panel), study)
    apart = {
        name: _Valued.of(facts, people, {("alone", name): [name]}, study)
        for name in every
        if name not in panel
    }
    errors = _errors(voted, panel)
    made = MeasuredByPeople(
        people=agreement.people,
        by_judge={
            name: _judge(name, agreement, apart.get(name, together))
            for name in every
            if name in agreement.judges
        },
        narrows=together.of_column(_PANEL, lambda made: made.narrows),
        correlation=together.of_column(_PANEL, lambda made: made.correlation),
        at_least=bool((voted.counts.sum(axis=1) < _THREE).any()),
    )
    shared = {} if errors is None else _shared(study, errors, len(panel))
    return made.model_copy(update=shared), study.notes


def _study(facts: EvaluationData, votes: Rows, settings: Settings, seed: int) -> Study:
    """Judges and people on the comparisons that people voted on, a judge's orders averaged."""
    orders = 2 if facts.manifest.plan.positions == "both" else 1
    rows = ratings_of(facts, votes, orders=orders)
    names = sorted({judge for _, judge, _, _ in rows})
    prompts = sorted({prompt for prompt, _, _, _ in rows})
    place = {name: code for code, name in enumerate(prompts)}
    made = VerdictTable.build(
        prompts=prompts,
        judges=names,
        prompt=[place[prompt] for prompt, _, _, _ in rows],
        judge=[names.index(judge) for _, judge, _, _ in rows],
        sample=[sample for _, _, sample, _ in rows],
        score=[score for _, _, _, score in rows],
        both_orders=False,
    )
    return Study(made.canonical(), settings, seed)


Column = tuple[Literal["alone", "panel"], str]
"""A judge alone, or the whole panel."""
_PANEL: Column = ("panel", "")


@dataclass(frozen=True)
class _Valued:
    """What judges are worth beside people's votes, on the prompts that all of them have judged."""

    study: Study
    columns: tuple[Column, ...]
    labels: tuple[Floats, Floats, Floats] | None
    """People's means, the columns' on the same prompts, and on the others; None for fewer than two."""
    measured: Worth | None

    @classmethod
    def of(
        cls,
        facts: EvaluationData,
        people: Mapping[str, float],
        groups: Mapping[Column, Sequence[str]],
        study: Study,
    ) -> _Valued:
        """Each group of judges, by the mean of its judges."""
        main = chosen(facts.columns.is_of("main"))
        rates = [rates_by_prompt(table(facts, main, group)) for group in groups.values()]
        shared = [name for name in facts.prompts if all(name in rate for rate in rates)]
        labelled = [name for name in shared if name in people]
        others = [name for name in shared if name not in people]
        if len(labelled) < 2:
            return cls(study, tuple(groups), None, None)
        y = np.array([people[name] for name in labelled])
        judged, apart = _by_group(rates, labelled), _by_group(rates, others)
        rng = study.rng(f"worth {' '.join(name for _, name in groups)}")
        made = worth(y, judged, apart, rng=rng, resamples=study.settings.resamples)
        return cls(study, tuple(groups), (y, judged, apart), made)

    def of_column(self, column: Column, quantity: Quantity) -> Estimate | None:
        """One quantity with its interval."""
        if self.measured is None:
            return None
        drawn, k = quantity(self.measured), self.columns.index(column)
        judge = f".by_judge.{column[1]}" if column[1] else ""
        return self._estimate(float(drawn.values[k]), drawn.draws[:, k], f"{PATH}{judge}")

    def corrected(self, judge: str) -> Estimate | None:
        """A judge's rate corrected for its errors, where the votes show that it can tell."""
        k, path = self.columns.index(("alone", judge)), f"{PATH}.by_judge.{judge}.corrected"
        if self.measured is None or not self.measured.tells(k, self.study.settings.level):
            self.study.notes[path] = "people's votes do not show that it can tell the two sides apart"
            return None
        drawn = self.measured.corrected
        return self._estimate(float(drawn.values[k]), drawn.draws[:, k], path)

    def weight(self, judge: str) -> float | None:
        """lambda of a judge alone."""
        if self.labels is None:
            return None
        y, judged, others = self.labels
        k = self.columns.index(("alone", judge))
        return new_prompts(Labels(y, judged[:, k], others[:, k])).weight

    def adds(self, judge: str) -> Estimate | None:
        """What the panel takes off the variance more than without a judge."""
        alone = [k for k, (kind, _) in enumerate(self.columns) if kind == "alone"]
        if self.labels is None or len(alone) < 2:
            return None
        own = self.columns.index(("alone", judge))
        y, judged, others = self.labels
        order = [own, *(k for k in alone if k != own)]
        rng, resamples = self.study.rng(f"adds {judge}"), self.study.settings.resamples
        value, draws = gain(y, judged[:, order], others[:, order], rng=rng, resamples=resamples)
        return self._estimate(value, draws, f"{PATH}.by_judge.{judge}.adds")

    def _estimate(self, value: float, draws: Floats, path: str) -> Estimate | None:
        prompts = len(self.labels[0]) if self.labels else 0
        return estimate(self.study, value, draws, prompts, path)


Quantity = Callable[[Worth], Drawn]


def _panel_groups(panel: Sequence[str]) -> dict[Column, Sequence[str]]:
    """Each judge alone, and all of them."""
    groups: dict[Column, Sequence[str]] = {("alone", name): [name] for name in panel}
    groups[_PANEL] = panel
    return groups


def _by_group(rates: Sequence[Mapping[str, float]], prompts: Sequence[str]) -> Floats:
    """(prompts, groups)"""
    means = [[rate[name] for rate in rates] for name in prompts]
    return np.array(means, dtype=np.float64).reshape(len(prompts), len(rates))


def _judge(name: str, agreement: MeasuredAgreement, valued: _Valued) -> MeasuredJudge:
    alone: Column = ("alone", name)
    return MeasuredJudge(
        agreement=agreement.judges[name],
        less_people=agreement.less_people.get(name, {}),
        correlation=valued.of_column(alone, lambda made: made.correlation),
        weight=valued.weight(name),
        narrows=valued.of_column(alone, lambda made: made.narrows),
        adds=valued.adds(name),
        corrected=valued.corrected(name),
    )


def _errors(voted: Voted, panel: Sequence[str]) -> tuple[SharedErrors, list[str]] | None:
    """Of the panel's judges, in the panel's order."""
    names = [name for name in panel if name in voted.judges]
    said = voted.judged[:, [voted.judges.index(name) for name in names]]
    errors = shared_errors(said, voted.majority, voted.prompt, voted.study.bootstrap)
    return None if errors is None else (errors, names)


def _shared(
    study: Study, measured: tuple[SharedErrors, list[str]], size: int
) -> dict[str, tuple[SharedErrorPair, ...] | Estimate | None]:
    """The pairs' shared errors, their mean, and how many judges the panel is worth by it."""
    errors, names = measured
    pairs = tuple(
        SharedErrorPair(
            judges=(names[one], names[two]),
            correlation=estimate(
                study, float(errors.values[k]), errors.draws[:, k], errors.prompts[k],
                f"{PATH}.shared_errors.{names[one]}.{names[two]}",
            ),
            n=errors.comparisons[k],
        )
        for k, (one, two) in enumerate(errors.pairs)
    )  # fmt: skip
    value, draws = errors.mean
    prompts = min(errors.prompts)
    number = float(worth_in_judges(size, np.array(value)))
    return {
        "shared_errors": pairs,
        "shared_error": estimate(study, value, draws, prompts, f"{PATH}.shared_error"),
        "effective_judges": estimate(
            study, number, worth_in_judges(size, draws), prompts, f"{PATH}.effective_judges"
        ),
    }
