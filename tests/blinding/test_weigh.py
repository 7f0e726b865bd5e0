"""Two presentations, one outcome: the margin is the text's, the lean is the letter's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brie.blinding import BOTH, Presentation, presentations, weigh
from brie.records import Letter

ODDS = st.floats(-30, 30)
CODES = st.sampled_from(sorted(BOTH))
KEYS = {"candidate": "sha256:" + "c" * 64, "baseline": "sha256:" + "b" * 64}


def shown(code: str, *, swapped: bool = False) -> tuple[Presentation, ...]:
    """Both presentations of a comparison; swapped: the models have changed roles."""
    keys = dict(zip(KEYS, reversed(KEYS.values()), strict=True)) if swapped else KEYS
    candidate, baseline = keys["candidate"], keys["baseline"]
    prompt = "sha256:" + "0" * 64
    return presentations(code, positions="both", prompt=prompt, candidate=candidate, baseline=baseline)


def said(odds: float) -> dict[Letter, float]:
    """Log-probabilities with given log odds of A."""
    return {"A": odds / 2 - 1, "B": -odds / 2 - 1}


@given(CODES, ODDS, ODDS)
def test_margin_and_lean_are_those_of_the_definition(code: str, first: float, second: float) -> None:
    """l1 where the candidate is A, l2 where it is B: (l1 - l2) / 2 and (l1 + l2) / 2."""
    as_a = {True: first, False: second}
    heard = [(p, said(as_a[p.candidate_letter == "A"])) for p in shown(code)]
    found = weigh(heard)
    assert found.margin == pytest.approx((first - second) / 2, abs=1e-9)
    assert found.lean == pytest.approx((first + second) / 2, abs=1e-9)


@given(CODES, ODDS, ODDS)
def test_exchanging_the_models_turns_the_margin_round_and_leaves_the_lean(
    code: str, first: float, second: float
) -> None:
    odds = dict(zip((p.digest() for p in shown(code)), (first, second), strict=True))
    swapped = next(
        [(p, said(odds[p.digest()])) for p in shown(other, swapped=True)]
        for other in sorted(BOTH)
        if {p.digest() for p in shown(other, swapped=True)} == set(odds)
    )
    before = weigh([(p, said(odds[p.digest()])) for p in shown(code)])
    after = weigh(swapped)
    assert after.margin == pytest.approx(-before.margin, abs=1e-9)
    assert after.lean == pytest.approx(before.lean, abs=1e-9)


@given(CODES, ODDS)
def test_a_pure_lean_is_a_tie_whatever_its_size(code: str, lean: float) -> None:
    found = weigh([(p, said(lean)) for p in shown(code)])
    assert found.margin == 0.0
    assert found.winner(0.0) == "tie"


@pytest.mark.parametrize(
    ("candidate", "tie", "winner"),
    [(1.0, 0.0, "candidate"), (-1.0, 0.0, "baseline"), (0.2, 0.2, "tie"), (0.21, 0.2, "candidate")],
)
def test_one_answer_at_a_time_has_the_sign_of_the_difference(
    candidate: float, tie: float, winner: str
) -> None:
    rewards = {"candidate": candidate, "baseline": 0.0}
    heard = [(p, {letter: rewards[p.unblind(letter)] for letter in ("A", "B")}) for p in shown("0")]
    assert weigh(heard).winner(tie) == winner  # type: ignore[arg-type]
