"""What a check of a training file found, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from brie.data.check import CheckReport, Lengths, Shared
from brie.number_format import percent, plural

SHOWN = 10
"""Lines and errors named one by one."""


def sentences(report: CheckReport) -> Iterator[str]:
    """What a check found, worst first: one line each, without the counts at its head."""
    for line, text in report.problems[:SHOWN]:
        yield f"ERROR line {line}: {text}" if line else f"ERROR {text}"
    if not report.rows:
        return
    if len(report.problems) > SHOWN:
        yield f"and {len(report.problems) - SHOWN} more errors"
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
        yield f"{plural(report.multi_turn, 'row')} with several answers each, all of them learned"
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
    over = f"{lengths.over:,} of {rows:,} ({percent(lengths.over / rows)}) over {lengths.max_length:,}"
    yield f"tokens a row ({lengths.tokenizer}): {figures}; {over}"
    lose = f"losing the end at {lengths.max_length:,} tokens"
    yield from _listed("answer", lose, list(lengths.cut))
    yield from _listed("row", "with nothing of the answer left, to be dropped", list(lengths.lost))


def _shared_lines(shared: Shared) -> Iterator[str]:
    if not shared.exact and not shared.near:
        yield "validation: no prompt is shared with the training file"
    if shared.exact:
        pairs = ", ".join(f"{a}={b}" for a, b in shared.exact[:SHOWN])
        yield f"LEAK: {len(shared.exact)} validation prompts are trained on (lines {pairs})"
    if shared.near:
        near = ", ".join(f"{a}~{b} ({percent(s)})" for a, b, s in shared.near[:SHOWN])
        yield f"{len(shared.near)} more are nearly the same (lines {near})"


def refusal(report: CheckReport) -> str:
    """Why the file cannot be trained on, in one sentence without its stop; it has problems."""
    line, reason = report.problems[0]
    if not line:
        return reason
    return f"{plural(len(report.problems), 'row')} cannot be trained on (line {line}: {reason})"


def _listed(noun: str, what: str, lines: list[int]) -> Iterator[str]:
    if lines:
        more = ", …" if len(lines) > SHOWN else ""
        where = ", ".join(map(str, lines[:SHOWN]))
        yield f"{plural(len(lines), noun)} {what}: line {where}{more}"


def _table(counts: dict[str, int]) -> str:
    total = sum(counts.values())
    return ", ".join(f"{name} {count:,} ({percent(count / total)})" for name, count in counts.items())


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 40 else flat[:39] + "…"
