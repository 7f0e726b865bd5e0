"""Many verdicts in one process, and what memory they take: python -m tests.judge.steady PORT COUNT."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.judge.arena import Arena, arena, judge


def resident() -> float:
    """Resident memory now, in MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1024**2


def main() -> None:
    """Print memory at the start, after a tenth of the work, its peak since, and what came of it."""
    port, count = int(sys.argv[1]), int(sys.argv[2])
    server: Any = SimpleNamespace(openai=f"http://127.0.0.1:{port}/v1")
    with (
        tempfile.TemporaryDirectory() as folder,
        arena(Path(folder), [judge(server, max_concurrency=32)], prompts=count // 2) as found,
    ):
        import openai  # noqa: F401  - the SDK's own memory is not judging's

        print(json.dumps(_measured(found, count)))


def _measured(found: Arena, count: int) -> dict[str, float]:
    start, seen = resident(), {"warm": 0.0, "peak": 0.0, "done": 0.0}

    def note(done: int) -> None:
        seen["done"] += done
        if seen["done"] % 100 == 0:
            now = resident()
            seen["peak"] = max(seen["peak"], now)
            if seen["done"] <= count / 10:
                seen["warm"] = now

    done = found.run(on_done=note)
    return {**seen, "start": start, "computed": done.computed, "errors": done.errors}


if __name__ == "__main__":
    main()
