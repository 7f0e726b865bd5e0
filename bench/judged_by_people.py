"""Do the intervals of what people's votes say of judges cover?

    python -m bench.judged_by_people            every setting, 400 data sets each
    python -m bench.judged_by_people --runs 60

A prompt has a chance to be preferred; people and judges each draw from it, judges with errors of their
own and, in part, with errors they share. What is true is measured on 60,000 prompts of the same kind.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np

from brie.analyse.arrays import Floats
from brie.analyse.bootstrap import percentiles
from brie.analyse.by_people import COEFFICIENTS, Voted, agreement_with_people
from brie.analyse.shared_errors import shared_errors, worth_in_judges
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.analyse.win_rate import Settings
from brie.analyse.worth import gain, worth
from brie.records.estimates import Estimate

RESULTS = Path(__file__).parent / "results" / "judged_by_people.json"
TRUTH = 60_000
SUITE = 4
"""Prompts of the suite for each that people vote on."""


@dataclass(frozen=True)
class Setting:
    """A suite, its voters and its judges."""

    rate: float
    votes: int
    """Prompts that people vote on."""
    voters: int
    judges: int
    sees: float
    """Share of prompts that a judge sees as people do; else it says anything."""
    shares: float
    """Of what it does not see, the part that all judges say alike."""
    ties: float = 0.1


Shown = tuple[float, float | None, float | None]
"""A value and its interval."""


def main() -> None:
    """Print the table and keep it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    rows = [row for setting in settings() for row in covered(setting, chosen.runs, chosen.seed)]
    RESULTS.write_text(json.dumps({"runs": chosen.runs, "rows": rows}, indent=1) + "\n")
    for name in dict.fromkeys(str(row["quantity"]) for row in rows):
        these = [row for row in rows if row["quantity"] == name]
        each = [float(row["coverage"]) for row in these]
        given = min(float(row["given"]) for row in these)
        print(f"{name:<22} lowest {min(each):.3f}  mean {np.mean(each):.3f}  given {given:.2f}")


def settings() -> list[Setting]:
    """From people who nearly always say the same to judges that are blind."""
    grid = product((0.5, 0.7, 0.92), (50, 120), (1, 3), (0.3, 0.8))
    rows = [Setting(rate, votes, voters, 3, sees, 0.5) for rate, votes, voters, sees in grid]
    rows += [Setting(0.65, 60, voters, 3, 0.6, shares) for voters in (1, 2, 3) for shares in (0.0, 1.0)]
    return [*rows, Setting(0.65, 60, 3, 5, 0.7, 0.3), Setting(0.6, 80, 3, 2, 0.9, 0.3, ties=0.3)]


def covered(setting: Setting, runs: int, seed: int) -> Iterator[dict[str, float | str]]:
    """Coverage of every interval in a setting."""
    rng = np.random.default_rng([seed, *(int(1000 * value) for value in asdict(setting).values())])
    truth = {name: value for name, (value, _, _) in measured(setting, rng, TRUTH, 2).items()}
    inside, given, width = (dict.fromkeys(truth, 0.0) for _ in range(3))
    for _ in range(runs):
        for name, (_, low, high) in measured(setting, rng, setting.votes, 999).items():
            if low is not None and high is not None and name in truth:
                given[name] += 1
                inside[name] += low - 1e-9 <= truth[name] <= high + 1e-9
                width[name] += high - low
    for name, value in truth.items():
        yield {
            **asdict(setting), "quantity": name, "truth": round(value, 4), "given": given[name] / runs,
            "coverage": round(inside[name] / max(given[name], 1), 4),
            "width": round(width[name] / max(given[name], 1), 3),
        }  # fmt: skip


def measured(setting: Setting, rng: np.random.Generator, votes: int, resamples: int) -> dict[str, Shown]:
    """Every quantity of one data set; of judges the first's."""
    people, judged = data(setting, rng, votes * SUITE)
    study = Study(
        _table(people[:votes], judged[:votes]), Settings(resamples=resamples), int(rng.integers(2**31))
    )
    voted = Voted.of(study, {f"p{k}" for k in range(setting.voters)})
    agreement = agreement_with_people(voted, "")
    shown: dict[str, Estimate | None] = {}
    for name in COEFFICIENTS:
        shown[f"judge {name}"] = getattr(agreement.judges["j0"], name)
        shown[f"people {name}"] = getattr(agreement.people, name) if agreement.people else None
        shown[f"difference {name}"] = agreement.less_people.get("j0", {}).get(name)
    made = {name: (e.value, e.low, e.high) for name, e in shown.items() if e is not None}
    made |= _errors(voted, setting.judges)
    scores = judged / 2
    panel = np.column_stack([scores[:, 0], scores.mean(axis=1)])
    y = people[:votes].mean(axis=1) / 2
    valued = worth(y, panel[:votes], panel[votes:], rng=rng, resamples=resamples)
    made["correlation"] = _ends(valued.correlation.values[0], valued.correlation.draws[:, 0])
    made["narrows"] = _ends(valued.narrows.values[1], valued.narrows.draws[:, 1])
    made["adds"] = _ends(*gain(y, scores[:votes], scores[votes:], rng=rng, resamples=resamples))
    rate = valued.corrected
    made["corrected"] = (
        _ends(rate.values[0], rate.draws[:, 0])
        if valued.tells(0, 0.95)
        else (float(rate.values[0]), None, None)
    )
    return made


def data(setting: Setting, rng: np.random.Generator, prompts: int) -> tuple[Floats, Floats]:
    """(prompts, voters) and (prompts, judges) of 0 loss, 1 tie, 2 win."""
    chance = rng.beta(1.2 * setting.rate, 1.2 * (1 - setting.rate), prompts)

    def said(columns: int, of: Floats) -> Floats:
        won = 2.0 * (rng.random((prompts, columns)) < of[:, None])
        return np.where(rng.random((prompts, columns)) < setting.ties, 1.0, won)

    blind = np.full(prompts, 0.6)
    own, shared = said(setting.judges, blind), said(1, blind)
    alike = rng.random(prompts) < setting.shares
    errs = np.where(alike[:, None], shared, own)
    together = rng.random((prompts, 1)) < setting.sees
    sees = np.where(alike[:, None], together, rng.random((prompts, setting.judges)) < setting.sees)
    return said(setting.voters, chance), np.where(sees, said(setting.judges, chance), errs)


def _errors(voted: Voted, judges: int) -> Mapping[str, Shown]:
    errors = shared_errors(voted.judged, voted.majority, voted.prompt, voted.study.bootstrap)
    if errors is None:
        return {}
    mean, draws = errors.mean
    number = float(worth_in_judges(judges, np.array(mean)))
    return {
        "shared error": _ends(errors.values[0], errors.draws[:, 0]),
        "mean shared error": _ends(mean, draws),
        "effective judges": _ends(number, worth_in_judges(judges, draws)),
    }


def _ends(value: float, draws: Floats) -> Shown:
    low, high = percentiles(draws, 0.95, finite=0.75) or (None, None)
    return float(value), low, high


def _table(people: Floats, judged: Floats) -> VerdictTable:
    said = np.column_stack([judged, people])
    names = [f"j{k}" for k in range(judged.shape[1])] + [f"p{k}" for k in range(people.shape[1])]
    prompt, judge = np.indices(said.shape)
    return VerdictTable.build(
        prompts=[f"q{k:06}" for k in range(len(said))],
        judges=names,
        prompt=prompt.ravel(),
        judge=judge.ravel(),
        score=said.ravel() / 2,
        both_orders=False,
    ).canonical()


if __name__ == "__main__":
    main()
