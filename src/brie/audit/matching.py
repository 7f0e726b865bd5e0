"""Rows of several judges and files, matched by what they are about, never by where they stand.

A comparison is a prompt and a pair of answers (of models, where the answers are not there), told
apart by the sample the file names. What the judges of a panel lack of each other's comparisons is
missing, and counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isnan, nan
from statistics import fmean

import numpy as np

from brie.analyse.table import PromptLengths, StatusCode, VerdictTable
from brie.audit.rows import Row
from brie.digest import short

Key = tuple[str, str, str]
"""Prompt, pair of answers, and what tells samples apart."""
CROWD = 0.5
"""Share of all comparisons below which half of the judges judged: they were no panel, and what each
left to the others is not missing."""
_BOTH = 0.5
"""Share of comparisons with both orders from which a file plans both."""
MOST_JUDGES = 200
"""More than these are one judge, "people": nobody reads a table of thousands."""
MIXED = "several"
"""Category or source of a prompt whose rows name more than one."""


@dataclass(frozen=True)
class Matched:
    """Rows with what each is about, and what is missing."""

    rows: list[Row]
    """In an order of their content alone."""
    table: VerdictTable
    both_orders: bool
    crowd: bool
    """Judges who shared the work: each judged less than half of it."""
    names: dict[str, str]
    """Prompt digest -> its name in the table."""
    samples: list[int]
    """Sample number of each row in its prompt."""
    repeated: int
    """Rows beyond the first of one judge on one comparison in one order."""


def matched(rows: Sequence[Row]) -> Matched:
    """The analysis table of rows of one pair of models, the candidate first in each."""
    rows = _ordered(rows)
    keys = _keys(rows)
    both = plans_both(rows, keys)
    names = prompt_names(rows)
    numbers = _numbers(keys)
    judges = sorted({row.judge for row in rows})
    absent, crowd = _absent(rows, keys, judges, both=both)
    repeated = len(rows) - len(
        {(r.judge, k, r.position if both else 0) for r, k in zip(rows, keys, strict=True)}
    )
    return Matched(
        rows, _table(rows, keys, numbers, names, judges, absent, both=both), both, crowd, names,
        [numbers[key] for key in keys], repeated,
    )  # fmt: skip


def plans_both(rows: Sequence[Row], keys: Sequence[Key] | None = None) -> bool:
    """Whether comparisons were meant to be judged in both orders.

    A format says so, or half of the comparisons whose order is known have rows of both.
    """
    orders: dict[tuple[str, Key], set[int]] = defaultdict(set)
    for row, key in zip(rows, keys if keys is not None else _keys(rows), strict=True):
        if row.position:
            orders[row.judge, key].add(row.position)
    two = sum(len(seen) == 2 for seen in orders.values())
    if any(row.both for row in rows):
        return two > 0
    return bool(orders) and two >= _BOTH * len(orders)


def _ordered(rows: Sequence[Row]) -> list[Row]:
    """In an order of their content alone, so that shuffled files give the same numbers."""
    few = len({row.judge for row in rows}) <= MOST_JUDGES
    if not few:
        for row in rows:
            row.judge = "people"
    return sorted(
        rows,
        key=lambda r: (r.judge, r.prompt, r.pair, r.sample, r.rank, -r.position, -r.label, r.status,
                       r.score if r.score == r.score else -1.0, r.category, r.source),
    )  # fmt: skip


def _keys(rows: Sequence[Row]) -> list[Key]:
    """What each row is about; rows that only their time tells apart are a judge's 1st, 2nd, …"""
    only = _only_pairs(rows)
    seen: Counter[tuple[str, str, str, str]] = Counter()
    last: dict[tuple[str, str, str, str], str] = {}
    keys = []
    for row in rows:
        own = (row.judge, row.prompt, row.pair, row.sample)
        if row.rank and last.get(own) != row.rank:
            seen[own] += 1
            last[own] = row.rank
        number = f" {seen[own]:06d}" if seen[own] > 1 else ""
        keys.append((row.prompt, row.pair or only.get(row.prompt, ""), row.sample + number))
    return keys


def _only_pairs(rows: Sequence[Row]) -> dict[str, str]:
    """Prompts of which one pair of answers is known: a file without answers means that one."""
    known: dict[str, str] = {}
    if all(row.pair for row in rows):
        return known
    for row in rows:
        if row.pair and known.setdefault(row.prompt, row.pair) != row.pair:
            known[row.prompt] = ""
    return known


