"""`--on hf-jobs:[OWNER/]FLAVOUR`: a job on the Hub's machines, rented by the minute.

There is only the Hub between here and there, so work and results lie in a private dataset,
`OWNER/brie-job-…`: what `start` puts there is fetched by the job (`brie.remote.hub_job`), what the
job's outbox holds is sent there as it is made, and `clear` deletes all of it. The token travels as the
job's secret and in no command, record or file.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from brie.bundle.layout import MEMBER_BYTES
from brie.errors import UsageError
from brie.remote import hub_job
from brie.remote.estimate import computes_in_bfloat16
from brie.remote.hub_words import NO_TOKEN, account, answers, bytes_of, reachable, usd_an_hour
from brie.remote.jobs import Job, Load
from brie.remote.launcher import (
    BEGIN,
    OUTBOX,
    OUTBOX_NAME,
    WORK,
    Fact,
    Offer,
    Poll,
    Target,
    too_large,
)
from brie.wire.keys import HUB_TOKEN, hub_token

if TYPE_CHECKING:
    from huggingface_hub import (
        CommitOperationAdd,
        CommitOperationDelete,
        HfApi,
        JobHardwareInfo,
        JobInfo,
    )

SCRIPT = "brie_job.py"
LABEL = "brie"
"""Label that brie's jobs carry on the Hub; its value is the job's id here."""
_PLACE = re.compile(
    r"(?:(?P<owner>[A-Za-z0-9][\w.-]{0,95})/)?(?P<flavor>[a-z0-9][a-z0-9-]{0,60})", re.ASCII
)
LOG_LINES = 5_000
"""Lines of a log that one look takes; the Hub tells a log from its start each time."""
DEFAULT_MINUTES = 30
"""After which the Hub ends a job where nothing else is said."""
_ENDED = ("COMPLETED", "CANCELED", "ERROR", "DELETED")


def open_launcher(target: Target) -> HfJobs:
    """A launcher of jobs on the Hub.

    Raises:
        UsageError: no token is set, or the place is no flavour.
    """
    match = _PLACE.fullmatch(target.place)
    if target.place and match is None:
        raise UsageError(
            f"{target.place!r} names no hardware of the Hub; write --on hf-jobs:FLAVOUR, or "
            "hf-jobs:OWNER/FLAVOUR for an organisation's account."
        )
    owner, flavor = (None, None) if match is None else (match["owner"], match["flavor"])
    return HfJobs(target, Place(owner, flavor), hub_token(NO_TOKEN))


class Place(NamedTuple):
    """What stands after the colon."""

    owner: str | None
    flavor: str | None


class HfJobs:
    """Jobs on the Hub, through its own library."""

    every = 5.0

    def __init__(self, target: Target, place: Place, token: str) -> None:
        self.target = target
        self._place = place
        self._token = token

    @cached_property
    def _api(self) -> HfApi:
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        from huggingface_hub import HfApi
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()
        return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, token=self._token)

    @cached_property
    def _owner(self) -> str:
        if self._place.owner:
            return self._place.owner
        with answers("who you are"):
            return str(self._api.whoami()["name"])

    def _repo(self, job: Job) -> str:
        return f"{_owner_of(job) or self._owner}/{LABEL}-{job.id}"

    def look(self, load: Load) -> Offer:
        """What a flavour has and costs, and whether the token can use it."""
        with answers("the Hub's hardware"):
            hardware = self._api.list_jobs_hardware()
            user = self._api.whoami()
        flavor = self._flavor(hardware, load)
        accelerator = flavor.accelerator
        count = int(accelerator.quantity) if accelerator and accelerator.quantity.isdigit() else 1
        facts = [*account(user, self._owner), self._storage()]
        if load.base is not None:
            facts.append(reachable(self._api, load.base))
        price = usd_an_hour(flavor)
        if count > 1:
            facts.append(Fact("gpus", f"{count}, of which one is used"))
        gpu = None if accelerator is None else accelerator.model
        return Offer(
            hardware=_described(flavor),
            device="cpu" if gpu is None else "cuda",
            gpu=gpu,
            native_bfloat16=None if gpu is None else computes_in_bfloat16(gpu),
            usd_an_hour=price,
            price_unknown=f"unknown: the Hub counts by the {flavor.unit_label}" if price is None else "",
            disk_bytes=bytes_of(flavor.ephemeral_storage),
            memory_bytes=bytes_of(flavor.ram if accelerator is None else accelerator.vram),
            timeout=True,
            facts=tuple(facts),
        )

    def _storage(self) -> Fact:
        return Fact("storage", f"a private dataset of {self._owner}, deleted once all of it came back")

    def _flavor(self, hardware: Sequence[JobHardwareInfo], load: Load) -> JobHardwareInfo:
        owner, flavor = self._place
        named = [entry for entry in hardware if entry.name == flavor]
        if named:
            return named[0]
        wanted = f"the Hub has no hardware {flavor!r}" if flavor else "say on which hardware"
        lines = [f"  {entry.name:<18} {_price(entry):<12} {_in_short(entry)}" for entry in hardware]
        fitting = _fitting(hardware, load)
        if fitting is not None:
            lines.append(f"The cheapest with a GPU that it fits on is {fitting.name}.")
        command = f"--on hf-jobs:{owner + '/' if owner else ''}FLAVOUR"
        raise UsageError("\n".join([f"{wanted}: {command}", *lines]))

    def start(self, job: Job, folder: Path, *, minutes: int | None) -> str:
        """Put work and outbox into the dataset, and have the Hub run the script beside them."""
        repo = self._repo(job)
        owner = repo.partition("/")[0]
        seconds = 60 * (DEFAULT_MINUTES if minutes is None else minutes)
        with answers(repo):
            self._flavor(self._api.list_jobs_hardware(), job.load)
            self._api.create_repo(repo, repo_type="dataset", private=True, exist_ok=True)
            if not self._api.dataset_info(repo).private:
                raise UsageError(
                    f"{repo} is there and everybody can see it: delete it on the Hub, then start again."
                )
            changes = self._changes(repo, folder)
            self._api.create_commit(repo, changes, repo_type="dataset", commit_message="Work, by brie")
        with answers(f"a job of {owner}"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library calls the method experimental
            done = self._api.run_uv_job(
                self._script(repo),
                script_args=[repo, str(seconds)],
                flavor=self._place.flavor,
                timeout=seconds,
                secrets={
                    HUB_TOKEN: self._token,
                    **{name: os.environ[name] for name in self.target.send},
                },
                env={"HF_HUB_DISABLE_PROGRESS_BARS": "1"},
                name=f"{LABEL}-{job.id}",
                labels={LABEL: job.id, "attempt": str(job.attempts)},
                namespace=owner,
            )
        return f"{owner}/{done.id}/{job.attempts}"

    def _changes(self, repo: str, folder: Path) -> list[CommitOperationAdd | CommitOperationDelete]:
        """What makes the dataset the work and the outbox that are here."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        script = Path(hub_job.__file__).read_bytes()
        outbox = sorted((folder / OUTBOX).iterdir())
        files = {WORK: folder / WORK, **{f"{OUTBOX}/{path.name}": path for path in outbox}}
        adding = [CommitOperationAdd(name, path) for name, path in files.items()]
        there = self._api.list_repo_files(repo, repo_type="dataset")
        stale = [name for name in there if name.startswith(f"{OUTBOX}/") and name not in files]
        return [
            CommitOperationAdd(SCRIPT, script),
            CommitOperationAdd("begin.sh", f"{BEGIN}\n".encode()),
            *adding,
            *(CommitOperationDelete(name) for name in stale),
        ]

    def _script(self, repo: str) -> str:
        return f"{self._api.endpoint}/datasets/{repo}/resolve/main/{SCRIPT}"

    def poll(self, job: Job, *, read: int) -> Poll:
        """How it stands; the mark counts lines, of which at most `LOG_LINES` are taken at once."""
        with answers(job.id):
            info = self._find(job)
            if info is None:
                return Poll("ended", read=read, why="the Hub has no such job")
            if _stage(info) == "SCHEDULING":
                return Poll("waiting", read=read)
            logged = self._api.fetch_job_logs(job_id=info.id, namespace=info.owner.name)
            new = list(itertools.islice(logged, read, read + LOG_LINES))
            outbox = self._outbox(job)
        ended = _stage(info) in _ENDED and len(new) < LOG_LINES  # else what is left comes next
        return Poll(
            "ended" if ended else "running",
            text="".join(f"{line}\n" for line in new),
            read=read + len(new),
            outbox=outbox,
            why=_why(info) if ended else "",
        )

    def _find(self, job: Job) -> JobInfo | None:
        """The job of this attempt as the Hub has it: by its label where a start was not answered."""
        owner, job_id, attempt = (job.handle or "//").split("/")
        if attempt == str(job.attempts):
            return self._api.inspect_job(job_id=job_id, namespace=owner)
        labels = {LABEL: job.id, "attempt": str(job.attempts)}
        return next(iter(self._api.list_jobs(labels=labels, namespace=self._owner)), None)

    def _outbox(self, job: Job) -> tuple[str, ...]:
        files = self._api.list_repo_files(self._repo(job), repo_type="dataset")
        names = (name.removeprefix(f"{OUTBOX}/") for name in files if name.startswith(f"{OUTBOX}/"))
        return tuple(sorted(name for name in names if OUTBOX_NAME.fullmatch(name)))

    def fetch(self, job: Job, names: Sequence[str], into: Path) -> None:
        """Files of the dataset's outbox."""
        for name in names:
            if (into / name).exists():
                continue
            with tempfile.TemporaryDirectory(dir=into.parent) as aside, answers(job.id):
                if self._size(job, name) > MEMBER_BYTES:
                    raise too_large(name)
                came = self._api.hf_hub_download(
                    self._repo(job), f"{OUTBOX}/{name}", repo_type="dataset", local_dir=aside
                )
                shutil.move(came, into / name)

    def _size(self, job: Job, name: str) -> int:
        """Bytes of a file of the outbox; 0 where the Hub names none."""
        from huggingface_hub.hf_api import RepoFile

        tree = self._api.list_repo_tree(self._repo(job), OUTBOX, repo_type="dataset")
        wanted = f"{OUTBOX}/{name}"
        return next((e.size for e in tree if isinstance(e, RepoFile) and e.path == wanted), 0)

    def cancel(self, job: Job) -> None:
        """Have the Hub end it."""
        with answers(job.id):
            info = self._find(job)
            if info is not None and _stage(info) not in _ENDED:
                self._api.cancel_job(job_id=info.id, namespace=info.owner.name)

    def clear(self, job: Job) -> None:
        """Delete the dataset."""
        with answers(job.id):
            self._api.delete_repo(self._repo(job), repo_type="dataset", missing_ok=True)

    def commands(self, job: Job, *, minutes: int | None) -> tuple[str, ...]:
        """The same by the Hub's own program."""
        repo = self._repo(job)
        owner = repo.partition("/")[0]
        minutes = minutes or DEFAULT_MINUTES
        secrets = "".join(f"--secrets {name} " for name in (HUB_TOKEN, *self.target.send))
        return (
            f"hf repos create {repo} --type dataset --private",
            f"hf upload {repo} {WORK} --type dataset",
            f"hf jobs uv run --namespace {owner} --flavor {self._place.flavor} --timeout {minutes}m "
            f"{secrets}{self._script(repo)} {repo} {60 * minutes}",
        )


