"""`brie data check`: everything worth knowing about a training file before it is trained on."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from brie.data.encode import Encoded, Encoder, taken_apart
from brie.data.labels import LabelReport, label_report
from brie.data.leftovers import leftovers
from brie.data.load import Parsed, Problem, parse
from brie.data.marks import known_marks, listed, marks_in, special_texts
from brie.data.overlap import Match, overlaps
from brie.data.split import prompt_key, split
from brie.errors import InputError, UsageError
from brie.lines import command
from brie.records import Conversation, Record

SHARE, SEED = 0.1, 42
"""Of the split on which baselines are tried: what recipes say unless they are changed."""
_PERCENTILES = (50, 90, 99)
_SHORTEST = 128
"""Tokens of the first bucket; each further one ends at twice as many, as values of max_length do."""
_LABEL_VALUES = 12
"""A key with more different values than this is no label."""


class Bucket(Record):
    """Rows of like length, in tokens before anything is cut."""

    over: int
    """Longer than so many tokens, and at most `up_to`."""
    up_to: int
    rows: int
    """As they are trained on: one an answer where the template rewrites earlier turns."""
    prompts: int
    """Distinct first user turns."""
    tokens: int
    cut: int
    """Rows whose answer would lose its end at `max_length`."""
    lost: int
    """Rows with nothing of the answer left."""


class Lengths(Record):
    """Token lengths of whole rows under one tokenizer and length limit."""

    tokenizer: str
    max_length: int
    percentiles: dict[str, int]
    """p50, p90, p99 and max, in tokens."""
    over: int
    """Rows longer than `max_length`."""
    cut: tuple[int, ...]
    """Lines whose answer would lose its end."""
    lost: tuple[int, ...]
    """Lines whose answer would be lost whole; training drops them."""
    buckets: tuple[Bucket, ...] = ()
    """From the shortest rows to the longest; lengths that no row has are left out."""


class Shared(Record):
    """Prompts of the validation file that are also in the training file."""

    exact: tuple[tuple[int, int], ...]
    """Pairs of lines, validation first."""
    near: tuple[tuple[int, int, float], ...]
    """The same with the similarity."""


class CheckReport(Record):
    """What a check found. `problems` keep the file from being trained on."""

    path: str
    rows: int
    problems: tuple[tuple[int, str], ...]
    """Line (0: the whole file) and what is wrong with it."""
    notes: tuple[str, ...]
    read_as: tuple[str, ...]
    """What rows of other tools' forms were read as, a line a form."""
    prompts: int
    """Distinct first user turns."""
    several_answers: int
    """Prompts with more than one row."""
    most_answers: int
    duplicates: tuple[tuple[int, int], ...]
    """Lines of rows equal to an earlier one, with that one's line."""
    multi_turn: int
    """Rows with more than one answer of the assistant."""
    empty_prompts: tuple[int, ...]
    """Lines with a user turn that says nothing."""
    leading_space: tuple[int, ...]
    """Lines whose answer begins with blanks: at generation the header ends in a token of its own."""
    systems: dict[str, int]
    """The most frequent system turns, "" for none."""
    categories: dict[str, int]
    sources: dict[str, int]
    labels: dict[str, dict[str, int]]
    """Shares of every other key that looks like a label."""
    lengths: Lengths | None
    shared: Shared | None
    unlearned: int = 0
    """Answers marked as not to be learned."""
    tool_rows: int = 0
    """Rows with tools, calls of them or their replies."""
    taken_apart: str | None = None
    """What is said of rows that become several, one an answer, under the encoder."""
    marks_in_answers: str | None = None
    """Special tokens in the text of answers, with lines; without a tokenizer, those of any family."""
    marks_in_prompts: str | None = None
    leftovers: tuple[str, ...] = ()
    """What else of another program stands in the rows' text, with lines, a sentence a kind."""
    classes: LabelReport | None = None
    """Of answers that are labels: their shares, what gives them away, and two simple baselines."""

    @property
    def ok(self) -> bool:
        """Whether the file can be trained on."""
        return not self.problems


