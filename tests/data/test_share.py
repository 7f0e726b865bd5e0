"""Shares of the data: nested, of whole prompts, from every source alike."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from brie.data.split import prompt_key, share_of
from brie.records import Conversation, Turn

SIZES = {"forum": 80, "mail": 20, "notes": 4}


def rows() -> list[Conversation]:
    """Two answers to each prompt of three sources."""
    made: list[Conversation] = []
    for source, prompts in SIZES.items():
        for number in range(2 * prompts):
            turns = (
                Turn(role="user", content=f"{source} {number // 2}?"),
                Turn(role="assistant", content=f"Answer {number}."),
            )
            made.append(Conversation(messages=turns, source=source, line=len(made) + 1))
    return made


def test_a_smaller_share_lies_within_a_larger_one() -> None:
    shares = [{row.line for row in share_of(rows(), share, 7)} for share in (0.05, 0.25, 0.5, 0.9, 1)]
    for smaller, larger in pairwise(shares):
        assert smaller < larger
    assert len(shares[-1]) == len(rows())


def test_prompts_stay_whole_and_every_source_keeps_its_part() -> None:
    half = share_of(rows(), 0.5, 7)
    assert set(Counter(prompt_key(row) for row in half).values()) == {2}
    prompts = Counter({prompt_key(row): row.source for row in half}.values())
    assert all(abs(prompts[source] - size / 2) <= 1 for source, size in SIZES.items())


def test_another_seed_draws_others_and_the_order_of_rows_does_not_matter() -> None:
    drawn = {row.line for row in share_of(rows(), 0.3, 7)}
    assert drawn != {row.line for row in share_of(rows(), 0.3, 8)}
    assert drawn == {row.line for row in share_of(rows()[::-1], 0.3, 7)}


def test_the_smallest_share_is_one_prompt() -> None:
    assert len({prompt_key(row) for row in share_of(rows(), 1e-6, 7)}) == 1
