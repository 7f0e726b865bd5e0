"""An evaluation's numbers and report, computed from what the store holds; nothing is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brie import __version__, versions
from brie.errors import UsageError
from brie.evaluation.assemble import assemble
from brie.evaluation.context import context_of
from brie.evaluation.folders import Evaluation
from brie.evaluation.gather import without_collection
from brie.evaluation.looks import look_of, note_earlier_looks
from brie.evaluation.published import to_publish
from brie.evaluation.rows import EvaluationData
from brie.evaluation.settled import refuse_poorer, settled, stored_analysis
from brie.evaluation.training_data import record
from brie.evaluation.views import comparison_views
from brie.pin import Resolved
from brie.project import Project, write_text
from brie.records.analysis import Analysis
from brie.store import Store
from brie.store.looks import Look
from brie.store.record import Analysed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of running an evaluation."""

    evaluation: Evaluation
    analysis: Analysis
    report: Path
    completions: int
    """Completions computed now; the rest was in the store."""
    verdicts: int
    stopped: str | None = None
    """Why it is not finished, and how to go on."""
    published: str = ""
    """The line to publish of it."""


def kept_analysis(evaluation: Evaluation, data: EvaluationData) -> Analysis | None:
    """The numbers as they stand, where this brie made them from exactly these rows."""
    stored = stored_analysis(evaluation)
    if stored is None:
        return None
    same = stored.rows_digest == data.digest and stored.version == versions.build(__version__)
    return stored if same and not stored.interim else None


def standing_analysis(evaluation: Evaluation, store: Store) -> Analysis | None:
    """The numbers as they stand, where this brie made them and no row came since; no row is read.

    Rows are only ever added. Whether one was changed is for `brie verify` to say.
    """
    stored, manifest = stored_analysis(evaluation), evaluation.manifest
    if stored is None or stored.interim or stored.version != versions.build(__version__):
        return None
    link = store.analysed(manifest.id, str(stored.rows_digest))
    if link is None or link.links != len(manifest.amendments):
        return None
    return stored if store.newest() == link.newest else None


def record_analysis(
    evaluation: Evaluation,
    data: EvaluationData,
    store: Store,
    project: Project,
    sides: Sequence[Resolved] = (),
    *,
    curve: str = "",
) -> Analysis:
    """Compute an evaluation's numbers, write them beside its manifest, and count the look.

    Args:
        evaluation: which.
        data: its rows.
        store: what it cost, and the looks at its suite.
        project: where its models and training data are.
        sides: both sides, where they were resolved just now.
        curve: the training run whose checkpoints are looked at together, as one look.

    Raises:
        UsageError: these numbers would be interim, and finished ones are there.
    """
    before = stored_analysis(evaluation)
    note_earlier_looks(project, store)
    look = look_of(data, curve=curve)
    if look is not None:
        store.look(look)
    context = context_of(evaluation.manifest, project, sides)
    analysis = assemble(data, store, context)
    refuse_poorer(before, analysis)
    store.note_analysis(_link(data, look, store))
    if context.compared is not None:
        record(evaluation.folder, context.compared.trained)
    write_text(evaluation.analysis_file, analysis.to_json())
    return analysis


def _link(data: EvaluationData, look: Look | None, store: Store) -> Analysed:
    """What the store's record keeps of an analysis."""
    manifest = data.manifest
    read = look.read if look is not None and store.has_look(look.read) else ""
    return Analysed(
        evaluation=manifest.id, seal=manifest.seal, rows=data.digest, look=read, newest=data.newest,
        links=len(manifest.amendments),
    )  # fmt: skip


def write_report(
    evaluation: Evaluation, analysis: Analysis, data: EvaluationData, project: Project
) -> Path:
    """Write the HTML and Markdown report; returns the HTML file."""
    from brie.report.build import build_report
    from brie.report.curve import read_curve

    folder = project.reports / evaluation.manifest.id
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "analysis.json", analysis.to_json())
    views, curve = comparison_views(data), read_curve(evaluation.folder)
    with without_collection():
        return build_report(analysis, evaluation.manifest, views, folder, curve)


def rebuild(evaluation: Evaluation, project: Project) -> Outcome:
    """Analyse what the store holds and write the report again; nothing is asked.

    Raises:
        SealBroken: the plan is not the one that was sealed.
        RowsGone: rows that its finished numbers were made from are not in the store any more.
        StoreError: the store is not there, or cannot be used.
    """
    with Store.open(project.store, create=False) as store, settled(evaluation, store) as (current, data):
        analysis = record_analysis(current, data, store, project)
        report = write_report(current, analysis, data, project)
        published = to_publish(current.manifest, store, analysis.rows_digest)
        return Outcome(current, analysis, report, 0, 0, published=published)


def pull_request(evaluation: Evaluation, project: Project, link: str = "") -> str:
    """An evaluation as the few lines of Markdown that a pull request takes; nothing is asked.

    Raises:
        SealBroken: the plan is not the one that was sealed.
        RowsGone: rows that its finished numbers were made from are not in the store any more.
        StoreError: the store is not there, or cannot be used.
        UsageError: `link` is no address.
    """
    from brie.report.page import build_page
    from brie.report.pull_request import render_pull_request

    with Store.open(project.store, create=False) as store, settled(evaluation, store) as (current, data):
        analysis = kept_analysis(current, data) or record_analysis(current, data, store, project)
        page = build_page(analysis, current.manifest, comparison_views(data))
    return render_pull_request(page, link)


def write_audit(analysis: Analysis, project: Project) -> Path:
    """Write the report of an audit; returns the HTML file."""
    from brie.report.build import build_report

    folder = project.reports / analysis.id
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror or error}.") from error
    write_text(folder / "analysis.json", analysis.to_json())
    return build_report(analysis, None, (), folder)
