"""`brie eval`: compare a fine-tune blind with its base, and report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from brie.cli import screen
from brie.errors import Stopped
from brie.project import Project
from brie.records import Positions

if TYPE_CHECKING:
    from brie.evaluation.plan import ResolvedRequest


@click.command(
    epilog="""\b
Examples:
  brie eval --suite in_domain
  brie eval --suite demo --candidate 3f9a:best --judge reference --samples 5
  brie eval --suite my_prompts.txt --candidate hf:me/my-lora --baseline base
  brie eval --suite demo --candidate baseline        (an A/A run: must come out even)
  brie eval --suite in_domain --stop-after generate  (then, elsewhere: brie judge)
"""
)
@click.option("--suite", required=True, help="A suite's name, or a .toml, .jsonl, .csv or .txt file.")
@click.option(
    "--candidate", metavar="MODEL", help="RUN:best, RUN:STEP, a pin file, a folder, hf:REPO@SHA."
)
@click.option("--baseline", metavar="MODEL", default="base", show_default=True, help="The other side.")
@click.option("--judge", "judges", metavar="ID", multiple=True, help="A judge; may be repeated.")
@click.option("--panel", metavar="NAME", help="A panel of judges/panels.toml.")
@click.option("--samples", type=click.IntRange(1), help="Answers a prompt and side.")
@click.option(
    "--positions",
    type=click.Choice(["both", "balanced"]),
    default="both",
    show_default=True,
    help="Show each comparison in both orders, or in one, balanced.",
)
@click.option(
    "--controls",
    type=click.IntRange(0),
    default=12,
    show_default=True,
    help="Prompts whose answer is known: base against itself, and against a damaged base.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of sampling, order and assignment."
)
@click.option(
    "--temperature", type=click.FloatRange(0), help="Sampling temperature; 0 takes one sample."
)
@click.option("--max-new-tokens", type=click.IntRange(1), help="Longest answer, in tokens.")
@click.option(
    "--sampling",
    type=click.Choice(["suite", "model"]),
    default="suite",
    show_default=True,
    help="Settings of the suite, or the model's own generation config.",
)
@click.option(
    "--allow-different-templates", is_flag=True, help="Compare models that format chats unlike."
)
@click.option("--device", type=click.Choice(["cuda", "mps", "cpu"]), help="Default: the fastest here.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    help="Number format; default: what suits the device.",
)
@click.option(
    "--stop-after",
    type=click.Choice(["seal", "generate"]),
    help="Only seal the plan, or only make the answers; `brie judge` goes on.",
)
@click.option("--until-decided", is_flag=True, help="Stop as soon as a test made for stopping decides.")
@click.option(
    "--hold-out-source",
    "hold_out_sources",
    metavar="NAME",
    multiple=True,
    help="A source the candidate was not trained on; reported beside the others.",
)
@click.option("--max-prompts", type=click.IntRange(8), help="Most prompts, with --until-decided.")
@click.option("--budget", type=click.FloatRange(0), metavar="USD", help="Most it may cost in all.")
@click.option("--yes", is_flag=True, help="Agree to the quote beforehand.")
@click.option("--batch", is_flag=True, help="Ask through the providers' batches, at half the price.")
@click.option("--retry", is_flag=True, help="Ask again for invalid and refused verdicts too.")
@click.option("--skip-missing-judges", is_flag=True, help="Leave out judges whose keys are not set.")
@click.option("--name", help="A name for `brie ls`.")
@click.option("--json", "as_json", is_flag=True, help="Print analysis.json on standard output.")
def command(
    suite: str,
    candidate: str | None,
    baseline: str,
    judges: tuple[str, ...],
    panel: str | None,
    samples: int | None,
    positions: Positions,
    controls: int,
    seed: int,
    temperature: float | None,
    max_new_tokens: int | None,
    sampling: Literal["suite", "model"],
    allow_different_templates: bool,
    device: str | None,
    dtype: str | None,
    stop_after: Literal["seal", "generate"] | None,
    until_decided: bool,
    hold_out_sources: tuple[str, ...],
    max_prompts: int | None,
    budget: float | None,
    yes: bool,
    batch: bool,
    retry: bool,
    skip_missing_judges: bool,
    name: str | None,
    as_json: bool,
) -> None:
    """Sample both sides, let the judges compare them blind, and write the report.

    The same command with the same plan goes on where it stopped, and computes nothing that is
    in the store already.
    """
    from brie.evaluation.request import EvalRequest, prepare
    from brie.evaluation.run import run_evaluation

    wishes = EvalRequest(
        suite=suite,
        candidate=candidate,
        baseline=baseline,
        judges=judges,
        panel=panel,
        samples=samples,
        positions=positions,
        controls=controls,
        seed=seed,
        temperature=temperature,
        max_new_tokens=max_new_tokens,
        sampling=sampling,
        allow_different_templates=allow_different_templates,
        until_decided=until_decided,
        max_prompts=max_prompts,
        hold_out_sources=hold_out_sources,
        device=device,
        dtype=dtype,
        skip_missing_judges=skip_missing_judges,
    )
    project = screen.project()
    asked, said = prepare(wishes, project)
    for line in said:
        screen.say(line)
    if stop_after is not None:
        _begin(asked, project, stop_after, name)
        return
    outcome = run_evaluation(
        asked,
        project,
        screen.Terminal(),
        command=typed(project),
        name=name,
        spending=screen.spending(budget, yes=yes, batch=batch, retry=retry),
    )
    if as_json:
        click.echo(outcome.analysis.to_json(), nl=False)
    else:
        screen.summary(outcome)
    if outcome.stopped:
        raise Stopped(outcome.stopped)


def _begin(asked: ResolvedRequest, project: Project, stop_after: str, name: str | None) -> None:
    """Seal the plan and perhaps make its answers; no judge is asked."""
    from brie.evaluation.generating import make_answers
    from brie.evaluation.run import begin, planned

    terminal = screen.Terminal()
    plan, reason = planned(asked)
    command = typed(project).replace(f" --stop-after {stop_after}", "")
    evaluation = begin(plan, asked, project, terminal, command=command, name=name, reason=reason)
    if stop_after == "generate":
        screen.say(str(make_answers(evaluation, project, terminal)))
    click.echo(evaluation.manifest.id)


def typed(project: Project) -> str:
    """The command as it was typed, for resuming and for reports: no path of this machine in it."""
    return shlex.join(["brie", *(_portable(argument, project) for argument in sys.argv[1:])])


def _portable(argument: str, project: Project) -> str:
    path = Path(argument)
    return project.relative(path) if path.is_absolute() and path.exists() else argument
