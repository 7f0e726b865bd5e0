"""`brie doctor`: what is here, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import click

from brie.cli import screen
from brie.errors import BrieError, UsageError
from brie.resources import Project, packaged

KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "HF_TOKEN")
NEEDED_GB = 2.0
NETWORK_DISKS = {"nfs", "nfs4", "cifs", "smbfs", "smb3", "9p", "fuse.sshfs", "afpfs"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `good` is None where it is only information."""

    what: str
    found: str
    good: bool | None = None


@click.command(epilog="\b\nExample:\n  brie doctor\n")
@click.option("--smoke/--no-smoke", default=True, show_default=True, help="Sample one answer as a test.")
def command(smoke: bool) -> None:
    """Look at device, versions, keys, disk and store, and sample one answer as a smoke test."""
    project = screen.project()
    findings = [*machine(), *places(project), *keys(), *(smoke_test() if smoke else ())]
    marks = {True: "ok  ", False: "FAIL", None: "    "}
    for finding in findings:
        click.echo(f"{marks[finding.good]}  {finding.what:<12} {finding.found}")
    wrong = [finding.what for finding in findings if finding.good is False]
    if wrong:
        raise UsageError(f"to be mended: {', '.join(wrong)}.")


def machine() -> Iterator[Finding]:
    """Python, packages, device and dtype with the reason."""
    from brie.evaluations import versions

    supported = sys.version_info >= (3, 11)
    yield Finding("python", f"{platform.python_version()} on {platform.platform(terse=True)}", supported)
    found = versions()
    yield Finding("packages", ", ".join(f"{n} {v}" for n, v in found.items() if n != "python"))
    if "torch" not in found:
        yield Finding("device", "torch is missing: pip install 'brie-eval[train]'", False)
        return
    from brie.generate.environment import detect_environment

    environment, reason = detect_environment()
    yield Finding("device", f"{environment.device}, {environment.dtype} ({reason})", True)


def places(project: Project) -> Iterator[Finding]:
    """Disk and store."""
    from brie.store import Store

    here = project.root
    free = shutil.disk_usage(here).free / 1e9
    yield Finding("disk", f"{free:.0f} GB free", free > NEEDED_GB)
    disk = _disk_kind(str(here))
    if disk in NETWORK_DISKS:
        yield Finding(
            "store", f"{here.name} lies on a network disk ({disk}), which SQLite cannot lock", False
        )
    elif not project.store.is_file():
        yield Finding("store", "none yet; `brie eval` creates it")
    else:
        try:
            with Store.open(project.store, read_only=True) as store:
                yield Finding("store", f"schema {store.version()}, {store.size()}", True)
        except BrieError as error:
            yield Finding("store", str(error), False)


def keys() -> Iterator[Finding]:
    """Which keys the environment has; never their values."""
    have = [name for name in KEYS if os.environ.get(name)]
    yield Finding("keys", ", ".join(have) or "none set: the panel `offline` needs none")


def smoke_test() -> Iterator[Finding]:
    """One answer of the packaged tiny base, through the same engine as every evaluation."""
    try:
        text = _one_answer()
    except ImportError:
        yield Finding("smoke", "torch is missing: pip install 'brie-eval[train]'", False)
        return
    yield Finding("smoke", f"the tiny base answers {len(text.split())} words", bool(text.strip()))


def _one_answer() -> str:
    from brie.digest import digest
    from brie.generate.engine import Request
    from brie.generate.environment import detect_environment
    from brie.generate.local import TransformersEngine
    from brie.records import Message, Sampling

    question = (Message(role="user", content="What is rain?"),)
    named = digest("smoke")
    request = Request(named, named, None, question, named, 0, Sampling(max_new_tokens=32))
    environment, _ = detect_environment()
    with TransformersEngine.load(packaged("models", "tiny"), environment) as engine:
        return next(engine.generate([request])).text


def _disk_kind(path: str) -> str:
    """The file system a path lies on (Linux; empty elsewhere)."""
    try:
        with open("/proc/mounts", encoding="utf-8") as handle:  # noqa: PTH123
            mounts = [line.split()[1:3] for line in handle]
    except OSError:
        return ""
    fitting = [
        (point, kind)
        for point, kind in mounts
        if path == point or path.startswith(point.rstrip("/") + "/")
    ]
    return max(fitting, key=lambda m: len(m[0]))[1] if fitting else ""
