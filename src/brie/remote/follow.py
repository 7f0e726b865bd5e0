"""Jobs from here: started, watched, gone on with, ended. One loop for every launcher."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from brie.data.questions import write_suite
from brie.errors import BrieError, InputError, Stopped, UsageError
from brie.lines import command
from brie.number_format import duration
from brie.project import Project
from brie.provenance import now
from brie.remote.errand import Errand
from brie.remote.jobs import SUITE, Job, new_folder, read_job, write_job
from brie.remote.launcher import END, OUTBOX, OUTBOX_NAME, RESULT, WORK, Launcher, Poll, Unreachable
from brie.remote.preflight import Preflight
from brie.remote.result import check_arrival, merge
from brie.remote.work import pack_work
from brie.remote.worker import read_end

PATIENCE = 300.0
"""Seconds that a machine which does not answer is asked again, before the job is left to itself."""
_LOG = "log.txt"


class Watcher(Protocol):
    """Whoever looks on."""

    def say(self, text: str) -> None:
        """A line of brie's own."""

    def log(self, text: str) -> None:
        """What the job printed: whole lines, as they came."""


@dataclass
class Clock:
    """Time, as a test may have it otherwise."""

    now: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], None] = field(default=time.sleep)


def submit(
    preflight: Preflight, project: Project, *, typed: str, python: str | None
) -> tuple[Path, Job]:
    """Make a job of an errand: its folder, what is sent, its record. Nothing is started.

    Raises:
        UsageError: a key of this environment stands in a file.
        InputError: the folder cannot be written, or a file not be read.
    """
    errand, folder = preflight.errand, new_folder(project)
    job = job_of(preflight, folder.name, typed=typed, python=python)
    kind, arguments = errand.kind, errand.arguments
    try:
        pack_work(folder / WORK, project, errand.members, job=job.id, kind=kind, arguments=arguments)
        if errand.suite:
            write_suite(errand.suite, folder / SUITE)
        return folder, write_job(folder, job)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def job_of(preflight: Preflight, name: str, *, typed: str, python: str | None) -> Job:
    """The record of a job before it is started.

    Args:
        preflight: what was found out.
        name: the job's id.
        typed: the command as it was typed here.
        python: the Python that was named for there.
    """
    errand = preflight.errand
    return Job(
        id=name,
        on=preflight.on,
        python=python,
        send=preflight.send,
        kind=errand.kind,
        created=now(),
        command=typed,
        arguments=errand.arguments,
        subject=errand.subject,
        load=errand.load,
        asked=errand.asked,
        minutes=preflight.minutes,
        usd_an_hour=preflight.offer.usd_an_hour,
        usd_at_most=preflight.usd_at_most,
    )


def errand_of(job: Job) -> Errand:
    """The errand of a job that is to be started again; what it reads is packed already."""
    return Errand(job.kind, job.subject, job.arguments, {}, job.asked, job.load)


def start(folder: Path, job: Job, launcher: Launcher) -> Job:
    """Start a job, or start it again from the checkpoints that came back.

    It is recorded as running before: a connection that breaks may have started it all the same.

    Raises:
        UsageError: it was refused.
        Unreachable: nobody answers.
    """
    before = job
    update = {"state": "running", "attempts": job.attempts + 1, "read": 0, "error": None}
    job = write_job(folder, job.model_copy(update=update))
    try:
        handle = launcher.start(job, folder, minutes=job.minutes)
    except UsageError:
        write_job(folder, before)
        raise
    return write_job(folder, job.model_copy(update={"handle": handle}))


def follow(
    folder: Path,
    job: Job,
    launcher: Launcher,
    project: Project,
    watcher: Watcher,
    clock: Clock | None = None,
) -> Job:
    """Watch a job until it ends, take checkpoints as they are made, and merge what came of it.

    Returns:
        The job, `done`.

    Raises:
        Stopped: interrupted, or nobody answers any more: the job goes on there; or it ended without
            being done, and can be gone on with. Says how.
        UsageError: its command failed there.
        InputError: what came back does not hold.
    """
    clock = clock or Clock()
    again = command("jobs", "attach", job.id)
    try:
        while True:
            poll = _asked(job, launcher, watcher, clock)
            job = _taken(folder, job, poll, launcher, watcher)
            if poll.state == "ended" and not poll.text:
                return _ended(folder, job, poll, launcher, project, watcher)
            if not poll.text:
                clock.sleep(launcher.every)
    except KeyboardInterrupt:
        raise Stopped(
            f"no longer watching; {job.id} goes on on {job.on}. Watch it again: {again}; end it: "
            f"{command('jobs', 'cancel', job.id)}"
        ) from None


def cancel(folder: Path, job: Job, launcher: Launcher) -> Job:
    """End a job for good; what came back stays in its folder.

    Raises:
        UsageError: it has ended already.
        Unreachable: nobody answers.
    """
    if job.state in ("done", "cancelled"):
        raise UsageError(f"{job.id} is {job.state} already.")
    if job.attempts:
        launcher.cancel(job)
        launcher.clear(job)
    return write_job(folder, job.model_copy(update={"state": "cancelled", "finished": now()}))


