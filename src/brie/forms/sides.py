"""Shipped forms as models to be resolved: pinned by content, opened as folders kept beside the runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from brie.digest import Canonical, digest, file_digest, short
from brie.errors import PinError, UsageError
from brie.forms.detect import OnDisk, detect, is_shipped_form
from brie.forms.merge import refuse_few_bits
from brie.forms.mlx import convert_adapter, unpack_mlx
from brie.forms.unpack import STAMP, unpack_gguf
from brie.pin import Resolved, resolve
from brie.pin.hashing import refuse_other_content
from brie.project import Project, write_text
from brie.records import Pin

_KEPT = "unpacked"
"""Folder of `runs/` that holds what was unpacked; deleting it loses nothing."""


def names_shipped_form(reference: str, project: Project) -> bool:
    """Whether a reference is a GGUF file, or a folder or an adapter of mlx-lm."""
    return is_shipped_form(_path(reference, project))


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
    path = _path(reference, project)
    file = detect(path)
    if file.form == "mlx-adapter":
        folder = _opened(file, project, lambda into: convert_adapter(path, into))
        side = resolve(str(folder), project, sealed, base=base)
        note = f"{path.name} is an adapter of mlx-lm: its LoRA matrices are read under PEFT's names."
        return replace(side, name=path.name, reference=_again(path, project), notes=(note,))
    if file.form == "mlx" and file.is_float:
        return resolve(reference, project, sealed, base=base)
    unpack = unpack_gguf if file.form == "gguf" else unpack_mlx
    folder = _opened(file, project, lambda into: unpack(path, into))
    side = resolve(str(folder), project)
    pin = _pinned(side.pin, file)
    if sealed is not None:
        refuse_other_content(sealed.model_copy(update={"name": path.name}), pin, path)
    note = (
        f"{path.name} ({file.number_format}) is unpacked and read by transformers; how its own engine "
        "rounds while it computes is not in the answers."
    )
    return replace(
        side, pin=pin, base=pin, name=path.name, reference=_again(path, project), notes=(note,),
        compared=sealed is not None,
    )  # fmt: skip


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


def _again(path: Path, project: Project) -> str:
    resolved = path.resolve()
    return project.relative(path) if resolved.is_relative_to(project.root) else str(resolved)


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
