"""What verbs do where several suites are meant: `eval --suite A --suite B`, and what reads its table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import screen
from brie.errors import GateNotMet, GateUndecided, Stopped, UsageError, unknown
from brie.lines import command as command_line
from brie.project import Project

if TYPE_CHECKING:
    from brie.ci.gate import Gate, Require
    from brie.evaluation.budget import Spending
    from brie.evaluation.folders import Evaluation
    from brie.evaluation.request import EvalRequest
    from brie.evaluation.suites import Suites
    from brie.evaluation.suites_run import SuitesOutcome


def evaluate(
    names: Sequence[str],
    wishes: EvalRequest,
    spending: Spending,
    *,
    name: str | None,
    stop_after: str | None,
    as_json: bool,
) -> None:
    """`brie eval` with several suites."""
    from brie.evaluation.suites_run import answer_suites, run_suites, seal_suites

    project, terminal = screen.project(), screen.Terminal()
    command = screen.typed(project)
    if stop_after is not None:
        command = command.replace(f" --stop-after {stop_after}", "")
    sealed = seal_suites(
        names, wishes, project, terminal, command=command, name=name,
        spending=None if stop_after else spending,
    )  # fmt: skip
    if stop_after is not None:
        if stop_after == "generate":
            for line in answer_suites(sealed, project, terminal):
                screen.say(line)
        click.echo(sealed.suites.manifest.id)
        return
    outcome = run_suites(sealed, project, terminal, command=command, spending=spending)
    show(outcome, project, as_json=as_json)
    if outcome.stopped:
        raise Stopped(outcome.stopped)


def show(outcome: SuitesOutcome, project: Project, *, as_json: bool) -> None:
    """The table on standard output."""
    from brie.report.suites import suites_lines

    if as_json:
        click.echo(outcome.document.model_dump_json(indent=1))
        return
    manifest = outcome.suites.manifest
    for line in suites_lines(outcome.document, manifest):
        screen.show(line, hanging=4)
    screen.show(f"\nReport    {project.relative(outcome.report)}")
    screen.show(f"Next      {command_line('verify', manifest.id)}")


def report(suites: Suites, project: Project, *, card: bool, opens: bool) -> None:
    """`brie report` of several suites: every suite's report and the table's."""
    import webbrowser

    from brie.evaluation.suites_run import rebuild_suites
    from brie.report.suites import write_suites_report

    outcome = rebuild_suites(suites, project)
    if card:
        write_suites_report(outcome.document, suites.manifest, outcome.report.parent, card=True)
    click.echo(outcome.report)
    for path in sorted((outcome.report.parent / "figures").glob("card.*")) if card else ():
        click.echo(project.relative(path))
    if opens and not webbrowser.open(outcome.report.resolve().as_uri()):
        raise UsageError(f"no browser could be opened here; open {outcome.report} yourself.")


def analyse(suites: Suites, project: Project, *, as_json: bool) -> None:
    """`brie analyse` of several suites."""
    from brie.evaluation.suites_run import rebuild_suites

    show(rebuild_suites(suites, project), project, as_json=as_json)


def parts(suites: Suites, project: Project, chosen: Sequence[str]) -> list[tuple[str, Evaluation]]:
    """Name and evaluation of the suites that are meant; of all, where none is named.

    Raises:
        UsageError: a suite is none of theirs.
        InputError: an evaluation is not here.
    """
    every = [part.suite for part in suites.manifest.plan.parts]
    for name in chosen:
        if name not in every:
            raise unknown("suite", name, every)
    evaluations = suites.evaluations(project)
    return [
        (name, evaluation)
        for name, evaluation in zip(every, evaluations, strict=True)
        if not chosen or name in chosen
    ]


def gate(
    suites: Suites,
    project: Project,
    require: Require,
    *,
    chosen: Sequence[str],
    margin: float,
    allowed: Sequence[str],
    as_json: bool,
) -> None:
    """`brie gate` of several suites: the requirement has to be met on every one that is meant.

    Asking it of all of them needs no allowance for their number: one that fails is enough to fail.
    """
    from brie.api import analyse_evaluation
    from brie.ci.gate import gate as held
    from brie.evaluation.soundness import unsound
    from brie.evaluation.suites import broken, sealed_otherwise

    asked = parts(suites, project, chosen)
    manifests = [evaluation.manifest for _, evaluation in asked]
    links = [why for manifest in manifests for why in unsound(manifest)]
    if broken(suites.manifest) or sealed_otherwise(suites, manifests) or links:
        raise GateNotMet(f"{suites.manifest.id}: the seal is broken, and nothing lifts that.")
    answers = {
        name: held(
            analyse_evaluation(evaluation.manifest.id, project), require, margin=margin, allowed=allowed
        )
        for name, evaluation in asked
    }
    met = _all_met(list(answers.values()))
    if as_json:
        by_suite = {name: {"met": a.met, "reason": a.sentence} for name, a in answers.items()}
        fields = {
            "suites": suites.manifest.id, "require": require, "margin": margin, "met": met,
            "by_suite": by_suite, "allow": list(allowed),
        }  # fmt: skip
        click.echo(json.dumps(fields, ensure_ascii=False))
    words = {True: "is met", False: "is not met", None: "is undecided"}
    each = "; ".join(f"{name} {words[a.met]}: {a.sentence}" for name, a in answers.items())
    sentence = f"{suites.manifest.id}: {require} {words[met]}. On {each}."
    if met is None:
        raise GateUndecided(sentence)
    if not met:
        raise GateNotMet(sentence)
    if not as_json:
        screen.show(sentence, hanging=2)


def _all_met(answers: Sequence[Gate]) -> bool | None:
    """Refuted where one is, else open where one is."""
    if any(answer.met is False for answer in answers):
        return False
    return None if any(answer.met is None for answer in answers) else True


def rows(project: Project) -> list[tuple[str, str, str]]:
    """Of each plan of several suites: its id, what its table says on a line, and what is next."""
    from brie.evaluation.suites import every_suites, read_numbers
    from brie.report.suites import in_a_line

    listed = []
    for suites in every_suites(project):
        document, manifest = read_numbers(suites), suites.manifest
        told = in_a_line(document) if document else "not judged yet"
        done = document is not None and not document.interim
        again = command_line("report", manifest.id) if done else manifest.command
        listed.append((manifest.id, told, again))
    return listed


def unbundled(id_: str, project: Project) -> None:
    """The reports of suites that came in a bundle."""
    from brie.evaluation.gather import gather
    from brie.evaluation.results import write_report
    from brie.evaluation.settled import stored_analysis
    from brie.evaluation.suites import read_suites
    from brie.evaluation.suites_run import write_numbers
    from brie.store import Store

    suites = read_suites(project.runs / id_)
    for evaluation in suites.evaluations(project):
        analysis = stored_analysis(evaluation)
        if analysis is not None:
            with Store.open(project.store, read_only=True) as store:
                rows = gather(evaluation.manifest, store, texts=False)
                write_report(evaluation, analysis, rows, project)
    outcome = write_numbers(suites, project)
    screen.show(f"Report  {project.relative(outcome.report)}")
    screen.show(f"Next    {command_line('verify', id_)}")


def bundled(suites: Suites, project: Project, output: Path | None) -> Path:
    """`brie bundle` of several suites."""
    from brie.bundle import pack_suites

    return pack_suites(suites, project, output or Path(f"{suites.manifest.id}.zip"))
