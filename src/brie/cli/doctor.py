"""`brie doctor`: what is here, what is missing, and what to do about it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from brie.cli import options, screen
from brie.errors import BrieError, UsageError
from brie.project import Project, packaged
from brie.provenance import install_command

if TYPE_CHECKING:
    from brie.generate.turns import Local, TurnEngine

KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "HF_TOKEN")
NEEDED_GB = 2.0
NETWORK_DISKS = {"nfs", "nfs4", "cifs", "smbfs", "smb3", "9p", "fuse.sshfs", "afpfs"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `good` is None where it is only information."""

    what: str
    seen: str
    good: bool | None = None


@click.command(epilog="\b\nExamples:\n  brie doctor\n  brie doctor --model 3f9a:best\n")
@click.option("--smoke/--no-smoke", default=True, show_default=True, help="Sample one answer as a test.")
@click.option("--model", metavar="MODEL", help="Test with this model, not with the tiny base.")
@click.option(
    "--dtype", type=click.Choice(["float32", "bfloat16", "float16"]), help="Test in this number format."
)
@options.JSON
def command(smoke: bool, model: str | None, dtype: str | None, as_json: bool) -> None:
    """Look at device, versions, keys, disk and store, and sample with a model as a test.

    The test samples one answer, then texts alone and in a batch: where a batch changes texts,
    it says how often.
    """
    project = screen.project()
    findings = [
        *machine(),
        *places(project),
        *keys(),
        *judges(project),
        *(smoke_test(project, model, dtype) if smoke else ()),
    ]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    marks = {True: "ok  ", False: "FAIL", None: "    "}
    for finding in findings if not as_json else ():
        screen.show(f"{marks[finding.good]}  {finding.what:<12} {finding.seen}", hanging=19)
    wrong = [finding.what for finding in findings if finding.good is False]
    if wrong:
        raise UsageError(f"to be mended: {', '.join(wrong)}.")


def machine() -> Iterator[Finding]:
    """Python, packages, device and dtype with the reason."""
    from brie.evaluation.folders import versions

    supported = sys.version_info >= (3, 11)
    yield Finding("python", f"{platform.python_version()} on {platform.platform(terse=True)}", supported)
    packages = versions()
    yield Finding("packages", ", ".join(f"{n} {v}" for n, v in packages.items() if n != "python"))
    from brie.generate.environment import detect_environment

    try:
        environment, reason = detect_environment()
    except ImportError:
        yield Finding(
            "device", f"no torch: to train and generate, {install_command('train')}; all else works"
        )
        return
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
    yield Finding("keys", ", ".join(have) or "none set")


def judges(project: Project) -> Iterator[Finding]:
    """Who judges where nobody is named."""
    from brie.catalog import load_defaults
    from brie.evaluation.choice import reachable_judges

    try:
        panel = load_defaults(project).panel
        yield Finding("judges", f"panel {panel} of brie.toml" if panel else reachable_judges(project))
    except BrieError as error:
        yield Finding("judges", str(error), False)


def smoke_test(
    project: Project, model: str | None = None, dtype: str | None = None
) -> Iterator[Finding]:
    """One answer through the same engine as every evaluation, then what a batch changes."""
    from brie.generate.probe import batch_variance
    from brie.generate.turns import open_engine

    name = model or "the tiny base"
    try:
        from brie.generate.environment import detect_environment

        environment, _ = detect_environment(dtype=dtype)
    except ImportError:
        return
    pin, source = _source(project, model)
    with open_engine({pin: source}, environment) as engine:
        text = _one_answer(engine, pin)
        yield Finding("smoke", f"{name} answers {len(text.split())} words", bool(text.strip()))
        yield Finding(
            "batches", f"{name}, {batch_variance(engine, environment, pin=pin, prompts=8, tokens=24)}"
        )


def _source(project: Project, model: str | None) -> tuple[str, Local]:
    from brie.digest import digest
    from brie.evaluation.sides import resolve_side
    from brie.generate.turns import Local

    if model is None:
        return digest("tiny"), Local(packaged("models", "tiny"))
    side = resolve_side(model, project)
    if not side.here:
        raise UsageError("--model takes a model on this machine; a server's is tested there.")
    return side.pin.digest, Local(side.base_folder, side.adapter)


def _one_answer(engine: TurnEngine, pin: str) -> str:
    from brie.digest import digest
    from brie.generate.engine import Request
    from brie.records import Message, Sampling

    question = (Message(role="user", content="What is rain?"),)
    named = digest("smoke")
    request = Request(named, pin, None, question, named, 0, Sampling(max_new_tokens=32))
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
