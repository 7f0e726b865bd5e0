"""A machine behind ssh: a real sshd on this one, with keys, a configuration and a home of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = {"sshd": "openssh-server", "ssh": "openssh-client", "ssh-keygen": "openssh-client",
            "rsync": "rsync"}  # fmt: skip


def _where(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


MISSING = [package for program, package in PROGRAMS.items() if _where(program) is None]
needs_ssh = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


@dataclass
class Machine:
    """What a host of `~/.ssh/config` leads to."""

    folder: Path
    port: int
    daemon: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path:
        """Its home folder."""
        return self.folder / "home"

    @property
    def jobs(self) -> Path:
        """Where its jobs are."""
        return self.home / ".cache" / "brie" / "jobs"

    @property
    def command(self) -> str:
        """The `ssh` that knows it as `box`."""
        return f"ssh -F {self.folder}/config"

    def up(self) -> None:
        """Start its sshd, and wait until it listens."""
        sshd = _where("sshd")
        assert sshd is not None
        log = (self.folder / "log").open("ab")
        self.daemon = subprocess.Popen([sshd, "-D", "-e", "-f", self.folder / "sshd_config"], stderr=log)
        while self.daemon.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError((self.folder / "log").read_text())

    def down(self) -> None:
        """End its sshd and every connection; what it had started goes on."""
        assert self.daemon is not None
        sessions = subprocess.run(
            ["pgrep", "-P", str(self.daemon.pid)], capture_output=True, text=True, check=False
        )
        for pid in sessions.stdout.split():
            subprocess.run(["kill", "-KILL", pid], capture_output=True, check=False)
        self.daemon.kill()
        self.daemon.wait()


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine that ssh knows as `box`; its HOME is a folder of the test's."""
    folder = tmp_path_factory.mktemp("box")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        machine = Machine(folder, free.getsockname()[1])
    machine.home.mkdir()
    for key in ("host", "me"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    public = (folder / "host.pub").read_text().split()
    (folder / "known").write_text(f"[127.0.0.1]:{machine.port} {public[0]} {public[1]}\n")
    home = machine.home
    (folder / "sshd_config").write_text(
        f"Port {machine.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/me.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        f'ForceCommand cd {home} && export HOME={home} && exec sh -c "$SSH_ORIGINAL_COMMAND"\n'
    )
    (folder / "config").write_text(
        f"Host box\n  HostName 127.0.0.1\n  Port {machine.port}\n  IdentityFile {folder}/me\n"
        f"  IdentitiesOnly yes\n  UserKnownHostsFile {folder}/known\n  StrictHostKeyChecking yes\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd separates privileges
    machine.up()
    yield machine
    machine.down()


HOLD = """
import os, signal, sys, time
from pathlib import Path

def hold(event, arguments):
    if event == "os.rename" and str(arguments[1]).endswith("checkpoint-008"):
        home = Path(os.environ["HOME"])
        while not (home / "go").exists() and not (home / "kill").exists():
            time.sleep(0.05)
        if (home / "kill").exists():
            os.killpg(0, signal.SIGKILL)

sys.addaudithook(hold)
"""
"""Of a Python that puts checkpoint 8 into its place when a file in its home says to go on, or to be
killed: what a test does meanwhile is in no hurry."""


@pytest.fixture(scope="session")
def held_python(box: Machine) -> str:
    """A Python of the machine's, with all packages, that holds training at step 8."""
    venv = box.folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (site / "sitecustomize.py").write_text(HOLD)
    return str(venv / "bin" / "python")


@pytest.fixture
def env(box: Machine) -> dict[str, str]:
    """An environment in which `ssh` knows the machine."""
    return {**os.environ, "BRIE_SSH": box.command}
