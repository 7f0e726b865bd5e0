"""People's votes in words: whose rate it is, and how far the judges lean."""

from __future__ import annotations

from collections.abc import Iterator

from brie.checks.judges import lean_words
from brie.conventions import ANCHORED
from brie.number_format import plural, points, span
from brie.records.analysis import Analysis, WinRate
from brie.records.people import HumanAnchored


def is_anchored(analysis: Analysis) -> bool:
    """Whether the rate is people's: their votes decide, and the judges stand behind them."""
    return analysis.win_rate is not None and analysis.win_rate.method == ANCHORED


def people_words(analysis: Analysis) -> str:
    """Whose votes decide: "80 prompts voted on by 2 people, drawn at random, with 3 judges"."""
    people = analysis.human_anchored
    if people is None:
        return ""
    by = plural(people.voters, "person", "people")
    voted = f"{plural(people.labelled, 'prompt')} voted on by {by}, drawn at random"
    return f"{voted}, with {plural(len(people.by_judge), 'judge')}"


def people_lines(analysis: Analysis, candidate: str) -> list[str]:
    """What people's votes say besides the rate, or what they still need.

    Args:
        analysis: the numbers.
        candidate: what the candidate is called.
    """
    people = analysis.human_anchored
    if people is None:
        return []
    if not people.complete:
        planned = f"{people.labelled:,} of {plural(people.planned, 'planned prompt')} have a vote"
        waiting = f"People: {planned}; nothing is computed of them before all have one."
        return [waiting, *_not_blind(people)]
    few = analysis.notes.get("human_anchored.new_prompts", "")
    lines = [*_measured(people, candidate), f"{few}." if few else "", *_not_blind(people)]
    return [line[:1].upper() + line[1:] for line in lines if line]


def _not_blind(people: HumanAnchored) -> Iterator[str]:
    if people.not_blind:
        left_out = plural(people.not_blind, "voter is", "voters are")
        yield f"{left_out} left out here: not blind, by a result seen or the viewer at hand."


def _measured(people: HumanAnchored, candidate: str) -> Iterator[str]:
    suite, judges = people.this_suite, people.judges
    if suite is not None and suite.low is not None and suite.high is not None:
        rate = f"{points(suite.value)} ({span(suite.low, suite.high, ' to ')})"
        yield f"Had people voted on every prompt of this suite: {rate}; it decides nothing."
    if people.lean is not None:
        alone = f"judges alone say {_rated(judges)}: " if judges else "where people voted, "
        yield f"{alone}{lean_words(people.lean, candidate)}."
    if people.weight == 0:
        yield "The judges add nothing to people's votes: the rate is people's alone."
    if people.skipped:
        yield f"{plural(people.skipped, 'planned prompt')} had no vote and were given up."


def _rated(rate: WinRate) -> str:
    ends = rate.ends
    return f"{points(rate.value)} ({span(*ends, ' to ')})" if ends else points(rate.value)
