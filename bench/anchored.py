"""Do rates anchored in people's votes cover, and where do judges alone fail?

    python -m bench.anchored                    made-up suites: rates .5 to .97, five kinds of judges
    python -m bench.anchored --file pandalm_votes.jsonl --side llama-7b
                                                real votes: three people a pair, judges' words beside

Of the file's pairs with the side, suites of N pairs are drawn with replacement; m of a suite's pairs
have people's votes (the mean of three), all have judges'. A word that names neither answer is a tie.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from math import sqrt
from pathlib import Path

import numpy as np

from brie.analyse.anchored import Labels, new_prompts, this_suite
from brie.analyse.arrays import Floats, t_quantile

RESULTS = Path(__file__).parent / "results" / "anchored.json"
JUDGES = ("gpt-3.5", "pandalm-7b")
REAL = (
    ("gpt-3.5", 50, 200), ("gpt-3.5", 100, 200), ("pandalm-7b", 50, 200), ("both", 50, 400),
)  # fmt: skip
"""Judges, votes, prompts."""
KINDS = ("blind", "half", "good", "copies", "leans")


def main() -> None:
    """Print the table and keep it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", type=Path)
    parser.add_argument("--side", default="llama-7b")
    parser.add_argument("--runs", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    rng = np.random.default_rng(chosen.seed)
    kept = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    if chosen.file:
        kept["real"] = real(chosen.file, chosen.side, chosen.runs, rng)
    else:
        kept["made"] = made(chosen.runs, rng)
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


def real(path: Path, side: str, runs: int, rng: np.random.Generator) -> list[dict[str, float | str]]:
    """The rows of a file with real votes."""
    rows = [row for line in path.read_text().splitlines() if side in (row := json.loads(line))["models"]]
    place = [row["models"].index(side) for row in rows]
    people = np.mean([_scores(rows, place, f"annotator{k}") for k in (1, 2, 3)], axis=0)
    of_judge = {name: _scores(rows, place, name) for name in JUDGES}
    of_judge["both"] = np.mean([of_judge[name] for name in JUDGES], axis=0)
    table = []
    for judges, votes, prompts in REAL:
        units = np.stack([people, of_judge[judges]], axis=1)
        suites = (units[rng.integers(0, len(units), prompts)] for _ in range(runs))
        table.append({"judges": judges, **_row(list(suites), votes, float(people.mean()))})
        print(table[-1])
    return table


def made(runs: int, rng: np.random.Generator) -> list[dict[str, float | str]]:
    """Made-up suites: people's rate, judges of five kinds, one or three voters a prompt."""
    table = []
    for rate in (0.5, 0.7, 0.9, 0.97):
        for kind in KINDS:
            for votes, prompts in ((50, 100), (50, 400), (100, 150)):
                for voters in (1, 3):
                    suites = [_suite(rate, kind, prompts, voters, rng) for _ in range(runs)]
                    row = _row(suites, votes, rate)
                    table.append({"rate": rate, "kind": kind, "voters": voters, **row})
                    print(table[-1], flush=True)
    for name in ("new", "new_published", "suite"):
        print(f"lowest coverage, {name}: {min(float(row[name]) for row in table):.3f}")
    return table


def _scores(rows: Sequence[dict[str, object]], place: Sequence[int], who: str) -> Floats:
    """1 where the side is preferred, 0 where the other is, one half for every other word."""
    words = [str(row[who]) for row in rows]
    return np.array(
        [float(int(word) - 1 == at) if word in ("1", "2") else 0.5
         for word, at in zip(words, place, strict=True)]
    )  # fmt: skip


def _suite(rate: float, kind: str, prompts: int, voters: int, rng: np.random.Generator) -> Floats:
    """(prompts, 2): people's mean and the judges' mean of each prompt."""
    chance = rng.beta(1.2 * rate, 1.2 * (1 - rate), prompts)
    people = (rng.random((prompts, voters)) < chance[:, None]).mean(axis=1)
    seen = (rng.random((prompts, 4)) < chance[:, None]).mean(axis=1)
    blind = rng.integers(0, 3, prompts) / 2
    judged = {
        "blind": blind,
        "half": np.where(rng.random(prompts) < 0.6, seen, blind),
        "good": seen,
        "copies": people,
        "leans": np.minimum(seen + 0.25, 1.0),
    }[kind]
    return np.stack([people, judged], axis=1)


def _row(suites: Sequence[Floats], votes: int, truth: float) -> dict[str, float]:
    """Coverage of people's rate, and widths against people alone."""
    inside = {"judges": 0, "new": 0, "new_published": 0, "suite": 0}
    width = {"people": 0.0, "new": 0.0, "suite": 0.0}
    for units in suites:
        people, judged = units[:, 0], units[:, 1]
        labels = Labels(people[:votes], judged[:votes], judged[votes:])
        half = t_quantile(0.975, len(judged) - 1) * float(judged.std(ddof=1)) / sqrt(len(judged))
        fresh, plain, here = new_prompts(labels), new_prompts(labels, imagined=False), this_suite(labels)
        alone = new_prompts(Labels(labels.people, labels.judged, np.empty(0)))
        inside["judges"] += abs(float(judged.mean()) - truth) <= half
        inside["new"] += fresh.low <= truth <= fresh.high
        inside["new_published"] += plain.low <= truth <= plain.high
        inside["suite"] += here.low - 1e-9 <= float(people.mean()) <= here.high + 1e-9
        width["people"] += alone.high - alone.low
        width["new"] += fresh.high - fresh.low
        width["suite"] += here.high - here.low
    runs = len(suites)
    return {
        "votes": votes, "prompts": len(suites[0]), "runs": runs,
        **{name: round(count / runs, 4) for name, count in inside.items()},
        "width_new": round(width["new"] / width["people"] - 1, 3),
        "width_suite": round(width["suite"] / width["people"] - 1, 3),
    }  # fmt: skip


if __name__ == "__main__":
    main()
