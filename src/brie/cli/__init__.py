"""The command line: one file a verb, loaded only when it is used.

`brie --help` reads the table below and imports no verb, no torch and no SDK.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from brie.errors import BrieError

COMMANDS: dict[str, str] = {
    "init": "Make a project folder with suites and judges of your own.",
    "doctor": "Show device, versions, keys, disk and store; say what is missing.",
    "data": "Check, preview, split and compare training files.",
    "train": "Fine-tune a LoRA adapter and pin its best and last checkpoint.",
    "suite": "Check a suite of prompts: keys, size, balance, repetitions.",
    "perplexity": "Compare both sides' perplexity on a chat file.",
    "prune": "Free a run's disk space, never what a pin or an evaluation names.",
    "ls": "List training runs and evaluations, and what to do next.",
    "pin": "Explain, verify or write the pin of a checkpoint.",
    "plan": "Show what a suite can detect, before anything is spent.",
    "eval": "Compare a fine-tune blind with its base, and report.",
    "generate": "Make the answers an evaluation still lacks.",
    "judge": "Ask judges for what is missing, with one more judge, or again.",
    "judge-check": "Score a judge on pairs whose better answer is known.",
    "cost": "Show what judging has cost, by evaluation, judge or day.",
    "analyse": "Compute an evaluation's numbers again.",
    "gate": "Hold an evaluation against a requirement, for CI.",
    "agreement": "Report how far the judges agree, and what each one rewards.",
    "compare": "Compare several evaluations prompt by prompt.",
    "curve": "Show the win rate over a run's training steps.",
    "report": "Build an evaluation's report again.",
    "figures": "Write an evaluation's figures and its verdicts as CSV.",
    "view": "Browse runs and evaluations in the browser, and vote blind.",
    "audit": "Analyse judgments another tool made, and say what they cannot show.",
    "verify": "Recompute an evaluation's seal, pins, rows and numbers, or a bundle's.",
    "bundle": "Put an evaluation or a run into one file, for another machine.",
    "unbundle": "Merge such a file into this project: all of it, or nothing.",
    "demo": "Train a tiny model, evaluate it and report: no key, no network.",
}
"""Verbs in the order of the flow, with the line `--help` shows."""


TRAIN = ("torch", "transformers", "trl", "peft", "datasets", "accelerate", "tensorboard")
"""Packages of the extra `train`; whoever only reads results does without."""


class Verbs(click.Group):
    """A group whose verbs are modules of this package, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of the flow."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"brie.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the near matches of a misspelt verb."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from brie.errors import unknown

            raise unknown("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs from the table, without importing them."""
        with formatter.section("Commands, in the order of the work"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 90}
)
@click.version_option(package_name="brie-eval", prog_name="brie")
def cli() -> None:
    """Is my fine-tune really better than its base, where, and how sure can I be?

    \b
    First try, no key and no network:   brie demo
    Your own model:                     brie train --size 0.5b --data my.jsonl
                                        brie eval --suite in_domain
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command; a user's mistake is one sentence on standard error and an exit code."""
    try:
        cli.main(args=list(arguments) if arguments is not None else None, standalone_mode=False)
        sys.exit(0)
    except BrieError as error:
        click.echo(f"brie: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in TRAIN:
            raise
        click.echo(f"brie: this needs {package}: pip install 'brie-eval[train]'", err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo(
            "brie: interrupted; what was finished is kept. Run the same command again to go on.",
            err=True,
        )
        sys.exit(3)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
