"""Has a judge changed since its anchors were sealed? They are asked again before it judges more.

An alarm counts once a second asking confirms it. From then on the judge is another one: its digest is
new, so that no stored verdict is used for it, and evaluations it may have judged as either are marked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from brie.blinding import JudgeInput
from brie.catalog import load_defaults
from brie.errors import Stopped, UsageError
from brie.evaluation.anchor_rounds import AnchorRounds, ask_rounds
from brie.evaluation.anchors import (
    FILE,
    LOCK,
    AnchorsDocument,
    Asked,
    age_days,
    anchors_of,
    as_now,
    folder_of,
    read_anchors,
    write_anchors,
)
from brie.evaluation.budget import Beside, Spending, Terms, price_tasks, say_shadowing
from brie.evaluation.drift_notes import mark_doubtful
from brie.evaluation.judging import why_stopped
from brie.evaluation.known_pairs import with_rule
from brie.evaluation.missing import missing_of
from brie.evaluation.plan import panel_judge
from brie.evaluation.results import rebuild
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.lines import command as command_line
from brie.number_format import changed_verdicts, plural
from brie.progress import Screen
from brie.project import Project, alone
from brie.provenance import now
from brie.records import Manifest, PanelJudge
from brie.store import Store
from brie.store.owner import Owner


def ledger() -> str:
    """What these calls are booked under: every day's have a cap of their own."""
    return f"drift-{now()[:10]}"


@dataclass(frozen=True)
class Due:
    """A judge whose anchors are to be asked again."""

    document: AnchorsDocument
    rounds: AnchorRounds

    @classmethod
    def of(cls, document: AnchorsDocument, reached: PanelJudge) -> Due:
        """Anchors, and their judge as it is reached now."""
        member = document.judge.model_copy(update={"judge": reached.judge})
        return cls(document, AnchorRounds(member, document.pairs))

    @property
    def first(self) -> int:
        """The next round."""
        return self.document.askings + 1

    @property
    def both(self) -> tuple[int, int]:
        """The next round, and the one that would confirm it."""
        return self.first, self.first + 1


@dataclass(frozen=True)
class Checked:
    """What came of asking anchors again."""

    documents: tuple[AnchorsDocument, ...]
    """Each judge's, with the check that was made."""
    left: float | None
    """US dollars of the cap that are left; None: there is none."""

    @property
    def changed(self) -> list[str]:
        """Ids of the judges that have changed."""
        return [document.name for document in self.documents if document.found]


def due_before(
    work: Work, panel_judges: Sequence[PanelJudge], store: Store, project: Project, wishes: Spending
) -> list[Due]:
    """Judges that are to be asked their anchors before they give what is missing of an evaluation.

    Args:
        work: the evaluation's.
        panel_judges: as they are reached now.
        store: what is there already.
        project: whose `brie.toml` says when.
        wishes: whether at all.
    """
    if wishes.drift == "off":
        return []

    def judging() -> set[str]:
        return set(missing_of(work.planned(), store).tasks.counts())

    days = load_defaults(project).drift_days
    return due_judges(panel_judges, judging, store, project, days=days)


def due_judges(
    panel_judges: Sequence[PanelJudge],
    judging: Callable[[], set[str]],
    store: Store,
    project: Project,
    *,
    days: float,
) -> list[Due]:
    """Judges that are to be asked their anchors before they judge more.

    Args:
        panel_judges: as they count now.
        judging: ids of those that have verdicts to give; worked out only where one may be due.
        store: what their providers said answered.
        project: where anchors are kept.
        days: age from which they are asked again; at once where the provider names another model.
    """
    old = []
    for reached in panel_judges:
        document = anchors_of(reached.digest, project) if reached.judge.provided.remote else None
        if document is not None and (age_days(document.last.at) > days or _renamed(document, store)):
            old.append(Due.of(document, reached))
    asked = judging() if old else set()
    return [due for due in old if due.document.name in asked]


