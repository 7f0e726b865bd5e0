"""What runs a job where it was sent: `python -m brie.remote.worker FOLDER`.

    FOLDER/work.json, wheel/, project/, bundles/    as they were sent (`brie.remote.work`)
    FOLDER/outbox/                                  what comes back

The command runs in `project/`; what it prints is the job's log. Each checkpoint is packed as it is made,
the result last, then `end.json`. Where the outbox holds checkpoints already, the run goes on from them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from pydantic import ValidationError

from brie.bundle import layout, pack_evaluation, pack_run, unbundle
from brie.bundle.contents import keys_of
from brie.bundle.pack_runs import pack_checkpoint
from brie.bundle.runs import run_of, write_member
from brie.bundle.unpack import opened
from brie.errors import BrieError, InputError
from brie.evaluation.folders import find_evaluation
from brie.project import Project, write_text
from brie.records import Record
from brie.remote.launcher import END, OUTBOX, RESULT
from brie.remote.work import BUNDLES, FILES, Work, read_work
from brie.store import Store
from brie.train.runs import checkpoints, list_runs, read_manifest

_LOOK = 1.0
"""Seconds between two looks at what the command has made."""
_SAVING = 30
"""Seconds before a time limit at which the command is asked to end, so that it can save."""
_ANSWERS_EVERY = 60.0
"""Seconds between two bundles of answers, the first time; then twice as long each time, since each
holds all that came before."""


class End(Record):
    """`end.json`."""

    exit_code: int
    """Of the command; 128 and more: the number of the signal that ended it, plus 128."""


def main(folder: Path) -> int:
    """Do a job's work; returns the command's exit code."""
    outbox = folder / OUTBOX
    outbox.mkdir(exist_ok=True)
    (outbox / END).unlink(missing_ok=True)
    work = read_work(folder)
    project = Project((folder / FILES).resolve())
    project.root.mkdir(exist_ok=True)
    _forget_attempts(project, work)
    kind = _Training if work.kind == "train" else _Answering
    maker = kind(work, project, folder)
    code = _run(maker.arguments(), project, maker)
    if code == 0:
        maker.result()
    write_text(outbox / END, End(exit_code=code).model_dump_json() + "\n")
    return code


def _forget_attempts(project: Project, work: Work) -> None:
    """Delete what an earlier attempt made: the outbox has all of it that counts."""
    sent = {folder.parts[2] for name in work.members if len((folder := Path(name)).parts) > 3}
    for path in project.runs.glob("*") if project.runs.is_dir() else ():
        if path.is_file():
            path.unlink()
        elif path.name not in sent:
            shutil.rmtree(path)


def read_end(path: Path) -> End:
    """How a job's command ended.

    Raises:
        InputError: the file says nothing of the kind.
    """
    try:
        return End.model_validate_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise InputError(f"{path} does not say how the job ended.") from error


def _run(arguments: tuple[str, ...], project: Project, maker: _Training | _Answering) -> int:
    """Run the command, and pack what it makes meanwhile."""
    print(f"$ brie {' '.join(arguments)}", flush=True)
    process = subprocess.Popen([sys.executable, "-m", "brie", *arguments], cwd=project.root)

    def hand_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)  # the command saves what it has, and ends

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hand_on)
    signal.signal(signal.SIGALRM, lambda *_: process.terminate())
    signal.alarm(max(0, 60 * int(os.environ.get("BRIE_MINUTES", "0")) - _SAVING))
    try:
        while True:
            try:
                code = process.wait(_LOOK)
            except subprocess.TimeoutExpired:
                maker.pack()
            else:
                maker.pack(last=True)
                return code if code >= 0 else 128 - code
    finally:
        process.terminate()  # where nothing could be packed: nobody would take what it makes


class _Training:
    """A training run: a file for each checkpoint."""

    def __init__(self, work: Work, project: Project, folder: Path) -> None:
        self._work, self._project, self._outbox = work, project, folder / OUTBOX
        self._packed = {int(path.stem.rpartition("-")[2]) for path in self._outbox.glob("checkpoint-*")}

    def arguments(self) -> tuple[str, ...]:
        """What to run: the command that was sent, or its continuation."""
        run = _restored(self._outbox, self._project)
        if run is None:
            return self._work.arguments
        words = self._work.arguments
        device = words[words.index("--device") :][:2] if "--device" in words else ()
        return ("train", "--resume", run, *device)

    def pack(self, *, last: bool = False) -> None:
        """Put checkpoints that are new and recorded into the outbox."""
        for run in list_runs(self._project):
            done = {int(step) for step in read_manifest(run.folder).digests}
            for step in sorted((done & set(checkpoints(run.folder))) - self._packed):
                pack_checkpoint(run.folder, step, self._project, self._outbox / checkpoint_file(step))
                self._packed.add(step)

    def result(self) -> None:
        """Pack the finished run's records and pins."""
        run = list_runs(self._project)[-1]
        pack_run(run.folder, self._project, self._outbox / RESULT)


