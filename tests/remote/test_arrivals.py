"""What comes back is held against what was sent; what does not hold is refused, and nothing is taken."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import brie
from brie.bundle import layout, unbundle
from brie.bundle.pack_runs import pack_checkpoint, pack_run
from brie.errors import InputError, Stopped, UsageError
from brie.project import Project, packaged
from brie.remote.follow import PATIENCE, Clock, cancel, follow, job_of, start
from brie.remote.jobs import Job, new_folder, read_job, watching, write_job
from brie.remote.launcher import LAUNCHERS, Offer, Poll, Unreachable
from brie.remote.preflight import look
from brie.remote.training import training_errand
from brie.remote.worker import End, checkpoint_file
from brie.train.config import TrainRequest
from brie.train.run import train
from brie.train.runs import checkpoints, list_runs
from tests import commands
from tests.fakes.launcher import FolderLauncher
from tests.train.world import Watcher as Silent
from tests.train.world import make_project

SETTINGS = ("max_steps=2", "checkpoint_steps=1", "batch_size=2", "micro_batch_size=2", "max_length=64")


def asked(project: Project) -> TrainRequest:
    return TrainRequest(
        size="tiny", data=str(project.root / "rows.jsonl"), settings=SETTINGS, device="cpu"
    )


@dataclass
class Lines:
    """A watcher that remembers."""

    said: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Remember."""
        self.said.append(text)

    def log(self, text: str) -> None:
        """Remember."""
        self.logged.append(text)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outbox of a machine that has done the work."""
    project = make_project(tmp_path_factory.mktemp("there") / "project")
    folder = train(asked(project), project, Silent())
    outbox = project.root / "outbox"
    outbox.mkdir()
    for step in checkpoints(folder):
        pack_checkpoint(folder, step, project, outbox / checkpoint_file(step))
    pack_run(folder, project, outbox / "result.zip")
    (outbox / "end.json").write_text(End(exit_code=0).model_dump_json())
    return outbox


@dataclass
class Sent:
    """A job that was sent, and the machine it was sent to."""

    project: Project
    folder: Path
    job: Job
    launcher: FolderLauncher
    lines: Lines = field(default_factory=Lines)
    slept: list[float] = field(default_factory=list)

    def follow(self) -> Job:
        """Watch it, in a time that only sleeping moves."""
        clock = Clock(now=lambda: sum(self.slept), sleep=self.slept.append)
        job = read_job(self.folder)
        return follow(self.folder, job, self.launcher, self.project, self.lines, clock)


NAMES = ("checkpoint-000001.zip", "checkpoint-000002.zip", "result.zip", "end.json")


@pytest.fixture
def sent(there: Path, tmp_path: Path) -> Sent:
    project = make_project(tmp_path / "here")
    outbox = tmp_path / "outbox"
    shutil.copytree(there, outbox)
    launcher = FolderLauncher(outbox, [Poll("ended", outbox=NAMES)])
    preflight = look(training_errand(asked(project), project), launcher, timeout=None)
    folder = new_folder(project)
    job = write_job(folder, job_of(preflight, folder.name, typed="brie train …", python=None))
    return Sent(project, folder, start(folder, job, launcher), launcher)


def changed(path: Path, change: Callable[[dict[str, bytes]], None], *, index: bool = True) -> None:
    """Change a bundle's members, and its index with them."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    if index:
        listed = json.loads(members[layout.INDEX])
        listed["members"] = {
            name: {"digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "bytes": len(data)}
            for name, data in members.items()
            if name != layout.INDEX
        }
        members[layout.INDEX] = json.dumps(listed).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def flipped(member: str) -> Callable[[dict[str, bytes]], None]:
    """Turn a byte in the middle of a member over."""

    def change(members: dict[str, bytes]) -> None:
        (name,) = [name for name in members if name.endswith(member)]
        data = bytearray(members[name])
        data[-40] ^= 1
        members[name] = bytes(data)

    return change


def replaced(old: str, new: str) -> Callable[[dict[str, bytes]], None]:
    """Say something else in every document of a run."""

    def change(members: dict[str, bytes]) -> None:
        for name in (layout.RUN_MANIFEST, layout.RUN_CONFIG):
            assert old.encode() in members[name]
            members[name] = members[name].replace(old.encode(), new.encode())

    return change


# --- what holds ------------------------------------------------------------------------------


def test_a_run_comes_back_with_every_checkpoint_and_no_state(sent: Sent) -> None:
    job = sent.follow()
    (run,) = list_runs(sent.project)
    assert (job.state, job.result) == ("done", run.id)
    assert sorted(checkpoints(run.folder)) == [1, 2]
    assert {p.suffix for p in run.folder.rglob("*") if p.is_file()} <= {
        ".json",
        ".jsonl",
        ".safetensors",
    }
    assert run.manifest.command == "brie train …"
    assert sent.launcher.calls[-1] == "clear"
    assert not list((sent.folder / "outbox").iterdir())


def test_a_checkpoint_by_itself_is_no_bundle_to_merge(sent: Sent) -> None:
    with pytest.raises(UsageError, match="brie jobs"):
        unbundle(sent.launcher.outbox / NAMES[0], sent.project)


# --- what does not ---------------------------------------------------------------------------

DIGEST = "sha256:" + 64 * "0"


@pytest.mark.parametrize(
    ("name", "change", "index", "said"),
    [
        (NAMES[1], flipped("adapter_model.safetensors"), False, "its index says"),
        (NAMES[1], flipped("adapter_model.safetensors"), True, "its record says"),
        (NAMES[0], flipped("adapter_model.safetensors"), True, "its record says"),
        (NAMES[2], replaced('"epochs": 3', '"epochs": 4'), True, "recipe key epochs"),
        (NAMES[2], lambda m: m.update({"../evil": b""}), True, "is a name that no bundle has"),
        (NAMES[1], lambda m: m.update({"run/checkpoints/checkpoint-002/model.bin": b""}), True,
         "is a name that no bundle has"),
        (NAMES[2], lambda m: m.update({"state/checkpoint-002/optimizer.pt": b""}), True,
         "the bundle of a run holds"),
    ],
)  # fmt: skip
def test_what_was_tampered_with_is_refused_and_nothing_is_taken(
    sent: Sent, name: str, change: Callable[[dict[str, bytes]], None], index: bool, said: str
) -> None:
    changed(sent.launcher.outbox / name, change, index=index)
    with pytest.raises(UsageError, match=said):
        sent.follow()
    assert not list_runs(sent.project)
    assert not list(sent.project.root.rglob("evil*"))
    job = read_job(sent.folder)
    assert job.state == "failed"
    assert said in str(job.error)


def test_a_file_of_another_name_is_not_fetched(sent: Sent) -> None:
    names = (*NAMES[:3], "../../evil", "checkpoint-1.zip/../x", ".hidden", "end.json")
    sent.launcher.polls = [Poll("ended", outbox=names)]
    assert sent.follow().state == "done"
    assert set(sent.launcher.calls) == {"start", *NAMES, "clear"}


def test_a_result_without_one_of_its_checkpoints_is_refused(sent: Sent) -> None:
    sent.launcher.polls = [Poll("ended", outbox=NAMES[1:])]
    with pytest.raises(UsageError, match="not all checkpoints"):
        sent.follow()
    assert not list_runs(sent.project)


def test_a_run_of_other_rows_is_refused(sent: Sent) -> None:
    rows = sent.project.root / "rows.jsonl"
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[:-9]))
    errand = training_errand(asked(sent.project), sent.project)
    write_job(sent.folder, sent.job.model_copy(update={"asked": errand.asked}))
    with pytest.raises(UsageError, match="training rows was"):
        sent.follow()


