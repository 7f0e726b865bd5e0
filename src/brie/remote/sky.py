"""`--on sky:[CLOUD/]GPU`: a machine of any cloud that SkyPilot rents, by its own program `sky`.

A SkyPilot task is written (`runs/job-…/sky.yaml`) and handed over. SkyPilot finds a machine, copies the
work there and starts it; from then on the machine is one behind ssh, whose name SkyPilot keeps in the
configuration of `ssh`, and log and outbox are fetched as from any other (`brie.remote.ssh`). The machine
is given back when all came, or an hour after its work has ended.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from brie.errors import UsageError
from brie.project import write_text
from brie.remote.estimate import computes_in_bfloat16
from brie.remote.hub_words import reachable
from brie.remote.jobs import Job, Load
from brie.remote.launcher import Fact, Offer, Poll, Target, Unreachable
from brie.remote.sky_program import Rent, Sky, launching, program
from brie.remote.sky_task import (
    CORES,
    IDLE_MINUTES,
    MEMORY_GB,
    Place,
    attempt_name,
    cluster_name,
    task_file,
)
from brie.remote.ssh import Ssh
from brie.remote.ssh import open_launcher as open_ssh
from brie.wire.keys import HUB_TOKEN

TASK = "sky.yaml"
CPU = "cpu"
_INFRA = r"(?P<infra>[a-z0-9]+(/[a-z0-9-]+)?)"
_GPU = r"(?P<gpu>[A-Za-z][A-Za-z0-9-]*)(:(?P<many>[1-9]\d?))?"
_PLACE = re.compile(rf"(?:{_INFRA}/)?{_GPU}", re.ASCII)


def open_launcher(target: Target) -> SkyJobs:
    """A launcher of machines that SkyPilot rents.

    Raises:
        UsageError: the place names no GPU, or a program is missing.
    """
    match = _PLACE.fullmatch(target.place)
    if match is None:
        raise UsageError(
            "say on what: --on sky:L4, --on sky:runpod/L4 for one cloud, or --on sky:cpu; "
            "sky gpus list names the GPUs"
        )
    gpu = None if match["gpu"] == CPU else match["gpu"]
    return SkyJobs(target, Place(match["infra"], gpu, int(match["many"] or 1)), program())


class SkyJobs:
    """Work on machines that SkyPilot rents."""

    every = 15.0

    def __init__(self, target: Target, place: Place, sky: Sky) -> None:
        self.target = target
        self._place = place
        self._sky = sky

    def look(self, load: Load) -> Offer:
        """What SkyPilot can rent, and what that costs."""
        clouds = self._sky.clouds(self._place.infra)
        facts = [Fact("clouds", ", ".join(clouds) or "none", "" if clouds else _NO_CLOUD)]
        if load.base is not None:
            facts.append(self._base(load.base))
        facts.append(Fact("kept", f"until all came, or {IDLE_MINUTES} minutes after the end; paid too"))
        gpu, many = self._place.gpu, self._place.many
        if gpu is None:
            return Offer(
                f"{CORES} cores and {MEMORY_GB} GB at least",
                device="cpu",
                price_unknown="unknown: SkyPilot takes the cheapest machine that is enough",
                memory_bytes=MEMORY_GB * 10**9,
                timeout=True,
                facts=tuple(facts),
            )
        rents = self._sky.rents(gpu, many, self._place.infra)
        if rents is not None and not rents:
            raise UsageError(f"SkyPilot rents no {many} x {gpu}; what it does: sky gpus list --all")
        prices = _cheapest_by_cloud(rents or [], clouds)
        if prices:
            cheap, dear = min(prices), max(prices)
            facts.append(
                Fact("offers", f"from ${cheap:.2f} an hour; none dearer than ${dear:.2f} is taken")
            )
        return Offer(
            hardware=f"{many} x {gpu}{', of which one is used' if many > 1 else ''}",
            device="cuda",
            gpu=gpu,
            native_bfloat16=computes_in_bfloat16(gpu),
            usd_an_hour=max(prices, default=None),
            price_unknown="" if prices else "unknown: SkyPilot lists none now",
            memory_bytes=min((rent.memory for rent in rents or () if rent.memory), default=None),
            timeout=True,
            facts=tuple(facts),
        )

    def _base(self, base: str) -> Fact:
        from huggingface_hub import HfApi

        token = os.environ.get(HUB_TOKEN, "").strip() if HUB_TOKEN in self.target.send else False
        fact = reachable(HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, token=token), base)
        if fact.refused and HUB_TOKEN not in self.target.send:
            how = f"The token does not travel: --send-env {HUB_TOKEN}"
            return fact._replace(refused=f"{fact.refused} {how}")
        return fact

    def start(self, job: Job, folder: Path, *, minutes: int | None) -> str:
        """Write the task and hand it to SkyPilot; that a machine is found is not waited for."""
        task = task_file(job, folder, self._place, self.target, minutes=minutes)
        write_text(folder / TASK, task)
        name = cluster_name(job)
        return f"{name}/{self._sky.launch(name, folder / TASK, self.target.send)}"

    def poll(self, job: Job, *, read: int) -> Poll:
        """How it stands: asked of the machine; of SkyPilot where that does not say that it works."""
        seen, missed = Poll("waiting", read=read), None
        try:
            seen = self._machine(job).poll(job, read=read)
        except (Unreachable, UsageError) as error:  # not there yet, or not any more
            missed = error
        if seen.state == "running":
            return seen
        state, why, up = self._sky.standing(cluster_name(job), _request(job), attempt_name(job))
        if state == "waiting":
            return Poll("waiting", read=read)
        if missed is not None and up:
            raise Unreachable(str(missed)) from missed
        return replace(seen, state=state, why=why if state == "ended" else "")

    def fetch(self, job: Job, names: Sequence[str], into: Path) -> None:
        """Copy files of the outbox here."""
        self._machine(job).fetch(job, names, into)

    def cancel(self, job: Job) -> None:
        """End its work there, or the search for a machine; `clear` gives the machine back."""
        self._sky.cancel(cluster_name(job), _request(job))

    def clear(self, job: Job) -> None:
        """Give the machine back."""
        self._sky.down(cluster_name(job))

    def commands(self, job: Job, *, minutes: int | None) -> tuple[str, ...]:
        """The task, and what it is handed to."""
        task = task_file(job, Path(), self._place, self.target, minutes=minutes)
        words = launching(cluster_name(job), Path(TASK), self.target.send)
        return (*task.splitlines(), shlex.join(words))

    def _machine(self, job: Job) -> Ssh:
        return open_ssh(Target("ssh", cluster_name(job), self.target.python, self.target.send))


def _cheapest_by_cloud(rents: Sequence[Rent], clouds: Sequence[str]) -> list[float]:
    """The lowest price an hour of each cloud that is set up."""
    lowest: dict[str, float] = {}
    for rent in rents:
        if rent.cloud in clouds:
            lowest[rent.cloud] = min(rent.usd, lowest.get(rent.cloud, rent.usd))
    return list(lowest.values())


def _request(job: Job) -> str:
    return (job.handle or "").partition("/")[2]


_NO_CLOUD = "SkyPilot has no cloud that is set up; sky check says what each of them needs"
