"""Server time of every viewer page over a million verdicts, and of building a large report.

    python -m bench.viewer_speed [--prompts 100000] [--samples 5]
    python -m bench.viewer_speed --folder DIR     keep the project, and use it again; its votes stay
    python -m bench.viewer_speed --folder DIR --label before

Without a folder (such as a copy of one of `bench.million`): one judge, both orders, a million answers
and verdicts of readable length, every text with the words that are searched. Each kind of page is asked
for 20 times after once that is not counted, another one each time where there are others; its figure is
the 95th percentile. Bars: any page at most 100 ms of processor time once the index stands; the report of
500 prompts x 3 judges at most 10 s.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from starlette.testclient import TestClient

from bench.output import RESULTS, save, table
from brie.evaluation.manifest import write_manifest
from brie.evaluation.plan import assignments, work_order
from brie.evaluation.votes import HUMAN
from brie.evaluation.work import Work
from brie.judge.interface import Reply
from brie.project import Project
from brie.records import Completion, Manifest, Plan, Status
from brie.report import build_report
from brie.store import Store
from brie.web.app import create_app
from brie.web.guard import Access, Role
from brie.web.index import index_path
from brie.web.search import PAGE, SHOWS, SORTS, WINNERS, Comparisons, Filter
from tests.report import sample

ORIGIN = "http://127.0.0.1:8321"
TIMES = 20
MANY = 100
STARTED = {"at once": 0, "after 10 s": 10}


def large_manifest(prompts: int, samples: int) -> Manifest:
    """A sealed plan of one judge."""
    base = sample.manifest(("gpt-mini",), count=prompts)
    blocks = [(p.id, p.category) for p in base.plan.suite.prompts]
    changes = {
        "samples": samples,
        "order": tuple(work_order(blocks, 7)),
        "assignments": assignments(blocks, base.plan.seats, samples=samples, positions="both", seed=7),
    }
    plan = Plan.model_validate({**dict(base.plan), **changes})
    return base.model_copy(
        update={"plan": plan, "seal": plan.seal(), "id": f"eval-large-{plan.seal()[7:15]}"}
    )


def fill(store: Store, work: Work, evaluation: str) -> None:
    """An answer for every request and a verdict for every task, in large transactions."""
    requests = work.requests()
    for start in range(0, len(requests), 5_000):
        store.add_completions(
            [
                Completion(
                    key=r.key, pin=r.pin, prompt=r.prompt, sample=r.sample, tokens=50, seconds=0.1,
                    text=f"{sample.GOOD if n % 2 else sample.PLAIN} ({n})", finish_reason="stop",
                )
                for n, r in enumerate(requests[start : start + 5_000], start)
            ]
        )  # fmt: skip
    rows = [
        task.verdict(reply(n, task.presentation.candidate_letter)) for n, task in enumerate(work.tasks())
    ]
    for start in range(0, len(rows), 5_000):
        store.add_verdicts(rows[start : start + 5_000], evaluation=evaluation, judge="gpt-mini")


def reply(number: int, letter: str) -> Reply:
    """Two thirds for the candidate, some ties, some that cannot be read."""
    if number % 97 == 0:
        return Reply(Status.INVALID, text="no verdict in here")
    other = "B" if letter == "A" else "A"
    chosen = letter if number % 3 else ("tie" if number % 5 == 0 else other)
    return Reply(Status.OK, chosen, reason="It answers the question.", text="Winner")  # type: ignore[arg-type]


@dataclass(frozen=True)
class Taken:
    """Seconds of one call: on the clock, and of processor time in all threads."""

    clock: float
    processor: float


def taken(call: Callable[[], object]) -> Taken:
    """Run a call."""
    clock, processor = time.perf_counter(), time.process_time()
    call()
    return Taken(time.perf_counter() - clock, time.process_time() - processor)


def most(calls: Iterable[Callable[[], object]]) -> Taken:
    """The 95th percentile of calls, clock and processor apart."""
    times = [taken(call) for call in calls]
    place = math.ceil(0.95 * len(times)) - 1
    clocks, processors = sorted(t.clock for t in times), sorted(t.processor for t in times)
    return Taken(clocks[place], processors[place])


def addresses(evaluation: str, index: Comparisons) -> dict[str, Callable[[int], str]]:
    """Kind of page -> from a number to the address of one."""
    root, total, words, choices = (
        f"/eval/{evaluation}",
        index.total(Filter()),
        some(index),
        index.choices(),
    )
    winners, shows, sorts = tuple(WINNERS), tuple(SHOWS), tuple(SORTS)

    def of(values: Sequence[str], number: int) -> str:
        return values[number % len(values)]

    def listed(**fields: str) -> str:
        return f"{root}?{urlencode(fields)}"

    def single(number: int, **fields: str) -> str:
        step = total // (TIMES + 1)
        return f"{root}/comparison/{number * step + 3}?{urlencode({**fields, 'at': number * step + 2})}"

    return {
        "evaluations and runs": lambda n: "/",
        "first page": lambda n: root,
        "page in the middle": lambda n: listed(page=str((n + 1) * (total // PAGE) // (TIMES + 2))),
        "category, winner, sorted": lambda n: listed(
            category=of(choices["category"], n), sort=of(sorts, n), winner=of(winners, n // 4)
        ),
        "judge, winner, sorted": lambda n: listed(
            judge=of(choices["judge"], n), winner=of(winners, n // 5), sort="lost"
        ),
        "flipped, failed or disagreed on": lambda n: listed(
            judge=of(choices["judge"], n), show=of(shows, n), sort=of(sorts, n // 3)
        ),
        "search, a word": lambda n: listed(q=of(words, n), sort=of(sorts, n)),
        "search, the beginning of one": lambda n: listed(q=of(words, n)[: 1 + n % 2], sort=of(sorts, n)),
        "search, three words": lambda n: listed(q=" ".join(of(words, n * k + k) for k in (1, 3, 5))),
        "search, a number": lambda n: listed(q=str(n * 97)),
        "comparison": single,
        "comparison in a search": lambda n: single(n, q=of(words, n // 5), sort="won"),
        "full report": lambda n: f"{root}/report",
        "what can be voted on": lambda n: "/vote",
        "a voter's name": lambda n: f"/vote/{evaluation}",
        "try": lambda n: "/try",
    }  # fmt: skip


def some(index: Comparisons) -> list[str]:
    """Words that are searched: of prompts from everywhere."""
    step = index.total(Filter()) // 400 + 1
    rows = (index.get(n * step + 1) for n in range(400))
    return sorted({word for row in rows if row for word in re.findall("[a-z]{3,}", row.start.lower())})


def pages(client: TestClient, evaluation: str, index: Comparisons) -> Iterator[tuple[str, Taken]]:
    """Each kind of page."""
    for name, address in addresses(evaluation, index).items():
        client.get(address(TIMES))
        yield name, most(partial(client.get, address(n)) for n in range(TIMES))


def votes(opened: Callable[[Role], TestClient], evaluation: str) -> Iterator[tuple[str, Taken]]:
    """New voters' ballots, their votes and results; each with the page after it."""
    root, begun = f"/vote/{evaluation}", f"{time.time():.0f}"
    voters = [opened("voter") for _ in range(TIMES + 1)]

    def enter(number: int) -> None:
        answer = voters[number].post(f"{root}/name", data={"name": f"Ann {begun} {number}"})
        assert 'name="number"' in answer.text

    def vote(voter: TestClient) -> Callable[[], object]:
        number = voter.get(root).text.split('name="number" value="')[1].split('"')[0]
        return partial(voter.post, f"{root}/cast", data={"number": number, "choice": "A"})

    enter(TIMES)
    yield "ballot of a new voter", most(partial(enter, n) for n in range(TIMES))
    for name in ("first vote", "second vote", "vote"):
        vote(voters[TIMES])()
        yield name, most(map(vote, voters[:TIMES]))
    for name, page in (("undo", "/undo"), ("result, first time", "/finish")):
        voters[TIMES].post(root + page)
        yield name, most(partial(voter.post, root + page) for voter in voters[:TIMES])
    yield "result", most(partial(voter.get, f"{root}/result") for voter in voters[:TIMES])
    many = opened("voter")
    many.post(f"{root}/name", data={"name": f"Ann {begun} of many"})
    for _ in range(MANY):
        vote(many)()
    yield f"result of {MANY} votes, first time", taken(partial(many.post, f"{root}/finish"))
    yield f"result of {MANY} votes", most(partial(many.get, f"{root}/result") for _ in range(TIMES))


