"""Shipped forms as models to be resolved: pinned by content, opened as folders kept beside the runs.

A GGUF file is read by transformers where it can; else, or where it is named `llama.cpp:FILE`, by a
server of llama.cpp that brie starts and stops.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from brie.digest import Canonical, digest, file_digest, short
from brie.errors import PinError, UsageError
from brie.forms.detect import OnDisk, detect, is_shipped_form
from brie.forms.header import read_header
from brie.forms.llama_server import required_llama_server
from brie.forms.merge import refuse_few_bits
from brie.forms.mlx import convert_adapter, unpack_mlx
from brie.forms.unpack import STAMP, NotReadHere, unpack_gguf
from brie.generate.started import LLAMA_CPP, Started
from brie.pin import Resolved, date_read, resolve, template_digest
from brie.pin.hashing import refuse_other_content
from brie.project import Project, write_text
from brie.records import BaseModelRef, Pin

LLAMA = f"{LLAMA_CPP}:"
"""Before the name of a GGUF file: it is to be read by llama.cpp itself."""
_KEPT = "unpacked"
"""Folder of `runs/` that holds what was unpacked; deleting it loses nothing."""


def names_shipped_form(reference: str, project: Project) -> bool:
    """Whether a reference is a GGUF file, or a folder or an adapter of mlx-lm."""
    return reference.startswith(LLAMA) or is_shipped_form(_path(reference, project))


def resolve_form(
    reference: str, project: Project, sealed: Pin | None = None, *, base: str | None = None
) -> Resolved:
    """One side by its file.

    Args:
        reference: path of the file or folder.
        project: where what is unpacked is kept.
        sealed: the pin it had before.
        base: what an adapter's base is.

    Raises:
        UsageError, PinError: it is damaged, cannot be unpacked, or is not what was sealed.
    """
    if reference.startswith(LLAMA):
        return _by_llama(_path(reference.removeprefix(LLAMA), project), project, sealed)
    path = _path(reference, project)
    file = detect(path)
    if file.form == "mlx-adapter":
        folder = _opened(file, project, lambda into: convert_adapter(path, into))
        side = resolve(str(folder), project, sealed, base=base)
        note = f"{path.name} is an adapter of mlx-lm: its LoRA matrices are read under PEFT's names."
        return replace(side, name=path.name, reference=project.place(path), notes=(note,))
    if file.form == "mlx" and file.is_float:
        return resolve(reference, project, sealed, base=base)
    unpack = unpack_gguf if file.form == "gguf" else unpack_mlx
    try:
        folder = _opened(file, project, lambda into: unpack(path, into))
    except NotReadHere as error:
        return _by_llama(path, project, sealed, why=str(error))
    side = resolve(str(folder), project)
    pin = _pinned(side.pin, file)
    if sealed is not None:
        refuse_other_content(sealed.model_copy(update={"name": path.name}), pin, path)
    note = (
        f"{path.name} ({file.number_format}) is unpacked and read by transformers; how its own engine "
        "rounds while it computes is not in the answers."
    )
    return replace(
        side, pin=pin, base=pin, name=path.name, reference=project.place(path), notes=(note,),
        compared=sealed is not None,
    )  # fmt: skip


def _by_llama(path: Path, project: Project, sealed: Pin | None, why: str = "") -> Resolved:
    """A GGUF file that a server of llama.cpp is started for.

    Args:
        path: the file.
        project: what its name is relative to.
        sealed: the pin it had before.
        why: why transformers does not read it, where that is the reason.

    Raises:
        UsageError: it is no GGUF file, or no server is installed.
        PinError: it is damaged, has no chat template, or is not what was sealed.
    """
    file = detect(path)
    if file.header is None:
        raise UsageError(f"{LLAMA}FILE takes a GGUF file; name {path} by itself.")
    try:
        server = required_llama_server()
    except UsageError as error:
        raise UsageError(f"{why}; {error}" if why else str(error)) from error
    if file.header.template is None:
        raise PinError(f"{path} has no chat template, so nothing says how it is asked.")
    pin = _llama_pin(file, file.header.template)
    if sealed is not None:
        refuse_other_content(sealed.model_copy(update={"name": path.name}), pin, path)
    notes = [why] if why else []
    notes += [f"{path.name} ({file.number_format}) is answered by {server.version}, which brie starts."]
    if date_read(file.header.template) is not None:
        notes += [f"the template of {path.name} asks for the date, and llama.cpp tells it today's."]
    return Resolved(
        pin, path.name, f"{LLAMA}{project.place(path)}", Path(), pin, None, tuple(notes),
        compared=sealed is not None, started=path,
    )  # fmt: skip


def _llama_pin(file: OnDisk, template: str) -> Pin:
    """The pin of a file that llama.cpp reads: another model than the same file by transformers."""
    header = file.header
    files, special = content_digests(file), header.special if header is not None else {}
    rendered = template_digest(template, special)
    name = digest({"kind": "model", "files": files, "read_by": LLAMA_CPP, "template": rendered})
    return Pin.model_validate(
        {
            "kind": "model",
            "name": file.path.name,
            "digest": name,
            "files": files,
            "config": digest(None),
            "base": BaseModelRef(repo=file.path.name, digest=name),
            "template_digest": rendered,
            "read_by": LLAMA_CPP,
        }
    )


def started(path: Path) -> Started:
    """What starts llama.cpp's server for a file.

    Raises:
        UsageError: none is installed.
        PinError: the file is damaged.
    """
    return required_llama_server().started(path, read_header(path))


def resolve_source(reference: str, project: Project, *, base: str | None = None) -> Resolved:
    """A checkpoint to be exported: an adapter, one of mlx-lm too, or a whole model.

    Args:
        reference: what was named.
        project: where runs are looked for.
        base: what an adapter's base is.

    Raises:
        UsageError: it is an export already.
        PinError: see `resolve_form`.
    """
    reference = reference.removeprefix(LLAMA)
    if not names_shipped_form(reference, project):
        side = resolve(reference, project, base=base)
        refuse_few_bits(side)
        return side
    file = detect(_path(reference, project))
    if file.form == "mlx-adapter" or file.is_float:
        return resolve_form(reference, project, base=base)
    raise UsageError(
        f"{reference} is in {file.number_format} already, and what is lost there does not come back. "
        "Export the checkpoint it was made from: brie export RUN:best --to gguf"
    )


def _path(reference: str, project: Project) -> Path:
    path = Path(reference)
    return project.root / path if not path.exists() and (project.root / path).exists() else path


def content_digests(file: OnDisk) -> dict[str, str]:
    """Digests of a form's files by name."""
    paths = [file.path] if file.path.is_file() else sorted(p for p in file.path.iterdir() if p.is_file())
    return {path.name: file_digest(path) for path in paths}


