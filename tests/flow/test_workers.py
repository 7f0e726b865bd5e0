"""Whole commands with workers: one is killed, then the command itself, and the numbers are the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from tempfile import mkdtemp
from typing import Any

import pytest

from brie.ci.documents import differences
from brie.errors import UsageError
from brie.workers import Heard, Pool, Rows, workers_of
from tests.commands import brie
from tests.fakes.judge_servers import JudgeServer
from tests.fakes.judge_wire import Act, Seen
from tests.flow.conftest import Demo
from tests.flow.test_answers import plain_rows, write_table
from tests.workers.jobs import Telling

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
MOST = 8
"""Requests in flight at most."""
PRICE = '[price]\ninput = 3.0\noutput = 15.0\nsource = "a test"\nread_on = "2026-01-01"\n'


@dataclass
class Cluster:
    """A Ray cluster of this machine, with room for three workers."""

    folder: Path
    address: str
    client: str


@pytest.fixture(scope="module", autouse=True)
def no_token() -> Iterator[None]:
    """Whatever token for Ray lies in the home folder, clusters of these tests ask for none."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_AUTH_MODE", "disabled")
        yield


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    # Ray puts sockets into the folder, whose names have a hundred characters at most.
    folder = Path(mkdtemp(prefix="ray-", dir="/tmp"))
    port, client = _free_port(), _free_port()
    started = subprocess.Popen(
        [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=3",
         f"--port={port}", "--node-ip-address=127.0.0.1", f"--ray-client-server-port={client}",
         "--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={folder}",
         "--object-store-memory=80000000"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": f"{SOURCE}{os.pathsep}{ROOT}", "RAY_USAGE_STATS_ENABLED": "0",
             "XDG_CACHE_HOME": str(folder / "cache")},
    )  # fmt: skip
    assert started.stdout is not None
    assert any("Ray runtime started" in line for line in started.stdout)
    threading.Thread(target=started.stdout.read, daemon=True).start()
    try:
        yield Cluster(folder, f"127.0.0.1:{port}", f"ray://127.0.0.1:{client}")
    finally:
        started.terminate()
        started.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@dataclass
class Place:
    """Where workers are: what `--workers` says, and which processes they are."""

    option: str
    processes: Callable[[int], list[int]]
    """Process of the command -> those of its workers."""
    environment: dict[str, str]
    """Of the command."""


