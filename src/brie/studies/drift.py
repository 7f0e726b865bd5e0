"""Sealing the anchors of judges, and asking them again: `brie judges drift`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brie.analyse.drift import a_year
from brie.catalog import load_defaults, load_judge
from brie.digest import digest
from brie.errors import Stopped, UsageError, unknown
from brie.evaluation.anchor_rounds import AnchorRounds, Measured, ask_rounds
from brie.evaluation.anchors import (
    FILE,
    LOCK,
    ROUNDS,
    AnchorPair,
    AnchorsDocument,
    age_days,
    all_anchors,
    anchors_of,
    as_now,
    folder_of,
    read_anchors,
    write_anchors,
)
from brie.evaluation.budget import Spending, price_tasks, say_shadowing
from brie.evaluation.drift import Due, agree_to_ask, ask_again, ledger, seal_command, sentence
from brie.evaluation.drift_notes import drift_of
from brie.evaluation.extend import reachable
from brie.evaluation.folders import Evaluation
from brie.evaluation.judging import why_stopped
from brie.evaluation.known_pairs import with_rule
from brie.judge.settings import check
from brie.lines import command as command_line
from brie.progress import Screen
from brie.project import Project, alone
from brie.provenance import now
from brie.records import JudgeSpec, PanelJudge
from brie.records.studies import DriftDocument, JudgeDrift
from brie.store import Store
from brie.store.owner import Owner
from brie.studies.anchor_choice import KNOWN, Offered, chosen, is_flipped, of_evaluation, of_known_pairs
from brie.studies.judge_check import check_judges, seat


@dataclass(frozen=True)
class _Chosen:
    """A judge's anchors, about to be sealed."""

    rounds: AnchorRounds
    origin: str
    offers: tuple[Offered, ...]


def seal(
    evaluation: Evaluation | None,
    names: Sequence[str],
    project: Project,
    screen: Screen,
    spending: Spending,
    *,
    resume: str,
) -> list[AnchorsDocument]:
    """Choose anchors for some judges, measure how often each changes its own mind, and seal both.

    Args:
        evaluation: whose verdicts; None: those on the pairs of `brie judges score`, asked for first.
        names: judges; of an evaluation all that can change, where none is named.
        project: where everything is kept.
        screen: progress.
        spending: the wishes about money.
        resume: the command that goes on.

    Raises:
        UsageError: a judge cannot change, has given too few verdicts, or nobody agreed.
        Stopped: not everything was answered; the same command goes on.
    """
    if evaluation is None:
        members = [_seat(name, project) for name in names]
        _, done = check_judges(names, project, screen, spending)
        if stopped := why_stopped(done, resume):
            raise Stopped(stopped)
        members = [with_rule(member, project) for member in members]
    else:
        members = _judges_of(evaluation, names, project)
    with Store.open(project.store) as store, Owner(project.runs / ".owners") as owner:
        every = [_chosen(member, evaluation, project, store) for member in members]
        for one in every:
            _refuse_unchecked(one, project)
        new = [one for one in every if not _file(one, project).is_file()]
        if new:
            _ask(new, store, owner, project, screen, spending, resume)
        return [_sealed(one, store, project, screen) for one in every]


def _seat(name: str, project: Project) -> PanelJudge:
    _refuse_constant(load_judge(name, project))
    return seat(name, project)


def _refuse_constant(judge: JudgeSpec) -> None:
    """Raises UsageError for a judge that cannot change."""
    if judge.provided.remote:
        return
    why = {"rule": "it is a rule", "person": "it is a person"}.get(judge.provided.kind)
    why = why or "its weights are pinned by their content"
    raise UsageError(f"{judge.id} needs no anchors: {why}. Those behind a server do: brie judges ls")


def _judges_of(evaluation: Evaluation, names: Sequence[str], project: Project) -> list[PanelJudge]:
    """Judges of an evaluation as they are reached now."""
    manifest = evaluation.manifest
    members = {p.judge.id: p for p in reachable(manifest, project)}
    for name in names:
        if name not in members:
            raise unknown("judge", name, members, f"They are the judges of {manifest.id}.")
        _refuse_constant(members[name].judge)
    wanted = [members[n] for n in names] or [p for p in members.values() if p.judge.provided.remote]
    if not wanted:
        raise UsageError(
            f"no judge of {manifest.id} can change: all are rules, or models pinned by their content."
        )
    notes = drift_of(manifest)
    for member in wanted:
        name, note = member.judge.id, notes.get(member.judge.id)
        if (note and note.doubt) or as_now(member.judge, project).after != member.judge.after:
            raise UsageError(
                f"{name} has changed since it gave its verdicts of {manifest.id}. Seal it as it is now, "
                f"from an evaluation made since, or: {seal_command(name)}"
            )
    return wanted


