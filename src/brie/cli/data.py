"""`brie data`: look at training files before they are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import options, screen
from brie.cli.groups import Group
from brie.cli.prefs import prefs
from brie.errors import InputError, UsageError
from brie.lines import command as command_line
from brie.number_format import percent, plural

if TYPE_CHECKING:
    from brie.data.split import By


@click.group(
    cls=Group,
    epilog="""\b
Examples:
  brie data check my.jsonl
  brie data split my.jsonl --by prompt
""",
)
def command() -> None:
    """Check, preview, split, convert and compare training files; make pairs of verdicts."""


command.add_command(prefs)


@command.command(
    short_help="Find errors by line, duplicates, lengths, leaks.",
    epilog="""\b
Examples:
  brie data check my.jsonl
  brie data check my.jsonl --val held_out.jsonl --size 0.5b
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--val", type=click.Path(path_type=Path), help="Compare prompts with this file.")
@click.option("--size", metavar="NAME", help="Count tokens as this recipe would.")
@click.option("--base", metavar="MODEL", help="Count tokens with this model's tokenizer.")
@click.option("--max-length", type=click.IntRange(16), help="Tokens a row may have.")
@options.MAP
@options.CHAT_TEMPLATE
@options.SYSTEM
@options.JSON
def check(
    file: Path, val: Path | None, mapping: tuple[str, ...], as_json: bool, **named: options.Value
) -> None:
    """Report schema errors by line, duplicates, lengths, leaks and tables; fail on errors."""
    from brie.data.check import check as look
    from brie.data.check_words import refusal, sentences
    from brie.data.mapping import mapping_of
    from brie.train.encoder import EncoderRequest, encoder_of

    encoder, name = None, ""
    asked = options.request_of(EncoderRequest, named)
    if asked.size or asked.base:
        encoder, name = encoder_of(screen.project(), asked)
    elif lone := next((key for key, value in named.items() if value is not None), None):
        raise UsageError(
            f"--{lone.replace('_', '-')} needs a tokenizer to count with: --size NAME (a recipe's), or "
            "--base MODEL."
        )
    report = look(file, val=val, encoder=encoder, tokenizer=name, mapping=mapping_of(mapping))
    if as_json:
        click.echo(report.model_dump_json(indent=2))
    else:
        prompts = plural(report.prompts, "distinct prompt")
        screen.show(f"{report.path}: {plural(report.rows, 'row')}, {prompts}")
        for sentence in sentences(report):
            screen.out(screen.labelled("-", _visible(sentence), 2))
    if not report.ok:
        raise InputError(f"{file}: {refusal(report)}.")
    if not as_json:
        screen.show("every row can be trained on.")


