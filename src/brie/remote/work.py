"""What is sent: one zip with all that a command reads, and the brie that carries it out.

    work.json       what to run, and every member with its digest
    needed.txt      names of the packages that brie asks for
    pins.txt        the versions they have here
    wheel/          brie itself
    project/        the files that the command names, where it names them
    bundles/        an evaluation to be answered

No key of this environment is in it: it is looked through as it is written.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pydantic import Field

import brie
from brie.digest import PREFIX
from brie.errors import InputError
from brie.project import Project, read_json
from brie.records import Digest, Document, Record, schema_field
from brie.remote.wheel import needed, versions_here, write_wheel
from brie.wire.watch import Watch

INDEX, NEEDED, PINS = "work.json", "needed.txt", "pins.txt"
WHEEL, FILES, BUNDLES = "wheel/", "project/", "bundles/"
_BLOCK = 2**20
_MOMENT = (1980, 1, 1, 0, 0, 0)
_NAME = re.compile(r"(?!.*(^|/)\.\.?(/|$))[^/\\\x00-\x1f][^\\\x00-\x1f]*")
"""A path that stays in its folder."""


class Packed(Record):
    """One member of the zip."""

    digest: Digest
    bytes: int = Field(ge=0)


class Work(Document):
    """`work.json`."""

    schema_: str = schema_field("work")
    job: str
    kind: Literal["train", "generate"]
    arguments: tuple[str, ...]
    """What is run, after `brie`."""
    version: str
    """Of the brie that sends it, and runs there."""
    members: dict[str, Packed]


Members = Mapping[str, bytes | Path]


def pack_work(
    out: Path,
    project: Project,
    members: Members,
    *,
    job: str,
    kind: Literal["train", "generate"],
    arguments: tuple[str, ...],
) -> Work:
    """Write the zip of a job.

    Args:
        out: the file.
        project: whose keys may not be in it.
        members: name in the zip -> file or content, of what the command reads.
        job: the job's id.
        kind: what is done.
        arguments: what is run, after `brie`.

    Raises:
        UsageError: a key of this environment stands in a file, or brie is not installed.
        InputError: a file cannot be read, or `out` not be written.
    """
    pins = "".join(f"{name}=={version}\n" for name, version in versions_here().items())
    watch = Watch.for_keys(project)
    try:
        with TemporaryDirectory(prefix="brie-wheel-") as folder:
            wheel = write_wheel(Path(folder))
            every: dict[str, bytes | Path] = {
                **members,
                f"{WHEEL}{wheel.name}": wheel,
                NEEDED: "".join(f"{name}\n" for name in needed()).encode(),
                PINS: pins.encode(),
            }
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                packed = {name: _add(archive, name, every[name], watch) for name in sorted(every)}
                work = Work(
                    job=job, kind=kind, arguments=arguments, version=brie.__version__, members=packed
                )
                text = work.model_dump_json(indent=1) + "\n"
                archive.writestr(zipfile.ZipInfo(INDEX, _MOMENT), text)
    except OSError as error:
        raise InputError(
            f"cannot pack the work: {error.filename}: {error.strerror or error}."
        ) from error
    return work


def _add(archive: zipfile.ZipFile, name: str, content: bytes | Path, watch: Watch) -> Packed:
    info = zipfile.ZipInfo(name, _MOMENT)
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
    hashed, size = hashlib.sha256(), 0
    data = content if isinstance(content, bytes) else content.read_bytes()
    with archive.open(info, "w") as handle:
        for start in range(0, len(data), _BLOCK):
            block = data[start : start + _BLOCK]
            watch.look(block, name)
            handle.write(block)
            hashed.update(block)
            size += len(block)
    return Packed(digest=PREFIX + hashed.hexdigest(), bytes=size)


def read_work(folder: Path) -> Work:
    """What a job's folder was sent, where it was unpacked; every file is the one that was sent.

    Raises:
        InputError: one is missing or another, or a name leads out of the folder.
    """
    work = read_json(folder / INDEX, Work, "is no work of brie's")
    for name, packed in work.members.items():
        if _NAME.fullmatch(name) is None:
            raise InputError(f"{name[:80]!r} is no name that work has.")
        path = folder / name
        if not path.is_file() or path.stat().st_size != packed.bytes or _digest(path) != packed.digest:
            raise InputError(f"{name} did not arrive as it was sent; send it again: brie jobs attach")
    return work


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return PREFIX + hashlib.file_digest(handle, "sha256").hexdigest()
