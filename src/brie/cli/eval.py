"""`brie eval`: compare a fine-tune blind with its base, and report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Literal

import click

from brie.cli import answers, options, remote, screen, sweeps
from brie.cli import suites as several
from brie.conventions import CONTROLS
from brie.errors import Stopped, UsageError
from brie.project import Project

if TYPE_CHECKING:
    from brie.evaluation.budget import Spending
    from brie.evaluation.plan import ResolvedRequest
    from brie.evaluation.request import EvalRequest


def _suite_or_answers(
    ctx: click.Context, suite: click.Parameter, names: tuple[str, ...]
) -> str | tuple[str, ...] | None:
    """A suite is named unless a side is a file of answers; click has read what was typed before this.

    Raises:
        MissingParameter: nothing says what is asked.
    """
    sides = (str(ctx.params.get(side) or "") for side in ("candidate", "baseline"))
    given = ctx.params.get("pairs") or any(side.startswith("answers:") for side in sides)
    if not any(names) and not given and not ctx.resilient_parsing:
        raise click.MissingParameter(
            "Say what is asked: a suite, or answers that exist (--pairs FILE).", ctx=ctx, param=suite
        )
    return names if len(names) > 1 else next(iter(names), None)


@click.command(
    epilog="""\b
Examples:
  brie eval --suite in_domain
  brie eval --suite demo --candidate 3f9a:best --judge reference --samples 5
  brie eval --suite in_domain --suite out_of_domain  (one plan, one table, what was forgotten)
  brie eval --suite in_domain --candidate sweep:ranks/r=8   (a recipe: every run of a sweep's setting)
  brie eval --suite my_prompts.txt --candidate hf:me/my-lora --baseline base
  brie eval --suite demo --candidate 3f9a:best --baseline base+system:careful.txt
  brie eval --suite demo --candidate baseline        (an A/A run: must come out even)
  brie eval --suite demo --candidate merged/ --baseline 3f9a:best --paired-noise
  brie eval --pairs answers.csv --candidate my_model --baseline gpt4o --judge claude-haiku
  brie eval --candidate answers:mine.jsonl --baseline answers:theirs.csv#gpt4o
  brie eval --suite in_domain --tasks arithmetic.yaml --tasks hellaswag   (what was forgotten)
  brie eval --suite in_domain --dry-run              (plan, price, what it can tell)
  brie eval --suite in_domain --stop-after generate  (then, elsewhere: brie judge)
  brie eval --suite in_domain --engine vllm          (a GPU, and pip install vllm)
  brie eval --suite in_domain --stop-after generate --on ssh:gpu-box
""",
)
@click.option(
    "--suite",
    metavar="NAME|FILE",
    multiple=True,
    callback=_suite_or_answers,
    help="A suite's name, or a .toml, .jsonl, .csv or .txt file. Several: the first is the domain.",
)
@click.option(
    "--candidate",
    metavar="MODEL",
    help="RUN:best, RUN:STEP, a pin file, a folder, hf:REPO@SHA, answers:FILE, sweep:NAME.",
)
@click.option(
    "--baseline",
    metavar="MODEL",
    help="The other side; default: the candidate's base. With a prompt: base+system:FILE.",
)
@click.option(
    "--pairs", metavar="FILE", help="Answers that exist; the sides are its columns or models by name."
)
@click.option("--prompt", metavar="COLUMN", help="The column of its prompts, where it is not plain.")
@options.BASE
@options.JUDGES
@options.PANEL
@options.SAMPLES
@click.option(
    "--positions",
    type=click.Choice(["both", "balanced"]),
    default="both",
    show_default=True,
    help="Show each comparison in both orders, or in one, balanced.",
)
@click.option(
    "--criteria-orders",
    type=click.IntRange(1, 3),
    default=1,
    show_default=True,
    metavar="N",
    help="Orders in which judges read their rubric's criteria, dealt evenly.",
)
@click.option(
    "--controls",
    type=click.IntRange(0),
    default=CONTROLS,
    show_default=True,
    help="Prompts whose answer is known: base against itself, and against a damaged base.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of sampling, order and assignment."
)
@click.option(
    "--temperature", type=click.FloatRange(0), help="Sampling temperature; 0 takes one sample."
)
@click.option(
    "--thinking/--no-thinking",
    default=None,
    help="Thinking mode, of templates that have one; default: the suite's.",
)
@click.option("--max-new-tokens", type=click.IntRange(1), help="Longest answer, in tokens.")
@click.option(
    "--sampling",
    type=click.Choice(["suite", "model"]),
    default="suite",
    show_default=True,
    help="Settings of the suite, or the model's own generation config.",
)
@options.SYSTEM
@click.option(
    "--paired-noise",
    is_flag=True,
    help="Both sides meet the same draws: for an exported model against its checkpoint.",
)
@click.option(
    "--allow-different-templates", is_flag=True, help="Compare models that format chats unlike."
)
@options.device(None)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    help="Number format; default: what suits the device.",
)
@click.option(
    "--engine",
    type=click.Choice(["transformers", "vllm"]),
    help="What answers for models in folders; default: brie.toml, else transformers.",
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
@options.BUDGET
@options.YES
@options.BATCH
@options.PATIENCE
@options.PROBE
@options.DRIFT
@options.TASKS
@options.TASK_DOCUMENTS
@options.TASKS_AS
@options.ALLOW_CODE
@click.option("--retry", is_flag=True, help="Ask again for invalid and refused verdicts too.")
@click.option("--skip-missing-judges", is_flag=True, help="Leave out judges whose keys are not set.")
@click.option("--name", help="A name for `brie ls`.")
@click.option(
    "--dry-run", is_flag=True, help="Show plan, price and what it can tell; seal and ask nothing."
)
@remote.on
@options.FULL
@options.ANALYSIS_JSON
def command(
    suite: str | tuple[str, ...] | None,
    stop_after: Literal["seal", "generate"] | None,
    budget: float | None,
    yes: bool,
    patience: float,
    probe: bool,
    drift: Literal["auto", "off"],
    batch: bool,
    retry: bool,
    name: str | None,
    dry_run: bool,
    away: remote.Wishes,
    full: bool,
    as_json: bool,
    **request: options.Value,
) -> None:
    """Sample both sides, let the judges compare them blind, and write the report.

    The same command with the same plan goes on where it stopped, and computes nothing that is
    in the store already.
    """
    from brie.evaluation.request import EvalRequest

    project = screen.project()
    each = suite if isinstance(suite, tuple) else (suite,)
    wishes = options.request_of(
        EvalRequest, {**request, "suite": each[0], "typed": screen.typed(project)}
    )
    wanted = screen.spending(
        budget, yes=yes, batch=batch, retry=retry, patience=patience, probe=probe, drift=drift
    )
    if away.on is not None:
        single = stop_after == "generate" and not (isinstance(suite, tuple) or wishes.tasks)
        _elsewhere(wishes, away, project, name, single=single)
        return
    away.refuse_alone()
    if (wishes.candidate or "").startswith("sweep:"):
        refused = {"--suite twice": isinstance(suite, tuple), "--dry-run": dry_run,
                   "--stop-after": stop_after, "--name": name,
                   "--tasks": bool(wishes.tasks)}  # fmt: skip
        sweeps.evaluate(wishes, wanted, project, [o for o, on in refused.items() if on], as_json=as_json)
        return
    if isinstance(suite, tuple) and not dry_run:
        several.evaluate(suite, wishes, wanted, name=name, stop_after=stop_after, as_json=as_json)
        return
    if dry_run:
        _explain([replace(wishes, suite=s) for s in each], project, wanted, as_json=as_json)
        return
    resolved = _prepared(wishes, project)
    if stop_after is not None:
        _begin(resolved, project, stop_after, name, yes=yes, allow_code=wishes.allow_code)
        return
    _run(resolved, wanted, project, name, full=full, as_json=as_json)


def _run(
    resolved: ResolvedRequest,
    wanted: Spending,
    project: Project,
    name: str | None,
    *,
    full: bool,
    as_json: bool,
) -> None:
    """The whole evaluation, and what it found.

    Raises:
        Stopped: it is not finished.
    """
    from brie.evaluation.run import run_evaluation

    outcome = run_evaluation(
        resolved, project, screen.Terminal(),
        command=screen.typed(project), name=name, spending=wanted,
    )  # fmt: skip
    screen.outcome(outcome, as_json=as_json, full=full)
    if outcome.stopped:
        raise Stopped(outcome.stopped)


def _prepared(wishes: EvalRequest, project: Project) -> ResolvedRequest:
    """What is to be evaluated; what was decided on the way is said."""
    from brie.evaluation.request import prepare

    resolved, messages = prepare(wishes, project)
    for line in messages:
        screen.say(line)
    return resolved


def _elsewhere(
    wishes: EvalRequest,
    away: remote.Wishes,
    project: Project,
    name: str | None,
    *,
    single: bool,
) -> None:
    """Have the answers made on another machine; judges are asked from here.

    Raises:
        UsageError: more is asked for than the answers of a single evaluation.
    """
    if not single or (wishes.candidate or "").startswith("sweep:"):
        raise UsageError(
            "--on makes the answers of one evaluation elsewhere, and judges are asked from here: "
            "--stop-after generate, then brie judge"
        )
    answers.seal_and_send(_prepared(wishes, project), away, project, name=name)


def _explain(every: Sequence[EvalRequest], project: Project, wanted: Spending, *, as_json: bool) -> None:
    """Print what the evaluation of each suite would be; nothing is written and nobody is asked."""
    from brie.evaluation.dry_run import dry_run
    from brie.evaluation.request import prepare

    documents = []
    for wishes in every:
        resolved, messages = prepare(wishes, project)
        for line in messages:
            screen.say(line)
        told = dry_run(resolved, project, wanted)
        documents.append(asdict(told))
        for label, text in {"would be": told.id, **told.rows}.items() if not as_json else ():
            click.echo(screen.labelled(label, text, 11))
        for line in told.quote if not as_json else ():
            screen.show(line, hanging=2)
        if not as_json:
            screen.show(told.told)
    if as_json:
        shown = documents[0] if len(documents) == 1 else documents
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))


def _begin(
    resolved: ResolvedRequest,
    project: Project,
    stop_after: str,
    name: str | None,
    *,
    yes: bool,
    allow_code: bool,
) -> None:
    """Seal the plan and perhaps make its answers; no judge is asked."""
    from brie.evaluation.generating import make_answers
    from brie.evaluation.run import begin, planned

    terminal = screen.Terminal()
    plan, reason = planned(resolved)
    command = screen.typed(project).replace(f" --stop-after {stop_after}", "")
    evaluation = begin(plan, resolved, project, terminal, command=command, name=name, reason=reason)
    if stop_after == "generate":
        agreed = screen.consent(yes=yes)
        screen.say(str(make_answers(evaluation, project, terminal, agreed, allow_code=allow_code)))
    left = "judge" if stop_after == "generate" else "generate"
    screen.say(f"Next    brie {left} {evaluation.manifest.id}")
    screen.out(evaluation.manifest.id)
