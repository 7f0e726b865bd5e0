"""`--on ssh:HOST` against a real sshd: what is shown, asked and refused before anything starts."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

import pytest

from brie.cli.remote import launcher_of
from brie.errors import InputError, UsageError
from brie.project import Project
from brie.remote.jobs import Job, Load
from brie.remote.launcher import Target, Unreachable, launcher_for
from tests.commands import brie
from tests.remote.conftest import Machine, needs_ssh
from tests.remote.jobs import ON, TRAIN
from tests.train.world import make_project

pytestmark = needs_ssh


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "here")


def nothing_was_sent(project: Project, box: Machine) -> bool:
    return not (project.root / "runs").exists() and not box.jobs.exists()


def test_a_dry_run_shows_the_machine_and_the_commands_and_leaves_nothing(
    project: Project, box: Machine, env: dict[str, str]
) -> None:
    done = brie(
        project.root, *TRAIN, *ON, "--remote-python", sys.executable, "--dry-run", "--json", env=env
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    table = shown["table"]
    assert f"{os.cpu_count()} cores" in table["hardware"]
    assert sys.executable in table["python"]
    assert table["packages"].startswith("all there")
    assert table["price"] == "none"
    assert "--data rows.jsonl" in table["runs"]
    assert shown["usd_at_most"] is None
    assert shown["refused"] is None
    assert any(line.startswith("rsync") for line in shown["commands"])
    assert nothing_was_sent(project, box)


def test_where_nobody_agrees_nothing_is_sent(
    project: Project, box: Machine, env: dict[str, str]
) -> None:
    done = brie(project.root, *TRAIN, *ON, "--remote-python", sys.executable, env=env)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert nothing_was_sent(project, box)


@pytest.mark.slow
def test_a_python_that_is_not_there_stops_before_anything_is_sent(
    project: Project, box: Machine, env: dict[str, str]
) -> None:
    done = brie(project.root, *TRAIN, *ON, "--remote-python", "/no/python", "--yes", env=env)
    assert done.returncode == 2
    assert "box has no /no/python" in " ".join(done.stderr.split())
    assert nothing_was_sent(project, box)


@pytest.mark.parametrize("host", ["-oProxyCommand=touch x", "a b", "a;b", "$(id)", "a:b", "a\n", ""])
def test_a_host_that_is_none_is_refused_unasked(host: str) -> None:
    with pytest.raises(UsageError, match="ssh"):
        launcher_for(Target("ssh", host))


@pytest.mark.slow
def test_a_machine_that_nobody_answers_for_is_said(project: Project, box: Machine) -> None:
    config = box.folder / "nobody"
    config.write_text("Host box\n  HostName 127.0.0.1\n  Port 1\n")
    done = brie(project.root, *TRAIN, *ON, "--yes", env={**os.environ, "BRIE_SSH": f"ssh -F {config}"})
    assert done.returncode == 3
    assert "box cannot be reached" in done.stderr


@pytest.mark.slow
def test_a_host_key_that_is_not_known_is_not_accepted(project: Project, box: Machine) -> None:
    config = box.folder / "unknown"
    text = (box.folder / "config").read_text()
    config.write_text(text.replace(f"{box.folder}/known", "/dev/null"))
    done = brie(project.root, *TRAIN, *ON, "--yes", env={**os.environ, "BRIE_SSH": f"ssh -F {config}"})
    assert done.returncode == 2
    assert "does not know the host key of box" in " ".join(done.stderr.split())


CUT = """#!{python}
import os, subprocess, sys
os.chdir({home!r})
words = sys.argv[sys.argv.index("rsync"):]
if not os.path.exists("cut"):
    os.execvp(words[0], words)
far = subprocess.Popen(words, stdout=subprocess.PIPE, bufsize=0)
left = 600_000
while left and (part := far.stdout.read(min(left, 8192))):
    sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()
    left -= len(part)
far.kill()
"""
"""An ssh to this machine; with a file `cut` in its home it breaks off in the middle."""


def test_a_file_that_was_cut_off_on_its_way_is_not_taken_for_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh, home, here = tmp_path / "ssh", tmp_path / "home", tmp_path / "here"
    ssh.write_text(CUT.format(python=sys.executable, home=str(home)))
    ssh.chmod(0o755)
    monkeypatch.setenv("BRIE_SSH", str(ssh))
    job = a_job()
    outbox = home / ".cache/brie/jobs" / job.id / "outbox"
    outbox.mkdir(parents=True)
    here.mkdir()
    name = "checkpoint-000004.zip"
    (outbox / name).write_bytes(random.Random(1).randbytes(1_000_000))
    (home / "cut").touch()
    launcher = launcher_for(Target("ssh", "box"))
    with pytest.raises(Unreachable):
        launcher.fetch(job, [name], here)
    assert not (here / name).exists()
    (home / "cut").unlink()
    launcher.fetch(job, [name], here)
    assert (here / name).read_bytes() == (outbox / name).read_bytes()
    os.truncate(outbox / name, 3 * 2**30)  # all holes: it takes no room
    (here / name).unlink()
    with pytest.raises(InputError, match=rf"{name} is larger than"):
        launcher.fetch(job, [name], here)
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    "line",
    [
        "Timeout, server 10.0.0.7 not responding.",
        "Connection to box closed by remote host.",
        "ssh: Could not resolve hostname box: nodename nor servname provided, or not known",
    ],
)
def test_a_link_that_ssh_gave_up_is_a_cut_one(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\necho '{line}' >&2\nexit 255\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("BRIE_SSH", str(ssh))
    with pytest.raises(Unreachable, match="box cannot be reached"):
        launcher_for(Target("ssh", "box")).poll(a_job(), read=0)


def test_a_gpu_that_does_not_tell_its_memory_has_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh, smi = tmp_path / "ssh", tmp_path / "nvidia-smi"
    ssh.write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
    smi.write_text("#!/bin/sh\necho 'NVIDIA GB10, [N/A], 12.1'\n")
    for program in (ssh, smi):
        program.chmod(0o755)
    monkeypatch.setenv("BRIE_SSH", str(ssh))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    load = Load(kind="train", sent_bytes=1)
    offer = launcher_for(Target("ssh", "box", sys.executable)).look(load)
    assert (offer.gpu, offer.native_bfloat16) == ("NVIDIA GB10", True)
    assert offer.memory_bytes == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_a_job_is_watched_and_ended_where_its_variables_are_not_set() -> None:
    job = a_job().model_copy(update={"send": ("NOT_SET_HERE",)})
    assert launcher_of(job, to_start=False).target.place == "box"
    with pytest.raises(UsageError, match="NOT_SET_HERE"):
        launcher_of(job, to_start=True)


def a_job() -> Job:
    return Job(
        id="job-20261127-0230-3f9a", on="ssh:box", kind="train", created="", command="", arguments=(),
        subject="", load=Load(kind="train", sent_bytes=1),
    )  # fmt: skip
