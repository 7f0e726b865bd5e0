"""`brie perplexity`: both sides on a chat file, with an interval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import options, screen

if TYPE_CHECKING:
    from brie.train.perplexity import Interval


@click.command(
    epilog="""\b
Examples:
  brie perplexity --data held_out.jsonl
  brie perplexity --data held_out.jsonl --candidate first:best --baseline first:50
"""
)
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Chats, JSONL.")
@click.option("--candidate", metavar="MODEL", help="A model reference; default: the only run's best.")
@click.option("--baseline", metavar="MODEL", default="base", show_default=True)
@options.BASE
@click.option("--max-length", type=click.IntRange(16), default=2048, show_default=True)
@options.device("auto")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the bootstrap.")
@options.JSON
def command(
    data: Path,
    candidate: str | None,
    baseline: str,
    base: str | None,
    max_length: int,
    device: str,
    seed: int,
    as_json: bool,
) -> None:
    """Say how surprised each side is by the answers of a chat file; lower is better.

    Intervals resample conversations. A lower perplexity says that a model expects such answers,
    not that people would prefer its own: for that, brie eval.
    """
    import numpy as np

    from brie.data.load import load
    from brie.pin import resolve_pair
    from brie.pin.resolve import default_candidate
    from brie.train.perplexity import perplexity

    project = screen.project()
    first, second = resolve_pair(
        project, candidate=candidate or default_candidate(project), baseline=baseline, base=base
    )
    total, done = 2 * len(load(data)), 0
    with screen.bar("scoring", total, "rows") as advance:

        def on_batch(rows: int, _: int) -> None:
            nonlocal done
            advance(rows - done)
            done = rows

        report = perplexity(
            data,
            candidate=first,
            baseline=second,
            generator=np.random.default_rng(seed),
            device=device,
            max_length=max_length,
            on_batch=on_batch,
        )
    if as_json:
        click.echo(report.model_dump_json(indent=2))
        return
    screen.show(
        f"{report.data}: {report.conversations:,} conversations, {report.tokens:,} answer tokens"
    )
    if report.dropped:
        lines = ", ".join(map(str, report.dropped))
        text = f"no answer is left within {max_length:,} tokens: line {lines}"
        screen.out(screen.labelled("dropped:", text, 9))
    for name, value in (
        (first.name, report.candidate),
        (second.name, report.baseline),
        ("ratio", report.ratio),
    ):
        screen.show(f"{name:<24} {_shown(value)}", hanging=4)
    screen.show(surprise(report.ratio, first.name, second.name), hanging=2)


def surprise(ratio: Interval, candidate: str, baseline: str) -> str:
    """What the ratio of both perplexities says, in a sentence; lower is less surprised."""
    if ratio.low is None or ratio.high is None:
        return "lower is less surprised; too few conversations to say which side is."
    if ratio.low <= 1 <= ratio.high:
        return "lower is less surprised; which side is cannot be told: the ratio's interval has 1 in it."
    lower, higher = (candidate, baseline) if ratio.high < 1 else (baseline, candidate)
    return (
        f"{lower} is less surprised by these answers than {higher}: the ratio's interval leaves out 1."
    )


def _shown(value: Interval) -> str:
    if value.low is None or value.high is None:
        return f"{_number(value.value)}  (too few conversations for an interval)"
    return f"{_number(value.value)}  [{_number(value.low)}, {_number(value.high)}]"


def _number(value: float) -> str:
    return f"{value:#.4g}" if value < 1e3 else f"{value:,.0f}" if value < 1e9 else f"{value:.2e}"