def made(project: Project, prompts: int, samples: int) -> str:
    """The evaluation of a project, made where there is none."""
    for folder in project.runs.glob("eval-*"):
        return folder.name
    manifest = large_manifest(prompts, samples)
    with Store.open(project.store) as store:
        fill(store, Work(manifest.plan), manifest.id)
    write_manifest(project.runs / manifest.id, manifest)
    return manifest.id


def viewer(project: Project, evaluation: str) -> Iterator[tuple[str, Taken]]:
    """Index a project, time its pages."""
    index_path(project, evaluation).unlink(missing_ok=True)
    access, root = Access(port=8321), f"/eval/{evaluation}"
    app = create_app(project, access)

    def opened(role: Role) -> TestClient:
        client = TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN})
        client.get(access.url(role, "/vote/static/vote.css"))
        return client

    client = opened("viewer")
    yield "first open, says that it reads", taken(partial(client.get, root))
    yield "index, once", taken(lambda: wait_for_index(client, evaluation))
    for name, seconds in STARTED.items():
        yield f"first page of a new viewer, {name}", in_new_process(project, evaluation, seconds)
    index = Comparisons(index_path(project, evaluation))
    yield from pages(client, evaluation, index)
    yield from votes(opened, evaluation)
    yield "first page, once after votes", taken(partial(client.get, root))
    yield (
        "page in the middle, after votes",
        most(partial(client.get, f"{root}?page={n}") for n in range(TIMES)),
    )
    yield "what was still done after it", taken(lambda: time.sleep(10))