def _chosen(
    member: PanelJudge, evaluation: Evaluation | None, project: Project, store: Store
) -> _Chosen:
    if evaluation is None:
        origin, offers = KNOWN, of_known_pairs(member, project, store)
    else:
        origin, offers = evaluation.manifest.id, of_evaluation(evaluation.manifest, member, store)
    taken = tuple(chosen(offers, member.judge.id, origin))
    return _Chosen(AnchorRounds(member, tuple(offer.pair for offer in taken)), origin, taken)


def _refuse_unchecked(one: _Chosen, project: Project) -> None:
    """Raises UsageError where others are sealed and were not asked for long: a change would be lost."""
    document = anchors_of(one.rounds.member.digest, project)
    days = load_defaults(project).drift_days
    if document is None or document.identity == one.rounds.identity:
        return
    if age_days(document.last.at) > days:
        name = document.name
        raise UsageError(
            f"{name} has other anchors, last asked {document.last.at[:10]}. Ask those first, or a "
            f"change since would go unseen: {command_line('judges', 'drift', '--judge', name)}"
        )


def _ask(
    new: Sequence[_Chosen],
    store: Store,
    owner: Owner,
    project: Project,
    screen: Screen,
    spending: Spending,
    resume: str,
) -> None:
    """Ask for the repeats that measure the noise.

    Raises:
        Stopped: not everything was answered.
    """
    numbers = range(1, ROUNDS + 1)
    tasks = [task for one in new for task in one.rounds.tasks(numbers)]
    shows = {key: shown for one in new for key, shown in one.rounds.shows(numbers).items()}
    members = [one.rounds.member for one in new]
    say_shadowing(members, project, screen.say)
    terms = price_tasks(
        tasks, members, lambda task: shows[task.key], store, spending, project, owner,
        evaluation=ledger(), say=screen.say,
        beside=f"each anchor is asked {ROUNDS} times: how often a judge changes its own mind.",
    )  # fmt: skip
    done = ask_rounds(tasks, shows, terms, store, owner, screen, booked=ledger())
    if stopped := why_stopped(done, resume):
        raise Stopped(stopped)


def _sealed(one: _Chosen, store: Store, project: Project, screen: Screen) -> AnchorsDocument:
    """The document of anchors that were asked, written where it is not there yet."""
    path = _file(one, project)
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.parent / LOCK):
        if path.is_file():
            screen.say(f"{one.rounds.member.judge.id}: these anchors are sealed already.")
            return read_anchors(path)
        document = _measured(one, path.parent.name, store)
        write_anchors(document, project)
    return document


def _measured(one: _Chosen, name: str, store: Store) -> AnchorsDocument:
    """The document, with the judge's noise, and with what it says most often as what is sealed."""
    rounds = one.rounds
    measured = rounds.measured(range(1, ROUNDS + 1), store)
    assert measured is not None, "every repeat was answered"
    pairs = tuple(_as_usual(pair, measured) for pair in rounds.pairs)
    moved = sum(
        new.letter != old.letter
        for before, after in zip(rounds.pairs, pairs, strict=True)
        for old, new in zip(before.shown, after.shown, strict=True)
    )
    document = AnchorsDocument(
        id=name,
        created=now(),
        judge=rounds.member.sealed(),
        origin=one.origin,
        pairs=pairs,
        noise=measured.noise,
        moved=moved,
        seal=digest(None),
    )
    return document.model_copy(update={"seal": document.sealed()})


def _as_usual(pair: AnchorPair, measured: Measured) -> AnchorPair:
    """A comparison with what is said of it most often; where that is nothing usable, it stays."""
    shown = tuple(
        s.model_copy(update={"letter": measured.usual[s.presentation] or s.letter}) for s in pair.shown
    )
    return pair.model_copy(update={"shown": shown, "flipped": is_flipped(shown)})


