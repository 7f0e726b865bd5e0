"""The small form of a stored verdict says what the whole one says, and is as strict."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from brie.records import Status, Verdict, VerdictLite
from tests import make

WHOLE = make.verdict("x", letter="B", reason="shorter").model_copy(
    update={"reply": "Winner: B", "scores": {"clarity": {"A": 2.0, "B": 5.0}}, "served": "m-1"}
)


@pytest.mark.parametrize(
    "verdict",
    [
        WHOLE,
        make.verdict("tied", letter="tie"),
        make.verdict("failed", Status.ERROR, reason="HTTP 500"),
        make.verdict("unread", Status.INVALID),
    ],
)
def test_both_forms_of_a_stored_verdict_say_the_same(verdict: Verdict) -> None:
    read = VerdictLite.parse(verdict.key, verdict.model_dump_json())
    assert read == VerdictLite.of(verdict)
    assert read == VerdictLite(
        key=verdict.key,
        judge=verdict.judge,
        presentation=verdict.presentation,
        status=verdict.status,
        letter=verdict.letter,
        reason=verdict.reason,
        reply=verdict.reply,
        scores=verdict.scores,
    )


def test_a_row_under_another_key_keeps_the_key_it_carries() -> None:
    read = VerdictLite.parse(make.name("elsewhere"), WHOLE.model_dump_json())
    assert read.key == WHOLE.key


@pytest.mark.parametrize(
    "change",
    [
        {"letter": "C"},
        {"letter": 1},
        {"status": "perhaps"},
        {"scores": {"clarity": {"A": "much"}}},
        {"scores": []},
        {"reason": None},
    ],
)
def test_what_is_not_as_it_was_written_is_refused(change: dict[str, Any]) -> None:
    body = json.dumps({**json.loads(WHOLE.model_dump_json()), **change})
    if change == {"reason": None}:
        assert VerdictLite.parse(WHOLE.key, body).reason == "None"
        return
    with pytest.raises(ValidationError):
        VerdictLite.parse(WHOLE.key, body)


def test_equal_scores_are_kept_once() -> None:
    one, two = (VerdictLite.parse(WHOLE.key, WHOLE.model_dump_json()) for _ in range(2))
    assert one.scores["clarity"] is two.scores["clarity"]
