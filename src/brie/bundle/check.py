"""Does a bundle hold? Everything recomputed in a folder of its own, without the sender's machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from brie import __version__, versions
from brie.bundle.contents import Contents
from brie.bundle.merge import unbundle
from brie.bundle.unpack import opened
from brie.ci.findings import Finding
from brie.ci.verify import verify
from brie.ci.verify_suites import verify_suites
from brie.evaluation.folders import find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.published import Published
from brie.evaluation.suites import read_suites
from brie.evaluation.views import comparison_views
from brie.project import Project
from brie.report.build import report_files
from brie.store import Store


def check_file(path: Path, published: Published | None = None) -> tuple[str, list[Finding]]:
    """A bundle's id, and what was recomputed of it. The project of the current folder plays no part.

    Args:
        path: the file.
        published: what was published of the evaluation, to hold it against.

    Raises:
        InputError: it is not even a bundle: damaged, hostile, or its rows are not those it lists.
    """
    with TemporaryDirectory(prefix="brie-verify-") as folder:
        project = Project(Path(folder).resolve())
        merged = unbundle(path, project)
        if merged.kind == "run":
            words = "every member is the listed one; the pins lead to the checkpoints that came"
            return merged.id, [Finding(words, True)]
        if merged.kind == "suites":
            listed = Finding("every member is the listed one, every row is named by its plan", True)
            return merged.id, [listed, *verify_suites(read_suites(project.runs / merged.id), project)]
        evaluation = find_evaluation(merged.id, project)
        findings = [Finding("every member is the listed one, every row is named by the plan", True)]
        if evaluation.analysis_file.is_file():
            findings += verify(evaluation, project, published)
            findings += _report(path, project)
        else:
            findings.append(Finding("it has no numbers yet, so there are none to recompute", True))
        return merged.id, findings


def _report(path: Path, project: Project) -> Iterator[Finding]:
    """Whether the report in the bundle is what its numbers give."""
    with opened(path) as bundle:
        contents = Contents(bundle)
        came, analysis = contents.report(), contents.analysis
    if not came or analysis is None:
        return
    if analysis.version != versions.build(__version__):
        words = f"its report was made by brie {analysis.version}, another build, and was not compared"
        yield Finding(words, True)
        return
    with Store.open(project.store, read_only=True) as store:
        views = comparison_views(gather(contents.manifest, store))
    made = report_files(analysis, contents.manifest, views, contents.curve)
    same = {name: text.encode() for name, text in made.items()} == came
    yield Finding(
        "its report is what its numbers give" if same else "its report says something else", same
    )
