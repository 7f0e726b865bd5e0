"""`brie gate`: hold an evaluation against a requirement, in continuous integration."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import screen
from brie.cli import suites as several
from brie.conventions import MARGIN
from brie.errors import BrieError, GateNotMet, GateUndecided, UsageError, unknown

if TYPE_CHECKING:
    from brie.ci.gate import Require
    from brie.project import Project


@click.command(
    epilog="""\b
Examples:
  brie gate --require better
  brie gate eval-in-domain-1a2b3c4d --require not-worse --margin 0.03
  brie gate --require better --allow contamination
  brie gate --require not-worse --max-task-drop 5
  brie gate suites-in-domain-out-of-domain-1a2b3c4d --suite out_of_domain --require not-worse
Exit codes: 0 met, and it stands; 4 refuted, withheld, or a broken seal; 5 undecided or conditional.
"""
)
@click.argument("evaluation", required=False)
@click.option(
    "--require",
    type=click.Choice(["better", "not-worse"]),
    required=True,
    help="The verdict `better`, or a win rate not below one half less the margin.",
)
@click.option(
    "--margin", type=click.FloatRange(0, 0.5), default=MARGIN, show_default=True,
    help="How far below one half still is not worse.",
)  # fmt: skip
@click.option(
    "--allow", "allowed", multiple=True, metavar="CHECK",
    help="A check, or `missing`, that is not to keep the verdict from standing; recorded. Repeatable.",
)  # fmt: skip
@click.option(
    "--max-task-drop", type=click.FloatRange(0, 100), metavar="POINTS",
    help="Beside it: no benchmark (--tasks) may have fallen by so many points.",
)  # fmt: skip
@click.option(
    "--suite", "chosen", multiple=True, metavar="NAME",
    help="Of several suites: only this one has to meet it. Repeatable.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def command(
    evaluation: str | None,
    require: Require,
    margin: float,
    allowed: tuple[str, ...],
    max_task_drop: float | None,
    chosen: tuple[str, ...],
    as_json: bool,
) -> None:
    """Recompute EVALUATION's numbers from the store and say whether they meet a requirement."""
    from brie.api import analyse_evaluation
    from brie.checks.standing import CAUSES
    from brie.ci.gate import gate
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.soundness import unsound
    from brie.evaluation.suites import find_suites

    screen.offline()
    for cause in allowed:
        if cause not in CAUSES:
            raise unknown("check", cause, CAUSES)
    project = screen.project()
    suites = find_suites(evaluation, project)
    if suites is not None and max_task_drop is not None:
        raise UsageError("--max-task-drop asks about one evaluation; name it: brie ls")
    if suites is not None:
        several.gate(
            suites, project, require, chosen=chosen, margin=margin, allowed=allowed, as_json=as_json
        )
        return
    if chosen:
        raise UsageError("--suite picks from a plan of several suites; name one: brie ls")
    manifest = find_evaluation(evaluation, project, command=screen.typed(project)).manifest
    name = manifest.id
    if broken := unsound(manifest):
        raise GateNotMet(f"{name}: the seal is broken, and nothing lifts that: {'; '.join(broken)}.")
    drop = None if max_task_drop is None else max_task_drop / 100
    numbers = analyse_evaluation(name, project)
    answer = gate(numbers, require, margin=margin, allowed=allowed, max_task_drop=drop)
    _step_summary(f"{require} {_word(answer.met)}: {answer.sentence}", name, project)
    if as_json:
        standing = answer.standing.model_dump(mode="json") if answer.standing else None
        fields = {
            "evaluation": name, "require": require, "margin": margin, "met": answer.met,
            **({} if max_task_drop is None else {"max_task_drop": max_task_drop}),
            "reason": answer.sentence, "standing": standing, "allow": list(allowed),
            "lifted": [reason.model_dump(mode="json") for reason in answer.lifted],
        }  # fmt: skip
        click.echo(json.dumps(fields, ensure_ascii=False))
    sentence = f"{name}: {require} {_word(answer.met)}: {answer.sentence}."
    if answer.met is None:
        raise GateUndecided(sentence)
    if not answer.met:
        raise GateNotMet(sentence)
    if not as_json:
        screen.show(sentence, hanging=2)


def _step_summary(sentence: str, name: str, project: Project) -> None:
    """Where GitHub asks for one, append the answer and the short report to the step's summary.

    What cannot be written there is said and changes no answer.
    """
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.results import pull_request
    from brie.report.markdown import code_span

    try:
        text = pull_request(find_evaluation(name, project), project)
        with Path(path).open("a", encoding="utf-8") as summary:
            summary.write(f"{code_span(sentence)}\n\n{text}\n")
    except (OSError, BrieError) as error:
        screen.say(f"the step summary could not be written: {error}")


def _word(met: bool | None) -> str:
    return {True: "is met", False: "is not met", None: "is undecided"}[met]