def came(folder: Path) -> tuple[str, ...]:
    """Files that came back so far, in order."""
    return tuple(sorted(path.name for path in (folder / OUTBOX).glob("*") if _is_named(path.name)))


def _is_named(name: str) -> bool:
    return OUTBOX_NAME.fullmatch(name) is not None


def _asked(job: Job, launcher: Launcher, watcher: Watcher, clock: Clock) -> Poll:
    """How it stands; asked again, ever later, while nobody answers."""
    until, wait = clock.now() + PATIENCE, launcher.every
    while True:
        try:
            return launcher.poll(job, read=job.read)
        except Unreachable as error:
            if clock.now() >= until:
                raise Stopped(
                    f"{error} {job.id} goes on there, if it can. Watch it again: "
                    f"{command('jobs', 'attach', job.id)}"
                ) from error
            watcher.say(f"the link is cut ({error}); asked again in {duration(wait)}")
            clock.sleep(wait)
            wait = min(2 * wait, 60.0)


def _taken(folder: Path, job: Job, poll: Poll, launcher: Launcher, watcher: Watcher) -> Job:
    """Keep what is new of log and outbox."""
    if poll.text:
        try:
            with (folder / _LOG).open("a", encoding="utf-8") as handle:
                handle.write(poll.text)
        except OSError as error:
            raise InputError(f"cannot write {folder / _LOG}: {error.strerror or error}.") from error
        watcher.log(poll.text)
    here = set(came(folder))
    names = sorted(name for name in poll.outbox if _is_named(name) and name not in here)
    answers = [name for name in names if name.startswith("answers-")]
    for name in (name for name in names if name not in answers[:-1]):
        try:
            launcher.fetch(job, [name], folder / OUTBOX)
            check_arrival(folder / OUTBOX / name, job)
        except Unreachable:
            break  # asked again with the next poll
        except InputError as error:
            (folder / OUTBOX / name).unlink(missing_ok=True)
            raise _failed(folder, job, str(error)) from error
        if name.startswith("checkpoint-"):
            watcher.say(f"step {int(name[11:-4])} is here")
    return _kept(folder, job.model_copy(update={"read": poll.read}))


def _ended(
    folder: Path, job: Job, poll: Poll, launcher: Launcher, project: Project, watcher: Watcher
) -> Job:
    """Make of an ended job what there is to make."""
    outbox = folder / OUTBOX
    missing = [name for name in poll.outbox if _is_named(name) and name not in came(folder)]
    if [name for name in missing if not name.startswith("answers-")]:
        raise Unreachable(
            f"{job.on} was lost while files came; go on: {command('jobs', 'attach', job.id)}"
        )
    if not (outbox / END).is_file():
        raise _lost(folder, job, f"ended without a word{f' ({poll.why})' if poll.why else ''}")
    code = read_end(outbox / END).exit_code
    (outbox / END).unlink()
    if code == Stopped.exit_code:
        raise _lost(folder, job, "was stopped there")
    if code != 0 or not (outbox / RESULT).is_file():
        raise _failed(folder, job, f"its command failed there with exit code {code}; see {_LOG}")
    try:
        result = merge(job, folder, project)
    except InputError as error:
        (outbox / RESULT).unlink(missing_ok=True)
        raise _failed(folder, job, str(error)) from error
    job = _kept(
        folder,
        job.model_copy(
            update={"state": "done", "exit_code": 0, "result": result, "finished": now(), "error": None}
        ),
    )
    try:
        launcher.clear(job)
    except BrieError as error:
        watcher.say(f"what is left of it on {job.on} could not be deleted: {error}")
    for name in came(folder):
        (outbox / name).unlink()
    return job


def _kept(folder: Path, job: Job) -> Job:
    """Keep the record of a job that is watched.

    Raises:
        Stopped: it was cancelled meanwhile, which stands.
    """
    if read_job(folder).state == "cancelled":
        raise Stopped(f"{job.id} was cancelled by another command; {came_back(folder)}.")
    return write_job(folder, job)


def _lost(folder: Path, job: Job, how: str) -> Stopped:
    _kept(folder, job.model_copy(update={"state": "lost", "error": how, "finished": now()}))
    return Stopped(
        f"{job.id} {how}; {came_back(folder)}. Go on from there: {command('jobs', 'attach', job.id)}"
    )


def _failed(folder: Path, job: Job, why: str) -> UsageError:
    _kept(folder, job.model_copy(update={"state": "failed", "error": why, "finished": now()}))
    return UsageError(
        f"{job.id} failed: {why.rstrip('.')}. Its log: {folder / _LOG}. Try again from what came back: "
        f"{command('jobs', 'attach', job.id)}"
    )


def came_back(folder: Path) -> str:
    """How far a job is by what came back, for people."""
    steps = [int(name[11:-4]) for name in came(folder) if name.startswith("checkpoint-")]
    if steps:
        return f"step {max(steps)} came back"
    return "some answers came back" if came(folder) else "nothing came back yet"