def _renamed(document: AnchorsDocument, store: Store) -> bool:
    """Whether what answered last has another name than whatever answered the anchors."""
    known = {name for part in (document.noise, *_askings(document)) for name in part.served}
    latest = store.served_names(document.judge.digest, newest=1)
    return bool(known and latest) and latest[0] not in known


def _askings(document: AnchorsDocument) -> list[Asked]:
    return [part for check in document.checks for part in (check.first, check.second) if part]


def beside(dues: Sequence[Due]) -> Beside | None:
    """The anchors as a part of a quote; None where none are due."""
    if not dues:
        return None
    shows: dict[str, JudgeInput] = {}
    tasks: list[Task] = []
    for due in dues:
        tasks += due.rounds.tasks(due.both)
        shows |= due.rounds.shows(due.both)
    names = " and ".join(due.document.name for due in dues)
    half = sum(due.document.anchors.count for due in dues)
    told = (
        f"{2 * half} of these ask {names} again what is sealed, to see whether it has changed: "
        f"{half} now, and {half} only where those say so."
    )
    return Beside(tuple(tasks), shows, told)


def agree_to_ask(
    dues: Sequence[Due],
    store: Store,
    owner: Owner,
    project: Project,
    screen: Screen,
    spending: Spending,
) -> Terms:
    """Price anchors that are asked for themselves, and have it agreed to.

    Raises:
        UsageError: a key is missing, a price is unknown, nobody agreed, or a judge cannot be asked.
    """
    more = beside(dues)
    assert more is not None, "there are anchors to ask"
    members = [due.rounds.member for due in dues]
    say_shadowing(members, project, screen.say)
    return price_tasks(
        more.tasks, members, lambda task: more.shown[task.key], store, spending, project, owner,
        evaluation=ledger(), say=screen.say, beside=more.told,
    )  # fmt: skip


def ask_again(
    dues: Sequence[Due],
    terms: Terms,
    store: Store,
    owner: Owner,
    project: Project,
    screen: Screen,
    *,
    evaluation: str,
    resume: str,
) -> Checked:
    """Ask anchors again, those that raise an alarm twice, and record what came of it.

    Args:
        dues: whose.
        terms: what was agreed.
        store: where verdicts are kept.
        owner: this process.
        project: where anchors and evaluations are.
        screen: what came of it.
        evaluation: whose cap holds; "": no evaluation's.
        resume: the command that goes on.

    Raises:
        Stopped: not all of them were answered.
    """
    priced = {p.judge.id: p.judge for p in terms.panel_judges}
    members = tuple(
        due.rounds.member.model_copy(update={"judge": priced[due.document.name]}) for due in dues
    )
    booked = ledger()
    before, cap = store.committed(booked), terms.cap
    if cap is not None and evaluation:  # anchors have a ledger of their own
        cap = before + max(0.0, cap - store.committed(evaluation))
    agreed = replace(terms, panel_judges=members, cap=cap)

    def ask(some: Sequence[Due], number: int) -> list[Asked]:
        tasks = [task for due in some for task in due.rounds.tasks([due.both[number]])]
        shows = {k: v for due in some for k, v in due.rounds.shows([due.both[number]]).items()}
        done = ask_rounds(tasks, shows, agreed, store, owner, screen, booked=booked) if tasks else None
        counted = [due.rounds.counted(due.both[number], store) for due in some]
        if done is not None and None in counted:
            raise Stopped(why_stopped(done, resume) or f"anchors are left to be asked. Go on: {resume}")
        return [part for part in counted if part is not None]

    first = ask(dues, 0)
    alarmed = [d for d, part in zip(dues, first, strict=True) if part.changed > d.document.limits.alarm]
    for due in alarmed:
        screen.say(f"{due.document.name}: an alarm; its anchors are asked once more, to confirm it.")
    second = {due.document.id: part for due, part in zip(alarmed, ask(alarmed, 1), strict=True)}
    checked = []
    for due, part in zip(dues, first, strict=True):
        document = _record(due, part, second.get(due.document.id), project)
        screen.say(sentence(document))
        checked.append(document)
    for document in checked:
        _mark(document, store, project, screen)
    cost = store.committed(booked) - before
    left = None if terms.cap is None else max(0.0, terms.cap - cost)
    return Checked(tuple(checked), left)


