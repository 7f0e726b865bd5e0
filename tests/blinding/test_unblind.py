"""One un-blinding (invariant I2), and what a constant judge comes to."""

from __future__ import annotations

import asyncio
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brie.blinding import (
    BALANCED,
    BOTH,
    JudgeInput,
    Presentation,
    judge_input,
    presentations,
    towards_candidate,
)
from brie.judge.interface import Task
from brie.records import SCORE, Letter, Message, Prompt

DIGEST = "sha256:" + "0" * 64
CANDIDATE = "sha256:" + "c" * 64
BASELINE = "sha256:" + "b" * 64
CELLS = [cell for codes in (*BOTH.values(), *BALANCED.values()) for cell in codes]


def _presentation(order: str, letter: str) -> Presentation:
    return Presentation.model_validate(
        {"prompt": DIGEST, "candidate": CANDIDATE, "baseline": BASELINE, "order": order,
         "candidate_letter": letter}
    )  # fmt: skip


@given(st.sampled_from(CELLS), st.sampled_from(["A", "B", "tie"]))
def test_the_letter_of_a_side_unblinds_to_that_side(
    cell: tuple[str, str], letter: Literal["A", "B", "tie"]
) -> None:
    presentation = _presentation(*cell)
    expected = {
        presentation.candidate_letter: "candidate",
        presentation.baseline_letter: "baseline",
        "tie": "tie",
    }
    assert presentation.unblind(letter) == expected[letter]


@given(st.sampled_from(CELLS))
def test_exchanging_the_sides_keeps_what_the_judge_sees(cell: tuple[str, str]) -> None:
    one = _presentation(*cell)
    other = Presentation(
        prompt=DIGEST,
        candidate=BASELINE,
        baseline=CANDIDATE,
        order="baseline_first" if one.order == "candidate_first" else "candidate_first",
        candidate_letter=one.baseline_letter,
    )
    assert one.digest() == other.digest()
    assert one.unblind("A") != other.unblind("A")


def test_every_cell_is_another_presentation() -> None:
    assert len({_presentation(*cell).digest() for cell in CELLS}) == 4


def test_a_word_that_is_no_letter_is_refused() -> None:
    with pytest.raises(ValueError, match="A, B or tie"):
        _presentation(*CELLS[0]).unblind("C")  # type: ignore[arg-type]


def _seen(presentation: Presentation) -> JudgeInput:
    prompt = Prompt(id="p", messages=(Message(role="user", content="Why?"),))
    task = Task("main", "j", "p", 0, presentation, DIGEST, DIGEST, DIGEST, DIGEST)
    return judge_input(task.presentation, prompt, prompt.messages, {CANDIDATE: "one", BASELINE: "two"})


@pytest.mark.parametrize("code", sorted(BOTH))
@pytest.mark.parametrize("answer", ["A", "B", "first", "second"])
def test_a_constant_judge_scores_half_in_every_comparison_judged_both_ways(
    code: str, answer: str
) -> None:
    scores = []
    for p in presentations(
        code, positions="both", prompt=DIGEST, candidate=CANDIDATE, baseline=BASELINE
    ):
        seen = _seen(p)
        said: dict[str, Letter | Literal["tie"]] = {
            "A": "A",
            "B": "B",
            "first": seen.letter("first"),
            "second": seen.letter("second"),
        }
        scores.append(SCORE[p.unblind(said[answer])])
    assert sum(scores) / len(scores) == 0.5


@given(st.sampled_from(CELLS))
def test_what_is_shown_matches_the_cell(cell: tuple[str, str]) -> None:
    presentation = _presentation(*cell)
    seen = _seen(presentation)
    candidate_text = seen.first if presentation.order == "candidate_first" else seen.second
    assert candidate_text == "one"
    letter = seen.letter("first" if presentation.order == "candidate_first" else "second")
    assert presentation.unblind(letter) == "candidate"


def test_rules_answer_by_place_and_never_by_side() -> None:
    from brie.judge.providers.rules import RULES, RuleJudge

    for cell in CELLS:
        presentation = _presentation(*cell)
        reply = asyncio.run(RuleJudge(RULES["first"]).ask(_seen(presentation)))
        assert reply.letter is not None
        winner = presentation.unblind(reply.letter)
        assert winner == ("candidate" if presentation.order == "candidate_first" else "baseline")


def test_level_scores_are_0_and_never_minus_0_under_either_letter() -> None:
    level = towards_candidate(np.zeros(2), np.array([1, -1]))
    assert not np.signbit(level).any()
