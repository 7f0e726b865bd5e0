"""`brie train`: fine-tune a LoRA adapter, and pin what came of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from brie.cli import options, remote, screen, sweeps, trained
from brie.cli.options import Value, request_of
from brie.errors import UsageError
from brie.train.config import TrainRequest


@click.command(
    epilog="""\b
Examples:
  brie train --size tiny
  brie train --size 0.5b --data my.jsonl --name first
  brie train --size 3b --data my.jsonl --set learning_rate=1e-4 --set epochs=2
  brie train --size 0.5b --data my.jsonl --hold-out-source forum --balance label
  brie train --size 3b --dry-run                 what it needs, before anything is fetched
  brie train --size 0.5b --data my.jsonl --set r=8,16,32 --seeds 3 --name ranks
  brie train --size 0.5b --base gpt2 --chat-template chatml --data my.jsonl
  brie train --method dpo --prefs prefs.jsonl --from first:best --name taught
  brie train --resume first
  brie train --size 0.5b --data my.jsonl --on ssh:gpu-box
  brie train --size 0.5b --data my.jsonl --gpus 2
  brie train --size 7b-fsdp --gpus 2x24 --dry-run    would it fit on two GPUs of 24 GB?
"""
)
@click.option("--size", metavar="NAME", help="A recipe: tiny, 0.5b, …; recipes/NAME.toml.")
@click.option("--recipe", type=click.Path(path_type=Path), help="A recipe file instead of --size.")
@click.option("--base", metavar="MODEL", help="Another base: ORG/NAME@REV or a folder.")
@click.option("--data", metavar="FILE", help="Training rows: a JSONL file, or hf:DATASET.")
@click.option("--val", metavar="FILE", help="Validation rows; else a split by prompt is drawn.")
@click.option(
    "--hold-out-source",
    metavar="NAME",
    multiple=True,
    help="Validate on this source, and train on the others.",
)
@click.option("--balance", metavar="KEY", help="See the labels under this key equally often: label, …")
@click.option(
    "--method",
    type=click.Choice(["sft", "dpo", "kto"]),
    help="Learn answers (sft), or from pairs of a better and a worse one.",
)
@click.option("--prefs", metavar="FILE", help="Pairs for dpo and kto: brie data prefs makes them.")
@click.option(
    "--from", "start", metavar="MODEL", help="Go on with this adapter, which is the reference: RUN:best."
)
@click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="Over the recipe; may be repeated. Several values (r=8,16) make a sweep.",
)
@click.option(
    "--seeds", type=click.IntRange(1), metavar="N", help="A sweep: N runs of each setting, one a seed."
)
@options.MAP
@options.CHAT_TEMPLATE
@options.SYSTEM
@click.option("--name", help="A name to call the run by.")
@options.device("auto")
@click.option("--resume", metavar="RUN", help="Go on with a run or a sweep: its name, id or folder.")
@click.option("--gpus", metavar="N", help="Share the batch among N GPUs; 2x24 with --dry-run: of 24 GB.")
@click.option("--fsdp", is_flag=True, help="With --gpus: each holds a part of the weights (FSDP2).")
@click.option(
    "--processes", type=click.IntRange(1), help="How many processes a launcher of yours should start."
)
@click.option("--dry-run", is_flag=True, help="Say everything that would happen, and do nothing.")
@click.option("--probe", is_flag=True, help="With --dry-run: time a few steps.")
@remote.on
@options.YES
@options.JSON
def command(
    dry_run: bool,
    probe: bool,
    fsdp: bool,
    away: remote.Wishes,
    yes: bool,
    as_json: bool,
    **given: Value,
) -> None:
    """Train, save a checkpoint at every evaluation, and pin the best and the last one.

    Several values of a setting, or --seeds, make a sweep: one run of each combination and seed, sealed
    before the first, gone on with by the same command.
    """
    from brie.train.sweep_values import asks_for_several

    request = request_of(TrainRequest, given)
    if fsdp:
        request = replace(request, settings=(*request.settings, "sharding=fsdp"))
    if probe and (not dry_run or away.on):
        raise UsageError("--probe belongs to --dry-run, and times this machine.")
    if away.on is not None:
        _elsewhere(request, away)
        return
    away.refuse_alone(("--yes", yes), ("--json", as_json))
    if not dry_run and _by_several(request):
        return
    if dry_run:
        _explain(request, probe=probe)
    elif asks_for_several(request, screen.project()):
        sweeps.train(request, screen.project())
    else:
        _train(request)


def _elsewhere(request: TrainRequest, wishes: remote.Wishes) -> None:
    from brie.remote.training import training_errand

    project = screen.project()
    launcher = remote.opened(wishes)
    remote.run(training_errand(request, project), wishes, project, launcher)


def _by_several(request: TrainRequest) -> bool:
    """Train in one process a GPU, and end as they do; False: this process does it by itself.

    Raises:
        Stopped: one of them was killed.
    """
    from brie.train.gpus import device_for, gpus_of, is_launched
    from brie.train.launch import brie_again, end_with_launcher, launch

    if is_launched():
        end_with_launcher()
        return False
    gpus = gpus_of(request)
    if gpus is None:
        return False
    if gpus.gigabytes is not None:
        raise UsageError(
            f"--gpus {request.gpus}: their memory is only for --dry-run; use --gpus {gpus.number}"
        )
    device_for(request)
    if code := launch(brie_again(), gpus.number):
        raise SystemExit(code)
    return True


def _train(request: TrainRequest) -> None:
    from brie.cli.train_progress import TrainProgress
    from brie.train.gpus import expected
    from brie.train.progress import Silent
    from brie.train.run import train

    project = screen.project()
    if not expected(request).first:
        train(request, project, Silent())
        return
    with TrainProgress() as progress:
        folder = train(request, project, progress)
    trained.say_done(folder, project)


def _explain(request: TrainRequest, *, probe: bool) -> None:
    from brie.train.explain import explain
    from brie.train.progress import Silent
    from brie.train.sweep_values import asks_for_several

    if request.resume is not None:
        raise UsageError("--dry-run explains a new run; leave out --resume.")
    if probe and request.gpus is not None:
        raise UsageError("--probe times steps in one process; leave out --gpus.")
    project = screen.project()
    if asks_for_several(request, project):
        request = sweeps.explain(request, project)
    for line in explain(request, project, Silent(), probe=probe):
        screen.out(screen.labelled(line.label, line.text, 12))
