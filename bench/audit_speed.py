"""How long `brie audit` takes, and its peak memory: one pair of models, and an arena of a hundred.

    python -m bench.audit_speed [ROWS] [BATTLES]

Writes two seeded files to a temporary folder: 100,000 annotations in AlpacaEval's format (about 200
MB), and 1,000,000 battles of 100 models on 100,000 prompts, which are ranked with 1,000 resamples of
the prompts. Each is audited in a process of its own; prints a line for each and writes
bench/results/audit_speed.json. At most 60 seconds and 2 GiB for the battles.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "audit_speed.json"
WORDS = "the a model answer says that of in and so question reason light river stone".split()  # noqa: SIM905


def write(path: Path, rows: int, seed: int = 1) -> None:
    """A file of that many annotations, two answers of about 150 words each."""
    draw = random.Random(seed)
    with path.open("w", encoding="utf-8") as handle:
        for number in range(rows):
            one, two = (" ".join(draw.choices(WORDS, k=190)) + "." for _ in range(2))
            row = {
                "instruction": f"Question {number % (rows // 2)} about {draw.choice(WORDS)}?",
                "output_1": one,
                "output_2": two,
                "annotator": "judge",
                "preference": 1 + draw.random(),
                "dataset": f"set-{number % 5}",
            }
            handle.write(json.dumps(row) + "\n")


def battles(path: Path, rows: int, models: int = 100, seed: int = 1) -> None:
    """A file of that many battles, ten a prompt, of models of different strength."""
    draw = random.Random(seed)
    strength = [draw.gauss(0, 0.7) for _ in range(models)]
    with path.open("w", encoding="utf-8") as handle:
        for number in range(rows):
            a, b = draw.sample(range(models), 2)
            lead = 1 / (1 + 2.718281828 ** (strength[b] - strength[a]))
            u = draw.random()
            winner = "tie" if u < 0.15 else "model_a" if u < 0.15 + 0.85 * lead else "model_b"
            row = {
                "question_id": f"q{number // 10}",
                "model_a": f"model-{a:03}", "model_b": f"model-{b:03}",
                "winner": winner, "judge": "people", "turn": 1, "language": "English", "tstamp": number,
                "anony": True,
            }  # fmt: skip
            handle.write(json.dumps(row) + "\n")


def measured(path: Path, folder: str) -> dict[str, float]:
    """CPU seconds and peak memory of an audit in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    command = [sys.executable, "-m", "brie", "audit", str(path), "--json"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "megabytes": round(path.stat().st_size / 1e6),
        "seconds": round(time.perf_counter() - start, 1),
        "cpu_seconds": round(cpu, 1),
        "peak_gib": round(after.ru_maxrss / 2**20, 2),
    }


def main() -> None:
    """Measure and record."""
    given = [int(number) for number in sys.argv[1:3]]
    rows, fights = [*given, *(100_000, 1_000_000)[len(given) :]]
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, number, make in (("pair", rows, write), ("battles", fights, battles)):
            path = Path(folder) / f"{name}.jsonl"
            make(path, number)
            results[name] = {"rows": number, **measured(path, folder)}
            print(name, "  ".join(f"{key} {value}" for key, value in results[name].items()))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
