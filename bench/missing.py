"""Does a standing BETTER survive verdicts that are missing for a reason, and is it kept where none is?

    python -m bench.missing [--runs 1000] [--seed 20261126]

Whole evaluations (`bench/alarm_cases.py`) through the real analysis and the real standing; checks are
left out, as they could only take the word away. Two designs: 66 prompts with two verdicts each, and
200 with six (three judges, both orders).

1. Not at random, truth 50 %: of the comparisons that the candidate lost, those on the hardest prompts
   are refused, 1 to 30 % of all. A standing BETTER in at most 5 %.
2. At random, truth 65 %: of the BETTERs that stand with nothing missing, the share that stands still.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from bench.alarm_cases import Evaluation, Lost, Mask, made
from bench.output import save, table
from bench.simulate import Floats
from brie.checks import standing_of

DESIGNS = {"66 prompts, 2 verdicts": (66, 1), "200 prompts, 6 verdicts": (200, 3)}
SHARES = (0.01, 0.02, 0.05, 0.10, 0.30)
AT_RANDOM = (0.005, 0.01, 0.02, 0.05)
MOST = 0.05


def refused(share: float) -> Lost:
    """Lost comparisons of the hardest prompts, so many of all."""

    def choose(rng: np.random.Generator, chance: Floats, won: Mask) -> Mask:
        hardness = np.where(won, np.inf, chance[:, None]).ravel()
        gone = np.zeros(won.size, dtype=bool)
        count = min(round(share * won.size), int((~won).sum()))
        gone[np.argsort(hardness, kind="stable")[:count]] = True
        return gone.reshape(won.shape)

    return choose


def at_random(share: float) -> Lost:
    """Any comparisons, so many of all."""

    def choose(rng: np.random.Generator, chance: Floats, won: Mask) -> Mask:
        gone = np.arange(won.size) < round(share * won.size)
        return rng.permutation(gone).reshape(won.shape)

    return choose


def stands(case: Evaluation, seed: int) -> bool:
    """Whether BETTER is said, and stands."""
    document = made(case, seed).analysis
    standing = standing_of(document)
    return document.verdict == "better" and standing is not None and standing.state == "stands"


def case(design: str, *, rate: float, lost: Lost | None) -> Evaluation:
    """One evaluation of a design, sound but for what is lost."""
    prompts, judges = DESIGNS[design]
    return Evaluation(prompts=prompts, judges=judges, rate=rate, unusable=0.0, lost=lost)


def measure(runs: int, seed: int) -> list[dict[str, Any]]:
    """One row a design, cause and share."""
    rows = []
    for design in DESIGNS:
        for share in SHARES:
            lost = refused(share)
            said = [stands(case(design, rate=0.5, lost=lost), seed + n) for n in range(runs)]
            rows.append({"design": design, "missing": "lost ones, hardest first", "share": share,
                         "truth": 0.5, "of": runs, "standing better": float(np.mean(said))})  # fmt: skip
        whole = [n for n in range(runs) if stands(case(design, rate=0.65, lost=None), seed + n)]
        for share in AT_RANDOM:
            lost = at_random(share)
            kept = [stands(case(design, rate=0.65, lost=lost), seed + n) for n in whole]
            rows.append({"design": design, "missing": "at random", "share": share, "truth": 0.65,
                         "of": len(whole), "standing better": float(np.mean(kept))})  # fmt: skip
    return rows


def main() -> int:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20261126)
    asked = parser.parse_args()
    start = time.process_time()
    rows = measure(asked.runs, asked.seed)
    worst = max(row["standing better"] for row in rows if row["truth"] == 0.5)
    print(table(rows))
    print(f"standing BETTER of a candidate that is none better: at most {worst:.3f}, wanted <= {MOST}")
    seconds = round(time.process_time() - start, 1)
    save("missing", {"seed": asked.seed, "runs": asked.runs, "holds": worst <= MOST, "rows": rows,
                     "cpu_seconds": seconds})  # fmt: skip
    return 0 if worst <= MOST else 1


if __name__ == "__main__":
    raise SystemExit(main())