def _pinned(unpacked: Pin, file: OnDisk) -> Pin:
    """The pin of the file itself: its bytes, not what a library made of them."""
    files = content_digests(file)
    parts: dict[str, Canonical] = {
        "kind": "model",
        "files": files,
        "form": file.form,
        "template": unpacked.template_digest,
    }
    name = digest(parts)
    base = unpacked.base.model_copy(update={"repo": file.path.name, "digest": name})
    update = {"name": file.path.name, "files": files, "digest": name, "base": base, "drawn_as": None}
    return unpacked.model_copy(update=update)


def _opened(file: OnDisk, project: Project, unpack: Callable[[Path], None]) -> Path:
    """The unpacked folder, made once for a content.

    Raises:
        PinError: what is kept was changed since it was unpacked.
    """
    name = digest(content_digests(file))
    folder = project.runs / _KEPT / f"{file.path.stem[:40]}-{short(name, 12)}"
    stamp = folder.with_name(f"{folder.name}.{STAMP}")
    if folder.is_dir() and stamp.is_file():
        if stamp.read_text("utf-8").strip() != _state(folder):
            raise PinError(f"{folder} was changed after it was unpacked; delete it, and run this again.")
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name}.part")
    unpack(part)
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    write_text(stamp, _state(folder) + "\n")
    return folder


def _state(folder: Path) -> str:
    return digest({path.name: file_digest(path) for path in sorted(folder.iterdir())})
