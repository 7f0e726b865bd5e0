"""Making a bundle: what belongs to an evaluation, without keys and without places."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel

from brie import __version__, versions
from brie.bundle.contents import around_of, keys_of
from brie.bundle.layout import (
    ANALYSIS,
    CALLS,
    CARRIED,
    COMPLETIONS,
    CURVE,
    EVALUATION,
    INDEX,
    LOOKS,
    MANIFEST,
    MEMBER_BYTES,
    MOST_BYTES,
    REPORT,
    TRAINING,
    VERDICTS,
    Closed,
    Index,
    Member,
    lines,
    parse,
)  # fmt: skip
from brie.bundle.rows import Exchange
from brie.ci.documents import compare
from brie.ci.verify import as_counted
from brie.digest import PREFIX
from brie.errors import InputError, UsageError
from brie.evaluation.assemble import assemble
from brie.evaluation.context import Context, ImportedContext, context_of
from brie.evaluation.folders import Evaluation
from brie.evaluation.gather import gather
from brie.evaluation.looks import look_of
from brie.evaluation.rows import EvaluationData
from brie.evaluation.views import comparison_views
from brie.project import Project
from brie.records import Manifest
from brie.records.analysis import Analysis
from brie.report.build import report_files
from brie.report.clean import without_paths
from brie.report.curve import read_curve
from brie.store import Store
from brie.wire.watch import Watch

Members = dict[str, bytes | Path | Iterable[str]]
"""Name -> what it holds: bytes, a file, or lines of text made as they are written."""
_MOMENT = (1980, 1, 1, 0, 0, 0)
_BLOCK = 2**20


def pack_evaluation(evaluation: Evaluation, project: Project, out: Path) -> Path:
    """Write an evaluation's bundle; an unfinished one too, so that another machine can go on.

    Raises:
        UsageError: its numbers are not what the store gives, or a key or a place of this machine
            would be in the file.
        InputError: `out` cannot be written.
    """
    with Exchange.open(project.store, read_only=True) as store, store.snapshot():
        members = dict(_evaluation(evaluation, project, store))
        index = Index(kind="evaluation", id=evaluation.manifest.id, version=__version__,
                     store=versions.STORE, members={})  # fmt: skip
        return write_zip(out, members, project, index)


# --- what belongs to an evaluation -------------------------------------------------------


def _evaluation(
    evaluation: Evaluation, project: Project, store: Exchange
) -> Iterator[tuple[str, bytes | Path | Iterable[str]]]:
    manifest, folder = portable(evaluation.manifest), evaluation.folder
    data = gather(manifest, store, texts=False)
    context = context_of(evaluation.manifest, project)
    brought = _known(data, context, store)
    yield MANIFEST, as_json(manifest)
    yield CARRIED, as_json(brought)
    trained = context.compared.trained if context.compared else None
    if trained is not None:
        yield TRAINING, as_json(trained)
    keys = keys_of(manifest)
    yield COMPLETIONS, lines(store.completions_of(keys.completions))
    yield VERDICTS, lines(store.attempts_of(keys.verdicts()))
    yield CALLS, lines(store.calls_of([manifest.id, f"{manifest.id}/votes"]))
    yield LOOKS, lines(store.looks_of(suite=manifest.plan.suite.digest(), evaluation=manifest.id))
    for path in sorted(folder.glob("voters/*.json")):
        yield f"{EVALUATION}voters/{path.name}", as_json(parse(Closed, path.read_bytes(), path.name))
    curve = read_curve(folder)
    if curve is not None:
        yield CURVE, as_json(curve)
    if evaluation.analysis_file.is_file():
        analysis = _numbers(evaluation, data, store, context, around_of(brought, trained))
        yield ANALYSIS, analysis.to_json().encode()
        views = comparison_views(data)
        for name, pieces in report_files(analysis, manifest, views, curve).items():
            yield f"{REPORT}{name}", pieces


def portable(manifest: Manifest) -> Manifest:
    """A manifest without folders of this machine. The sealed part holds none."""
    return manifest.model_copy(
        update={
            "command": without_paths(manifest.command),
            "tasks": tuple(map(without_paths, manifest.tasks)),
            "names": {side: without_paths(name) for side, name in manifest.names.items()},
            "locations": {side: without_paths(name) for side, name in manifest.locations.items()},
            "bases": {side: without_paths(name) for side, name in manifest.bases.items()},
        }
    )


def _known(data: EvaluationData, context: Context, store: Store) -> ImportedContext:
    """What is known of the models here, and which look at the suite this is."""
    rows = data.digest
    looks = context.looks(rows)
    read = look_of(data)
    number, others = (looks.number, looks.other_versions) if looks else (1, 0)
    if looks is None and read is not None:
        number, others = store.look_number(read)
    models, checked = context.models, dict(context.checked)
    if models is None:
        return ImportedContext(rows=rows, look=number, other_versions=others, checked=checked)
    return ImportedContext(
        differ=models.differ,
        absent=models.absent,
        facts=models.facts,
        own_sampling=models.own_sampling,
        rows=rows,
        look=number,
        other_versions=others,
        checked=checked,
    )


def _numbers(
    evaluation: Evaluation,
    data: EvaluationData,
    store: Store,
    context: Context,
    carried: Context,
) -> Analysis:
    """The numbers as another machine will compute them, made when these were made.

    Raises:
        UsageError: the numbers of record are not what the store gives now.
    """
    manifest = data.manifest
    try:
        stored = Analysis.read(evaluation.analysis_file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the numbers of {manifest.id} cannot be read; make them again: brie report {manifest.id}"
        ) from error
    document = json.loads(stored.to_json())
    counted = as_counted(replace(data, manifest=evaluation.manifest), document)
    again = assemble(counted, store, context)
    same_build = stored.version == again.version
    documents = (document, json.loads(again.to_json()))
    differing = compare(*documents, same_build=same_build).differ
    if differing:
        raise UsageError(
            f"the numbers of {manifest.id} are not what the store gives now "
            f"({', '.join(differing[:3])}); make them again: brie report {manifest.id}"
        )
    here = assemble(data, store, carried)
    return here.model_copy(update={"created": stored.created, "cost": stored.cost})


# --- the file ----------------------------------------------------------------------------


def write_zip(
    out: Path,
    members: Mapping[str, bytes | Path | Iterable[str]],
    project: Project,
    index: Index | None = None,
) -> Path:
    """Write a zip whole or not at all, without a key or a place of this machine.

    Args:
        out: the file; one that is there is replaced if it is a zip.
        members: name -> what it holds.
        project: whose keys and folder may not be in it.
        index: what lists the members; None: nothing does.

    Raises:
        UsageError: a key or a place of this machine would be in it.
        InputError: `out` cannot be written, or it would be more than a bundle may be.
    """
    if out.exists() and not zipfile.is_zipfile(out):
        raise UsageError(f"{out} is there already and is no bundle; name another file with -o.")
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    watch = Watch(project)
    try:
        with zipfile.ZipFile(partial, "w") as archive:
            listed = {name: _add(archive, name, members[name], watch) for name in sorted(members)}
            if index is not None:
                _add(archive, INDEX, as_json(index.model_copy(update={"members": listed})), watch)
        if index is not None:  # what no index lists is for other readers
            _refuse_larger(sum(member.bytes for member in listed.values()), MOST_BYTES, out)
            _refuse_larger(partial.stat().st_size, MEMBER_BYTES, out)
        partial.replace(out)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)
    return out


def _add(
    archive: zipfile.ZipFile, name: str, content: bytes | Path | Iterable[str], watch: Watch
) -> Member:
    info = zipfile.ZipInfo(name, _MOMENT)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system, info.external_attr = 3, 0o100644 << 16
    hashed, size = hashlib.sha256(), 0
    with archive.open(info, "w") as handle:
        for block in _blocks(content):
            size += len(block)
            _refuse_larger(size, MEMBER_BYTES, name)
            watch.look(block, name)
            handle.write(block)
            hashed.update(block)
    return Member(digest=PREFIX + hashed.hexdigest(), bytes=size)


def _refuse_larger(size: int, most: int, what: str | Path) -> None:
    """
    Raises:
        InputError: nobody could read the bundle.
    """
    if size > most:
        raise InputError(
            f"{what} would have more than {most:,} bytes, which no bundle may have. "
            "Nothing was written; copy the project's folder instead."
        )


def _blocks(content: bytes | Path | Iterable[str]) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
    elif isinstance(content, Path):
        with content.open("rb") as handle:
            while block := handle.read(_BLOCK):
                yield block
    else:
        for line in content:
            yield line.encode()


def as_json(document: BaseModel) -> bytes:
    """A document as a member."""
    return (document.model_dump_json(indent=1) + "\n").encode()
