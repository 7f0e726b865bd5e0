"""Hold a shipped file against its checkpoint: the flow, from what it is to one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from brie import versions
from brie.digest import digest, file_digest
from brie.errors import PinError
from brie.fidelity.engines import read_here, read_outside
from brie.fidelity.explained import noise_alone, rounding_alone
from brie.fidelity.reference import Reference
from brie.fidelity.structure import compare_structure
from brie.fidelity.tensors import compare_tensors
from brie.fidelity.texts import FIXED_TEXTS
from brie.fidelity.verdict import (
    ROUNDINGS,
    beyond,
    conclude,
    is_beyond,
    sentence,
    stated_few_bits,
    stated_limit,
    widened,
)
from brie.forms.detect import OnDisk
from brie.forms.mlx import unpack_mlx
from brie.forms.packed import unpack_bitsandbytes
from brie.forms.unpack import unpack_gguf
from brie.pin import Resolved
from brie.progress import Screen
from brie.records.shipping import CheckReport, Fault, Figures, JudgedAnswers, Limits, Shipped

_CAUSES_FIRST = (
    "tokenizer", "template", "end token", "config", "number format", "adapter not merged",
    "adapter merged twice", "adapter scale", "embeddings", "layer zeroed", "layer scaled", "weights",
    "quantisation", "logits",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """What was compared, before anything is concluded from it."""

    file: Shipped
    faults: tuple[Fault, ...]
    figures: tuple[Figures, ...]
    limits: Limits
    same: dict[str, bool]
    not_measured: dict[str, str]


def check_file(reference: Reference, file: OnDisk, work: Path, screen: Screen) -> Checked:
    """Compare a file with the checkpoint it was made from, without a judge.

    Args:
        reference: the checkpoint.
        file: what is looked at.
        work: a folder of one's own, for what is unpacked.
        screen: progress.

    Raises:
        PinError: it cannot be read.
        UsageError: a package that reads it is not installed.
    """
    folder = as_folder(file, work)
    structure = compare_structure(reference, file, folder)
    faults, not_measured = list(structure.faults), dict(structure.not_measured)
    faults += _numbers(reference, file, folder)
    if any(fault.kind in ("weights", "config") and _unloadable(fault) for fault in faults):
        not_measured["logits"] = "the file does not fit the checkpoint's layers"
        return _checked(file, faults, (), Limits(), structure.same, not_measured)
    figures = [read_here(reference, file, folder, work, screen)]
    outside = read_outside(reference, file, work, screen)
    if isinstance(outside, str):
        not_measured["the engine that serves it"] = outside
    elif outside is not None:
        figures.append(outside)
    limits = _limits(reference, file, folder, figures, work, screen)
    faults += beyond(figures, limits, file.number_format)
    return _checked(file, faults, tuple(figures), limits, structure.same, not_measured)


def check_adapter(
    reference: Reference, side: Resolved, merged: Path, work: Path, screen: Screen
) -> Checked:
    """Compare an adapter with its base: how much it changes; that it does is no fault.

    Args:
        reference: the base.
        side: the adapter on it.
        merged: folder of the two as one model.
        work: a folder of one's own.
        screen: progress.
    """
    file = OnDisk(side.adapter or merged, "adapter", "float32")
    seen = OnDisk(merged, "adapter", "float32")
    figures = read_here(reference, seen, merged, work, screen)
    return _checked(file, [], (figures,), Limits(), {}, {})


def _checked(
    file: OnDisk,
    faults: list[Fault],
    figures: tuple[Figures, ...],
    limits: Limits,
    same: dict[str, bool],
    not_measured: dict[str, str],
) -> Checked:
    ordered = sorted(faults, key=lambda fault: _CAUSES_FIRST.index(fault.kind))
    return Checked(shipped(file), tuple(ordered), figures, limits, same, not_measured)


def as_folder(file: OnDisk, work: Path) -> Path:
    """A file as a folder that transformers loads: itself, or unpacked."""
    if file.form == "gguf":
        unpack_gguf(file.path, work / "unpacked")
        return work / "unpacked"
    if file.form == "mlx" and not file.is_float:
        unpack_mlx(file.path, work / "unpacked")
        return work / "unpacked"
    if file.is_packed:
        unpack_bitsandbytes(file.path, work / "unpacked")
        return work / "unpacked"
    return file.path


def _numbers(reference: Reference, file: OnDisk, folder: Path) -> list[Fault]:
    side = reference.side
    lora = side.pin.lora
    scale = None
    if lora is not None and not lora.alpha_pattern and not lora.rank_pattern:
        scale = lora.alpha / (lora.r**0.5 if lora.rslora else lora.r)
    base = side.base_folder if side.adapter is not None else None
    return compare_tensors(reference.merged, folder, base, file.number_format, scale)


def _unloadable(fault: Fault) -> bool:
    """Whether the fault keeps an engine from reading the checkpoint's tokens."""
    return " are not in the file" in fault.sentence or " has the shape " in fault.sentence


def _limits(
    reference: Reference,
    file: OnDisk,
    folder: Path,
    figures: list[Figures],
    work: Path,
    screen: Screen,
) -> Limits:
    """What the figures are held against; what the format explains is measured only where it matters."""
    stated = stated_limit(file.number_format, file.form)
    if stated is None:
        limits = stated_few_bits(file.number_format)
        if not any(is_beyond(each, limits) for each in figures):
            return limits
        return widened(limits, noise_alone(reference, folder, work, screen))
    largest = max(each.max_logit_difference or 0.0 for each in figures)
    if largest <= stated or file.number_format == "float32":
        return Limits(max_logit_difference=stated)
    rounding = rounding_alone(reference, file.number_format, work, screen)
    return Limits(max_logit_difference=max(stated, ROUNDINGS * rounding), rounding=rounding)


def report(
    reference: Reference,
    checked: Checked,
    version: str,
    *,
    name: str = "",
    judged: JudgedAnswers | None = None,
) -> CheckReport:
    """What was found as a document.

    Args:
        reference: the checkpoint.
        checked: what was compared.
        version: brie's.
        name: how the file was named; else its own.
        judged: the blind comparison, where there was one.
    """
    file = checked.file.model_copy(update={"name": name or checked.file.name})
    same_model = file.form != "adapter"
    verdict = conclude(checked.faults, checked.figures, checked.limits, judged, same_model=same_model)
    against = reference.side.name
    answers = [row for row in reference.rows if row.answer]
    return CheckReport(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=versions.build(version),
        file=file,
        against=against,
        against_digest=reference.side.pin.digest,
        suite=reference.suite.name,
        suite_digest=digest(reference.suite),
        prompts=len(answers),
        texts=min(len(FIXED_TEXTS), len(reference.rows) - len(answers)),
        faults=checked.faults,
        figures=checked.figures,
        limits=checked.limits,
        same=checked.same,
        not_measured=checked.not_measured,
        judged=judged,
        verdict=verdict,
        sentence=sentence(file, against, verdict, checked.faults, checked.figures, judged),
    )


def shipped(file: OnDisk) -> Shipped:
    """A file as documents name it: by content."""
    paths = [file.path] if file.path.is_file() else sorted(p for p in file.path.iterdir() if p.is_file())
    if not paths:
        raise PinError(f"{file.path} is empty.")
    digests = {path.name: file_digest(path) for path in paths}
    name = file_digest(paths[0]) if file.path.is_file() else digest(digests)
    return Shipped(
        name=file.path.name,
        form=file.form,
        number_format=file.number_format,
        digest=name,
        bytes=sum(path.stat().st_size for path in paths),
    )
