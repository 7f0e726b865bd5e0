"""Judging beside a bare SDK loop: calls a second, CPU a call, memory.

    python bench/judge_throughput.py                    500 presentations, 200 ms +- 50 ms, 32 in flight
    python bench/judge_throughput.py --long             also 20,000 presentations at 20 ms: memory
    python bench/judge_throughput.py --busy 0.05        one request in twenty is refused with 429
    python bench/judge_throughput.py --limit 20         no more than 20 requests a second are taken
    python bench/judge_throughput.py --calls 2000 --outage 1000 300     five minutes of 503 (brie alone)

Both loops run in turns against one local server, in processes of their own, through the real SDKs.
brie's includes claims, prompts with fences, parsing, and every verdict written to the store.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

WORDS = "the river had risen in the night and taken the lower fence with it".split()  # noqa: SIM905
CONCURRENCY = 32
A_CLIENT = 4
"""Requests in flight of one client where they are dealt to many."""


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY)
    parser.add_argument("--busy", type=float, default=0.0)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--outage", type=int, nargs=2, metavar=("AFTER", "SECONDS"))
    parser.add_argument("--api", choices=("openai", "anthropic"), action="append")
    parser.add_argument("--one", nargs=3, metavar=("WHICH", "API", "PORT"))
    chosen = parser.parse_args()
    if chosen.one:
        which, api, port = chosen.one
        print(json.dumps(measure(which, api, int(port), chosen.calls, chosen.concurrency)))
        return
    trouble = [f"--busy={chosen.busy}", f"--limit={chosen.limit}"]
    if chosen.outage:
        outage(chosen.calls, chosen.latency, chosen.concurrency, chosen.outage)
        return
    results = {api: compare(api, chosen, trouble) for api in chosen.api or ("openai", "anthropic")}
    if chosen.busy or chosen.limit or chosen.concurrency != CONCURRENCY or chosen.api:
        return
    if chosen.long:
        with server(0.02) as port:
            results["long"] = child("brie", "openai", port, 20_000)
        print(f"20,000 at 20 ms: {results['long']['grown_mb']:.0f} MB grown, "
              f"{results['long']['rate']:.0f} calls/s")  # fmt: skip
    out = ROOT / "bench" / "results"
    out.mkdir(exist_ok=True)
    (out / "judge_throughput.json").write_text(json.dumps(results, indent=1) + "\n")


def outage(calls: int, latency: float, concurrency: int, when: Sequence[int]) -> None:
    """One run of brie's with an outage in it."""
    trouble = ["--outage", *map(str, when)]
    with server(latency, trouble) as port:
        found = child("brie", "openai", port, calls, concurrency)
    seconds, cpu = calls / found["rate"], found["cpu_ms"]
    print(f"{calls} calls with {when[1]} s of outage: {seconds:.0f} s in all, every verdict kept")
    print(f"{cpu:.2f} ms CPU a call")


def compare(api: str, chosen: argparse.Namespace, trouble: Sequence[str]) -> dict[str, Any]:
    """Both loops, in turns."""
    found: dict[str, list[dict[str, float]]] = {"bare": [], "brie": []}
    for _ in range(chosen.rounds):
        for which in found:
            with server(chosen.latency, trouble) as port:
                found[which].append(child(which, api, port, chosen.calls, chosen.concurrency))
    table = {
        which: {name: statistics.median(r[name] for r in runs) for name in runs[0]}
        for which, runs in found.items()
    }
    rate = table["brie"]["rate"] / table["bare"]["rate"]
    cpu = table["brie"]["cpu_ms"] / table["bare"]["cpu_ms"]
    for which, row in table.items():
        print(f"{api:10} {which:5} {row['rate']:7.1f} calls/s {row['cpu_ms']:6.2f} ms CPU a call "
              f"{row['grown_mb']:6.1f} MB over the SDK, {row['lost']:.0f} lost")  # fmt: skip
    print(f"{api:10} brie/bare: rate {rate:.3f}, CPU {cpu:.2f}")
    return {**table, "rate_ratio": rate, "cpu_ratio": cpu, "runs": found}


@contextmanager
def server(latency: float, trouble: Sequence[str] = ()) -> Iterator[int]:
    """The local server in a process of its own; yields its port, and says what it refused."""
    command = [sys.executable, "-m", "tests.fakes.judge_servers", f"--latency={latency}"]
    command += [f"--spread={latency / 4}", *trouble]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        said = json.loads(process.communicate()[0] or "{}")
        if said.get("refused"):
            print(f"           {said['asked']} requests, {said['refused']} refused")


def child(
    which: str, api: str, port: int, calls: int, concurrency: int = CONCURRENCY
) -> dict[str, float]:
    """One measurement in a fresh process."""
    command = [sys.executable, __file__, "--calls", str(calls), "--one", which, api, str(port)]
    command.append(f"--concurrency={concurrency}")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def measure(
    which: str, api: str, port: int, calls: int, concurrency: int, workers: str = ""
) -> dict[str, float]:
    """Run one loop here.

    Args:
        which: `brie`; `bare`, over one client; or `dealt`, bare over clients of few connections.
        api: the protocol.
        port: the server's.
        calls: how many verdicts.
        concurrency: requests in flight.
        workers: who asks for brie, as `--workers` has it.
    """
    import anthropic  # noqa: F401
    import openai  # noqa: F401

    spec = judge(api, port).model_copy(update={"max_concurrency": concurrency})
    clients = [make_client(api, spec.base_url or "") for _ in range(clients_of(which, concurrency))]
    place, tasks = plan(spec, calls)
    before = memory()
    start, cpu, lost = time.perf_counter(), time.process_time(), 0
    if which == "brie":
        judge_with_brie(place, tasks, workers)
    else:
        lost = asyncio.run(bare(api, clients, calls, concurrency))
    seconds, used = time.perf_counter() - start, time.process_time() - cpu
    return {
        "rate": calls / seconds,
        "cpu_ms": 1000 * used / calls,
        "grown_mb": memory() - before,
        "lost": lost,
    }


