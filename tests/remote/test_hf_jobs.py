"""Jobs on the Hub: the real client and the real script, against a server that runs what it is told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from brie.errors import InputError, UsageError
from brie.remote.hf_jobs import LOG_LINES, HfJobs, open_launcher
from brie.remote.jobs import Job, Load
from brie.remote.launcher import Poll, Target, Unreachable
from tests.fakes.jobs_hub import GATED, NO_CREDIT, TOKEN, JobsHub
from tests.remote.work import work_of

LOAD = Load(kind="train", sent_bytes=1_000, memory_bytes=20 * 10**9)
WORKER = """
import json, os, signal, sys, time
from pathlib import Path

outbox = Path(sys.argv[1]) / "outbox"

def end(*_):
    (outbox / "end.json").write_text(json.dumps({"exit_code": 3}))
    sys.exit(3)

signal.signal(signal.SIGTERM, end)
print("outbox:", sorted(path.name for path in outbox.iterdir()))
print("variables:", "HF_TOKEN" in os.environ, os.environ.get("MINE"))
if not (outbox / "checkpoint-000025.zip").exists():
    (outbox / "checkpoint-000025.zip").write_bytes(b"checkpoint")
    time.sleep(600)
(outbox / "result.zip").write_bytes(b"result")
(outbox / "end.json").write_text(json.dumps({"exit_code": 0}))
"""
"""Work that stops for good after its first checkpoint, and goes on from one that it finds."""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobsHub]:
    with JobsHub(tmp_path / "there") as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A job's folder, with work whose brie is the few lines above."""
    return work_of(WORKER, tmp_path, needed="huggingface_hub")


def launcher(place: str = "cpu-basic", *send: str) -> HfJobs:
    return open_launcher(Target("hf-jobs", place, send=send))


def job(handle: str | None = None, attempts: int = 1) -> Job:
    return Job(
        id="job-20261127-0230-3f9a",
        on="hf-jobs:cpu-basic",
        kind="train",
        created="2026-11-27T02:30:00",
        command="brie train",
        arguments=("train",),
        subject="a run of tiny",
        load=LOAD,
        handle=handle,
        attempts=attempts,
    )


def follow(jobs: HfJobs, going: Job) -> tuple[Poll, str]:
    """The last look at a job, and all it logged."""
    text, read = "", 0
    while True:
        poll = jobs.poll(going, read=read)
        text, read = text + poll.text, poll.read
        if poll.state == "ended":
            return poll, text
        time.sleep(0.2)


def expire_at_checkpoint(hub: JobsHub) -> None:
    def at_commit(_: str, paths: list[str]) -> None:
        if any(path.startswith("outbox/checkpoint-") for path in paths) and hub.jobs:
            hub.expire(hub.jobs["job1"])

    hub.at_commit = at_commit


def test_a_job_that_runs_out_of_time_goes_on_from_what_came_back(
    hub: JobsHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "sent by name")
    expire_at_checkpoint(hub)
    jobs = launcher("cpu-basic", "MINE")
    going = job(jobs.start(job(), folder, minutes=90))
    poll, text = follow(jobs, going)
    assert (poll.state, poll.why, poll.outbox) == ("ended", "out of time", ("checkpoint-000025.zip",))
    assert "outbox: []" in text
    assert "variables: True sent by name" in text
    jobs.fetch(going, poll.outbox, folder / "outbox")
    assert (folder / "outbox/checkpoint-000025.zip").read_bytes() == b"checkpoint"

    again = job(jobs.start(going.model_copy(update={"attempts": 2}), folder, minutes=90), attempts=2)
    poll, text = follow(jobs, again)
    assert "outbox: ['checkpoint-000025.zip']" in text
    assert (poll.state, poll.why) == ("ended", "")
    assert poll.outbox == ("checkpoint-000025.zip", "end.json", "result.zip")
    jobs.fetch(again, poll.outbox, folder / "outbox")
    assert json.loads((folder / "outbox/end.json").read_text()) == {"exit_code": 0}

    first, second = hub.jobs.values()
    assert first.spec["timeoutSeconds"] == 90 * 60
    assert first.spec["labels"] == {"brie": going.id, "attempt": "1", "name": f"brie-{going.id}"}
    assert second.spec["labels"]["attempt"] == "2"
    assert hub.repos[f"me/brie-{going.id}"].private
    jobs.clear(again)
    jobs.clear(again)
    assert not hub.repos
    everything = [path.read_bytes() for path in hub.folder.parent.rglob("*") if path.is_file()]
    for block in (bytes(hub.received), *everything, first.log().encode(), repr(first.spec).encode()):
        assert TOKEN.encode() not in block