# --- how jobs end ----------------------------------------------------------------------------


def test_checkpoints_come_as_they_are_made_and_a_lost_job_says_how_to_go_on(sent: Sent) -> None:
    sent.launcher.polls = [
        Poll("running", text="step 1\n", read=7, outbox=NAMES[:1]),
        Poll("running", read=7, outbox=NAMES[:1]),
        Poll("ended", read=7, outbox=NAMES[:1], why="out of time"),
    ]
    with pytest.raises(Stopped, match=r"out of time.*step 1 came back.*brie jobs attach job-"):
        sent.follow()
    assert sent.lines.logged == ["step 1\n"]
    assert sent.launcher.calls == ["start", NAMES[0]]
    assert read_job(sent.folder).state == "lost"
    assert start(sent.folder, read_job(sent.folder), sent.launcher).attempts == 2


def test_a_cut_link_is_waited_for_and_then_left(sent: Sent) -> None:
    cut = Unreachable("box cannot be reached: Connection refused")
    sent.launcher.polls = [cut, cut, Poll("running"), cut]
    with pytest.raises(Stopped, match="goes on there, if it can"):
        sent.follow()
    assert sum(sent.slept[3:]) >= PATIENCE
    assert max(sent.slept) == 60.0
    assert read_job(sent.folder).state == "running"


def test_ctrl_c_leaves_it_running(sent: Sent) -> None:
    sent.launcher.polls = [KeyboardInterrupt()]
    with pytest.raises(Stopped, match=r"brie jobs attach.*brie jobs cancel"):
        sent.follow()
    assert read_job(sent.folder).state == "running"


def test_a_command_that_failed_there_is_no_success(sent: Sent) -> None:
    (sent.launcher.outbox / "end.json").write_text(End(exit_code=2).model_dump_json())
    sent.launcher.polls = [Poll("ended", text="brie: no\n", outbox=("end.json",)), Poll("ended")]
    with pytest.raises(UsageError, match="exit code 2"):
        sent.follow()
    assert (sent.folder / "log.txt").read_text() == "brie: no\n"


# --- from Python -----------------------------------------------------------------------------


