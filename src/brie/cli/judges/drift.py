"""`brie judges drift`: has a judge changed since its anchors were sealed?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from brie.cli import options, screen
from brie.cli.groups import Group
from brie.errors import JudgeChanged
from brie.number_format import changed_verdicts, percent, plural

if TYPE_CHECKING:
    from brie.evaluation.anchors import AnchorsDocument
    from brie.evaluation.budget import Spending
    from brie.project import Project
    from brie.records.studies import JudgeDrift

LOW_POWER = 0.5
"""Below, such a change is missed more often than found, and why is said."""
_WITHOUT_KEYS = "Judges that need no key: brie judges ls"


@click.group(
    cls=Group,
    invoke_without_command=True,
    epilog="""\b
Examples:
  brie judges drift seal in_domain-3f9a          anchors from its verdicts, for every judge of it
  brie judges drift seal --judge claude-sonnet   anchors on the pairs of brie judges score
  brie judges drift --yes                        ask all of them again: for cron and CI
  brie judges drift --judge claude-sonnet --json
""",
)
@options.JUDGES
@options.BUDGET
@options.YES
@options.PATIENCE
@options.PROBE
@options.JSON
@click.pass_context
def command(
    ctx: click.Context,
    judges: tuple[str, ...],
    budget: float | None,
    yes: bool,
    patience: float,
    probe: bool,
    as_json: bool,
) -> None:
    """Ask judges their sealed anchors again; exit code 4 where one has changed.

    A model behind a server can change under its name. An alarm counts once a second asking confirms
    it; from then on the judge counts as another one, and no verdict stored before is used for it.
    Evaluations ask by themselves what was not asked for 7 days (`drift_days` of brie.toml).
    """
    if ctx.invoked_subcommand is not None:
        return
    from brie.studies.drift import check_drift

    project = screen.project()
    documents = check_drift(
        judges, project, screen.Terminal(), _spending(budget, yes=yes, patience=patience, probe=probe),
        resume=screen.typed(project),
    )  # fmt: skip
    _print(documents, project, as_json=as_json)
    changed = [document.name for document in documents if document.found]
    if changed:
        has = "has" if len(changed) == 1 else "have"
        raise JudgeChanged(f"{' and '.join(changed)} {has} changed.")


@command.command(
    short_help="Choose and seal a judge's anchors, and measure its noise.",
    epilog="""\b
Examples:
  brie judges drift seal in_domain-3f9a
  brie judges drift seal in_domain-3f9a --judge gpt-sol
  brie judges drift seal --judge claude-sonnet
""",
)
@click.argument("evaluation", required=False)
@options.JUDGES
@options.BUDGET
@options.YES
@options.PATIENCE
@options.PROBE
@options.JSON
def seal(
    evaluation: str | None,
    judges: tuple[str, ...],
    budget: float | None,
    yes: bool,
    patience: float,
    probe: bool,
    as_json: bool,
) -> None:
    """Seal 60 verdicts of a judge as its anchors, and ask them 5 times more to measure its own noise.

    They come from EVALUATION, half of them of comparisons it flipped on when the order was exchanged;
    without one, from the pairs of `brie judges score`.
    """
    from brie.evaluation.folders import find_evaluation
    from brie.studies.drift import seal as seal_anchors

    project = screen.project()
    chosen = None
    if evaluation is not None or not judges:
        typed = screen.typed(project)
        chosen = find_evaluation(evaluation, project, command=typed)
    documents = seal_anchors(
        chosen, judges, project, screen.Terminal(),
        _spending(budget, yes=yes, patience=patience, probe=probe), resume=screen.typed(project),
    )  # fmt: skip
    _print(documents, project, as_json=as_json)


def _spending(budget: float | None, *, yes: bool, patience: float, probe: bool) -> Spending:
    wishes = screen.spending(budget, yes=yes, batch=False, retry=False, patience=patience, probe=probe)
    return replace(wishes, without_keys=_WITHOUT_KEYS)


def _print(documents: Sequence[AnchorsDocument], project: Project, *, as_json: bool) -> None:
    from brie.studies.drift import document_of

    document = document_of(documents, project)
    if as_json:
        click.echo(json.dumps(document.written(), indent=2))
        return
    for row in document.judges:
        for line in lines(row):
            screen.show(line, hanging=22)


def _seldom(chance: float) -> str:
    """A small chance in percent, never 0."""
    share = max(0.1, 100 * chance)
    return f"{share:.1f} %" if share < 10 else f"{share:.0f} %"


def lines(row: JudgeDrift) -> Iterator[str]:
    """A judge's anchors in words."""
    from brie.analyse.drift import FLIPPED_CHANGE, STEADY_CHANGE

    yield f"{row.judge} ({row.model})"
    yield f"  anchors           {row.anchors:,} verdicts of {row.origin}, sealed {row.sealed[:10]}"
    yield f"                    {row.flipped:,} of them of comparisons it flipped on"
    if row.moved:
        yield f"                    {row.moved} of them it mostly judges otherwise by now"
    yield (
        f"  its own noise     {percent(row.noise)} (at most {percent(row.noise_upper)}, "
        f"{plural(row.repeats, 'repeat')})"
    )
    yield (
        f"  an alarm          more than {row.limit} changes, confirmed by more than "
        f"{row.limit_to_confirm}"
    )
    yield (
        f"  false alarms      at most {_seldom(row.false_alarm_a_year)} a year, asked every "
        f"{row.days:.3g} days"
    )
    yield (
        f"  finds             a change of {percent(FLIPPED_CHANGE)} of the flipped and "
        f"{percent(STEADY_CHANGE)} of the others in {percent(row.power)} "
        f"({percent(row.power_confirmed)} confirmed)"
    )
    if row.power < LOW_POWER:
        few = row.flipped < row.anchors / 3
        why = "it flips on few; a larger evaluation has more" if few else "its own noise hides others"
        yield f"                    {why}"
    if row.outcome is not None:
        words = {"same": "no alarm", "not_confirmed": "not confirmed", "changed": "changed"}
        again = f", {row.changed_again} when asked again" if row.changed_again is not None else ""
        told = changed_verdicts(changed=row.changed or 0, asked=row.anchors, expected=row.expected)
        yield f"  last asked        {(row.at or '')[:10]}: {told}{again}: {words[row.outcome]}"
    yield ""