def test_a_job_that_is_told_to_end_saves_first(hub: JobsHub, folder: Path) -> None:
    def at_commit(_: str, paths: list[str]) -> None:
        if "outbox/checkpoint-000025.zip" in paths:
            hub.ask_to_end(hub.jobs["job1"])

    hub.at_commit = at_commit
    jobs = launcher()
    going = job(jobs.start(job(), folder, minutes=90))
    poll, text = follow(jobs, going)
    assert "the job is to end; what there is, is saved" in text
    assert (poll.why, poll.outbox) == ("exit code 3", ("checkpoint-000025.zip", "end.json"))


def test_a_cancelled_job_has_ended(hub: JobsHub, folder: Path) -> None:
    jobs = launcher()
    going = job(jobs.start(job(), folder, minutes=10))
    jobs.cancel(going)
    jobs.cancel(going)
    assert jobs.poll(going, read=0).state == "ended"
    assert hub.jobs["job1"].stage == "CANCELED"


class Huge(bytes):
    """A file that is told to have 3 GB."""

    def __len__(self) -> int:
        return 3 * 2**30


def test_a_file_larger_than_any_result_is_not_fetched(hub: JobsHub, folder: Path) -> None:
    jobs = launcher()
    going = job(jobs.start(job(), folder, minutes=10))
    (stored,) = hub.repos.values()
    stored.files |= {"outbox/checkpoint-000004.zip": b"small", "outbox/result.zip": Huge(b"x")}
    (folder / "outbox").mkdir(exist_ok=True)
    jobs.fetch(going, ["checkpoint-000004.zip"], folder / "outbox")
    with pytest.raises(InputError, match=r"result\.zip is larger than"):
        jobs.fetch(going, ["result.zip"], folder / "outbox")
    assert [path.name for path in (folder / "outbox").iterdir()] == ["checkpoint-000004.zip"]


def test_a_long_log_comes_in_parts_and_none_of_it_twice(hub: JobsHub, folder: Path) -> None:
    jobs = launcher()
    going = job(jobs.start(job(), folder, minutes=10))
    jobs.cancel(going)
    wanted = [f"line {number}" for number in range(LOG_LINES + 20)]
    hub.jobs["job1"].lines = [{"data": line, "timestamp": "2026-11-27T02:30:00Z"} for line in wanted]
    first = jobs.poll(going, read=0)
    assert (first.read, first.text.count("\n")) == (LOG_LINES, LOG_LINES)
    second = jobs.poll(going, read=first.read)
    assert (first.text + second.text).splitlines() == wanted
    assert (first.state, second.state) == ("running", "ended")
    assert (jobs.poll(going, read=second.read).text, second.read) == ("", len(wanted))


def test_a_start_that_was_not_answered_is_found_again(hub: JobsHub, folder: Path) -> None:
    jobs = launcher()
    jobs.start(job(), folder, minutes=10)
    unanswered = job(handle=None)
    assert jobs.poll(unanswered, read=0).state in ("waiting", "running")
    jobs.cancel(unanswered)
    assert hub.jobs["job1"].stage == "CANCELED"
    assert jobs.poll(job(handle=None, attempts=2), read=0).why == "the Hub has no such job"


def test_what_a_restart_finds_is_only_what_is_here(hub: JobsHub, folder: Path) -> None:
    jobs = launcher()
    going = job(jobs.start(job(), folder, minutes=10))
    jobs.cancel(going)
    stored = hub.repos[f"me/brie-{going.id}"]
    stored.files["outbox/end.json"] = b"of the first attempt"
    again = going.model_copy(update={"attempts": 2})
    jobs.cancel(job(jobs.start(again, folder, minutes=10)))
    assert "outbox/end.json" not in stored.files


