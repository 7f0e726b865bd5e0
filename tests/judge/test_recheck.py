"""A stored verdict held against its reply, which an earlier reader may not have read."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from brie.blinding import JudgeInput
from brie.evaluation.plan import panel_judge
from brie.judge.prompt import case_number
from brie.judge.recheck import recheck
from brie.records import JudgeSpec, Message, Provider, Verdict, VerdictLite
from tests.judge.arena import RUBRIC

SPEC = JudgeSpec(
    id="j", provider=Provider.OPENAI_COMPATIBLE, model="m", base_url="http://127.0.0.1/v1", endpoint="t"
)
SEAT = panel_judge(SPEC, RUBRIC)
SHOWN = JudgeInput(
    messages=(Message(role="user", content="Why?"),), reference=None, check=None,
    first="one", second="two", first_letter="A",
)  # fmt: skip
CASE = case_number(SHOWN)
ROW = dict.fromkeys(("key", "judge", "rubric", "presentation"), "sha256:" + "0" * 64)
UNREADABLE = "unreadable: the JSON was cut off or broken"


def unread(reply: str) -> VerdictLite:
    """A verdict that was kept as unreadable."""
    told = {"status": "invalid", "letter": None, "reason": UNREADABLE, "reply": reply}
    return VerdictLite.of(Verdict.model_validate({**ROW, **told}))


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (f'{{"reasons": "x", "winner": "A", "case": "{CASE}"}}', "differs"),
        (f"Reasons.\nCase: {CASE}\nWinner: A", "differs"),
        (f"{{'reasons': 'x', 'winner': 'A', 'case': '{CASE}'}}", "unknown"),
        ("I cannot say.", "agrees"),
        ('{"reasons": "x", "winner": "A', "agrees"),
    ],
)
def test_a_reply_kept_as_unreadable_may_be_so_unless_it_is_plain(reply: str, answer: str) -> None:
    assert recheck(unread(reply), SEAT, SHOWN) == answer


SCORED = (
    '{"reasons": "x", "scores": {"correctness": {"A": 2, "B": 4}, "clarity": {"A": 3, "B": 3}}, '
    f'"winner": "B", "margin": "much", "case": "{CASE}"}}'
)
SCORES = {"Correctness": {"A": 2.0, "B": 4.0}, "Clarity": {"A": 3.0, "B": 3.0}}


def told(reply: str = SCORED, **fields: JsonValue) -> VerdictLite:
    """A verdict that was kept as its reply states it, but for some fields."""
    said = {"status": "ok", "letter": "B", "reason": "x", "scores": SCORES, **fields}
    return VerdictLite.of(Verdict.model_validate({**ROW, "reply": reply, **said}))


@pytest.mark.parametrize("reply", [SCORED, f"  {SCORED}", SCORED.replace('"', "'")])
def test_a_verdict_as_its_reply_states_it_agrees(reply: str) -> None:
    assert recheck(told(reply), SEAT, SHOWN) == "agrees"


@pytest.mark.parametrize("reply", [SCORED, f"  {SCORED}", SCORED.replace('"', "'")])
@pytest.mark.parametrize(
    "fields",
    [
        {"letter": "A"},
        {"letter": "tie"},
        {"letter": None},
        {"status": "invalid"},
        {"status": "error"},
        {"scores": {}},
        {"scores": {**SCORES, "Clarity": {"A": 3.0, "B": 4.0}}},
        {"scores": {"Clarity": SCORES["Clarity"]}},
        {"scores": {**SCORES, "Tone": {"A": 3.0, "B": 3.0}}},
    ],
    ids=str,
)
def test_a_verdict_that_was_edited_differs(reply: str, fields: dict[str, JsonValue]) -> None:
    assert recheck(told(reply, **fields), SEAT, SHOWN) == "differs"


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ('"winner": "B"', '"winner": "A"'),
        ('"winner": "B"', '"winner": "B", "winner": "A"'),
        ('"winner": "B"', '"winner": "C"'),
        ('{"A": 2, "B": 4}', '{"A": 2, "B": 5}'),
        ('{"A": 2, "B": 4}', '{"A": 2, "B": 9}'),
        (f'"case": "{CASE}"', '"case": "0000"'),
        (f'"case": "{CASE}"}}', ""),
    ],
)
def test_a_reply_that_was_edited_differs(wanted: str, given: str) -> None:
    assert wanted in SCORED
    assert recheck(told(SCORED.replace(wanted, given)), SEAT, SHOWN) == "differs"
