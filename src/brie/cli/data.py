"""`brie data`: look at training files before they are trained on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import screen
from brie.cli.groups import Group
from brie.errors import InputError, UsageError

if TYPE_CHECKING:
    from brie.data.check import CheckReport, Lengths, Shared
    from brie.data.encode import Encoder

_SHOWN = 10


@click.group(
    cls=Group,
    epilog="""\b
Examples:
  brie data check my.jsonl
  brie data split my.jsonl --by prompt
""",
)
def command() -> None:
    """Check, preview, split and compare training files (JSONL chats)."""


@command.command(
    epilog="""\b
Examples:
  brie data check my.jsonl
  brie data check my.jsonl --val held_out.jsonl --size 0.5b
"""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--val", type=click.Path(path_type=Path), help="Compare prompts with this file.")
@click.option("--size", metavar="NAME", help="Count tokens as this recipe would.")
@click.option("--base", metavar="MODEL", help="Count tokens with this model's tokenizer.")
@click.option("--max-length", type=click.IntRange(16), help="Tokens a row may have.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
def check(
    file: Path,
    val: Path | None,
    size: str | None,
    base: str | None,
    max_length: int | None,
    as_json: bool,
) -> None:
    """Report schema errors by line, duplicates, lengths, leaks and tables; fail on errors."""
    from brie.data.check import check as look

    encoder, name = _encoder(size, base, max_length) if size or base else (None, "")
    report = look(file, val=val, encoder=encoder, tokenizer=name)
    if as_json:
        click.echo(report.model_dump_json(indent=2))
    else:
        prompts = f"{report.prompts:,} distinct prompt" + ("" if report.prompts == 1 else "s")
        click.echo(f"{report.path}: {_count(report.rows, 'row')}, {prompts}")
        for line in _lines(report):
            click.echo(screen.folded("-", _visible(line), 2))
    if not report.ok:
        raise InputError(f"{file}: {_refusal(report)}.")
    if not as_json:
        click.echo("every row can be trained on.")


@command.command(
    epilog="""\b
Examples:
  brie data preview my.jsonl
  brie data preview my.jsonl --size 0.5b --rows 5
"""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--size", metavar="NAME", default="tiny", show_default=True, help="As this recipe trains.")
@click.option("--base", metavar="MODEL", help="Another model's tokenizer and template.")
@click.option("--rows", type=click.IntRange(1), default=2, show_default=True, help="How many rows.")
@click.option("--max-length", type=click.IntRange(16), help="Tokens a row may have.")
def preview(file: Path, size: str, base: str | None, rows: int, max_length: int | None) -> None:
    """Show rows as the model sees them; what is learned stands out (in [[ ]] without colours)."""
    from brie.data.load import load
    from brie.data.preview import segments

    encoder, name = _encoder(size, base, max_length)
    coloured = screen.console().is_terminal
    click.echo(f"{name}: {encoder.template.reason}")
    for conversation in load(file)[:rows]:
        row = encoder.encode(conversation)
        cut = {"whole": "", "cut": ", the answer's end is cut off", "lost": ", no answer left: dropped"}
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
    epilog="""\b
Examples:
  brie data split my.jsonl --by prompt --share 0.1
  brie data split my.jsonl --by source
  brie data split my.jsonl --hold-out-source forum
"""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", type=click.Choice(["prompt", "source"]), default="prompt", show_default=True)
@click.option("--hold-out-source", "source", metavar="NAME", help="Validate on this source alone.")
@click.option("--share", type=float, default=0.1, show_default=True, help="Rows set aside, 0 to 1.")
@click.option("--seed", type=int, default=42, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), nargs=2, help="Training and validation file.")
def split(
    file: Path, by: str, source: str | None, share: float, seed: int, out: tuple[Path, Path] | None
) -> None:
    """Write a training and a validation file; rows of one prompt (or source) stay together."""
    from brie.data.files import halves_of, write_halves
    from brie.data.load import load
    from brie.data.split import hold_out
    from brie.data.split import split as draw

    rows = load(file)
    if source is not None:
        halves = hold_out(rows, source)
    else:
        halves = draw(
            rows,
            by="source" if by == "source" else "prompt",
            fraction=share,
            generator=random.Random(seed),  # noqa: S311 - a reproducible draw, not a secret
            seed=seed,
        )
    targets = out or halves_of(file)
    write_halves(file, halves, targets)
    for target, half, groups in zip(targets, (halves.train, halves.val), halves.groups, strict=True):
        click.echo(f"{target}  {_count(len(half), 'row')}, {_count(groups, halves.by)}")
    click.echo(f"next  brie train --size 0.5b --data {targets[0]} --val {targets[1]}")


@command.command(
    epilog="""\b
Examples:
  brie data overlap my.jsonl --suite in_domain      are the suite's prompts in the training file?
  brie data overlap val.jsonl train.jsonl           is the first file's text in the second?
