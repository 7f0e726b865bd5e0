"""From log-probabilities of tokens to those of two letters; what cannot be one is none."""

from __future__ import annotations

import math
from typing import Any

import pytest

from brie.blinding import JudgeInput
from brie.evaluation.plan import panel_judge
from brie.judge.letters import likelier, offered, token_ids, written
from brie.judge.readings import Unreadable
from brie.judge.recheck import recheck
from brie.records import JudgeSpec, Message, Provider, Verdict, VerdictLite


def tops(*entries: tuple[Any, Any]) -> list[Any]:
    """Entries of `top_logprobs`."""
    return [{"token": token, "logprob": value} for token, value in entries]


def test_both_letters_and_their_mass_are_read_without_rounding() -> None:
    found = offered(tops(("A", -0.1234567890123), ("The", -2.5), ("B", -4.0000000000001)))
    assert found.by_letter == {"A": -0.1234567890123, "B": -4.0000000000001}
    assert found.mass == math.exp(-0.1234567890123) + math.exp(-4.0000000000001)
    assert likelier(found) == "A"


@pytest.mark.parametrize("blank", [" A", "▁A", "ĠA", "A\n"])
def test_a_letter_with_a_blank_is_the_letter_and_their_probabilities_add_up(blank: str) -> None:
    found = offered(tops(("A", math.log(0.25)), (blank, math.log(0.25)), ("B", math.log(0.3))))
    assert found.by_letter["A"] == pytest.approx(math.log(0.5))
    assert likelier(found) == "A"


def test_the_same_for_both_is_a_tie_of_this_presentation() -> None:
    assert likelier(offered(tops(("A", -1.0), ("B", -1.0)))) == "tie"


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (tops(("A", -0.1), ("The", -3.0)), "missing letter: B"),
        (tops(("<think>", -0.01), ("I", -5.0)), "missing letter: A and B.*<think>"),
        ([], "it names none"),
        (tops(("A", -0.1), ("B", -9999.0)), "missing letter: B"),
        (tops(("A", -0.1), ("B", math.nan)), "missing letter: B"),
        (tops(("A", -0.1), ("B", -math.inf)), "missing letter: B"),
        (tops(("A", 3.0), ("B", -0.1)), "missing letter: A"),
        (tops(("A", 10**400), ("B", -0.1)), "missing letter: A"),
        (tops(("A", True), ("B", "-0.1")), "missing letter: A and B"),
        (tops((None, -0.1), ("b", -0.1), ("AB", -0.1)), "missing letter: A and B"),
        (["A", None, {"token": "A"}], "missing letter: A and B"),
        (tops(("A", -0.1), ("B", -0.1)), "which cannot be"),
    ],
)
def test_a_letter_that_is_not_there_is_no_guess(entries: list[Any], told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        offered(entries)


def test_a_local_model_s_letters_are_all_tokens_that_are_one() -> None:
    vocabulary = {"A": 0, "ĠA": 1, "▁B": 2, "B": 3, "AB": 4, "a": 5, "Â": 6, "\n": 7}
    assert token_ids(vocabulary) == {"A": [0, 1], "B": [2, 3]}
    with pytest.raises(ValueError, match="no token that is the letter B"):
        token_ids({"A": 0, "b": 1})


def test_what_was_measured_comes_back_from_the_store_as_it_was() -> None:
    digest = "sha256:" + "0" * 64
    whole = Verdict(
        key=digest, judge=digest, rubric=digest, presentation=digest, status="ok", letter="A",
        measured=offered(tops(("A", -0.1), ("B", -3.3))),
    )  # fmt: skip
    kept = VerdictLite.parse(digest, whole.model_dump_json())
    assert kept.measured == whole.measured
    plain = whole.model_copy(update={"measured": None})
    assert "measured" not in plain.model_dump(mode="json")


SPEC = JudgeSpec(id="mine", provider=Provider.TRANSFORMERS, model="m", output="logprobs")
SHOWN = JudgeInput(
    messages=(Message(role="user", content="?"),), reference=None, check=None, first="1", second="2",
    first_letter="A",
)  # fmt: skip


def kept(reply: str, letter: str, **more: Any) -> VerdictLite:
    """A stored verdict."""
    digest = "sha256:" + "0" * 64
    row = {"key": digest, "judge": digest, "rubric": digest, "presentation": digest, "status": "ok"}
    return VerdictLite.of(Verdict.model_validate({**row, "letter": letter, "reply": reply, **more}))


def test_what_was_sealed_before_keeps_its_digest_and_its_letters() -> None:
    before = panel_judge(SPEC, None, prompt_format="2")
    assert SPEC.prompt_format(before.digest) == "2"
    assert before.margins is None
    assert "margins" not in before.model_dump(mode="json")
    assert recheck(kept("A 73.0%, B 27.0%", "A"), before, SHOWN) == "agrees"
    assert recheck(kept("A 73.0%, B 27.0%", "B"), before, SHOWN) == "differs"
    assert panel_judge(SPEC, None).digest == SPEC.digest("3") != before.digest


def test_a_letter_or_a_number_that_was_changed_is_found() -> None:
    values, now = offered(tops(("A", -0.1), ("B", -3.3))), panel_judge(SPEC, None)
    assert recheck(kept(written(values), "A", measured=values), now, SHOWN) == "agrees"
    assert recheck(kept(written(values), "B", measured=values), now, SHOWN) == "differs"
    other = offered(tops(("A", -0.1), ("B", -3.300001)))
    assert recheck(kept(written(values), "A", measured=other), now, SHOWN) == "differs"
    assert recheck(kept(written(values), "A"), now, SHOWN) == "differs"
