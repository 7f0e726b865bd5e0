"""Training on another machine, from Python."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from brie.errors import UsageError
from brie.lines import command
from brie.progress import Screen
from brie.project import Project
from brie.remote.follow import follow, start, submit
from brie.remote.jobs import watching
from brie.remote.launcher import launcher_for, target_of
from brie.remote.preflight import look
from brie.remote.training import training_errand
from brie.train.arguments import arguments_of
from brie.train.config import TrainRequest


@dataclass(frozen=True)
class Watching:
    """`remote.follow.Watcher` that says all of it on a screen."""

    screen: Screen

    def say(self, text: str) -> None:
        """A line of brie's own."""
        self.screen.say(text)

    def log(self, text: str) -> None:
        """What the job printed."""
        for line in text.splitlines():
            self.screen.say(line)


def train_elsewhere(
    request: TrainRequest,
    project: Project,
    on: str,
    *,
    timeout: int | None,
    remote_python: str | None,
    yes: bool,
    screen: Screen,
) -> Path:
    """Train on another machine, and wait for the run; returns its folder here.

    Args:
        request: what to train.
        project: where the run belongs.
        on: as after `--on`.
        timeout: minutes after which it is ended; None: as the estimate says, where one is needed.
        remote_python: the Python to use there.
        yes: what it may cost is agreed to, and what is sent.
        screen: where the table and the progress go.

    Raises:
        UsageError: nobody agreed, it cannot be sent, or it failed there.
        Stopped: it goes on there without being watched, or can be gone on with: `brie jobs`.
    """
    launcher = launcher_for(target_of(on, python=remote_python, environment=os.environ))
    preflight = look(training_errand(request, project), launcher, timeout=timeout)
    for fact in preflight.rows:
        screen.say(f"{fact.label}: {fact.text}")
    preflight.refuse()
    if not yes:
        raise UsageError(f"this would send files to {on} and run them there; agree to it: yes=True")
    typed = command(*arguments_of(request), "--on", on)
    folder, _ = submit(preflight, project, typed=typed, python=remote_python)
    with watching(folder) as job:
        job = follow(folder, start(folder, job, launcher), launcher, project, Watching(screen))
    return project.runs / str(job.result)
