"""The rule judges say what their names say."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest

from brie.blinding import JudgeInput
from brie.errors import UsageError
from brie.judge.interface import Reply
from brie.judge.machine_checks import passes
from brie.judge.providers.rules import RULES, chrf, distinct_bigrams, open_judge
from brie.records import JudgeSpec, MachineCheck, Message, Provider, Status


def _ask(
    rule: str,
    first: str,
    second: str,
    *,
    reference: str | None = None,
    check: MachineCheck | None = None,
    letter: Literal["A", "B"] = "A",
) -> Reply:
    judge = open_judge(JudgeSpec(id=rule, provider=Provider.RULES, model=rule), None)
    question = (Message(role="user", content="?"),)
    return asyncio.run(
        judge.ask(
            JudgeInput(
                messages=question,
                reference=reference,
                check=check,
                first=first,
                second=second,
                first_letter=letter,
            )
        )
    )


def test_longer_prefers_the_longer_answer_whatever_its_letter() -> None:
    assert _ask("longer", "aaaa", "aa").letter == "A"
    assert _ask("longer", "aaaa", "aa", letter="B").letter == "B"
    assert _ask("longer", "aa", "bb").letter == "tie"


def test_reference_prefers_what_is_nearer_and_ties_what_is_equally_near() -> None:
    said = _ask("reference", "The cat sat on the mat.", "Dogs bark.", reference="The cat sat on a mat.")
    assert said.letter == "A"
    assert "chrF" in said.reason
    assert _ask("reference", "xyz", "xyz", reference="abc").letter == "tie"


def test_a_rule_that_does_not_apply_is_invalid_and_not_a_tie() -> None:
    for rule in ("reference", "check", "exact", "numeric", "regex"):
        said = _ask(rule, "one", "two")
        assert said.status is Status.INVALID
        assert said.letter is None


def test_distinct_prefers_less_repetition_and_anything_over_nothing() -> None:
    assert _ask("distinct", "so so so so", "so it goes on").letter == "B"
    assert _ask("distinct", "", "word").letter == "B"
    assert distinct_bigrams("") == 0


def test_chrf_matches_sacrebleu_on_extremes() -> None:
    assert chrf("the same text", "the same text") == pytest.approx(100)
    assert chrf("", "the same text") == 0


@pytest.mark.parametrize(
    ("kind", "value", "answer", "expected"),
    [
        ("numeric", "12.5", "First 3, then 4: the answer is 12.50", True),
        ("numeric", "1200", "That makes 1,200 metres.", True),
        ("numeric", "-3", "x = −3", True),
        ("numeric", "5", "no number here", False),
        ("numeric", "5", "5 apples and 6 pears", False),
        ("exact", "Paris", "Thinking…\n**Answer: Paris.**", True),
        ("exact", "Paris", "Paris is in France", False),
        ("exact", "42", "", False),
        ("regex", r"\bdef \w+", "def f(): pass", True),
        ("regex", r"^\d+$", "no", False),
    ],
)
def test_machine_checks(
    kind: Literal["exact", "numeric", "regex"], value: str, answer: str, expected: bool
) -> None:
    assert passes(MachineCheck(kind=kind, value=value), answer) is expected


def test_an_unknown_rule_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="did you mean 'longer'"):
        open_judge(JudgeSpec(id="x", provider=Provider.RULES, model="longest"), None)
    assert set(RULES) == {
        "reference", "longer", "first", "distinct", "check", "exact", "numeric", "regex",
    }  # fmt: skip
