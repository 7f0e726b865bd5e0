"""An export from end to end: made beside its place, checked, and only then put there."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path

from brie import versions
from brie.digest import file_digest
from brie.errors import GateNotMet, UsageError
from brie.export.convert import to_bitsandbytes, to_gguf, to_mlx
from brie.export.modelfile import write_modelfile
from brie.export.options import PACKED, Wanted
from brie.export.serve import serving
from brie.fidelity.check import check_file, report
from brie.fidelity.reference import make_reference
from brie.forms.detect import detect
from brie.forms.merge import write_merged
from brie.pin import Resolved
from brie.progress import Screen
from brie.project import Project, read_json, write_text
from brie.records import Suite
from brie.records.shipping import CheckReport, ExportedFile, ExportManifest

MANIFEST = "brie-export.json"
_FOLDER = "exports"


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of it."""

    folder: Path
    model: Path
    """What is served: the folder, or the GGUF file in it."""
    manifest: ExportManifest
    made: bool
    """False: it was there already, and is what its manifest says."""


def default_folder(side: Resolved, wish: Wanted, project: Project) -> Path:
    """Where an export goes when nobody says: `exports/NAME-TARGET-FORMAT`."""
    name = "".join(c if c.isalnum() or c in "-._" else "-" for c in side.name)
    return project.root / _FOLDER / f"{name}-{wish.target}-{wish.number_format}"


def export(
    side: Resolved, wish: Wanted, folder: Path, suite: Suite, screen: Screen, *, version: str
) -> Exported:
    """Merge, convert, load again, compare, and write the manifest.

    Args:
        side: the checkpoint.
        wish: what is made.
        folder: where; it must not be there yet, unless it holds this very export.
        suite: prompts to compare on.
        screen: progress.
        version: brie's.

    Raises:
        UsageError: a tool is missing or fails, or the folder holds something else.
        GateNotMet: the file is not what its checkpoint is; it is kept beside, to be looked at.
    """
    if (there := _there(side, wish, folder)) is not None:
        return there
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        with tempfile.TemporaryDirectory(prefix="brie-export-", dir=folder.parent) as name:
            work = Path(name)
            tools = _make(side, wish, part, work, screen)
            screen.say("comparing the file with its checkpoint")
            checked = _check(side, part, suite, work, screen, version)
        manifest = _manifest(side, wish, part, folder, tools, checked, version)
        write_text(part / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    if checked.verdict == "fault":
        failed = folder.with_name(f"{folder.name}.fault")
        shutil.rmtree(failed, ignore_errors=True)
        part.replace(failed)
        raise GateNotMet(f"{checked.sentence} What was made is in {failed}, for looking at only.")
    part.replace(folder)
    return Exported(folder, _model(folder), manifest, made=True)


def _there(side: Resolved, wish: Wanted, folder: Path) -> Exported | None:
    """This very export, where the folder holds it, whole.

    Raises:
        UsageError: the folder holds something else, or files of it were changed.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        if folder.exists():
            folder.rmdir()
        return None
    if not (folder / MANIFEST).is_file():
        raise UsageError(f"{folder} is there and is no export of brie; name another: --out DIR")
    manifest = read_manifest(folder)
    dtype = manifest.settings.get("dtype")
    asked = side.pin.digest, wish.target, wish.number_format, wish.dtype
    if (manifest.source.digest, manifest.target, manifest.number_format, dtype) != asked:
        kind = (
            manifest.number_format if wish.quantize is None else f"{manifest.number_format} of {dtype}"
        )
        raise UsageError(
            f"{folder} holds another export ({manifest.source.name}, {manifest.target}, {kind}); name "
            "another folder: --out DIR"
        )
    for file in manifest.files:
        path = folder / file.path
        if not path.is_file() or file_digest(path) != file.digest:
            raise UsageError(
                f"{path} is not what {folder / MANIFEST} says; delete the folder and export again."
            )
    return Exported(folder, _model(folder), manifest, made=False)


def read_manifest(folder: Path) -> ExportManifest:
    """An export's manifest.

    Raises:
        InputError: it is damaged.
    """
    return read_json(folder / MANIFEST, ExportManifest, "is no export's manifest")


def _make(side: Resolved, wish: Wanted, part: Path, work: Path, screen: Screen) -> dict[str, str]:
    """Write the export's files; returns the tools with their versions."""
    tools = {name: installed(name) for name in ("peft", "transformers", "torch")}
    screen.say(f"merging {side.name} in float32" if side.adapter else f"reading {side.name}")
    if wish.target == "merged" and wish.quantize is None:
        write_merged(side, part, wish.dtype)
        return tools
    merged = work / "merged"
    merged.mkdir()
    write_merged(side, merged, "float32")
    if wish.quantize in PACKED:
        screen.say(f"packing in {wish.number_format}")
        return tools | to_bitsandbytes(merged, part, wish.number_format, wish.dtype)
    screen.say(f"converting to {wish.target} in {wish.number_format}")
    if wish.target == "mlx":
        made = work / "mlx"
        tools |= to_mlx(merged, made, wish.number_format, wish.dtype)
        for path in made.iterdir():
            if path.name != "README.md":  # mlx-lm's own card: brie writes one
                path.replace(part / path.name)
        return tools
    file = part / f"{_plain(side.name)}.{wish.number_format}.gguf"
    tools |= to_gguf(merged, file, wish.number_format, _plain(side.name))
    if wish.target == "ollama":
        write_modelfile(merged, file)
    shutil.rmtree(merged)
    return tools


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-._" else "-" for c in name)


def _check(
    side: Resolved, part: Path, suite: Suite, work: Path, screen: Screen, version: str
) -> CheckReport:
    reference_folder, file_folder = work / "reference", work / "file"
    reference_folder.mkdir()
    file_folder.mkdir()
    reference = make_reference(side, suite, reference_folder, screen)
    model = _model(part)
    checked = check_file(reference, detect(model), file_folder, screen)
    # The folder has its last name only once it is whole.
    name = model.name if model.is_file() else part.name.removeprefix(".").removesuffix(".part")
    return report(reference, checked, version, name=name)


def _model(folder: Path) -> Path:
    """What an engine is given: the GGUF file, or the folder."""
    return next(iter(sorted(folder.glob("*.gguf"))), folder)


def _manifest(
    side: Resolved,
    wish: Wanted,
    part: Path,
    folder: Path,
    tools: dict[str, str],
    checked: CheckReport,
    version: str,
) -> ExportManifest:
    files = tuple(
        ExportedFile(path=path.name, bytes=path.stat().st_size, digest=file_digest(path))
        for path in sorted(part.iterdir())
    )
    model = folder / _model(part).name if _model(part).is_file() else folder
    return ExportManifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=versions.build(version),
        source=side.pin,
        target=wish.target,
        number_format=wish.number_format,
        tools=tools,
        settings={"merged_in": "float32", "dtype": wish.dtype, "quantize": wish.quantize or "none"},
        files=files,
        check=checked,
        not_checked=_not_checked(wish),
        serve=serving(wish, model, _plain(side.name).lower()),
    )


def _not_checked(wish: Wanted) -> str | None:
    from brie.forms.tools import program

    if wish.target == "ollama" and program("ollama") is None:
        return (
            "ollama is not installed here: its template was compared with the chat template by "
            "rendering probes, and nothing was asked of ollama itself"
        )
    return None
