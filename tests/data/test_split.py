"""Splits: groups never cross, whatever the rows."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brie.data.load import load
from brie.data.split import By, Split, group_key, hold_out, prompt_key, split
from brie.errors import UsageError
from brie.records import Conversation, Turn
from tests.data.rows import chat_logs, conversation, write

questions = st.sampled_from(["Why?", "why?", " Why? ", "How?", "How  so?", "ℌow?", "Who?", "Wo?"])
rows = st.lists(st.tuples(questions, st.sampled_from("abcd")), min_size=2, max_size=40)


def build(drawn: list[tuple[str, str]]) -> list[Conversation]:
    return [conversation(q, f"A{i}", i, s) for i, (q, s) in enumerate(drawn, start=1)]


def cut(made: list[Conversation], by: By, seed: int, fraction: float = 0.3) -> Split | None:
    try:
        return split(made, by=by, fraction=fraction, generator=random.Random(seed), seed=seed)
    except UsageError:
        assert len({group_key(c, by) for c in made}) < 2
        return None


@settings(deadline=None)
@given(rows, st.sampled_from(["prompt", "source"]), st.integers(0, 9), st.floats(0.05, 0.95))
def test_no_group_is_on_both_sides_and_no_row_is_lost(
    drawn: list[tuple[str, str]], by: By, seed: int, fraction: float
) -> None:
    made = build(drawn)
    halves = cut(made, by, seed, fraction)
    if halves is None:
        return
    train, val = ({group_key(c, by) for c in half} for half in (halves.train, halves.val))
    assert not train & val
    assert train
    assert val
    assert sorted(c.line for c in halves.train + halves.val) == [c.line for c in made]
    assert halves.groups == (len(train), len(val))


@settings(deadline=None)
@given(rows, st.integers(0, 9), st.randoms(use_true_random=False))
def test_the_draw_depends_on_groups_not_on_the_order_of_rows(
    drawn: list[tuple[str, str]], seed: int, shuffler: random.Random
) -> None:
    made = build(drawn)
    shuffled = list(made)
    shuffler.shuffle(shuffled)
    first, second = cut(made, "prompt", seed), cut(shuffled, "prompt", seed)
    if first is None or second is None:
        assert first is second
        return
    assert {c.line for c in first.val} == {c.line for c in second.val}


def test_case_spacing_and_the_system_turn_do_not_make_another_prompt() -> None:
    plain = conversation("Why is it so?")
    system = Turn(role="system", content="Be brief.")
    asked = Turn(role="user", content="  why IS\nit so? ")
    assert prompt_key(plain) == prompt_key(
        Conversation(messages=(system, asked, Turn(role="assistant", content="x")), line=2)
    )


def test_the_validation_half_holds_about_the_share_asked_for() -> None:
    made = [conversation(f"Question {i // 2}?", line=i + 1) for i in range(200)]
    halves = split(made, by="prompt", fraction=0.2, generator=random.Random(1), seed=1)
    assert len(halves.val) == 40


def test_another_seed_draws_another_half() -> None:
    made = [conversation(f"Question {i}?", line=i + 1) for i in range(100)]
    drawn = {
        frozenset(
            c.line
            for c in split(made, by="prompt", fraction=0.2, generator=random.Random(s), seed=s).val
        )
        for s in range(5)
    }
    assert len(drawn) == 5


def test_one_group_cannot_be_split() -> None:
    with pytest.raises(UsageError, match="share one prompt"):
        split([conversation("Why?")] * 4, by="prompt", fraction=0.5, generator=random.Random(0), seed=0)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1])
def test_the_share_lies_between_nothing_and_everything(fraction: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        split(
            [conversation("a"), conversation("b")],
            by="prompt",
            fraction=fraction,
            generator=random.Random(0),
            seed=0,
        )


def test_holding_out_a_source_takes_all_of_it_and_nothing_else() -> None:
    made = [conversation(f"{i}?", line=i, source="ab"[i % 2]) for i in range(1, 9)]
    halves = hold_out(made, "a")
    assert {c.source for c in halves.val} == {"a"}
    assert {c.source for c in halves.train} == {"b"}


def test_an_unknown_or_only_source_cannot_be_held_out() -> None:
    with pytest.raises(UsageError, match="did you mean 'books'"):
        hold_out([conversation("a", source="books"), conversation("b", source="web")], "book")
    with pytest.raises(UsageError, match="leaves nothing"):
        hold_out([conversation("a", source="books")], "books")


def test_a_file_of_chat_logs_is_split_by_its_prompts(tmp_path: Path) -> None:
    made = list(load(write(tmp_path / "val.jsonl", chat_logs())))
    assert len(made) == 60
    assert len({prompt_key(c) for c in made}) == 52
    halves = cut(made, "prompt", seed=3, fraction=0.25)
    assert halves is not None
    assert sum(halves.groups) == 52
    assert len(halves.train) + len(halves.val) == 60