def in_new_process(project: Project, evaluation: str, seconds: int) -> Taken:
    """What the first page costs a viewer that has stood for some seconds."""
    command = [sys.executable, "-m", "bench.viewer_speed", "--folder", str(project.root)]
    done = subprocess.run(
        [*command, "--first", evaluation, "--after", str(seconds)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return Taken(**json.loads(done.stdout))


def first_page(project: Project, evaluation: str, seconds: int) -> Taken:
    """The first page of a new viewer."""
    access = Access(port=8321)
    app = create_app(project, access)
    with TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN}) as client:
        client.get(access.url("viewer", "/static/style.css"))
        time.sleep(seconds)
        return taken(partial(client.get, f"/eval/{evaluation}"))


def wait_for_index(client: TestClient, evaluation: str) -> None:
    """Until the page no longer says that it reads."""
    while "Reading the comparisons" in client.get(f"/eval/{evaluation}").text:
        time.sleep(0.5)


def report() -> Taken:
    """Building the report of 500 prompts x 3 samples x 3 judges."""
    views, manifest = sample.comparisons(500, 3), sample.manifest(count=500)
    with TemporaryDirectory() as folder:
        return taken(lambda: build_report(sample.analysis(), manifest, views, Path(folder)))


def measured(project: Project, evaluation: str) -> list[dict[str, object]]:
    """Every figure, printed as it comes."""
    rows: list[dict[str, object]] = []
    for name, took in viewer(project, evaluation):
        rows.append({"what": name, "clock ms": 1000 * took.clock, "processor ms": 1000 * took.processor})
        print(table(rows[-1:]).splitlines()[-1], flush=True)
    took = report()
    name = "report, 500 prompts x 3 judges"
    return [*rows, {"what": name, "clock ms": 1000 * took.clock, "processor ms": 1000 * took.processor}]


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=100_000)
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the project is kept; a new one by default")
    parser.add_argument("--label", default="now", help="what this state of the code is called")
    parser.add_argument("--first", help=argparse.SUPPRESS)
    parser.add_argument("--after", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.first:
        print(json.dumps(vars(first_page(Project(asked.folder), asked.first, asked.after))))
        return
    with TemporaryDirectory() as new:
        project = Project(asked.folder or Path(new))
        evaluation = made(project, asked.prompts, asked.samples)
        rows = measured(project, evaluation)
        index = Comparisons(index_path(project, evaluation))
        judges = [judge for judge in index.choices()["judge"] if not judge.startswith(HUMAN)]
        name = f"{index.total(Filter())} comparisons, {len(judges)} judges"
    print(table(rows))
    kept = RESULTS / "viewer_speed.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    results.setdefault(name, {})[asked.label] = rows
    save("viewer_speed", results)


if __name__ == "__main__":
    main()
