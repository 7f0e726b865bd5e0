"""`brie view`: browse runs and evaluations, vote blind, and ask both sides what you type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from brie.cli import screen
from brie.errors import UsageError

if TYPE_CHECKING:
    from brie.project import Project
    from brie.web.try_pair import LocalPair


@click.command(
    epilog="""\b
Examples:
  brie view
  brie view eval-demo-1a2b3c4d --port 9000
  brie view @1 --try                       type a prompt: both sides answer
  brie view --try --candidate 3f9a:best    a fine-tune and its base
"""
)
@click.argument("evaluation", required=False)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Another address opens it to others."
)
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8321, show_default=True, help="First tried."
)
@click.option("--try", "ask", is_flag=True, help="Ask both sides what you type; models on this machine.")
@click.option("--candidate", metavar="MODEL", help="With --try and no EVALUATION: RUN:best, a folder.")
@click.option(
    "--baseline", metavar="MODEL", help="The other side of --try; default: the candidate's base."
)
def command(
    evaluation: str | None,
    host: str,
    port: int,
    ask: bool,
    candidate: str | None,
    baseline: str | None,
) -> None:
    """Show runs, evaluations and comparisons in the browser; vote blind at /vote. Ctrl-C ends it."""
    from brie.evaluation.folders import find_evaluation
    from brie.web.server import serve

    if not ask and (candidate or baseline):
        raise UsageError("--candidate and --baseline name whom --try asks; add --try.")
    project = screen.project()
    name = find_evaluation(evaluation, project).manifest.id if evaluation else None
    pair = _pair(name, project, candidate=candidate, baseline=baseline) if ask else None
    serve(project, evaluation=name, host=host, port=port, pair=pair, say=screen.say)


def _pair(
    evaluation: str | None, project: Project, *, candidate: str | None, baseline: str | None
) -> LocalPair:
    """Whom `/try` asks, with what had to be found out about them said."""
    from brie.evaluation.folders import find_evaluation
    from brie.web.try_pair import pair_named, pair_of

    if evaluation and (candidate or baseline):
        raise UsageError("--try asks the sides of EVALUATION; leave --candidate and --baseline out.")
    screen.offline()
    if evaluation:
        pair = pair_of(find_evaluation(evaluation, project), project)
    else:
        pair = pair_named(project, candidate=candidate, baseline=baseline or "base")
    for side, model in pair.sides.items():
        screen.say(f"{side:<10} {pair.names[side]}  {model.pin.digest[:19]}")
        for note in model.notes:
            screen.say(note)
    screen.say(pair.why)
    if not pair.same_templates:
        screen.say("the sides' chat templates differ: each reads its own.")
    return pair
