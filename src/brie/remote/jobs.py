"""Jobs: work that runs elsewhere, one folder each in the project's runs.

    runs/job-20261127-0230-3f9a/
        job.json     the record below, written whole at every change
        work.zip     what was sent
        suite.jsonl  prompts of the validation rows, where there are any
        outbox/      what came back so far, each file checked when it came
        log.txt      what it printed

What came of a job lies where it would lie had it run here (`runs/train-…`, the store); the folder may be
deleted once the job is done.
"""

from __future__ import annotations

import fcntl
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field
from pydantic_core import to_jsonable_python

from brie.errors import InputError, UsageError, unknown
from brie.project import Project, read_json, write_text
from brie.records import Digest, Document, Record, schema_field
from brie.train.recipes import Recipe

JOB, SUITE, LOCK = "job.json", "suite.jsonl", "lock"
PREFIX = "job-"
_ID = re.compile(r"job-[0-9a-z-]{1,60}")
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
"""What stands in commands for another machine, so that a record that a stranger wrote runs nothing."""
State = Literal["packed", "running", "done", "failed", "lost", "cancelled"]
"""`packed`: nothing was started yet. `failed`: the command there ended with an error. `lost`: it ended
without a word, as when it is killed. `done`: what came is merged."""
GOING: frozenset[State] = frozenset({"running"})
"""States in which something may run there."""


class Asked(Record):
    """What must come back: what the result is held against before it is merged."""

    recipe: dict[str, str] = Field(default_factory=dict)
    """Of a training run: key of the recipe -> its value as JSON, for those that no machine decides."""
    training_rows: Digest | None = None
    validation_rows: Digest | None = None
    base: Digest | None = None
    """None where the base is not on this machine."""
    training_path: str = ""
    validation_path: str = ""
    """Where the rows are here, as a run records it."""
    start: str | None = None
    """How the checkpoint that a run goes on from is named here."""
    evaluation: str | None = None
    """Of answers: the sealed evaluation they are for."""


class Load(Record):
    """How much work it is, as the dry run counts it."""

    kind: Literal["train", "generate"]
    sent_bytes: int
    """Of the files that travel."""
    disk_bytes: int | None = None
    """What it will take there: base and checkpoints; None: unknown."""
    memory_bytes: int | None = None
    """What it needs at once; None: unknown."""
    flops: float | None = None
    """Floating point operations in all; None: unknown."""
    base: str | None = None
    """Hub reference of the base, where it has to be fetched there; None: it is packaged."""


def settings_of(recipe: Recipe) -> dict[str, str]:
    """Every key of a recipe with its value as JSON, defaults included."""
    return {key: json.dumps(to_jsonable_python(getattr(recipe, key))) for key in Recipe.model_fields}


class Job(Document):
    """`job.json`."""

    schema_: str = schema_field("job")
    id: str
    on: str
    """As typed after `--on`."""
    python: str | None = None
    """The Python that was named for there."""
    send: tuple[str, ...] = ()
    """Names of the variables that travel; never their values."""
    kind: Literal["train", "generate"]
    state: State = "packed"
    created: str
    command: str
    """As it was typed here."""
    arguments: tuple[str, ...]
    """What is run there, after `brie`."""
    subject: str
    """What it is, for people."""
    load: Load
    asked: Asked = Asked()
    handle: str | None = None
    """What the provider knows it by; None before it was started."""
    attempts: int = 0
    """How often it was started."""
    read: int = 0
    """Mark up to which its log was read, of the present attempt."""
    minutes: int | None = None
    """Time limit that was set; None: none."""
    usd_an_hour: float | None = None
    usd_at_most: float | None = None
    """Of one attempt."""
    exit_code: int | None = None
    error: str | None = None
    result: str | None = None
    """Run or evaluation that came of it."""
    finished: str | None = None


def new_folder(project: Project) -> Path:
    """Make the folder of a new job, `runs/job-YYYYMMDD-HHMM-<4 hex>`.

    Raises:
        InputError: it cannot be made.
    """
    stamp = datetime.now().strftime("%Y%m%d-%H%M")
    folder = project.runs / f"{PREFIX}{stamp}-{secrets.token_hex(2)}"
    try:
        (folder / "outbox").mkdir(parents=True)
    except OSError as error:
        raise InputError(f"cannot write to {project.runs}: {error.strerror or error}.") from error
    return folder


def write_job(folder: Path, job: Job) -> Job:
    """Keep a job's record; returns it."""
    write_text(folder / JOB, job.model_dump_json(indent=1) + "\n")
    return job


def read_job(folder: Path) -> Job:
    """A job's record.

    Raises:
        InputError: it is missing or none, or another folder's; names the key.
    """
    job = read_json(folder / JOB, Job, "is no job")
    if job.id != folder.name or not _ID.fullmatch(job.id) or not all(map(_VARIABLE.fullmatch, job.send)):
        raise InputError(f"{folder / JOB} is no job of this folder.")
    return job


@contextmanager
def watching(folder: Path) -> Iterator[Job]:
    """Hold a job, so that no two commands start it, or take what came of it.

    Yields:
        Its record as it is now.

    Raises:
        UsageError: another command here holds it.
        InputError: its record cannot be read.
    """
    with (folder / LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{folder.name} is watched by another command already.") from None
        yield read_job(folder)


class Unreadable(NamedTuple):
    """A job's folder whose record says nothing."""

    folder: Path
    why: str


def scan(project: Project) -> list[Job | Unreadable]:
    """Every job of a project, oldest first, after those whose record cannot be read."""
    jobs: list[Job | Unreadable] = []
    for folder in sorted(project.runs.glob(f"{PREFIX}*")):
        if (folder / JOB).is_file():
            try:
                jobs.append(read_job(folder))
            except InputError as error:
                jobs.append(Unreadable(folder, str(error)))
    return sorted(jobs, key=lambda job: job.created if isinstance(job, Job) else "")


def list_jobs(project: Project) -> list[Job]:
    """Every job of a project whose record can be read, oldest first."""
    return [job for job in scan(project) if isinstance(job, Job)]


def find_job(name: str, project: Project) -> tuple[Path, Job]:
    """A job by its id, its folder, or the last four signs of its id.

    Raises:
        UsageError: there is none, or several; they are listed.
    """
    wanted = Path(name).name
    jobs = list_jobs(project)
    named = [job for job in jobs if wanted in (job.id, job.id.rsplit("-", 1)[-1])]
    if len(named) > 1:
        listed = "\n  ".join(job.id for job in named)
        raise UsageError(f"{len(named)} jobs are called {name!r}; say which:\n  {listed}")
    if not named:
        raise unknown("job", name, [job.id for job in jobs], "They are listed by: brie jobs")
    return project.runs / named[0].id, named[0]