def test_python_gets_the_run_when_it_has_agreed(
    there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LAUNCHERS, "folder", "tests.fakes.launcher:open_launcher")
    project, outbox = make_project(tmp_path / "here"), tmp_path / "outbox"
    shutil.copytree(there, outbox)
    where = f"folder:{outbox}"
    size, data = "tiny", str(project.root / "rows.jsonl")
    settings: dict[str, str | int | float] = {}
    for key, _, value in (setting.partition("=") for setting in SETTINGS):
        settings[key] = value
    with pytest.raises(UsageError, match="yes=True"):
        brie.train(project, size=size, data=data, set=settings, on=where)
    assert not project.runs.exists()
    run = brie.train(project, size=size, data=data, set=settings, on=where, yes=True)
    assert run.manifest.command.endswith(f"--on {where}")
    assert (run.folder / "pins" / "best.json").is_file()


# --- what is sent ----------------------------------------------------------------------------


def test_a_time_limit_that_is_needed_and_not_known_is_asked_for(sent: Sent) -> None:
    errand = training_errand(asked(sent.project), sent.project)
    launcher = FolderLauncher(sent.folder, [], Offer("a card", timeout=True, usd_an_hour=2.0))
    with pytest.raises(UsageError, match="--timeout MINUTES"):
        look(errand, launcher, timeout=None).refuse()
    assert look(errand, launcher, timeout=30).usd_at_most == 1.0
    launcher.offer = Offer("a card", gpu="NVIDIA A10G", timeout=True, usd_an_hour=2.0)
    known = look(errand, launcher, timeout=None)
    known.refuse()
    assert known.minutes is not None
    assert known.estimate.minutes is not None
    assert known.minutes > known.estimate.minutes


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (TrainRequest(resume="x"), "brie jobs attach"),
        (TrainRequest(size="tiny", seeds=3), "one run a job"),
        (TrainRequest(size="tiny", processes=2), "--processes"),
        (TrainRequest(size="tiny", base="."), "bases are not sent"),
        (TrainRequest(size="7b-fsdp"), "--set sharding=none"),
        (
            TrainRequest(size="tiny", settings=("packing=true", "group_by_length=true")),
            "packing fills every sequence",
        ),
    ],
)
def test_what_cannot_be_sent_says_what_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_: TrainRequest, said: str
) -> None:
    monkeypatch.chdir(packaged("models", "tiny"))
    with pytest.raises(UsageError, match=said):
        training_errand(request_, make_project(tmp_path / "here"))


def test_a_file_outside_of_the_project_is_found_again_when_its_run_is_here(tmp_path: Path) -> None:
    project, other = make_project(tmp_path / "here"), make_project(tmp_path / "other")
    errand = training_errand(asked(other), project)
    assert errand.members["project/outside/data/rows.jsonl"] == other.root / "rows.jsonl"
    assert errand.arguments[errand.arguments.index("--data") + 1] == "outside/data/rows.jsonl"
    assert errand.asked.training_path == str(other.root / "rows.jsonl")


def test_an_end_that_says_nothing_is_a_failure_and_stands_in_nobodys_way(sent: Sent) -> None:
    (sent.launcher.outbox / "end.json").write_text("[" * 100_000)
    with pytest.raises(UsageError, match="does not say how the job ended"):
        sent.follow()
    assert read_job(sent.folder).state == "failed"
    assert not (sent.folder / "outbox" / "end.json").exists()


def test_a_job_that_was_cancelled_while_it_was_watched_stays_cancelled(sent: Sent) -> None:
    running = sent.job
    cancel(sent.folder, running, sent.launcher)
    sent.launcher.polls = [Poll("ended", why="its folder is gone")]
    clock = Clock(now=lambda: 0.0, sleep=sent.slept.append)
    with pytest.raises(Stopped, match="was cancelled by another command"):
        follow(sent.folder, running, sent.launcher, sent.project, sent.lines, clock)
    assert read_job(sent.folder).state == "cancelled"


def test_a_run_that_was_merged_and_not_written_down_is_no_failure(sent: Sent) -> None:
    running = sent.job
    assert sent.follow().state == "done"
    write_job(sent.folder, running)
    assert sent.follow().state == "done"
    assert len(list_runs(sent.project)) == 1


def test_a_job_is_watched_by_one_command_at_a_time(sent: Sent) -> None:
    with (
        watching(sent.folder),
        pytest.raises(UsageError, match="watched by another"),
        watching(sent.folder),
    ):
        pass


@pytest.mark.parametrize(
    "change", [{"id": "job-x;touch y"}, {"id": "job-1"}, {"send": ["A;touch y"]}, {"state": "odd"}]
)
def test_a_record_that_is_none_is_told_and_stops_no_other(sent: Sent, change: dict[str, object]) -> None:
    odd = sent.folder.with_name("job-odd")
    odd.mkdir()
    record = json.loads((sent.folder / "job.json").read_text())
    (odd / "job.json").write_text(json.dumps({**record, "id": "job-odd", **change}))
    with pytest.raises(InputError, match="job-odd"):
        read_job(odd)
    listed = commands.brie(sent.project.root, "jobs")
    assert listed.returncode == 0
    assert sent.job.id in listed.stdout
    assert "job-odd" in listed.stderr