@pytest.fixture(params=["local", "ray"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "local":
        return Place(
            "local:3",
            lambda command: _running(b"brie.workers.serve", parent=str(command)),
            dict(os.environ),
        )
    there: Cluster = request.getfixturevalue("cluster")
    raylet = str(there.folder).encode()
    return Place(
        "ray:3", lambda command: _running(b"ray::Actor", of=raylet),
        {**os.environ, "RAY_ADDRESS": there.address},
    )  # fmt: skip


def _running(words: bytes, *, parent: str = "", of: bytes = b"") -> list[int]:
    """Processes whose command line has the words, by their parent, or by the parent's command line."""
    listed = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            above = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if words not in (folder / "cmdline").read_bytes():
                continue
            if parent == above or (of and of in Path(f"/proc/{above}/cmdline").read_bytes()):
                listed.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return sorted(listed)


@dataclass
class Gate:
    """Lets so many requests through and holds all others, until it is moved."""

    open_until: int = 10**9

    def __call__(self, seen: Seen) -> Act:
        """What happens to a request."""
        return Act(until=lambda: seen.number < self.open_until)


def _asked(seen: Seen) -> tuple[str, ...]:
    return (seen.answers["A"], seen.answers["B"], *seen.letters)


def _project(folder: Path, server: JudgeServer) -> str:
    """A project with answers of two sides, and the id of their evaluation."""
    folder.mkdir()
    write_table(folder / "answers.csv", plain_rows(40))
    (folder / "judges").mkdir()
    (folder / "judges" / "served.toml").write_text(
        f'provider = "openai-compatible"\nmodel = "a-model"\nbase_url = "{server.openai}"\n'
        f'endpoint = "three"\noutput = "text"\nmax_concurrency = {MOST}\n{PRICE}'
    )
    done = brie(
        folder, "eval", "--candidate", "answers:answers.csv#mine", "--baseline",
        "answers:answers.csv#theirs", "--judge", "served", "--stop-after", "generate", "--yes",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (evaluation,) = (folder / "runs").glob("eval-*")
    return evaluation.name


def _start(folder: Path, *arguments: str, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "brie", *arguments], cwd=folder, env=env, stdout=said,
            stderr=said, start_new_session=True,
        )  # fmt: skip


def _analysis(folder: Path, name: str) -> Any:
    return json.loads((folder / "runs" / name / "analysis.json").read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_worker_is_killed_then_the_command_and_nothing_is_lost_or_paid_twice(
    place: Place, tmp_path: Path
) -> None:
    with JudgeServer(price=(3.0, 15.0)) as server:
        name = _project(tmp_path / "shared", server)
        shutil.copytree(tmp_path / "shared", tmp_path / "alone")
        assert brie(tmp_path / "alone", "judge", name, "--yes").returncode == 0
        wanted = {_asked(seen) for seen in server.seen}
        server.seen.clear()
        server.billed = 0.0
        server.script = gate = Gate(open_until=20)

        command = ("judge", name, "--workers", place.option, "--yes")
        driver = _start(tmp_path / "shared", *command, env=place.environment)
        while server.flying < MOST:
            assert driver.poll() is None, (tmp_path / "shared" / "said.txt").read_text()
        workers = place.processes(driver.pid)
        assert len(workers) == 3
        os.kill(workers[0], signal.SIGKILL)
        lost = Counter(_asked(seen) for seen in server.seen[-MOST:])
        gate.open_until = 50
        while not (server.flying >= MOST and len(server.seen) >= 50 + MOST):
            assert driver.poll() is None, (tmp_path / "shared" / "said.txt").read_text()
        driver.kill()
        driver.wait()
        lost += Counter(_asked(seen) for seen in server.seen[-MOST:])
        while place.processes(driver.pid):
            time.sleep(0.05)
        gate.open_until = 10**9
        server.settle()

        done = brie(tmp_path / "shared", *command, timeout=600, env=place.environment)
        assert done.returncode == 0, done.stderr
        asked = Counter(_asked(seen) for seen in server.seen)
        assert asked.keys() == wanted
        assert asked - Counter(asked.keys()) <= lost, "again only what was in flight at a kill"
    said = (tmp_path / "shared" / "said.txt").read_text()
    assert "in flight: each is charged" in said
    shared, alone = _analysis(tmp_path / "shared", name), _analysis(tmp_path / "alone", name)
    assert list(differences(alone, shared)) == []
    assert shared["cost"]["usd"] >= server.billed


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_answers_and_numbers_are_those_of_one_process(demo: Demo, place: Place, tmp_path: Path) -> None:
    alone, shared = demo.copy(tmp_path / "alone"), tmp_path / "shared"
    sealed = (
        "eval",
        "--suite",
        "smoke",
        "--judge",
        "distinct",
        "--samples",
        "2",
        "--max-new-tokens",
        "16",
    )
    assert brie(alone, *sealed, "--stop-after", "seal").returncode == 0
    (name,) = (path.name for path in (alone / "runs").glob("eval-smoke-*"))
    shutil.copytree(alone, shared, symlinks=True)
    command = ("generate", name, "--workers", place.option)
    made = brie(shared, *command, timeout=600, env=place.environment)
    assert "60 answers made" in made.stdout, made.stderr
    assert brie(alone, "generate", name).returncode == 0
    for folder in (alone, shared):
        assert brie(folder, "judge", name).returncode == 0
    assert list(differences(_analysis(alone, name), _analysis(shared, name))) == []


# --- a cluster's own -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_folder_that_workers_do_not_see_is_sent_once_and_read_there(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("a config")
    (tmp_path / "model" / "model.safetensors").write_text("weights " * 3_000_000)
    (tmp_path / "model" / "optimizer.pt").write_text("stays behind")
    mine = Path("/proc/self/cwd/model")  # every process has another folder there
    workers = workers_of(f"{cluster.client}/2")
    heard: SimpleQueue[Heard[str]] = SimpleQueue()
    try:
        with Pool(workers, Telling((mine,)), lambda worker, said: heard.put(said)) as pool:
            for worker in pool.workers:
                pool.send(worker, "read")
                said = heard.get(timeout=120)
                assert isinstance(said, Rows)
                assert said.rows == ("a config", "weights " * 3_000_000)
    finally:
        ray.shutdown()
    kept = cluster.folder / "cache" / "brie" / "workers" / "files"
    assert len(list(kept.iterdir())) == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_another_brie_on_the_cluster_and_a_cluster_without_room_or_answer_are_refused_in_a_sentence(
    cluster: Cluster, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "src"
    shutil.copytree(SOURCE, other, ignore=shutil.ignore_patterns("__pycache__"))
    for beside in ("judges", "pyproject.toml"):
        (other.parent / beside).symlink_to(ROOT / beside)
    with (other / "brie" / "digest.py").open("a") as file:
        file.write("# another build\n")
    with JudgeServer() as server:
        name = _project(tmp_path / "project", server)
        command = ("judge", name, "--yes", "--workers")
        environment = {**os.environ, "PYTHONPATH": str(other)}
        refused = brie(tmp_path / "project", *command, f"{cluster.client}/1", env=environment)
        assert refused.returncode == 2
        assert "install the same release on both" in refused.stderr
        nobody = brie(tmp_path / "project", *command, f"ray://127.0.0.1:{_free_port()}")
        assert nobody.returncode == 2
        assert "no Ray cluster answers at ray://127.0.0.1" in nobody.stderr
        assert server.seen == []


def test_without_ray_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install .*\[ray\]"):
        workers_of("ray")


def test_a_dry_run_shows_what_is_missing_who_would_ask_and_the_price_and_asks_nothing(
    tmp_path: Path,
) -> None:
    with JudgeServer() as server:
        name = _project(tmp_path / "project", server)
        planned = brie(tmp_path / "project", "judge", name, "--workers", "local:3", "--dry-run")
        assert planned.returncode == 0, planned.stderr
        assert "served   128 verdicts missing, 8 in flight at most, over all workers" in planned.stdout
        assert "workers  3 processes on this machine" in planned.stdout
        assert "about $" in planned.stderr
        made = brie(tmp_path / "project", "generate", name, "--workers", "local:3", "--dry-run")
        assert "of them there already" in made.stdout
        assert server.seen == server.probes == []
    refused = brie(tmp_path / "project", "judge", name, "--workers", "local:3", "--batch")
    assert refused.returncode == 2
    assert "leave --workers out" in refused.stderr