def test_the_table_tells_price_hardware_and_account(hub: JobsHub) -> None:
    offer = launcher("a10g-small").look(LOAD)
    assert offer.usd_an_hour == pytest.approx(1.0, abs=0.001)
    assert (offer.gpu, offer.device, offer.native_bfloat16) == ("A10G", "cuda", True)
    assert (offer.memory_bytes, offer.disk_bytes) == (24 * 10**9, 110 * 10**9)
    assert offer.timeout
    assert [fact.label for fact in offer.facts] == ["token", "account", "storage"]
    assert not any(fact.refused for fact in offer.facts)
    assert launcher("t4-small").look(LOAD).native_bfloat16 is False
    assert launcher("cpu-basic").look(LOAD).device == "cpu"


def test_a_flavour_is_never_guessed(hub: JobsHub) -> None:
    with pytest.raises(UsageError, match=r"say on which hardware: --on hf-jobs:FLAVOUR") as told:
        launcher("").look(LOAD)
    assert "  t4-small           $0.40/hour   1 x T4, 16 GB\n" in str(told.value)
    assert max(map(len, str(told.value).splitlines())) <= 60
    assert "The cheapest with a GPU that it fits on is a10g-small." in str(told.value)
    with pytest.raises(UsageError, match="no hardware 'a11g-small'"):
        launcher("a11g-small").look(LOAD)
    with pytest.raises(UsageError, match="write --on hf-jobs:FLAVOUR"):
        launcher("a 10g")


def test_a_gated_base_is_asked_for_before_anything_starts(hub: JobsHub) -> None:
    facts = launcher().look(Load(kind="train", sent_bytes=1, base=f"{GATED}@abc")).facts
    (refused,) = [fact.refused for fact in facts if fact.refused]
    assert f"{GATED} is gated" in refused


def test_a_token_that_may_only_read_is_refused_before_anything_starts(hub: JobsHub) -> None:
    hub.user["auth"]["accessToken"]["role"] = "read"
    (refused,) = [fact.refused for fact in launcher().look(LOAD).facts if fact.refused]
    assert "HF_TOKEN may only read" in refused


def test_an_account_of_somebody_else_is_refused(hub: JobsHub) -> None:
    (refused,) = [fact.refused for fact in launcher("others/cpu-basic").look(LOAD).facts if fact.refused]
    assert "does not belong to others" in refused


def test_missing_credit_is_said_with_where_to_add_some(hub: JobsHub, folder: Path) -> None:
    with pytest.raises(UsageError, match="wants credit for a job of org-without-credit"):
        launcher(f"{NO_CREDIT}/cpu-basic").start(job(), folder, minutes=10)


def test_a_missing_or_unknown_token_is_said(hub: JobsHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_another-token-0123456789")
    with pytest.raises(UsageError, match="does not know the token in HF_TOKEN"):
        launcher().look(LOAD)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(UsageError, match="in HF_TOKEN: huggingface"):
        launcher()


def test_a_hub_that_does_not_answer_is_asked_again_later(
    hub: JobsHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match="does not answer"):
        launcher().poll(job("me/job1/1"), read=0)


def test_what_would_be_done_is_told_without_the_token(hub: JobsHub) -> None:
    lines = "\n".join(launcher("t4-small", "MINE").commands(job(), minutes=90))
    assert "--flavor t4-small --timeout 90m --secrets HF_TOKEN --secrets MINE" in lines
    assert TOKEN not in lines


def test_the_server_ends_a_job_whose_time_is_up(hub: JobsHub) -> None:
    spec = {"command": ["sleep", "60"], "arguments": [], "environment": {}, "flavor": "cpu-basic"}
    going = hub.start({**spec, "timeoutSeconds": 1})
    assert going.wait(60)
    assert (going.stage, going.message) == ("ERROR", "Job timeout")