def _file(one: _Chosen, project: Project) -> Path:
    return folder_of(one.rounds.member, one.rounds.pairs, project) / FILE


# --- asking them again -----------------------------------------------------------------


def check_drift(
    names: Sequence[str], project: Project, screen: Screen, spending: Spending, *, resume: str
) -> list[AnchorsDocument]:
    """Ask judges their anchors again, however long ago that was.

    Args:
        names: judges; every one that has anchors, where none is named.
        project: where everything is kept.
        screen: progress, and what came of it.
        spending: the wishes about money.
        resume: the command that goes on.

    Returns:
        Each judge's newest anchors; one that was found changed and not sealed since is not asked.

    Raises:
        UsageError: a judge has no anchors, its file says another judge, or nobody agreed.
        Stopped: not everything was answered; the same command goes on.
    """
    newest = _newest(names, project)
    open_ = [document for document in newest.values() if not document.found]
    dues = [Due.of(document, _reached(document, project)) for document in open_]
    checked = dict(newest)
    with Store.open(project.store) as store, Owner(project.runs / ".owners") as owner:
        if dues:
            terms = agree_to_ask(dues, store, owner, project, screen, spending)
            done = ask_again(dues, terms, store, owner, project, screen, evaluation="", resume=resume)
            checked |= {document.name: document for document in done.documents}
    for document in newest.values():
        if document.found:
            screen.say(sentence(document))
    return list(checked.values())


def _newest(names: Sequence[str], project: Project) -> dict[str, AnchorsDocument]:
    """Judge id -> its newest anchors, for judges as their files say now."""
    newest = {document.name: document for document in all_anchors(project)}
    for name in names:
        if name not in newest:
            raise UsageError(f"{name} has no anchors here. Seal some: {seal_command(name)}")
    if not newest:
        raise UsageError(
            "no judge has anchors here. Seal some, from an evaluation's verdicts or on known pairs: "
            "brie judges drift seal EVALUATION, or brie judges drift seal --judge ID"
        )
    return {name: document for name, document in newest.items() if not names or name in names}


def _reached(document: AnchorsDocument, project: Project) -> PanelJudge:
    """The judge of anchors as its file reaches it now.

    Raises:
        UsageError: the file is gone, or says another judge than the sealed one.
    """
    file, sealed = load_judge(document.name, project), document.judge
    check(file)
    file = as_now(file, project)
    if file.digest(file.newest_format) != sealed.digest:
        raise UsageError(
            f"judges/{document.name}.toml is not the judge whose anchors were sealed "
            f"{document.created[:10]} (model {sealed.judge.model}, now {file.model}, or other settings, "
            f"or another brie). Seal it as it is now: {seal_command(document.name)}"
        )
    return sealed.model_copy(update={"judge": file})


# --- as a document ---------------------------------------------------------------------


def document_of(documents: Sequence[AnchorsDocument], project: Project) -> DriftDocument:
    """What anchors say, as `--json` prints it (schema `brie.drift/1`)."""
    days = load_defaults(project).drift_days
    return DriftDocument(judges=tuple(_row(document, days) for document in documents))


def _row(document: AnchorsDocument, days: float) -> JudgeDrift:
    limits, check = document.limits, document.checks[-1] if document.checks else None
    once, confirmed = document.power
    apart = document.days or days
    return JudgeDrift(
        judge=document.name,
        model=document.judge.judge.model,
        digest=document.judge.digest,
        anchors=document.anchors.count,
        flipped=document.flipped.count,
        origin=document.origin,
        sealed=document.created,
        moved=document.moved,
        noise=document.measured.rate,
        noise_upper=document.measured.upper,
        repeats=document.noise.asked,
        expected=limits.expected,
        limit=limits.alarm,
        limit_to_confirm=limits.confirm,
        false_alarm=limits.false_alarm,
        days=apart,
        false_alarm_a_year=a_year(limits.false_alarm, apart),
        power=once,
        power_confirmed=confirmed,
        checks=len(document.checks),
        outcome=check.outcome if check else None,
        at=check.last.at if check else None,
        changed=check.first.changed if check else None,
        changed_again=check.second.changed if check and check.second else None,
        served=tuple(sorted(document.last.served)),
    )
