"""A stored verdict held against its reply, which an earlier reader may not have read."""

from __future__ import annotations

import pytest

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
UNREADABLE = "unreadable: the JSON was cut off or broken"


def unread(reply: str) -> VerdictLite:
    """A verdict that was kept as unreadable."""
    digest = "sha256:" + "0" * 64
    row = {"key": digest, "judge": digest, "rubric": digest, "presentation": digest}
    told = {"status": "invalid", "letter": None, "reason": UNREADABLE, "reply": reply}
    return VerdictLite.of(Verdict.model_validate({**row, **told}))


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
