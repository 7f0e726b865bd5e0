"""How long reading one million verdicts from the store takes, apart from analysing them.

    python -m bench.store_reading [--prompts 100000] [--profile]

A synthetic evaluation in a temporary folder: prompts x 2 orders x 5 judges, with reasons and scores
as judges write them. Timed are the planned keys, the store's rows, and the columns made of them.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.output import save, table
from brie.evaluation.gather import gather
from brie.evaluation.plan import ResolvedRequest, make_plan, panel_judge
from brie.evaluation.rows import headline_judges
from brie.evaluation.table import table as verdict_table
from brie.evaluation.work import Work
from brie.pin import Resolved
from brie.records import (
    BaseModelRef,
    Completion,
    Environment,
    JudgeSpec,
    Manifest,
    Message,
    Pin,
    Prompt,
    Provider,
    Rubric,
    Sampling,
    Status,
    Suite,
    Verdict,
)
from brie.store import Store

JUDGES = 5
CRITERIA = ("depth", "clarity", "engagement")


def evaluation(prompts: int) -> Manifest:
    """A sealed plan over `prompts` prompts and five judges in both orders."""
    base = BaseModelRef(repo="made/base", digest=_digest(1))
    tuned = Pin(kind="adapter", name="tuned", digest=_digest(2), base=base, template_digest=_digest(9),
                files={}, config=_digest(4))  # fmt: skip
    sides = [tuned, tuned.model_copy(update={"kind": "base", "name": "base", "digest": _digest(3)})]
    named = [Resolved(pin, str(n), str(n), Path(), sides[1], None) for n, pin in enumerate(sides)]
    suite = Suite(
        name="made",
        prompts=tuple(
            Prompt(
                id=f"p{n:06}", messages=(Message(role="user", content=f"Question number {n}?"),),
                category=f"category-{n % 8}", source=f"source-{n % 40}",
            )
            for n in range(prompts)
        ),
    )  # fmt: skip
    rubric = Rubric(name="made", text="Judge.", criteria=CRITERIA)
    seats = tuple(
        panel_judge(JudgeSpec(id=f"judge-{n}", provider=Provider.OPENAI, model=f"m{n}"), rubric)
        for n in range(JUDGES)
    )
    asked = ResolvedRequest(
        suite=suite, candidate=named[0], baseline=named[1], panel_judges=seats, panel="made",
        sampling=Sampling(), samples=1, positions="both", controls=0, seed=0, stopping=None,
    )  # fmt: skip
    plan = make_plan(asked, Environment(dtype="float32", device="cpu", sampler="made"))
    return Manifest(
        id="eval-made", created="2026-01-01T00:00:00+00:00", seal=plan.seal(), plan=plan,
        names=plan.names, locations={"candidate": "", "baseline": ""},
        command="", versions={},
    )  # fmt: skip


def fill(path: Path, work: Work, seed: int) -> int:
    """Write every completion and verdict of the plan; returns how many verdicts."""
    rng = random.Random(seed)
    with Store.open(path) as store:
        store.add_completions([_completion(r.key, r.pin, rng) for r in work.requests()])
    tasks = work.tasks()
    connection = sqlite3.connect(path)
    with connection:
        connection.executemany(
            "INSERT INTO verdicts (key, attempt, judge, rubric, presentation, repeat, status, body,"
            " created) VALUES (?, 0, ?, ?, ?, 0, 'ok', ?, '')",
            _rows(work, rng),
        )
    connection.close()
    return len(tasks)


def _rows(work: Work, rng: random.Random) -> Iterator[tuple[str, str, str, str, str]]:
    for task in work.tasks():
        verdict = Verdict(
            key=task.key, judge=task.judge_digest, rubric=task.rubric_digest,
            presentation=task.presentation_digest, status=Status.OK,
            letter=rng.choice(("A", "B", "tie")), reason="It answers the question and says why. " * 8,
            reply='{"winner": "A", "reason": "It answers the question and says why."} ' * 8,
            scores={name: {"A": rng.randint(1, 5), "B": rng.randint(1, 5)} for name in CRITERIA},
        )  # fmt: skip
        body = verdict.model_dump_json()
        yield task.key, verdict.judge, verdict.rubric, verdict.presentation, body


def _completion(key: str, pin: str, rng: random.Random) -> Completion:
    words = rng.choices(("so", "the", "answer", "depends", "on\n- what", "we", "mean?"), k=60)
    return Completion(
        key=key, pin=pin, prompt=pin, sample=0, text=" ".join(words), finish_reason="stop",
        tokens=60, seconds=0.1,
    )  # fmt: skip


def _digest(number: int) -> str:
    return f"sha256:{number:064x}"


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--prompts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--profile", action="store_true", help="Print where time goes.")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "brie.sqlite"
        manifest = evaluation(args.prompts)
        # Another process fills the store, so that its memory is not counted here.
        if (child := os.fork()) == 0:
            fill(path, Work.of(manifest), args.seed)
            os._exit(0)
        os.waitpid(child, 0)
        gc.collect()
        before = _peak()
        if args.profile:
            import cProfile

            cProfile.runctx("read(manifest, path)", globals(), locals(), sort="cumtime")
            return
        spent = time.process_time()
        gathered, columns, verdicts = read(manifest, path)
        spent = time.process_time() - spent
        size = path.stat().st_size / 1e9
    peak = _peak()
    rows = [
        {"what": "reading and unblinding [s]", "value": round(gathered, 1)},
        {"what": "columns with features and criteria [s]", "value": round(columns, 1)},
        {"what": "both, processor time [s]", "value": round(spent, 1)},
        {"what": "peak memory [GB]", "value": round(peak, 2)},
        {"what": "of it before reading: the plan [GB]", "value": round(before, 2)},
    ]
    print(f"{verdicts:,} verdicts, {size:.2f} GB on disk")
    print(table(rows))
    machine = {"cpus": os.cpu_count(), "python": sys.version.split()[0]}
    save("store_reading", {"seed": args.seed, "verdicts": verdicts, "store_gb": round(size, 3),
                           "machine": machine, "rows": rows})  # fmt: skip


def read(manifest: Manifest, path: Path) -> tuple[float, float, int]:
    """Seconds for gathering the facts, for the table of them, and the number of its rows."""
    start = time.perf_counter()
    with Store.open(path, read_only=True) as store:
        facts = gather(manifest, store)
    middle = time.perf_counter()
    made = verdict_table(facts, facts.of("main"), headline_judges(manifest))
    return middle - start, time.perf_counter() - middle, len(made.score)


def _peak() -> float:
    """Largest resident size so far, in GB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e9 if sys.platform == "darwin" else 1e6)


if __name__ == "__main__":
    main()
