"""What a check of a training file found, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote

from brie.data.check import Bucket, CheckReport, Lengths, Shared
from brie.data.labels import LabelReport, Shortcut
from brie.data.turns import counted
from brie.number_format import percent, plural

_VARYING = re.compile(r"\d+|'[^']*'|\([^)]*\)")
SHOWN_GROUPS = 6
"""Sources or categories named with a label's share."""
UNEVEN = 1.5
"""Times the commonest label is more frequent than the rarest, from which balancing is named."""
_MEANING = {
    "source": "a random split would test the source, not the task",
    "category": "the category gives answers away",
}
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
    if report.classes:
        yield from label_lines(report.classes)
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
    yield from report.leftovers


def label_lines(report: LabelReport) -> Iterator[str]:
    """What is said of answers that are labels: shares, what gives them away, two baselines."""
    yield f"the answers are labels ({report.label}): {_table(report.classes)}"
    for crossed in report.shortcuts:
        yield _shortcut(crossed)
    if held := next((crossed for crossed in report.shortcuts if crossed.by == "source"), None):
        both = [name for name, share in held.shares.items() if 0 < share < 1]  # one alone tests little
        source = min(both or held.rows, key=lambda name: (held.rows[name], name))
        yield (
            "to see the task, train on the other sources and validate on one: brie train "
            f"--hold-out-source {quote(source)}"
        )
    counts = list(report.classes.values())
    if counts[0] >= UNEVEN * counts[-1]:
        yield "labels are uneven: brie train --balance label shows each of them equally often"
    for tried in report.baselines:
        yield f"without a model, {tried.words()}"


def _shortcut(crossed: Shortcut) -> str:
    """`source paschal: 100 % yes, murray 92 %, experts 24 %: …`."""
    names = list(crossed.shares)
    named = names if len(names) <= SHOWN_GROUPS else [*names[: SHOWN_GROUPS - 1], names[-1]]
    shares = [f"{name} {percent(crossed.shares[name])}" for name in named[1:]]
    between = f" ({len(names) - len(named)} more between)" if len(names) > len(named) else ""
    first = f"{crossed.by} {names[0]}: {percent(crossed.shares[names[0]])} {crossed.shown}"
    return f"{', '.join([first, *shares])}{between}: {_MEANING[crossed.by]}"


def _length_lines(lengths: Lengths, rows: int) -> Iterator[str]:
    figures = ", ".join(f"{name} {value:,}" for name, value in lengths.percentiles.items())
    over = f"{lengths.over:,} of {rows:,} ({percent(lengths.over / rows)}) over {lengths.max_length:,}"
    yield f"tokens a row ({lengths.tokenizer}): {figures}; {over}"
    if len(lengths.buckets) > 1:
        yield from map(_bucket, lengths.buckets)
    lose = f"losing the end at {lengths.max_length:,} tokens"
    yield from _listed("answer", lose, list(lengths.cut))
    yield from _listed("row", "with nothing of the answer left, to be dropped", list(lengths.lost))


def _bucket(bucket: Bucket) -> str:
    """`513 to 1,024 tokens: 12 rows, 9 prompts, 8,211 tokens, 3 to be cut`."""
    begin = f"{bucket.over + 1:,} to " if bucket.over else "up to "
    parts = [plural(bucket.rows, "row"), plural(bucket.prompts, "prompt")]
    parts += [f"{bucket.tokens:,} in all"]
    parts += [f"{bucket.cut:,} to be cut"] if bucket.cut else []
    parts += [f"{bucket.lost:,} to be dropped"] if bucket.lost else []
    return f"{begin}{bucket.up_to:,} tokens: {', '.join(parts)}"


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