class _Answering:
    """An evaluation's answers: all of them so far, now and then."""

    def __init__(self, work: Work, project: Project, folder: Path) -> None:
        self._work, self._project, self._outbox = work, project, folder / OUTBOX
        earlier = sorted(self._outbox.glob("answers-*.zip"))
        for path in (*sorted((folder / BUNDLES).glob("*.zip")), *earlier[-1:]):
            unbundle(path, project)
        self._evaluation = find_evaluation(work.arguments[1], project)
        self._packed = int(earlier[-1].stem.rpartition("-")[2]) if earlier else 0
        self._wait = self._left = _ANSWERS_EVERY
        self._rows = self._count()

    def arguments(self) -> tuple[str, ...]:
        """What to run: answers that are there are not made again."""
        return self._work.arguments

    def pack(self, *, last: bool = False) -> None:
        """Put all answers so far into the outbox, where there are new ones and it is time."""
        self._left -= _LOOK
        if self._left > 0 and not last:
            return
        rows = self._count()
        if rows > self._rows:
            self._packed += 1
            self._rows = rows
            self._write(f"answers-{self._packed:06d}.zip")
            self._wait *= 2
        self._left = self._wait

    def result(self) -> None:
        """Pack the evaluation with all its answers."""
        self._write(RESULT)

    def _write(self, name: str) -> None:
        evaluation = find_evaluation(self._evaluation.manifest.id, self._project)
        pack_evaluation(evaluation, self._project, self._outbox / name)

    def _count(self) -> int:
        if not self._project.store.is_file():
            return 0
        with Store.open(self._project.store, read_only=True) as store:
            return len(store.present("completions", keys_of(self._evaluation.manifest).completions))


def checkpoint_file(step: int) -> str:
    """Name in the outbox of a step's checkpoint."""
    return f"checkpoint-{step:06d}.zip"


def _restored(outbox: Path, project: Project) -> str | None:
    """The run that the outbox holds checkpoints of, laid out as it was; None where it holds none.

    Raises:
        InputError: a file is damaged, or of another run.
    """
    runs: set[str] = set()
    for path in sorted(outbox.glob("checkpoint-*.zip")):
        with opened(path) as bundle:
            runs.add(run_of(bundle).id)
            folder = project.runs / bundle.index.id
            for name in bundle.names:
                inside = name.removeprefix(layout.RUN)
                if name.startswith(layout.STATE):
                    inside = f"checkpoints/{name.removeprefix(layout.STATE)}"
                write_member(bundle, name, folder / inside)
    if len(runs) > 1:
        raise InputError(f"{outbox} holds checkpoints of {len(runs)} runs.")
    return next(iter(runs), None)


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]).resolve()))
    except BrieError as error:
        print(f"brie: {error}", file=sys.stderr, flush=True)
        sys.exit(error.exit_code)
