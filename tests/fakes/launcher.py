"""A launcher whose machine is a folder: files are copied, and what it does is told by the test."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from brie.remote.jobs import Job, Load
from brie.remote.launcher import OUTBOX, Offer, Poll, Target, Unreachable


def open_launcher(target: Target) -> FolderLauncher:
    """A machine that has done its work: `folder:PATH` of its outbox."""
    outbox = Path(target.place)
    names = tuple(sorted(path.name for path in outbox.iterdir()))
    return FolderLauncher(outbox, [Poll("ended", outbox=names)], target=target)


@dataclass
class FolderLauncher:
    """`Launcher` over a folder: `outbox` is what came of the job there."""

    outbox: Path
    polls: list[Poll | Unreachable | KeyboardInterrupt]
    """What it answers, one after the other; the last one for ever."""
    offer: Offer = field(default_factory=lambda: Offer("a folder"))
    target: Target = field(default_factory=lambda: Target("ssh", "box"))
    every: float = 2.0
    calls: list[str] = field(default_factory=list)

    def look(self, load: Load) -> Offer:
        """What was set."""
        return self.offer

    def start(self, job: Job, folder: Path, *, minutes: int | None) -> str:
        """Take what is in the outbox here."""
        self.calls.append("start")
        for path in (folder / OUTBOX).iterdir():
            shutil.copy(path, self.outbox)
        return str(self.outbox)

    def poll(self, job: Job, *, read: int) -> Poll:
        """The next answer."""
        answer = self.polls.pop(0) if len(self.polls) > 1 else self.polls[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def fetch(self, job: Job, names: Sequence[str], into: Path) -> None:
        """Copy files."""
        for name in names:
            self.calls.append(name)
            shutil.copy(self.outbox / name, into)

    def cancel(self, job: Job) -> None:
        """Remember."""
        self.calls.append("cancel")

    def clear(self, job: Job) -> None:
        """Remember."""
        self.calls.append("clear")

    def commands(self, job: Job, *, minutes: int | None) -> tuple[str, ...]:
        """None: nothing is run."""
        return ()
