"""How long `brie audit` takes on a file of 100,000 rows (about 200 MB), and its peak memory.

    python bench/audit_speed.py [ROWS]

Writes a seeded file in AlpacaEval's format to a temporary folder, audits it in a process of its
own, prints one line and writes bench/results/audit_speed.json.
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


def main() -> None:
    """Measure and record."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "annotations.jsonl"
        write(path, rows)
        size = path.stat().st_size / 1e6
        start = time.perf_counter()
        command = [sys.executable, "-m", "brie", "audit", str(path), "--json"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    result = {
        "rows": rows,
        "megabytes": round(size),
        "seconds": round(seconds, 1),
        "peak_gib": round(peak, 2),
    }
    print("  ".join(f"{name} {value}" for name, value in result.items()))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
