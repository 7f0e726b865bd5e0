"""Server time of every viewer page over a million verdicts, and of building a large report.

    python -m bench.viewer_speed [--prompts 100000] [--samples 5]
    python -m bench.viewer_speed --folder DIR     keep the project, and use it again

One judge, both orders: a million completions and verdicts of readable length, every text with the words
that are searched. Each page is asked for the first time, so no list is known yet. Bars: any page at most
100 ms of processor time once the index stands; the report of 500 prompts x 3 judges at most 10 s.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.testclient import TestClient

from bench.output import save, table
from brie.evaluation.manifest import write_manifest
from brie.evaluation.plan import assignments, work_order
from brie.evaluation.work import Work
from brie.judge.interface import Reply
from brie.project import Project
from brie.records import Completion, Manifest, Plan, Status
from brie.report import build_report
from brie.store import Store
from brie.web.app import create_app
from brie.web.guard import Access
from brie.web.index import index_path
from tests.report import sample

ORIGIN = "http://127.0.0.1:8321"


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


def pages(client: TestClient, evaluation: str) -> Iterator[tuple[str, Taken]]:
    """Each kind of page and its time when it is asked for the first time."""
    root = f"/eval/{evaluation}"
    for name, path in (
        ("evaluations and runs", "/"),
        ("first page", root),
        ("last page", f"{root}?page=99999"),
        ("category, sorted", f"{root}?category=letters&sort=won"),
        ("judge and winner", f"{root}?judge=gpt-mini&winner=baseline&sort=lost"),
        ("flipped", f"{root}?show=flipped&sort=spread"),
        ("search, common word", f"{root}?q=light"),
        ("search, three words", f"{root}?q=rainbow+soup+vegetables"),
        ("comparison", f"{root}/comparison/77777?at=77776"),
        ("comparison in a search", f"{root}/comparison/77777?q=light&sort=won&at=50000"),
        ("next comparison of it", f"{root}/comparison/77778?q=light&sort=won&at=50001"),
    ):
        yield name, taken(partial(client.get, path))


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


def votes(client: TestClient, evaluation: str) -> Iterator[tuple[str, Taken]]:
    """A new voter's ballot, their first vote, and one like all others; each with the page after it."""
    root, name = f"/vote/{evaluation}", f"Ann {time.time():.0f}"
    yield "ballot of a new voter", taken(partial(client.post, f"{root}/name", data={"name": name}))
    for vote in ("first vote", "second vote", "vote"):
        number = client.get(root).text.split('name="number" value="')[1].split('"')[0]
        form = {"number": number, "choice": "A"}
        yield vote, taken(partial(client.post, f"{root}/cast", data=form))


def made(project: Project, prompts: int, samples: int) -> str:
    """The evaluation of a project, made where there is none."""
    for folder in project.runs.glob("eval-*"):
        return folder.name
    manifest = large_manifest(prompts, samples)
    with Store.open(project.store) as store:
        fill(store, Work(manifest.plan), manifest.id)
    write_manifest(project.runs / manifest.id, manifest)
    return manifest.id


def viewer(project: Project, prompts: int, samples: int) -> dict[str, Taken]:
    """Build a project, index it, time its pages."""
    evaluation = made(project, prompts, samples)
    index_path(project, evaluation).unlink(missing_ok=True)
    access = Access(port=8321)
    client = TestClient(create_app(project, access), base_url=ORIGIN, headers={"origin": ORIGIN})
    client.get(access.url("viewer"))
    found = {"first open, says that it reads": taken(lambda: client.get(f"/eval/{evaluation}"))}
    found |= {"index, once": taken(lambda: wait_for_index(client, evaluation))}
    found |= dict(pages(client, evaluation))
    found |= dict(votes(client, evaluation))
    found["page after a vote"] = taken(lambda: client.get(f"/eval/{evaluation}/comparison/77777"))
    return found | new_server(project, evaluation)


def new_server(project: Project, evaluation: str) -> dict[str, Taken]:
    """The first page of a viewer that was started a few seconds ago."""
    access = Access(port=8321)
    app = create_app(project, access)
    with TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN}) as client:
        client.get(access.url("viewer"))
        time.sleep(4)
        return {"first page of a new viewer": taken(lambda: client.get(f"/eval/{evaluation}"))}


def wait_for_index(client: TestClient, evaluation: str) -> None:
    """Until the page no longer says that it reads."""
    while "Reading the comparisons" in client.get(f"/eval/{evaluation}").text:
        time.sleep(0.5)


def report() -> Taken:
    """Building the report of 500 prompts x 3 samples x 3 judges."""
    views, manifest = sample.comparisons(500, 3), sample.manifest(count=500)
    with TemporaryDirectory() as folder:
        return taken(lambda: build_report(sample.analysis(), manifest, views, Path(folder)))


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=100_000)
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the project is kept; a new one by default")
    asked = parser.parse_args()
    with TemporaryDirectory() as new:
        found = viewer(Project(asked.folder or Path(new)), asked.prompts, asked.samples)
    found["report, 500 prompts x 3 judges"] = report()
    rows = [
        {"what": name, "clock ms": 1000 * t.clock, "processor ms": 1000 * t.processor}
        for name, t in found.items()
    ]
    print(table(rows))
    save("viewer_speed", {"seed": 7, "comparisons": asked.prompts * asked.samples, "rows": rows})


if __name__ == "__main__":
    main()
