"""A project on disk with a judged evaluation and a training run: what the viewer looks at."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from brie.evaluation.assemble import assemble
from brie.evaluation.gather import gather
from brie.evaluation.manifest import write_manifest
from brie.evaluation.plan import assignments, work_order
from brie.evaluation.work import Work
from brie.judge.interface import Reply
from brie.project import Project
from brie.records import Completion, Manifest, Plan, Status
from brie.store import Store
from tests.report import sample as report_sample
from tests.report.sample import GOOD, PLAIN

SECRETS = ("qwen-0.5b-letters", "Qwen2.5-0.5B", "3f9a:best", "candidate", "baseline", "adapter")
"""What a voter's browser must never receive: names, references, sides."""
COMMENTS = ("It answers the question.", "Shorter and still right.", "Both are fine.")


def manifest(prompts: int = 12, samples: int = 2, judges: int = 0) -> Manifest:
    """A sealed plan with real assignments; `judges`: so many instead of the usual three."""
    names = tuple(f"judge-{n}" for n in range(judges)) or report_sample.JUDGES
    base = report_sample.manifest(names, count=prompts)
    blocks = [(p.id, p.category) for p in base.plan.suite.prompts]
    changes = {
        "samples": samples,
        "order": tuple(work_order(blocks, base.plan.seed)),
        "assignments": assignments(
            blocks, base.plan.seats, samples=samples, positions="both", seed=base.plan.seed
        ),
    }
    plan = Plan.model_validate({**dict(base.plan), **changes})
    return base.model_copy(
        update={"plan": plan, "seal": plan.seal(), "id": f"eval-in-domain-{plan.seal()[7:15]}"}
    )


def fill(
    store: Store, work: Work, evaluation: str, texts: Sequence[str] | None = None, seed: int = 3
) -> None:
    """Answers for every request and a verdict for every task, of every kind a page shows.

    `texts`: the candidate's answers, one a request; by default both sides answer plausibly.
    """
    rng = random.Random(seed)
    candidate = work.plan.candidate.digest

    def text(pin: str, number: int) -> str:
        if texts is None:
            return f"{GOOD if pin == candidate else PLAIN}\n\n(variant {number})"
        own = texts[number // 2 % len(texts)]
        return own if pin == candidate else own + " plain"

    store.add_completions(
        [
            Completion(
                key=r.key, pin=r.pin, prompt=r.prompt, sample=r.sample,
                text=text(r.pin, n), finish_reason="stop",
                tokens=50, seconds=0.1,
            )
            for n, r in enumerate(work.requests())
        ]
    )  # fmt: skip
    leans: dict[tuple[str, str, int], bool] = {}
    for judge in {task.judge for task in work.tasks()}:
        tasks = [task for task in work.tasks() if task.judge == judge]
        rows = []
        for task in tasks:
            lean = leans.setdefault((judge, task.prompt, task.sample), rng.random() < 0.7)
            wins = lean if rng.random() > 0.15 else not lean
            letter = task.presentation.candidate_letter if wins else task.presentation.baseline_letter
            reply = (
                Reply(Status.INVALID, text="no verdict in here")
                if rng.random() < 0.03
                else Reply(Status.OK, letter, reason=rng.choice(COMMENTS), text=f"Winner: {letter}")
            )
            rows.append(task.verdict(reply))
        store.add_verdicts(rows, evaluation=evaluation, judge=judge)


def project(
    folder: Path,
    prompts: int = 12,
    samples: int = 2,
    texts: Sequence[str] | None = None,
    judges: int = 0,
) -> tuple[Project, Manifest]:
    """A project with one complete evaluation and one training run."""
    found = Project(folder)
    made = manifest(prompts, samples, judges)
    write_manifest(found.runs / made.id, made)
    with Store.open(found.store) as store:
        fill(store, Work(made.plan), made.id, texts)
        analysis = assemble(gather(made, store), store)
    text = analysis.model_dump_json(indent=1, exclude_unset=True)
    (found.runs / made.id / "analysis.json").write_text(text, "utf-8")
    training_run(found.runs)
    return found, made


def training_run(runs: Path) -> None:
    """A finished run with falling losses."""
    folder = runs / "train-tiny-20261120-0915-77aa"
    folder.mkdir(parents=True)
    row = {
        "id": folder.name, "name": "letters", "state": "finished", "command": "brie train --size tiny",
        "created": "2026-11-20T09:15:00+00:00", "step": 120, "config": {"planned_steps": 120},
        "pins": {"best": {"step": 100}, "last": {"step": 120}},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(row), "utf-8")
    lines = [{"kind": "train", "step": s, "loss": 3.0 * 0.985**s} for s in range(1, 121)]
    lines += [{"kind": "eval", "step": s, "loss": 2.9 * 0.988**s} for s in range(0, 121, 20)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