"""
)
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--suite", metavar="NAME", help="Look for this suite's prompts in the file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
def overlap(files: tuple[Path, ...], suite: str | None, as_json: bool) -> None:
    """Say which texts of one file stand in another: exactly, inside a longer text, or nearly."""
    from brie.data.overlap import compare_files

    if len(files) + bool(suite) != 2:
        raise UsageError("name two files, or one file and --suite NAME.")
    left = _suite_file(suite) if suite else files[0]
    report = compare_files(left, files[-1])
    if as_json:
        click.echo(report.model_dump_json(indent=2))
        return
    found_in = screen.project().relative(Path(report.left))
    click.echo(
        screen.folded(
            "",
            f"of {_count(report.prompts, 'prompt')} in {found_in}, {report.exact:,} stand exactly, "
            f"{report.contained:,} inside a longer text and {report.near:,} nearly in {report.right} "
            f"({_count(report.rows, 'row')})",
            0,
        )
    )
    for found in report.examples:
        click.echo(f"  {found.left}: {found.way} in {found.right} ({found.similarity:.0%})")


def _suite_file(name: str) -> Path:
    from brie.catalog import suite_files
    from brie.errors import unknown

    path = Path(name)
    if path.suffix in {".toml", ".jsonl"}:
        return path
    files = suite_files(screen.project())
    if name not in files:
        raise unknown("suite", name, files)
    return files[name]


def _encoder(size: str | None, base: str | None, max_length: int | None) -> tuple[Encoder, str]:
    from brie.data.encode import Encoder
    from brie.data.template import choose
    from brie.data.tokenizer import find_tokenizer
    from brie.train.recipes import load_recipe

    recipe = load_recipe(size or "0.5b", screen.project())
    reference = base or recipe.base
    tokenizer = find_tokenizer(reference)
    length = max_length or recipe.max_length
    return Encoder(tokenizer, choose(tokenizer), length, recipe.loss), reference


def _lines(report: CheckReport) -> Iterator[str]:
    for line, text in report.problems[:_SHOWN]:
        yield f"ERROR line {line}: {text}" if line else f"ERROR {text}"
    if not report.rows:
        return
    if len(report.problems) > _SHOWN:
        yield f"and {len(report.problems) - _SHOWN} more errors"
    for note in report.notes:
        yield f"note: {note}"
    if report.several_answers:
        yield (
            f"{report.several_answers:,} prompts have several answers (up to {report.most_answers}): "
            "split by prompt, or answers leak"
        )
    yield from _listed("row", "equal to an earlier one", [line for line, _ in report.duplicates])
    yield from _listed("row", "with an empty user turn", list(report.empty_prompts))
    yield from _listed("answer", "beginning with a blank", list(report.leading_space))
    if report.multi_turn:
        yield f"{_count(report.multi_turn, 'row')} with several answers each, all of them learned"
    for name, table, none in (
        ("category", report.categories, "all"),
        ("source", report.sources, "unknown"),
    ):
        yield f"{name}: {_table(table) if set(table) != {none} else 'no row names one'}"
    for key, table in report.labels.items():
        yield f"{key}: {_table(table)}"
    if report.systems != {"": report.rows}:
        yield f"system turns: {_table({_short(k) or '(none)': v for k, v in report.systems.items()})}"
    if report.lengths:
        yield from _length_lines(report.lengths, report.rows)
    if report.shared:
        yield from _shared_lines(report.shared)


def _length_lines(lengths: Lengths, rows: int) -> Iterator[str]:
    figures = ", ".join(f"{name} {value:,}" for name, value in lengths.percentiles.items())
    over = f"{lengths.over:,} of {rows:,} ({lengths.over / rows:.0%}) over {lengths.max_length:,}"
    yield f"tokens a row ({lengths.tokenizer}): {figures}; {over}"
    lose = f"losing the end at {lengths.max_length:,} tokens"
    yield from _listed("answer", lose, list(lengths.cut))
    yield from _listed("row", "with nothing of the answer left, to be dropped", list(lengths.lost))


def _shared_lines(shared: Shared) -> Iterator[str]:
    if not shared.exact and not shared.near:
        yield "validation: no prompt is shared with the training file"
    if shared.exact:
        pairs = ", ".join(f"{a}={b}" for a, b in shared.exact[:_SHOWN])
        yield f"LEAK: {len(shared.exact)} validation prompts are trained on (lines {pairs})"
    if shared.near:
        near = ", ".join(f"{a}~{b} ({s:.0%})" for a, b, s in shared.near[:_SHOWN])
        yield f"{len(shared.near)} more are nearly the same (lines {near})"


def _refusal(report: CheckReport) -> str:
    first, said = report.problems[0]
    if not first:
        return said
    return f"{_count(len(report.problems), 'row')} cannot be trained on (line {first}: {said})"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _listed(noun: str, what: str, lines: list[int]) -> Iterator[str]:
    if lines:
        more = ", …" if len(lines) > _SHOWN else ""
        where = ", ".join(map(str, lines[:_SHOWN]))
        yield f"{_count(len(lines), noun)} {what}: line {where}{more}"


def _table(counts: dict[str, int]) -> str:
    total = sum(counts.values())
    return ", ".join(f"{name} {count:,} ({count / total:.0%})" for name, count in counts.items())


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 40 else flat[:39] + "…"


def _visible(text: str) -> str:
    """Text for a terminal: control characters other than line breaks are spelled out."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