@command.command(
    short_help="Show rows as the model sees them.",
    epilog="""\b
Examples:
  brie data preview my.jsonl
  brie data preview my.jsonl --size 0.5b --rows 5
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--size", metavar="NAME", help="As this recipe trains; tiny where no --base is named.")
@click.option("--base", metavar="MODEL", help="Another model's tokenizer and template.")
@click.option("--rows", type=click.IntRange(1), default=2, show_default=True, help="How many rows.")
@click.option("--max-length", type=click.IntRange(16), help="Tokens a row may have.")
@options.MAP
@options.CHAT_TEMPLATE
@options.SYSTEM
def preview(file: Path, rows: int, mapping: tuple[str, ...], **named: options.Value) -> None:
    """Show rows as the model sees them; what is learned stands out (in [[ ]] without colours)."""
    from brie.data.encode import taken_apart
    from brie.data.load import parse, whole
    from brie.data.mapping import mapping_of
    from brie.data.preview import segments
    from brie.train.encoder import EncoderRequest, encoder_of

    asked = options.request_of(EncoderRequest, named)
    if not (asked.size or asked.base):
        asked = replace(asked, size="tiny")
    encoder, name = encoder_of(screen.project(), asked)
    coloured = screen.console().is_terminal
    screen.show(f"{name}: {encoder.template.reason}")
    cut = {"whole": "", "cut": ", the answer's end is cut off", "lost": ", no answer left: dropped"}
    parsed = whole(parse(file, mapping_of(mapping)))
    _say_form(file, parsed.read_as)
    encoded = [
        row for conversation in parsed.conversations[:rows] for row in encoder.encode(conversation)
    ]
    if apart := taken_apart(encoded):
        screen.say(f"{file}: {apart}")
    for row in encoded:
        click.echo(f"\n--- line {row.line}: {row.length} tokens, {row.learned} learned{cut[row.cut]}")
        for part in segments(row, encoder.tokenizer):
            text = _visible(part.text)
            if not part.learned:
                click.echo(click.style(text, dim=True) if coloured else text, nl=False)
            else:
                click.echo(
                    click.style(text, fg="green", bold=True) if coloured else f"[[{text}]]", nl=False
                )
        click.echo()


@command.command(
    short_help="Write a training and a validation file.",
    epilog="""\b
Examples:
  brie data split my.jsonl --by prompt --share 0.1
  brie data split my.jsonl --by source
  brie data split my.jsonl --hold-out-source forum
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", type=click.Choice(["prompt", "source"]), default="prompt", show_default=True)
@click.option("--hold-out-source", "source", metavar="NAME", help="Validate on this source alone.")
@click.option("--share", type=float, default=0.1, show_default=True, help="Rows set aside, 0 to 1.")
@click.option("--seed", type=int, default=42, show_default=True)
@options.MAP
@click.option("--out", type=click.Path(path_type=Path), nargs=2, help="Training and validation file.")
def split(
    file: Path,
    by: By,
    source: str | None,
    share: float,
    seed: int,
    mapping: tuple[str, ...],
    out: tuple[Path, Path] | None,
) -> None:
    """Write a training and a validation file; rows of one prompt (or source) stay together."""
    from brie.data.files import split_file
    from brie.data.mapping import mapping_of

    halves, targets, parsed = split_file(
        file, by=by, source=source, share=share, seed=seed, out=out, mapping=mapping_of(mapping)
    )
    _say_form(file, parsed.read_as)
    for target, half, groups in zip(targets, (halves.train, halves.val), halves.groups, strict=True):
        screen.show(f"{target}  {plural(len(half), 'row')}, {plural(groups, halves.by)}")
    again = [part for pair in mapping for part in ("--map", pair)]
    files = ("--data", str(targets[0]), "--val", str(targets[1]))
    screen.show(f"next  {command_line('train', '--size', '0.5b', *files, *again)}", hanging=6)


@command.command(
    short_help="Write a file of another form as chats.",
    epilog="""\b
Examples:
  brie data convert alpaca.json my.jsonl
  brie data convert faq.csv my.jsonl --map prompt=question --map completion=answer
  brie data convert talks.jsonl my.jsonl --map role=speaker --map role.assistant=agent
""",
)
@click.argument("file", metavar="IN", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@options.MAP
@click.option("--skip-broken", "skip", is_flag=True, help="Leave out rows that cannot be trained on.")
def convert(file: Path, out: Path, mapping: tuple[str, ...], skip: bool) -> None:
    """Write IN as OUT: a chat a line. Alpaca, ShareGPT, OpenAI, columns, JSON, CSV, Parquet.

    Training, checking and splitting read the same forms as they are.
    """
    from brie.data.convert import convert as write
    from brie.data.mapping import mapping_of

    parsed = write(file, out, mapping_of(mapping), skip=skip)
    _say_form(file, parsed.read_as)
    if parsed.problems:
        first = parsed.problems[0]
        left_out = f"{plural(len(parsed.problems), 'row')} left out"
        screen.say(f"{file}: {left_out}, the first in line {first.line}: {first.text}")
    screen.show(f"{out}  {plural(len(parsed.conversations), 'row')}")
    screen.show(f"next  {command_line('data', 'check', str(out))}", hanging=6)


@command.command(
    short_help="Say which texts of one file are in another.",
    epilog="""\b
Examples:
  brie data overlap my.jsonl --suite in_domain      are the suite's prompts in the training file?
  brie data overlap val.jsonl train.jsonl           is the first file's text in the second?
""",
)
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--suite", metavar="NAME", help="Look for this suite's prompts in the file.")
@options.JSON
def overlap(files: tuple[Path, ...], suite: str | None, as_json: bool) -> None:
    """Say which texts of one file stand in another: exactly, inside a longer text, or nearly."""
    from brie.catalog import suite_file
    from brie.data.overlap import compare_files

    if len(files) + bool(suite) != 2:
        raise UsageError("name two files, or one file and --suite NAME.")
    project = screen.project()
    report = compare_files(suite_file(suite, project) if suite else files[0], files[-1])
    if as_json:
        click.echo(report.model_dump_json(indent=2))
        return
    click.echo(
        screen.labelled(
            "",
            f"of {plural(report.prompts, 'prompt')} in {project.relative(Path(report.left))}, "
            f"{report.exact:,} stand exactly, {report.contained:,} inside a longer text and "
            f"{report.near:,} nearly in {report.right} ({plural(report.rows, 'row')})",
            0,
        )
    )
    for example in report.examples:
        alike = f"({percent(example.similarity)})"
        screen.show(f"  {example.left}: {example.way} in {example.right} {alike}", hanging=4)


def _say_form(file: Path, read_as: Sequence[str]) -> None:
    """What rows of another form were read as."""
    for form in read_as:
        screen.say(f"{file}: read as {form}")


def _visible(text: str) -> str:
    """Text for a terminal: control characters other than line breaks are spelled out."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