def prompt_names(rows: Iterable[Row]) -> dict[str, str]:
    """Prompt digest -> its name; those of one name are told apart by their digests."""
    first = {row.prompt: row.name or short(row.prompt) for row in rows}
    uses = Counter(first.values())
    return {
        prompt: name if uses[name] == 1 else f"{name} ({short(prompt)})"
        for prompt, name in first.items()
    }


def _numbers(keys: Iterable[Key]) -> dict[Key, int]:
    """A number from 0 for each comparison of a prompt, by its content."""
    seen: Counter[str] = Counter()
    numbers = {}
    for key in sorted(set(keys), key=lambda key: (key[0], key[2], key[1])):
        numbers[key] = seen[key[0]]
        seen[key[0]] += 1
    return numbers


def _absent(
    rows: Sequence[Row], keys: Sequence[Key], judges: Sequence[str], *, both: bool
) -> tuple[list[tuple[str, Key, int]], bool]:
    """What each judge lacks of its panel's comparisons (in each order, where both are planned)."""
    orders: dict[tuple[str, Key], set[int]] = defaultdict(set)
    for row, key in zip(rows, keys, strict=True):
        orders[row.judge, key].add(row.position if both else 0)
    known = set(keys)
    judged = Counter(judge for judge, _ in orders)
    crowd = len(judges) > 1 and float(np.median([judged[j] for j in judges])) < CROWD * len(known)
    wanted = (1, -1) if both else (0,)
    absent = [
        (judge, key, order)
        for (judge, key), seen in orders.items()
        if 0 not in seen
        for order in wanted
        if order not in seen
    ]
    if not crowd and len(judges) > 1:
        for judge, shared in _panels(orders).items():
            absent += [(judge, key, o) for key in shared if (judge, key) not in orders for o in wanted]
    return sorted(absent), crowd


def _panels(judged: Iterable[tuple[str, Key]]) -> dict[str, set[Key]]:
    """Judge -> the comparisons of all who share one with it: of another file's it was asked nothing."""
    keys: dict[str, set[Key]] = defaultdict(set)
    for judge, key in judged:
        keys[judge].add(key)
    return {
        judge: set().union(*(other for other in keys.values() if own & other))
        for judge, own in keys.items()
    }


def _table(
    rows: Sequence[Row], keys: Sequence[Key], numbers: dict[Key, int], names: dict[str, str],
    judges: Sequence[str], absent: Sequence[tuple[str, Key, int]], *, both: bool,
) -> VerdictTable:  # fmt: skip
    prompts = list(names)
    prompt_code = {prompt: code for code, prompt in enumerate(prompts)}
    judge_code = {name: code for code, name in enumerate(judges)}
    lacking = [nan] * len(absent)
    lengths = [row.length_difference for row in rows]
    lengths_of = dict(zip(keys, lengths, strict=True))
    return VerdictTable.build(
        prompts=[names[prompt] for prompt in prompts],
        judges=judges,
        prompt=[prompt_code[row.prompt] for row in rows] + [prompt_code[key[0]] for _, key, _ in absent],
        judge=[judge_code[row.judge] for row in rows] + [judge_code[judge] for judge, _, _ in absent],
        score=[row.score for row in rows] + lacking,
        both_orders=both,
        category=_one_each(rows, prompts, lambda row: row.category),
        source=_one_each(rows, prompts, lambda row: row.source),
        sample=[numbers[key] for key in keys] + [numbers[key] for _, key, _ in absent],
        position=[row.position for row in rows] + [order for _, _, order in absent],
        label=[row.label for row in rows] + [0] * len(absent),
        status=[StatusCode[row.status.name] for row in rows] + [StatusCode.MISSING] * len(absent),
        length_difference=(
            lengths + [lengths_of[key] for _, key, _ in absent]
            if any(value == value for value in lengths)
            else None
        ),
        lengths=_lengths(rows, prompts),
    )


def _lengths(rows: Sequence[Row], prompts: Sequence[str]) -> PromptLengths | None:
    """How long the second model's answers are; a file's prompts are known by their digests alone."""
    answers: dict[str, dict[str, int]] = {prompt: {} for prompt in prompts}
    for row in rows:
        if isnan(row.length_difference):
            return None
        answers[row.prompt][row.pair] = row.length[1]
    means = [fmean(each.values()) for each in answers.values()]
    return PromptLengths(np.full(len(prompts), nan), np.array(means, np.float64), "characters")


def _one_each(rows: Sequence[Row], prompts: Sequence[str], field: Callable[[Row], str]) -> list[str]:
    """One name a prompt: its rows', or `MIXED` where they name several."""
    said: dict[str, str] = {}
    for row in rows:
        name = field(row)
        if said.setdefault(row.prompt, name) != name:
            said[row.prompt] = MIXED
    return [said[prompt] for prompt in prompts]