def _owner_of(job: Job) -> str:
    return (job.handle or "").partition("/")[0]


def _stage(info: JobInfo) -> str:
    return str(getattr(info.status.stage, "value", info.status.stage))


def _why(info: JobInfo) -> str:
    """What the Hub says of an end."""
    message = (info.status.message or "").strip()
    if "timeout" in message.lower():
        return "out of time"
    return message.splitlines()[0] if message else ""


def _described(flavor: JobHardwareInfo) -> str:
    parts = [flavor.cpu, flavor.ram, f"disk {flavor.ephemeral_storage}"]
    gpu = flavor.accelerator
    if gpu is not None:
        parts.insert(0, f"{gpu.quantity} x {gpu.manufacturer} {gpu.model} with {gpu.vram}")
    return ", ".join(parts)


def _price(flavor: JobHardwareInfo) -> str:
    price = usd_an_hour(flavor)
    return "unknown" if price is None else f"${price:.2f}/hour"


def _in_short(flavor: JobHardwareInfo) -> str:
    gpu = flavor.accelerator
    if gpu is None:
        return f"{flavor.cpu}, {flavor.ram}"
    return f"{gpu.quantity} x {gpu.model}, {gpu.vram}"


def _fitting(hardware: Sequence[JobHardwareInfo], load: Load) -> JobHardwareInfo | None:
    """The cheapest with a GPU whose memory is enough; None where that cannot be said."""
    if load.memory_bytes is None:
        return None
    enough = [
        (usd_an_hour(entry) or 0.0, entry)
        for entry in hardware
        if entry.accelerator is not None
        and usd_an_hour(entry) is not None
        and (bytes_of(entry.accelerator.vram) or 0) >= load.memory_bytes
    ]
    return min(enough, key=lambda pair: pair[0])[1] if enough else None
