"""A million verdicts on one machine: what planning, resuming, numbers, report and checking cost.

    python -m bench.million                              all shapes, one after the other
    python -m bench.million --shape samples --scale 0.1  one shape, a tenth of it
    python -m bench.million --folder DIR                 keep the project, and use it again

Two files of answers are judged by judges that are never reached: their verdicts, with reasons, scores
and replies as judges write them, are written through the store. Then the commands run as people run
them, each in a process of its own. Processor seconds, of the whole process with its start.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.output import RESULTS, save, table

if TYPE_CHECKING:
    from brie.judge.interface import Reply, Task
    from brie.records import Manifest

PAIRS = ("--pairs", "pairs.csv", "--candidate", "mine", "--baseline", "theirs", "--prompt", "prompt")
WORDS = (
    "so", "the", "water", "depends", "on", "what", "we", "mean", "by", "it", "and", "whether", "a",
    "river", "had", "risen", "in", "the", "night",
)  # fmt: skip
SENTENCES = (
    "It answers the question and says why.", "The other one stays on the surface.",
    "Both are clear; this one has an example.", "Its structure helps the reader along.",
    "It repeats itself towards the end.", "The tone fits what was asked for.",
)  # fmt: skip
LETTERS = ("A", "B", "tie")
BLOCK = 5_000


@dataclass(frozen=True)
class Shape:
    """How a million verdicts come about: prompts x samples x judges x 2 orders."""

    prompts: int
    samples: int
    judges: int

    @property
    def verdicts(self) -> int:
        """How many, without controls."""
        return self.prompts * self.samples * self.judges * 2

    def of(self, scale: float) -> Shape:
        """The same with a share of its prompts."""
        return Shape(round(self.prompts * scale), self.samples, self.judges)


SHAPES = {
    "samples": Shape(10_000, 10, 5),
    "prompts": Shape(100_000, 1, 5),
    "widest": Shape(250_000, 1, 2),
}


def make(folder: Path, shape: Shape, seed: int) -> None:
    """A project whose evaluation is sealed, with every answer and 99 % of the verdicts in its store."""
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.work import Work
    from brie.project import Project

    rng = random.Random(seed)
    (folder / "judges").mkdir(parents=True)
    for number in range(shape.judges):
        (folder / "judges" / f"judge-{number}.toml").write_text(
            f'id = "judge-{number}"\nprovider = "openai-compatible"\nmodel = "made-{number}"\n'
            'base_url = "http://127.0.0.1:9/v1"\nendpoint = "made"\noutput = "json_schema"\n'
        )
    with (folder / "pairs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["prompt", "mine", "theirs"])
        for prompt in range(shape.prompts):
            for _ in range(shape.samples):
                writer.writerow([f"Write about river number {prompt}.", _answer(rng), _answer(rng)])
    brie(folder, ["eval", *options(shape), "--stop-after", "generate", "--yes"])
    manifest = find_evaluation(None, Project(folder)).manifest
    tasks = [task for number, task in enumerate(Work.of(manifest).tasks()) if number % 100]
    fill(folder, manifest, tasks, seed)


def fill(folder: Path, manifest: Manifest, tasks: list[Task], seed: int) -> None:
    """Verdicts for tasks, through the store."""
    from brie.project import Project
    from brie.store import Store

    rng = random.Random(seed + len(tasks))
    rubric = manifest.plan.seats[0].rubric
    criteria = rubric.criteria if rubric else ()
    with Store.open(Project(folder).store) as store:
        for start in range(0, len(tasks), BLOCK):
            block = tasks[start : start + BLOCK]
            store.keep(
                [(task.verdict(_reply(rng, criteria)), task.judge) for task in block],
                evaluation=manifest.id,
            )


def finish(folder: Path, seed: int) -> None:
    """The verdicts that `make` left out."""
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.work import Work
    from brie.project import Project

    manifest = find_evaluation(None, Project(folder)).manifest
    fill(folder, manifest, Work.of(manifest).tasks()[::100], seed)


def _answer(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(20, 60))) + rng.choice(("", "?", "\n- and more"))


def _reply(rng: random.Random, criteria: Sequence[str]) -> Reply:
    from brie.judge.interface import Reply
    from brie.judge.schema import key_of
    from brie.records import Status, Usage

    reason = " ".join(rng.choices(SENTENCES, k=8))
    scores = {name: {"A": rng.randint(1, 5) * 1.0, "B": rng.randint(1, 5) * 1.0} for name in criteria}
    letter = rng.choices(LETTERS, (45, 40, 15))[0]
    said = {key_of(name): given for name, given in scores.items()}
    text = json.dumps({"reasons": reason, "scores": said, "winner": letter})
    usage = Usage(input_tokens=420, output_tokens=180, seconds=1.5)
    if rng.random() < 0.01:
        return Reply(Status.INVALID, reason="no verdict in it", text=reason, usage=usage)
    return Reply(Status.OK, letter, reason=reason, text=text, scores=scores, usage=usage)


def options(shape: Shape) -> list[str]:
    """What `brie eval` is told."""
    judges = [part for number in range(shape.judges) for part in ("--judge", f"judge-{number}")]
    return [*PAIRS, *judges, "--drift", "off"]


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    processor: float
    """Seconds, the system's included."""
    clock: float | None
    peak: float
    """GB."""


