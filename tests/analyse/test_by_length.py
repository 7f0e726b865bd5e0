"""The win rate by length: parts from lengths alone, one family, and nothing moved by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from brie.analyse import AnalysisParts, VerdictTable
from brie.analyse.arrays import Floats
from brie.analyse.table import PromptLengths
from brie.studies.merge import merge
from tests.analyse.tables import coin, design
from tests.analyse.test_assemble import plain, run
from tests.present import present


def _floats(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, np.float64)


def sized(prompts: int = 60, seed: int = 3, same: float | None = None) -> VerdictTable:
    """Two judges; every prompt and every answer has a length of its own."""
    table = design([coin(0.6), coin(0.6)], prompts=prompts, seed=seed)
    rng = np.random.default_rng(seed)
    prompt = rng.permutation(prompts) + 10.0
    answer = rng.permutation(prompts) * 2.0 + 1 if same is None else np.full(prompts, same)
    return replace(table, lengths=PromptLengths(_floats(prompt), _floats(answer), "tokens"))


def test_thirds_of_prompts_and_of_answers_with_their_edges() -> None:
    parts = present(run(sized()).by_length)
    assert list(parts) == [f"{of}_{size}" for of in ("prompt", "answer")
                           for size in ("short", "middle", "long")]  # fmt: skip
    edges = [(p.over, p.up_to, p.unit) for p in parts.values()]
    assert edges == [
        (None, 29, "characters"), (29, 49, "characters"), (49, 69, "characters"),
        (None, 39, "tokens"), (39, 79, "tokens"), (79, 119, "tokens"),
    ]  # fmt: skip
    assert [present(p.win_rate).prompts for p in parts.values()] == [20] * 6


def test_a_part_is_the_rate_of_its_prompts() -> None:
    table = sized()
    parts, lengths = present(run(table).by_length), present(table.lengths)
    score = np.array([table.score[table.prompt == code].mean() for code in range(60)])
    short = lengths.prompt <= 29
    assert present(parts["prompt_short"].win_rate).value == pytest.approx(score[short].mean())
    long = lengths.answer > 79
    assert present(parts["answer_long"].win_rate).value == pytest.approx(score[long].mean())
    assert present(parts["prompt_short"].outcomes).win == int(
        (table.score[short[table.prompt]] == 1).sum()
    )


def test_all_parts_are_one_family() -> None:
    parts = present(run(sized()).by_length)
    for part in parts.values():
        rate = present(part.win_rate)
        low, high = present(part.simultaneous)
        assert low <= present(rate.low) <= present(rate.high) <= high
        assert present(part.p_adjusted) >= rate.p_value
        assert part.adjustment == "holm"
    least = min(parts.values(), key=lambda part: present(part.win_rate).p_value)
    assert present(least.p_adjusted) == pytest.approx(min(1, 6 * present(least.win_rate).p_value))


def test_a_planted_difference_is_seen_where_it_is() -> None:
    table = sized(prompts=90)
    length = present(table.lengths).prompt
    score = np.where(length[table.prompt] > np.median(length), table.score, 1 - table.score)
    wins = np.where(length[table.prompt] > 69, 1.0, score)
    parts = present(run(replace(table, score=wins)).by_length)
    assert present(parts["prompt_long"].simultaneous)[0] > 0.5
    assert present(parts["prompt_long"].p_adjusted) < 0.01


def test_prompts_of_one_length_stay_together() -> None:
    alike = sized(same=40.0)
    parts = run(alike).by_length
    assert list(present(parts)) == ["prompt_short", "prompt_middle", "prompt_long"]
    lengths = present(alike.lengths)
    two = replace(lengths, answer=np.where(lengths.prompt < 60, 5.0, 9.0))
    parts = present(run(replace(alike, lengths=two)).by_length)
    assert [name for name in parts if name.startswith("answer")] == ["answer_short", "answer_long"]
    assert (parts["answer_short"].up_to, parts["answer_long"].over) == (5, 5)


def test_lengths_move_no_other_number() -> None:
    with_them, without = plain(run(sized())), plain(run(replace(sized(), lengths=None)))
    assert with_them.pop("by_length")
    assert without.pop("by_length") is None
    assert with_them == without


def test_the_order_in_which_prompts_are_listed_changes_nothing() -> None:
    table, turned = sized(), np.arange(59, -1, -1)
    other = replace(
        table,
        prompt=turned[table.prompt],
        prompts=table.prompts[::-1],
        category=table.category[::-1],
        source=table.source[::-1],
        lengths=present(table.lengths).ordered(turned),
    )
    assert run(table).by_length == run(other).by_length


def test_few_prompts_are_not_parted_and_it_is_said() -> None:
    parts: AnalysisParts = run(sized(prompts=23))
    assert parts.by_length is None
    assert "fewer than 24 prompts" in parts.notes["by_length"]
    assert "by_length" not in run(replace(sized(prompts=23), lengths=None)).notes


def test_evaluations_that_are_put_together_keep_their_lengths() -> None:
    one, other = sized(prompts=30, seed=1), sized(prompts=30, seed=2)
    renamed = other.with_prompts([f"other-{name}" for name in other.prompts])
    joined = present(merge([one, renamed]).lengths)
    assert joined.prompt.tolist() == [
        *present(one.lengths).prompt.tolist(), *present(other.lengths).prompt.tolist()
    ]  # fmt: skip
    assert merge([one, replace(renamed, lengths=None)]).lengths is None
