"""How many verdicts a second one process can take in, and what its time goes to.

    python -m bench.judge_ceiling                   3,000 verdicts a protocol, 128 in flight
    python -m bench.judge_ceiling --calls 500       fewer
    python -m bench.judge_ceiling --workers local:2 the process that keeps the store, where workers ask,
                                                    in turns with one that asks by itself

The server answers at once, through the real SDKs, as in `bench.judge_throughput`: nothing is waited for,
so the processor is the limit. The ceiling is told in verdicts a second of processor time, which other
work on the machine hardly moves, beside those of the clock, and beside two floors in the same turns: the
same SDK in a bare loop, over one client as its documentation has it (`bare`), and over clients of four
connections each (`dealt`), which spares it a look through all of them for every request.
Where the time goes is a second run under a profiler, which makes calls of Python dearer than they are:
read the shares as shares.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

from bench.judge_throughput import judge, judge_with_brie, measure, plan, server

ROOT = Path(__file__).parents[1]
APIS = ("openai", "anthropic")
ROUNDS = 3
LOOPS = ("brie", "bare", "dealt")
PARTS = {
    "the SDK": ("/openai/", "/anthropic/", "/pydantic", "/jiter/", "typing", "inspect"),
    "HTTP and sockets": (
        "/httpx2/", "/httpcore2/", "/h11/", "/anyio/", "/sniffio/", "/wire/client.py", "socket", "_ssl",
    ),
    "JSON": ("/json/", "_json"),
    "SQLite and the store": ("sqlite3", "/brie/store/", "/brie/judge/writer.py"),
    "prompts": ("/brie/judge/prompt.py", "/brie/judge/neutral.py", "/brie/judge/hidden.py"),
    "reading replies": tuple(
        f"/brie/judge/{room}.py"
        for room in ("parse", "objects", "lines", "readings", "thoughts", "words", "documents", "usage")
    ),
    "the event loop": ("/asyncio/", "select.", "_asyncio", "contextvars"),
    "the rest of brie": ("/brie/",),
    "the measurement itself": ("/bench/",),
}  # fmt: skip
"""What a function is part of, by what its file or name contains; the first that fits."""
REST = "the rest of Python"


def main() -> None:
    """Measure, print a table and keep it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--workers", default="", metavar="WHERE")
    parser.add_argument("--one", nargs=3, metavar=("WHAT", "API", "PORT"))
    chosen = parser.parse_args()
    if chosen.one:
        what, api, port = chosen.one
        if what == "shares":
            print(json.dumps(shares(api, int(port), chosen.calls, chosen.concurrency)))
        else:
            where = (api, int(port), chosen.calls, chosen.concurrency)
            print(json.dumps(ceiling(what, *where, chosen.workers)))
        return
    if chosen.workers:
        beside(chosen.workers, chosen.calls, chosen.concurrency)
        return
    results = {api: measured(api, chosen.calls, chosen.concurrency) for api in APIS}
    (ROOT / "bench" / "results" / "judge_ceiling.json").write_text(json.dumps(results, indent=1) + "\n")


def measured(api: str, calls: int, concurrency: int) -> dict[str, dict[str, float]]:
    """The best of some rounds, brie and the bare loops in turns, and the shares."""
    rounds = [{who: child(who, api, calls, concurrency) for who in LOOPS} for _ in range(ROUNDS)]
    best = {
        who: max((turn[who] for turn in rounds), key=lambda found: found["a_processor_second"])
        for who in LOOPS
    }
    most = best["brie"]["a_processor_second"]
    print(f"{api:10} {most:6.0f} verdicts a second of processor time, "
          f"{best['brie']['a_second']:6.0f} of the clock")  # fmt: skip
    for who in LOOPS[1:]:
        floor = best[who]["a_processor_second"]
        print(f"           {floor:6.0f} {who}: brie has {most / floor:.2f} of it")
    parts = child("shares", api, calls // 3, concurrency)
    for part, share in sorted(parts.items(), key=lambda pair: -pair[1]):
        print(f"           {share:5.1%}  {part}")
    return {"ceiling": best["brie"], **{who: best[who] for who in LOOPS[1:]}, "shares": parts}


def beside(workers: str, calls: int, concurrency: int) -> None:
    """One process with workers and one by itself, in turns: medians, printed and kept."""
    kept: dict[str, dict[str, float]] = {}
    for api in APIS:
        rounds = [
            [child("brie", api, calls, concurrency, who)["a_processor_second"] for who in ("", workers)]
            for _ in range(ROUNDS)
        ]
        alone, shared = (statistics.median(column) for column in zip(*rounds, strict=True))
        kept[api] = {"alone": alone, "workers": shared, "ratio": shared / alone}
        print(f"{api:10} {alone:6.0f} verdicts a processor second alone, {shared:6.0f} with {workers}: "
              f"{shared / alone:.1f} times")  # fmt: skip
    (ROOT / "bench" / "results" / "judge_workers.json").write_text(json.dumps(kept, indent=1) + "\n")


def child(what: str, api: str, calls: int, concurrency: int, workers: str = "") -> dict[str, float]:
    """One measurement in a process of its own, with a server of its own."""
    with server(0.0) as port:
        command = [sys.executable, "-m", "bench.judge_ceiling", "--one", what, api, str(port)]
        command += [f"--calls={calls}", f"--concurrency={concurrency}", f"--workers={workers}"]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def ceiling(
    who: str, api: str, port: int, calls: int, concurrency: int, workers: str = ""
) -> dict[str, float]:
    """Verdicts a second of a loop, and a second of this process's own processor time."""
    found = measure(who, api, port, calls, concurrency, workers)
    return {"a_processor_second": 1000 / found["cpu_ms"], "a_second": found["rate"]}


def shares(api: str, port: int, calls: int, concurrency: int) -> dict[str, float]:
    """Which part of the time is spent in what."""
    import anthropic  # noqa: F401
    import openai  # noqa: F401

    spec = judge(api, port).model_copy(update={"max_concurrency": concurrency})
    seat, tasks = plan(spec, calls)
    profile = cProfile.Profile()
    profile.runcall(judge_with_brie, seat, tasks)
    spent: Counter[str] = Counter()
    for function, (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if (part := part_of(function)) != REST:
            spent[part] += own
            continue
        for caller, (_, _, there, _) in callers.items():  # a builtin belongs to who calls it
            spent[part_of(caller)] += there
    whole = spent.total()
    return {part: seconds / whole for part, seconds in spent.items()}


def part_of(function: tuple[str, int, str]) -> str:
    """The part a function belongs to."""
    told = f"{function[0]}:{function[2]}"
    fits = (part for part, marks in PARTS.items() if any(mark in told for mark in marks))
    return next(fits, REST)


if __name__ == "__main__":
    main()
