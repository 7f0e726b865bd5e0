"""Judging what is there already: the rest of it, with one more judge, or a second time.

What is added after the seal is a link in the evaluation's chain, with how many verdicts there were
by then. It is shown as added and never enters the headline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from brie.catalog import load_judge
from brie.errors import UsageError
from brie.evaluation.budget import Spending, Terms, agree
from brie.evaluation.drift import ask_again, beside, due_before, refuse_changed
from brie.evaluation.drift_notes import with_notes
from brie.evaluation.folders import Evaluation
from brie.evaluation.judging import asked_by, judge_all, noted, why_stopped
from brie.evaluation.known_pairs import refuse_design, with_rule
from brie.evaluation.manifest import amend, change
from brie.evaluation.missing import verdicts_there
from brie.evaluation.plan import added_judges, panel_judge
from brie.evaluation.published import to_publish
from brie.evaluation.request import model_judge
from brie.evaluation.results import Outcome, record_analysis, write_report
from brie.evaluation.settled import refuse_gone_rows, settled
from brie.evaluation.soundness import refuse_unsound
from brie.evaluation.work import Work
from brie.progress import Screen
from brie.project import Project
from brie.records import AmendmentKind, Manifest, PanelJudge, Status
from brie.store import Store
from brie.store.owner import Owner
from brie.workers import Workers

Link = tuple[AmendmentKind, dict[str, JsonValue]]
"""What is added: its kind, and what exactly."""


@dataclass(frozen=True, slots=True)
class More:
    """What to add to an evaluation."""

    judges: tuple[str, ...] = ()
    repeats: int = 0
    """How often the judges are asked again about what they have judged."""


def judge_more(
    evaluation: Evaluation,
    more: More,
    project: Project,
    screen: Screen,
    *,
    command: str,
    spending: Spending | None = None,
    workers: Workers | None = None,
) -> Outcome:
    """Ask for what an evaluation's judges have not said yet, and for what is added to it.

    Args:
        evaluation: which.
        more: judges and repeats to add; nothing: only what is missing.
        project: where its judges' files are.
        screen: progress.
        command: how to go on with it.
        spending: the wishes about money.
        workers: who asks judges that do not answer at once; None: this process.

    Raises:
        UsageError: its answers are not there, a judge's file has changed, nobody agreed, or workers
            cannot be had.
        SealBroken: the plan is not the one that was sealed.
        RowsGone: rows that its finished numbers were made from are not in the store any more.
    """
    wishes = spending or Spending()
    refuse_unsound(evaluation.manifest)
    with (
        Store.open(project.store, create=False) as store,
        Owner(project.runs / ".owners") as owner,
    ):
        refuse_gone_rows(evaluation, store)
        links = more_links(evaluation.manifest, more, wishes, project, store)
        before = _verdicts(evaluation.manifest, store)
        manifest = with_links(evaluation.manifest, links, before)
        work = Work.of(manifest)
        prompts = answered(work, store)
        terms = _agreed(manifest, work, project, screen, wishes, store, owner, command)
        if links:  # somebody else may have added something since
            manifest = change(evaluation.folder, lambda now: with_links(now, links, before))
            work = Work.of(manifest)
        evaluation = Evaluation(evaluation.folder, manifest)
        store.settle_dead(owner)
        with asked_by(workers, screen) as sharing:
            done = judge_all(
                work, store, owner, screen, terms, evaluation=manifest.id, prompts=prompts,
                sharing=sharing,
            )  # fmt: skip
        evaluation = with_notes(noted(evaluation, done, work, store), store, project)
        with settled(evaluation, store) as (evaluation, data):
            analysis = record_analysis(evaluation, data, store, project)
            report = write_report(evaluation, analysis, data, project)
            published = to_publish(evaluation.manifest, store, analysis.rows_digest)
    return Outcome(evaluation, analysis, report, 0, done.computed, why_stopped(done, command), published)


def _agreed(
    manifest: Manifest,
    work: Work,
    project: Project,
    screen: Screen,
    wishes: Spending,
    store: Store,
    owner: Owner,
    command: str,
) -> Terms:
    """What was agreed to, once judges with old anchors were asked those.

    Raises:
        UsageError: nobody agreed, or a judge that is to go on has changed.
    """
    reached = reachable(manifest, project)
    refuse_changed(manifest, reached, store, project)
    dues = due_before(work, reached, store, project, wishes)
    terms = agree(
        work, reached, store, wishes, project, owner, evaluation=manifest.id, say=screen.say,
        beside=beside(dues),
    )  # fmt: skip
    if not dues:
        return terms
    checked = ask_again(
        dues, terms, store, owner, project, screen, evaluation=manifest.id, resume=command
    )
    refuse_changed(manifest, reached, store, project)
    return replace(terms, cap=checked.left)


def reachable(manifest: Manifest, project: Project) -> tuple[PanelJudge, ...]:
    """The judges of an evaluation as their files reach them now, with the sealed rubrics.

    Raises:
        UsageError: a file is gone, or says another judge than the sealed one.
    """
    return tuple(_reachable(p, manifest, project) for p in Work.of(manifest).panel_judges)


def _reachable(sealed: PanelJudge, manifest: Manifest, project: Project) -> PanelJudge:
    if sealed.judge.provided.kind != "model":
        return sealed
    file = load_judge(sealed.judge.id, project)
    file = file.model_copy(update={"after": sealed.judge.after})
    spec = model_judge(file, manifest.plan.suite, project, sealed=sealed).judge
    if spec.prompt_format(sealed.digest) is None:
        raise UsageError(
            f"judges/{spec.id}.toml is not the judge that was sealed (model {sealed.judge.model}, now "
            f"{spec.model}, or other settings). Put it back, or give the new judge a file of its own: "
            f"brie judge {manifest.id} --judge NAME"
        )
    return sealed.model_copy(update={"judge": spec})


def answered(work: Work, store: Store) -> list[str]:
    """Prompts whose answers are all there, in the order of work.

    Raises:
        UsageError: there is none.
    """
    there = store.present("completions", work.texts_needed())
    prompts = [
        name for name in work.plan.order if all(key in there for key in work.texts_needed([name]))
    ]
    if not prompts:
        raise UsageError("the answers are not there yet: brie generate EVALUATION makes them.")
    return prompts


def more_links(
    manifest: Manifest, more: More, wishes: Spending, project: Project, store: Store
) -> list[Link]:
    """What is to be added, link by link; the manifest may have some of it already."""
    links: list[Link] = []
    for name in more.judges:
        joining = _joining(name, manifest, project)
        if joining is not None:
            links.append(("judge", {"seat": joining.model_dump(mode="json")}))
    for name in (more.judges or _askable(manifest)) if more.repeats else ():
        links.append(("repeat", {"judge": name, "repeats": more.repeats}))
    if wishes.retry and (unusable := _unusable(manifest, store)):
        links.append(("retry", {"verdicts": unusable}))
    return links


def with_links(manifest: Manifest, links: Sequence[Link], before: int) -> Manifest:
    """The manifest with those links that it has not yet."""
    for kind, detail in links:
        if not _is_there(manifest, kind, detail):
            manifest = amend(manifest, kind, detail, verdicts_before=before)
    return manifest


def _is_there(manifest: Manifest, kind: AmendmentKind, detail: Mapping[str, JsonValue]) -> bool:
    """Whether a judge sits already, or is asked again as often."""
    if kind == "judge":
        joining = PanelJudge.model_validate(detail["seat"]).judge.id
        return any(seat.judge.id == joining for seat in (*manifest.plan.seats, *added_judges(manifest)))
    if kind == "repeat":
        repeats = Work.of(manifest).repeats.get(str(detail["judge"]), 0)
        return repeats >= int(str(detail["repeats"]))
    return False


def _joining(name: str, manifest: Manifest, project: Project) -> PanelJudge | None:
    """A judge that joins; None where it is there already."""
    if any(p.judge.id == name for p in (*manifest.plan.seats, *added_judges(manifest))):
        return None
    spec = load_judge(name, project)
    if spec.provided.kind == "rule":
        return panel_judge(spec, None, instrument=True).sealed()
    joining = model_judge(spec, manifest.plan.suite, project, instrument=True)
    refuse_design(joining, manifest.plan.positions)
    return with_rule(joining, project).sealed()


def _askable(manifest: Manifest) -> Sequence[str]:
    """Judges whose second answer may differ from the first."""
    return [s.judge.id for s in Work.of(manifest).panel_judges if s.judge.provided.kind == "model"]


def _verdicts(manifest: Manifest, store: Store) -> int:
    return verdicts_there(Work.of(manifest), store)


def _unusable(manifest: Manifest, store: Store) -> int:
    """Verdicts a retry asks for again."""
    statuses = store.statuses(Work.of(manifest).planned().keys).values()
    return sum(status in (Status.INVALID, Status.REFUSED) for status in statuses)