def brie(folder: Path, arguments: list[str]) -> Cost:
    """Run a command of brie in the project."""
    return measured(folder, [sys.executable, "-m", "brie", *arguments])


def measured(folder: Path, command: list[str]) -> Cost:
    """Run a program, and say what it took.

    Raises:
        RuntimeError: it failed.
    """
    root = Path(__file__).parents[1]
    paths = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH", ""))))
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installed programs are compiled once
    start = time.perf_counter()
    with (folder / "last.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        _, state, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(state)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}: {log.name}")
    clock = time.perf_counter() - start
    scale = 1e9 if sys.platform == "darwin" else 1e6
    return Cost(used.ru_utime + used.ru_stime, clock, used.ru_maxrss / scale)


def part(folder: Path) -> None:
    """Numbers and report apart, in this process; prints seconds and GB."""
    from brie.evaluation.assemble import assemble
    from brie.evaluation.context import context_of
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.gather import gather
    from brie.evaluation.results import write_report
    from brie.project import Project
    from brie.store import Store

    project = Project(folder)
    spent: dict[str, float] = {}
    evaluation = find_evaluation(None, project)
    with Store.open(project.store, read_only=True) as store:
        with _timed(spent, "analysis"):
            data = gather(evaluation.manifest, store, texts=False)
            analysis = assemble(data, store, context_of(evaluation.manifest, project))
        spent["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        with _timed(spent, "report"):
            write_report(evaluation, analysis, data, project)
    print(json.dumps(spent))


@contextmanager
def _timed(spent: dict[str, float], name: str) -> Iterator[None]:
    start = time.process_time()
    yield
    spent[name] = time.process_time() - start


def forked(work: Callable[[], None]) -> None:
    """Do something in a process of its own, so that its memory goes with it."""
    if (child := os.fork()) == 0:
        work()
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the project was not made")


def measure(folder: Path, shape: Shape, seed: int) -> dict[str, object]:
    """Make the project where it is not there, and time everything."""
    rows: list[dict[str, object]] = []

    def row(what: str, cost: Cost) -> None:
        rows.append({"what": what, "processor s": cost.processor, "clock s": cost.clock,
                     "peak GB": cost.peak})  # fmt: skip
        print(table(rows[-1:]), flush=True)

    evaluate = ["eval", *options(shape)]
    if not (folder / "runs").exists():
        forked(lambda: make(folder, shape, seed))
        row("plan, 1 % missing: brie eval --dry-run", brie(folder, [*evaluate, "--dry-run"]))
        forked(lambda: finish(folder, seed))
    row("all numbers and the report: brie report", brie(folder, ["report"]))
    row("resume, nothing missing: brie eval", brie(folder, evaluate))
    name = next((folder / "runs").glob("eval-*")).name
    row("check everything: brie verify", brie(folder, ["verify", name]))
    cost = measured(folder, [sys.executable, "-m", "bench.million", "--part", str(folder)])
    spent = json.loads((folder / "last.log").read_text().splitlines()[-1])
    row("  of it the numbers, from the store", Cost(spent["analysis"], None, spent["peak"]))
    row("  of it the report's files", Cost(spent["report"], None, cost.peak))
    size = sum(path.stat().st_size for path in (folder / "runs").glob("brie.sqlite*"))
    return {"verdicts": shape.verdicts, "prompts": shape.prompts, "samples": shape.samples,
            "judges": shape.judges, "bytes a verdict": size / shape.verdicts, "rows": rows}  # fmt: skip


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES, action="append")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=20261127)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--label", default="now", help="What this state of the code is called.")
    parser.add_argument("--part", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part:
        part(chosen.part)
        return
    kept = RESULTS / "million.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    with TemporaryDirectory() as temporary:
        for name in chosen.shape or SHAPES:
            shape = SHAPES[name].of(chosen.scale)
            folder = (chosen.folder or Path(temporary)) / f"{name}-{shape.verdicts}"
            folder.mkdir(parents=True, exist_ok=True)
            print(f"{name}: {shape}", flush=True)
            found = measure(folder, shape, chosen.seed)
            print(f"{found['bytes a verdict']:,.0f} bytes a verdict on disk", flush=True)
            results.setdefault(f"{name}, {shape.verdicts} verdicts", {})[chosen.label] = found
    save("million", results)


if __name__ == "__main__":
    main()
