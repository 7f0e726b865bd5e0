"""The command line: one file a verb, loaded only when it is used.

`brie --help` reads the tables below and imports no verb, no torch and no SDK.
"""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from brie.cli.groups import Verbs
from brie.errors import BrieError

EXTRAS = {
    **dict.fromkeys(
        ("torch", "transformers", "trl", "peft", "datasets", "accelerate", "tensorboard", "safetensors",
         "tokenizers", "huggingface_hub"),
        "train",
    ),
    "pyarrow": "parquet",
    "gguf": "gguf",
    "jsonschema": "json-schema",
}  # fmt: skip
"""Package that a core installation lacks -> the extra that brings it."""


VERBS: dict[str, dict[str, str]] = {
    "Start": {
        "demo": "Train a tiny model, evaluate it, report: no key, no network.",
        "init": "Make a project folder with suites and judges of your own.",
        "doctor": "Show device, versions, keys and disk; say what is missing.",
    },
    "Make": {
        "data": "Check, split and compare training files; make preference pairs.",
        "suite": "Check a suite of prompts: keys, size, balance, repetitions.",
        "train": "Fine-tune a LoRA adapter; pin its best and last checkpoint.",
        "export": "Make the file people ship, checked, with its card; or send it.",
        "check": "Hold a shipped file against the checkpoint it came from.",
    },
    "Measure": {
        "plan": "Show what a suite can detect, before anything is spent.",
        "eval": "Compare a fine-tune blind with its base, and report.",
        "curve": "Show the win rate over a run's training steps.",
        "audit": "Analyse judgments of another tool; say what they cannot show.",
    },
    "Read": {
        "ls": "List training runs and evaluations, and what to do next.",
        "report": "Build an evaluation's report again, or write a model's card.",
        "view": "Browse runs and evaluations in the browser, and vote blind.",
        "explain": "Say what a check or a word of the report means.",
        "compare": "Compare several evaluations prompt by prompt.",
        "agreement": "Report how far the judges agree, and what each one rewards.",
        "judges": "List judges, score them, see whether one changed, show their cost.",
    },
    "Trust": {
        "verify": "Recompute seal, pins, rows and numbers, or check a bundle.",
        "gate": "Hold an evaluation against a requirement, for CI.",
    },
}
"""What `brie --help` shows: heading -> verb -> its line, in the order of the work."""

PLUMBING: dict[str, dict[str, str]] = {
    "Stages of an evaluation": {
        "generate": "Make the answers an evaluation still lacks.",
        "judge": "Ask judges for what is missing, one more judge, or again.",
        "analyse": "Compute an evaluation's numbers again.",
    },
    "Models, and other machines": {
        "pin": "Explain, verify or write the pin of a checkpoint.",
        "prune": "Free a run's disk space, never what somebody names.",
        "perplexity": "Compare both sides' perplexity on a chat file.",
        "jobs": "List work that runs on other machines; attach, cancel.",
        "bundle": "Put an evaluation or a run into one file.",
        "unbundle": "Merge such a file into this project: all of it, or nothing.",
    },
}
"""What `brie help --all` shows besides."""

MOVED: dict[str, str] = {
    "cost": "judges cost",
    "figures": "report --figures",
    "judge-check": "judges score",
}
"""A word that was a verb -> what does its work now."""


class Brie(Verbs):
    """All verbs."""

    package = __name__
    sections = VERBS
    plumbing = PLUMBING
    unlisted = ("help",)
    moved = MOVED


@click.group(
    cls=Brie,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 90},
    epilog="""\b
brie help VERB    what it does, with examples
brie help --all   the stages and the plumbing too
""",
)
@click.version_option(package_name="brie-eval", prog_name="brie")
def cli() -> None:
    """Is my fine-tune really better than its base, where, and how sure can I be?

    \b
    brie demo                                first try: no key, no network
    brie train --size 0.5b --data my.jsonl   your own model
    brie eval --suite in_domain              and whether it is better
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command; a user's mistake is one sentence on standard error and an exit code."""
    # Containers, schedulers and service managers stop a process so: what Ctrl-C saves, it saves too.
    with suppress(ValueError):  # Not in the main thread: somebody else handles signals.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cli.main(args=list(arguments) if arguments is not None else None, standalone_mode=False)
        sys.exit(0)
    except BrieError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _refuse(error)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = EXTRAS.get(package)
        if extra is None:
            raise
        from brie.provenance import install_command

        _complain(f"this needs {package}: {install_command(extra)}")
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted; what was finished is kept. Run the same command again to go on.")
        sys.exit(3)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.errno not in (errno.ENAMETOOLONG, errno.ELOOP):
            raise
        name = str(error.filename or "a name")[:60]
        _complain(f"{name!r} is no file: {error.strerror}.")
        sys.exit(2)


def _refuse(error: click.ClickException) -> NoReturn:
    """An argument or option that cannot be read: one sentence, and the help that says what is known."""
    if isinstance(error, NoArgsIsHelpError):
        error.show()
    else:
        context = error.ctx if isinstance(error, click.UsageError) else None
        verb = context.command_path.removeprefix(context.find_root().command_path) if context else ""
        reason = " ".join(error.format_message().split()).rstrip(".")
        end = "" if reason.endswith("?") else "."
        _complain(f"{reason[:1].lower()}{reason[1:]}{end} See: brie{verb} --help")
    sys.exit(2)


def _complain(sentence: str) -> None:
    from brie.cli import screen

    screen.show(f"brie: {sentence}", hanging=2, err=True)