def check(
    path: Path,
    *,
    val: Path | None = None,
    encoder: Encoder | None = None,
    tokenizer: str = "",
    mapping: Mapping[str, str] | None = None,
) -> CheckReport:
    """Look at a training file.

    Args:
        path: the file.
        val: a validation file to compare prompts with.
        encoder: for token lengths; None leaves them out.
        tokenizer: what to call the encoder's tokenizer.
        mapping: keys of a row that stand elsewhere in it.

    Raises:
        InputError: a file cannot be opened.
    """
    parsed = parse(path, mapping)
    rows = parsed.conversations
    encoded, refused = _encoded(rows, encoder)
    special = special_texts(encoder.tokenizer) if encoder else known_marks()
    marks = marks_in(rows, special)
    if encoder:
        refused += [
            Problem(line, f"special tokens stand in the text of an answer: {', '.join(marks.answers)}")
            for line in marks.answer_lines
        ]
    per_prompt = Counter(prompt_key(row) for row in rows)
    return CheckReport(
        path=str(path),
        rows=len(rows),
        problems=tuple((p.line, p.text) for p in sorted([*parsed.problems, *refused])),
        notes=parsed.notes,
        read_as=parsed.read_as,
        prompts=len(per_prompt),
        several_answers=sum(count > 1 for count in per_prompt.values()),
        most_answers=max(per_prompt.values(), default=0),
        duplicates=_duplicates(rows),
        multi_turn=sum(sum(m.role == "assistant" for m in row.messages) > 1 for row in rows),
        empty_prompts=tuple(row.line for row in rows if _has_empty_prompt(row)),
        leading_space=tuple(row.line for row in rows if _answer_leads_with_space(row)),
        systems=_top(Counter(_system(row) for row in rows)),
        categories=_top(Counter(row.category for row in rows)),
        sources=_top(Counter(row.source for row in rows)),
        labels=_labels(parsed),
        lengths=_lengths(encoded, encoder, tokenizer, rows) if encoder and encoded else None,
        shared=_shared(train=rows, val=parse(val, mapping).conversations) if val else None,
        unlearned=sum(
            turn.role == "assistant" and not turn.learned for r in rows for turn in r.messages
        ),
        tool_rows=sum(_has_tools(row) for row in rows),
        taken_apart=taken_apart(encoded),
        marks_in_answers=listed(marks.answers) or None,
        marks_in_prompts=listed(marks.prompts) or None,
        leftovers=leftovers(rows, special),
        classes=label_report(rows, parsed.extras, _halves(rows)),
    )


def _halves(
    rows: Sequence[Conversation],
) -> list[tuple[str, Sequence[Conversation], Sequence[Conversation]]]:
    """The split that training draws where nothing else is said."""
    if len({prompt_key(row) for row in rows}) < 2:
        return []
    drawn = split(
        rows,
        by="prompt",
        fraction=SHARE,
        generator=random.Random(SEED),  # noqa: S311 - a reproducible draw, not a secret
        seed=SEED,
    )
    return [(f"a tenth drawn by prompt, seed {SEED}", drawn.train, drawn.val)]


def refuse_shared_prompts(
    *, train: Sequence[Conversation], val: Sequence[Conversation], names: tuple[str, str]
) -> None:
    """Stop where a validation file holds prompts that are trained on.

    Raises:
        UsageError: names the files, how many prompts, and the ways out.
    """
    trained = {prompt_key(row): row.line for row in train}
    both = [(row.line, trained[prompt_key(row)]) for row in val if prompt_key(row) in trained]
    if both:
        line, other = both[0]
        raise UsageError(
            f"{len(both):,} of {len(val):,} validation rows ask what the training file asks too (first: "
            f"{names[1]}:{line} and {names[0]}:{other}), so the validation loss would reward "
            f"memory. Split anew: {command('data', 'split', names[0], '--by', 'prompt')}, or leave "
            "--val out, or accept it: --set allow_shared_prompts=true"
        )


def _duplicates(rows: Sequence[Conversation]) -> tuple[tuple[int, int], ...]:
    first: dict[str, int] = {}
    repeats = []
    for row in rows:
        same = row.model_dump_json(include={"messages", "tools"})
        earlier = first.setdefault(same, row.line)
        if earlier != row.line:
            repeats.append((row.line, earlier))
    return tuple(repeats)