def clients_of(which: str, concurrency: int) -> int:
    """Clients of the SDK that a bare loop makes."""
    return {"brie": 0, "bare": 1}.get(which, max(1, concurrency // A_CLIENT))


def memory() -> float:
    """Peak resident memory so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


def answers(number: int) -> tuple[str, str, str]:
    """A prompt and two answers of about 1,500 characters."""
    one = " ".join(WORDS[(number + n) % len(WORDS)] for n in range(300))
    two = " ".join(WORDS[(number * 7 + n) % len(WORDS)] for n in range(290))
    return f"Write about the river, number {number}.", one, two


def judge(api: str, port: int) -> Any:
    """The judge of the measurement."""
    from brie.records import JudgeSpec, Provider

    address = f"http://127.0.0.1:{port}" + ("/v1" if api == "openai" else "")
    return JudgeSpec(
        id="bench",
        provider=Provider.OPENAI_COMPATIBLE if api == "openai" else Provider.ANTHROPIC,
        model="bench",
        base_url=address,
        endpoint="bench",
        output="json_schema" if api == "openai" else "tool",
        max_concurrency=CONCURRENCY,
    )


def rubric() -> Any:
    """The shipped general rubric."""
    from brie.catalog import load_rubric
    from brie.project import Project

    return load_rubric("general", Project(ROOT))


def make_client(api: str, address: str) -> Any:
    """A client as the SDK's documentation makes it."""
    import anthropic
    import openai

    if api == "openai":
        return openai.AsyncOpenAI(api_key="none", base_url=address)
    return anthropic.AsyncAnthropic(api_key="none", base_url=address)


async def bare(api: str, clients: Sequence[Any], calls: int, concurrency: int) -> int:
    """The shortest loop over the SDK that judges: a semaphore, a request, its JSON; what it lost."""
    from brie.judge.schema import schema

    places = [asyncio.Semaphore(concurrency // len(clients)) for _ in clients]
    shape = schema(rubric().criteria)
    system = rubric().text

    async def one(number: int) -> str:
        prompt, first, second = answers(number)
        text = f"Prompt:\n{prompt}\n\n⟦answer A · x⟧\n{first}\n⟦end of answer A · x⟧\n\n"
        text += f"⟦answer B · x⟧\n{second}\n⟦end of answer B · x⟧\nCase number: 1"
        client = clients[number % len(clients)]
        async with places[number % len(clients)]:
            if api == "openai":
                reply = await client.chat.completions.create(
                    model="bench",
                    max_tokens=1024,
                    messages=[{"role": "system", "content": system}, {"role": "user", "content": text}],
                    response_format={
                        "type": "json_schema",
                        "json_schema": {"name": "verdict", "strict": True, "schema": shape},
                    },
                )
                return str(json.loads(reply.choices[0].message.content)["winner"])
            reply = await client.messages.create(
                model="bench",
                max_tokens=1024,
                system=system,
                messages=[{"role": "user", "content": text}],
                tools=[{"name": "give_verdict", "description": "x", "input_schema": shape}],
            )
            return str(next(b.input["winner"] for b in reply.content if b.type == "tool_use"))

    came = await asyncio.gather(*(one(n) for n in range(calls)), return_exceptions=True)
    for client in clients:
        await client.close()
    return sum(isinstance(reply, BaseException) for reply in came)


def plan(spec: Any, calls: int) -> tuple[Any, list[Any]]:
    """A seat and its planned verdicts."""
    from brie.blinding import Presentation
    from brie.digest import digest
    from brie.evaluation.plan import panel_judge
    from brie.judge.interface import Task

    place = panel_judge(spec, rubric())
    tasks = []
    for n in range(calls):
        presented = Presentation(
            prompt=digest(["prompt", n]),
            candidate=digest(["one", n]),
            baseline=digest(["two", n]),
            order="candidate_first",
            candidate_letter="A",
        )
        tasks.append(Task.plan("main", place, presented, prompt=f"p{n}", sample=n))
    return place, tasks


def judge_with_brie(place: Any, tasks: list[Any], workers: str = "") -> None:
    """The same through `brie.judge.run`, every verdict kept."""
    from brie.blinding import JudgeInput
    from brie.evaluation.judging import asked_by
    from brie.judge import RunContext, run
    from brie.judge.interface import Task
    from brie.progress import Silent
    from brie.records import Message
    from brie.store import Store
    from brie.store.owner import Owner
    from brie.workers import workers_of

    def shown(task: Task) -> JudgeInput:
        prompt, first, second = answers(task.sample)
        return JudgeInput(
            messages=(Message(role="user", content=prompt),),
            reference=None,
            check=None,
            first=first,
            second=second,
            first_letter="A",
        )

    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(Path(folder) / "brie.sqlite") as store,
        Owner(Path(folder) / ".owners") as owner,
        asked_by(workers_of(workers) if workers else None, Silent()) as sharing,
    ):
        context = RunContext(
            panel_judges=(place,), shown=shown, store=store, owner=owner, evaluation="bench",
            on_done=lambda n: None, sharing=sharing,
        )  # fmt: skip
        done = run(tasks, context)
        assert done.computed == len(tasks), done
        assert not done.errors, done


if __name__ == "__main__":
    main()