def _mark(document: AnchorsDocument, store: Store, project: Project, screen: Screen) -> None:
    """Mark the evaluations that a judge may have judged after it changed; their reports say so."""
    if document.found is None:
        return
    since = document.before(document.found).at[:10]
    for evaluation in mark_doubtful(document, store, project):
        screen.say(
            f"{evaluation.manifest.id}: {document.name} gave verdicts to it after {since}, perhaps "
            "changed already; its report says so."
        )
        if evaluation.analysis_file.is_file():
            rebuild(evaluation, project)


def _record(due: Due, first: Asked, second: Asked | None, project: Project) -> AnchorsDocument:
    """Chain a check; where somebody else has made it meanwhile, theirs stands."""
    path = folder_of(due.document.judge, due.document.pairs, project) / FILE
    with alone(path.parent / LOCK):
        current = read_anchors(path)
        if current.askings > due.document.askings:
            return current
        document = current.checked(first, second)
        write_anchors(document, project)
    return document


def renewed(panel_judges: Sequence[PanelJudge], project: Project) -> tuple[PanelJudge, ...]:
    """The judges as they count now, after a check.

    Raises:
        UsageError: one that gives numbers has changed, and was not scored on the known pairs since.
    """
    return tuple(_as_found(member, project) for member in panel_judges)


def _as_found(member: PanelJudge, project: Project) -> PanelJudge:
    spec = as_now(member.judge, project)
    if spec.after == member.judge.after:
        return member
    return with_rule(panel_judge(spec, member.rubric, instrument=member.instrument), project)


def refuse_changed(
    manifest: Manifest, reached: Sequence[PanelJudge], store: Store, project: Project
) -> None:
    """Refuse to go on with verdicts of a judge that has changed since.

    Args:
        manifest: the evaluation.
        reached: its judges, as sealed.
        store: which verdicts are missing.
        project: where anchors are kept.

    Raises:
        UsageError: one of them has verdicts to give.
    """
    work = Work.of(manifest)
    # A change that was found elsewhere, and is not known here, is no reason: the judge is that one now.
    other = {p.judge.id for p in reached if as_now(p.judge, project).after not in ("", p.judge.after)}
    if not other:
        return
    planned = work.planned()
    left = missing_of(planned.take(planned.is_by(other)), store).tasks
    if left:
        name = left[0].judge
        raise UsageError(
            f"{name} has changed since it gave its first verdicts of {manifest.id}, and "
            f"{plural(len(left), 'verdict')} are missing: they would be another judge's. What is there "
            f"stays and is reported; all of it by one judge: {manifest.command}"
        )


def sentence(document: AnchorsDocument) -> str:
    """What the last check says, for people."""
    check, limits, name = document.checks[-1], document.limits, document.name
    told = changed_verdicts(
        changed=check.first.changed, asked=check.first.asked, expected=limits.expected
    )
    if check.second is None:
        return f"{name}: {told}; more than {limits.alarm} would be an alarm."
    again = f"{check.second.changed} when they were asked once more"
    if check.outcome == "not_confirmed":
        return f"{name}: {told}, an alarm; {again}, so it is not confirmed and does not count."
    return (
        f"{name} has changed: {told}, {again}. From now on it counts as another judge, and no verdict "
        f"stored before is used for it. Seal it as it is now: {seal_command(name)}"
    )


def seal_command(name: str) -> str:
    """The command that seals a judge's anchors."""
    return command_line("judges", "drift", "seal", "--judge", name)