def _has_empty_prompt(row: Conversation) -> bool:
    return any(m.role == "user" and not m.content.strip() for m in row.messages)


def _answer_leads_with_space(row: Conversation) -> bool:
    return any(m.role == "assistant" and m.content[:1].isspace() for m in row.messages)


def _system(row: Conversation) -> str:
    return row.messages[0].content if row.messages[0].role == "system" else ""


def _top(counts: Mapping[str, int], keep: int = 20) -> dict[str, int]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    listed = dict(ordered[:keep])
    rest = sum(count for _, count in ordered[keep:])
    return {**listed, **({f"({len(ordered) - keep} more)": rest} if rest else {})}


def _labels(parsed: Parsed) -> dict[str, dict[str, int]]:
    values: dict[str, Counter[str]] = {}
    for row in parsed.extras.values():
        for key, value in _flat(row):
            if isinstance(value, (str, bool, int)):
                values.setdefault(key, Counter())[str(value)] += 1
    few = min(_LABEL_VALUES, max(len(parsed.extras) // 2, 2))
    return {key: _top(counts) for key, counts in values.items() if len(counts) <= few}


def _flat(row: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    """Keys of a row; those one level down are written `meta.key`."""
    for key, value in row.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{inner}", item) for inner, item in value.items())
        else:
            yield key, value


def _encoded(
    rows: Sequence[Conversation], encoder: Encoder | None
) -> tuple[list[Encoded], list[Problem]]:
    """Rows in tokens, and those the template refuses."""
    encoded: list[Encoded] = []
    refused = []
    for row in rows:
        if encoder is None:
            break
        try:
            encoded += encoder.encode(row)
        except InputError as error:
            refused.append(Problem(row.line, str(error).partition(": ")[2]))
    return encoded, refused


def _has_tools(row: Conversation) -> bool:
    return bool(row.tools) or any(turn.tool_calls or turn.role == "tool" for turn in row.messages)


def _lengths(
    encoded: Sequence[Encoded], encoder: Encoder, name: str, rows: Sequence[Conversation]
) -> Lengths:
    ordered = sorted(row.length for row in encoded)
    at = {f"p{p}": ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in _PERCENTILES}
    return Lengths(
        tokenizer=name,
        max_length=encoder.max_length,
        percentiles={**at, "max": ordered[-1]},
        over=sum(length > encoder.max_length for length in ordered),
        cut=tuple(row.line for row in encoded if row.cut == "cut"),
        lost=tuple(row.line for row in encoded if row.cut == "lost"),
        buckets=_buckets(encoded, {row.line: prompt_key(row) for row in rows}),
    )


def _buckets(encoded: Sequence[Encoded], asked: Mapping[int, str]) -> tuple[Bucket, ...]:
    """Rows by length, each bucket reaching twice as far as the one before."""
    by_end: dict[int, list[Encoded]] = {}
    for row in encoded:
        by_end.setdefault(max(_SHORTEST, 1 << (row.length - 1).bit_length()), []).append(row)
    return tuple(
        Bucket(
            over=0 if end == _SHORTEST else end // 2,
            up_to=end,
            rows=len(held),
            prompts=len({asked[row.line] for row in held}),
            tokens=sum(row.length for row in held),
            cut=sum(row.cut == "cut" for row in held),
            lost=sum(row.cut == "lost" for row in held),
        )
        for end, held in sorted(by_end.items())
    )


def _shared(*, train: Sequence[Conversation], val: Sequence[Conversation]) -> Shared:
    matches = overlaps(_prompts(val), _prompts(train))
    return Shared(
        exact=tuple((int(m.left), int(m.right)) for m in matches if m.exact),
        near=tuple(_near(m) for m in matches if not m.exact),
    )


def _prompts(rows: Sequence[Conversation]) -> dict[str, str]:
    """First user turns by line."""
    return {str(row.line): next(m.content for m in row.messages if m.role == "user") for row in rows}


def _near(match: Match) -> tuple[int, int, float]:
    return int(match.left), int(match.right), match.similarity
