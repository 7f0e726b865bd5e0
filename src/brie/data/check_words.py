"""What a check of a training file found, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brie.data.check import CheckReport, Lengths, Shared
from brie.data.turns import counted
from brie.number_format import percent, plural

_VARYING = re.compile(r"\d+|'[^']*'|\([^)]*\)")
SHOWN = 10
"""Lines and errors named one by one."""


def sentences(report: CheckReport) -> Iterator[str]:
    """What a check found, worst first: one line each, without the counts at its head."""
    yield from _problems(report)
    if not report.rows:
        return
    for form in report.read_as:
        yield f"read as {form}"
    for note in report.notes:
        yield f"note: {note}"
    yield from _kept_text(report)
    if report.several_answers:
        yield (
            f"{report.several_answers:,} prompts have several answers (up to {report.most_answers}): "
            "split by prompt, or answers leak"
        )
    yield from _listed("row", "equal to an earlier one", [line for line, _ in report.duplicates])
    yield from _listed("row", "with an empty user turn", list(report.empty_prompts))
    yield from _listed("answer", "beginning with a blank", list(report.leading_space))
    if report.multi_turn:
        all_learned = ", all of them learned" if not report.unlearned else ""
        yield f"{plural(report.multi_turn, 'row')} with several answers each{all_learned}"
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


def _problems(report: CheckReport) -> Iterator[str]:
    """One line a kind of problem: what differs between rows of a kind is a number or a name."""
    kinds: dict[str, list[tuple[int, str]]] = {}
    for line, text in report.problems:
        kinds.setdefault(_VARYING.sub("#", text), []).append((line, text))
    for of_a_kind in list(kinds.values())[:SHOWN]:
        (line, text), lines = of_a_kind[0], [number for number, _ in of_a_kind]
        if len(lines) > 1:
            yield f"ERROR {counted(lines)}: {text}"
        else:
            yield f"ERROR line {line}: {text}" if line else f"ERROR {text}"
    if len(kinds) > SHOWN:
        yield f"and {len(kinds) - SHOWN} more kinds of errors"


def _kept_text(report: CheckReport) -> Iterator[str]:
    """What in the rows' text is read otherwise than as text, or not at all."""
    if report.unlearned:
        yield f"{plural(report.unlearned, 'answer')} marked as not to be learned: seen, not learned"
    if report.tool_rows:
        yield (
            f"{plural(report.tool_rows, 'row')} with `tools`, `tool_calls` or a tool's reply"
            + ("" if report.lengths else "; --base MODEL shows whether its template writes them")
        )
    if report.taken_apart:
        yield report.taken_apart
    if report.marks_in_answers and not report.lengths:
        yield (
            f"special tokens of chat templates stand in the text of answers: {report.marks_in_answers}; "
            "a model that has them reads them as such"
        )
    if report.marks_in_prompts:
        yield f"special tokens of chat templates stand in the text of prompts: {report.marks_in_prompts}"


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
