"""A stored completion as numbers and pages read it: the same as the whole record, shared where equal."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from brie.records import Completion, CompletionLite
from tests.make import completion

KEY = completion("key").key


def stored(**changes: object) -> Completion:
    measured = {"measures": {"repetition": 0.25, "refusal": 0.0}}
    return completion("key", 'Écrit \n \\ \u2028 "so" \U0001f642.').model_copy(update=measured | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"text": ""},
        {"measures": {}},
        {"finish_reason": "length", "tokens": 2048},
        {"finish_reason": "thinking", "reasoning": "First, second, third. " * 50},
        {"seconds": 1e-9},
    ],
)
def test_what_is_read_is_what_was_stored(changes: dict[str, object]) -> None:
    row = stored(**changes)
    for body in (row.model_dump_json(), row.model_dump_json(indent=2)):
        assert CompletionLite.parse(KEY, body) == CompletionLite.of(row)


def test_numbers_that_another_program_wrote_otherwise_are_the_same_numbers() -> None:
    body = json.loads(stored(seconds=2.0, tokens=3, measures={"refusal": 1.0}).model_dump_json())
    written = {**body, "seconds": 2, "tokens": 3.0, "measures": {"refusal": 1}}
    read = CompletionLite.parse(KEY, json.dumps(written))
    assert read == CompletionLite.parse(KEY, json.dumps(body))
    assert [type(each) for each in (read.seconds, read.tokens, read.measures["refusal"])] == [
        float,
        int,
        float,
    ]


def test_equal_pins_and_measures_of_many_answers_are_one_object() -> None:
    one, other = (CompletionLite.parse(KEY, stored(sample=n).model_dump_json()) for n in range(2))
    assert one.pin is other.pin
    assert one.measures is other.measures


@pytest.mark.parametrize(
    "change",
    [
        {"text": None},
        {"text": 3},
        {"finish_reason": "done"},
        {"finish_reason": ["stop"]},
        {"pin": 3},
        {"tokens": "many"},
        {"seconds": "long"},
        {"measures": [1]},
        {"measures": {"refusal": "x"}},
        {"measures": {"refusal": [0.0]}},
    ],
)
def test_what_was_not_written_so_is_refused(change: dict[str, object]) -> None:
    body = {**json.loads(stored().model_dump_json()), **change}
    with pytest.raises(ValidationError):
        CompletionLite.parse(KEY, json.dumps(body))


@pytest.mark.parametrize("body", ["", "{", "[]", "3", "null", '{"text": "x"}'])
def test_what_is_no_completion_is_refused(body: str) -> None:
    with pytest.raises(ValidationError):
        CompletionLite.parse(KEY, body)
