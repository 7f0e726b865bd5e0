"""A stored verdict as the analysis reads it: the same as the whole record, and shared where equal."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from brie.digest import digest
from brie.records import Status, Usage, Verdict
from brie.records.verdicts import VerdictLite


def verdict(**changes: object) -> Verdict:
    row = Verdict(
        key=digest("key"), judge=digest("judge"), rubric=digest("rubric"),
        presentation=digest("presentation"), status=Status.OK, letter="A", reason="clearer",
        reply='{"winner": "A"}', scores={"clarity": {"A": 4, "B": 2}},
    )  # fmt: skip
    return row.model_copy(update=changes)


@pytest.mark.parametrize(
    "changes",
    [{}, {"letter": "tie"}, {"letter": None, "status": Status.REFUSED, "scores": {}}, {"reason": ""}],
)
def test_what_is_read_is_what_was_stored(changes: dict[str, object]) -> None:
    row = verdict(**changes)
    found = VerdictLite.parse(row.key, row.model_dump_json())
    assert found == VerdictLite.of(row)
    assert (found.status, found.letter) == (row.status, row.letter)
    assert (found.reason, found.reply) == (row.reason, row.reply)


def test_equal_names_and_scores_of_many_verdicts_are_one_object() -> None:
    bodies = [verdict(key=digest(n)).model_dump_json() for n in range(2)]
    first, second = (VerdictLite.parse(digest(n), body) for n, body in enumerate(bodies))
    assert (first.key, second.key) == (digest(0), digest(1))
    assert first.judge is second.judge
    assert first.presentation is second.presentation
    assert first.scores["clarity"] is second.scores["clarity"]


def test_a_key_that_is_at_hand_already_is_not_kept_twice() -> None:
    row = verdict()
    assert VerdictLite.parse(row.key, row.model_dump_json()).key is row.key
    assert VerdictLite.parse(digest("another"), row.model_dump_json()).key == row.key


@pytest.mark.parametrize(
    "change",
    [{"letter": "C"}, {"status": "fine"}, {"judge": 3}, {"scores": [1]}, {"scores": {"a": {"A": "x"}}}],
)
def test_what_was_not_written_so_is_refused(change: dict[str, object]) -> None:
    body = {**json.loads(verdict().model_dump_json()), **change}
    with pytest.raises(ValidationError):
        VerdictLite.parse(verdict().key, json.dumps(body))


def test_a_row_that_left_out_its_defaults_is_read() -> None:
    body = verdict(reason="", reply="", scores={}).model_dump_json(exclude_defaults=True)
    assert VerdictLite.parse(digest("key"), body) == VerdictLite.of(
        verdict(reason="", reply="", scores={})
    )


def test_a_call_was_one_request_and_consumed_nothing_by_itself() -> None:
    assert VerdictLite.of(verdict()).scores == {"clarity": {"A": 4.0, "B": 2.0}}
    assert Usage().model_dump() == {
        "input_tokens": 0, "output_tokens": 0, "cached_input_tokens": 0, "usd": 0.0, "seconds": 0.0,
        "attempts": 1,
    }  # fmt: skip
    row = Verdict(
        key=digest(1), judge=digest(2), rubric=digest(3), presentation=digest(4), status=Status.ERROR,
        letter=None,
    )  # fmt: skip
    assert (row.repeat, row.attempt, row.reason, row.reply, row.served) == (0, 0, "", "", "")
    assert (row.scores, row.usage, row.supersedes) == ({}, Usage(), False)
