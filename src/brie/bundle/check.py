"""Does a bundle hold? Everything recomputed in a folder of its own, without the sender's machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from brie import __version__, versions
from brie.bundle.contents import Contents
from brie.bundle.merge import merge, merge_evaluation
from brie.bundle.unpack import opened
from brie.ci.findings import Finding
from brie.ci.verify import verify
from brie.ci.verify_suites import verify_suites
from brie.evaluation.folders import find_evaluation
from brie.evaluation.published import Published
from brie.evaluation.rows import EvaluationData
from brie.evaluation.suites import read_suites
from brie.evaluation.views import comparison_views
from brie.progress import Screen
from brie.project import Project
from brie.report.build import report_files


def check_file(
    path: Path, published: Published | None = None, screen: Screen | None = None
) -> tuple[str, list[Finding]]:
    """A bundle's id, and what was recomputed of it. The project of the current folder plays no part.

    Args:
        path: the file.
        published: what was published of the evaluation, to hold it against.
        screen: progress.

    Raises:
        InputError: it is not even a bundle: damaged, hostile, or its rows are not those it lists.
    """
    with TemporaryDirectory(prefix="brie-verify-") as folder, opened(path) as bundle:
        project = Project(Path(folder).resolve())
        if bundle.index.kind == "evaluation":
            contents = Contents(bundle)
            merged, rows = merge_evaluation(contents, project)
            return merged.id, list(_of_evaluation(contents, rows, project, published, screen))
        merged = merge(bundle, project)
        if merged.kind == "run":
            words = "every member is the listed one; the pins lead to the checkpoints that came"
            return merged.id, [Finding(words, True)]
        listed = Finding("every member is the listed one, every row is named by its plan", True)
        return merged.id, [listed, *verify_suites(read_suites(project.runs / merged.id), project)]


def _of_evaluation(
    contents: Contents,
    rows: EvaluationData | None,
    project: Project,
    published: Published | None,
    screen: Screen | None,
) -> Iterator[Finding]:
    yield Finding("every member is the listed one, every row is named by the plan", True)
    if rows is None:
        yield Finding("it has no numbers yet, so there are none to recompute", True)
        return
    evaluation = find_evaluation(contents.manifest.id, project)
    also = partial(_report, contents)
    yield from verify(evaluation, project, published, rows=rows, also=also, screen=screen)


def _report(contents: Contents, rows: EvaluationData) -> Iterator[Finding]:
    """Whether the report in the bundle is what its numbers give."""
    came, analysis = contents.report(), contents.analysis
    if not came or analysis is None:
        return
    if analysis.version != versions.build(__version__):
        words = f"its report was made by brie {analysis.version}, another build, and was not compared"
        yield Finding(words, True)
        return
    views = comparison_views(rows)
    made = report_files(analysis, contents.manifest, views, contents.curve)
    same = made.keys() == came.keys() and all(_are_same(made[name], came[name]) for name in made)
    yield Finding(
        "its report is what its numbers give" if same else "its report says something else", same
    )


def _are_same(made: Iterable[str], came: Iterable[bytes]) -> bool:
    """Whether a file that is made piece by piece is the one that came block by block."""
    blocks, rest = iter(came), b""
    for piece in made:
        wanted = piece.encode()
        while len(rest) < len(wanted) and (block := next(blocks, b"")):
            rest += block
        if not rest.startswith(wanted):
            return False
        rest = rest[len(wanted) :]
    return not rest and not next(blocks, b"")
