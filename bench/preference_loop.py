"""The closed loop on the tiny base: does a planted preference come through, and chance not?

    python -m bench.preference_loop                 one planted run, ten with shuffled labels

A run on answers; its best and its last checkpoint are asked the training file's prompts, and a rule that
likes long answers judges; the pairs are learned from with `dpo`; and the result is judged against the
first run on held-out prompts, by that rule and by another that never taught it. With shuffled labels
every pair is turned round with probability one half, so that there is nothing to learn.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

from bench.output import save, table
from brie.api import evaluate
from brie.project import Project, packaged
from brie.studies.preferences import PrefsRequest, write_preferences
from brie.studies.suite_from import SuiteRequest, suite_from
from brie.train.config import TrainRequest
from brie.train.progress import Silent
from brie.train.run import train
from brie.train.runs import read_manifest

RATE = "learning_rate=2e-3"
TAUGHT_BY, BESIDE = "longer", "distinct"
STEPS = 24
SEEDS = 10
MOST_BETTER = 1


def begin(project: Project) -> Path:
    """The run on answers, and the pairs that its checkpoints' answers make."""
    train(TrainRequest(size="tiny", name="first"), project, Silent())
    data = project.root / "asked.jsonl"
    shutil.copy(packaged("data", "demo.jsonl"), data)
    suite_from(SuiteRequest(data), project)
    evaluate(
        project=project, suite="asked", candidate="first:best", baseline="first:last", judges=TAUGHT_BY,
        controls=0, samples=2, yes=True, name="pairs",
    )  # fmt: skip
    return write_preferences(PrefsRequest(("pairs",), project.root / "prefs.jsonl"), project).path


def shuffled(pairs: Path, seed: int) -> Path:
    """The pairs, each turned round with probability one half."""
    draw = random.Random(seed)
    rows = [json.loads(line) for line in pairs.read_text("utf-8").splitlines()]
    for row in rows:
        if draw.random() < 0.5:
            row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    path = pairs.with_name(f"shuffled-{seed}.jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def loop(project: Project, pairs: Path, name: str, seed: int) -> dict[str, Any]:
    """Learn from pairs, and judge what came of it on prompts that were kept apart."""
    settings = (RATE, f"max_steps={STEPS}", f"checkpoint_steps={STEPS // 2}", f"seed={seed}")
    asked = TrainRequest(
        method="dpo", prefs=str(pairs), start="first:best", name=name, settings=settings
    )
    manifest = read_manifest(train(asked, project, Silent()))
    done = evaluate(
        project=project, suite="demo", candidate=f"{name}:best", baseline="first:best",
        judges=(TAUGHT_BY, BESIDE), controls=0, samples=1, yes=True, name=name,
    )  # fmt: skip
    analysis = done.analysis
    rate, last = analysis.win_rate, manifest.evaluations[-1]
    return {
        "labels": name, "best step": manifest.pins["best"].step, "loss": last.loss,
        "accuracy": last.accuracy, "KL": last.kl, "win rate": rate.value if rate else None,
        "low": rate.low if rate else None, "high": rate.high if rate else None,
        "verdict": analysis.verdict,
        "contamination": next(c.status for c in analysis.checks if c.id == "contamination"),
        "judges": next(c.status for c in analysis.checks if c.id == "judges"),
    }  # fmt: skip


def main() -> None:
    """Run all and save the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=SEEDS)
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder).resolve())
        pairs = begin(project)
        rows = [loop(project, pairs, "planted", 0)]
        print(rows[-1], flush=True)
        for seed in range(1, seeds + 1):
            rows.append(loop(project, shuffled(pairs, seed), f"shuffled-{seed}", seed))
            print(rows[-1], flush=True)
    print(table(rows))
    better = sum(row["verdict"] == "better" for row in rows[1:])
    planted = rows[0]
    ok = planted["verdict"] == "better" and (planted["low"] or 0) > 0.5 and better <= MOST_BETTER
    print(f"planted: {planted['verdict']}; with shuffled labels better in {better} of {seeds}")
    save("preference_loop", {"rows": rows, "shuffled_better": better, "seeds": seeds, "ok": ok})
    raise SystemExit(not ok)


if __name__ == "__main__":
    main()
