"""Machine checks: what passes, and which checks are refused before anything is asked."""

from __future__ import annotations

import json

import pytest
from pydantic import JsonValue, ValidationError

from brie.errors import InputError
from brie.judge.machine_checks import passes, refuse_broken
from brie.records import MachineCheck, Message, Prompt, Suite

PERSON: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}


def check(kind: str, value: JsonValue = "", **more: JsonValue) -> MachineCheck:
    return MachineCheck.model_validate({"kind": kind, "value": value, **more})


@pytest.mark.parametrize(
    ("value", "answer", "expected"),
    [
        ("Cape Town", "It was in CAPE\n town, in 1967.", True),
        ("Cape Town", "It was in Capetown.", False),
        ("½", "That is 1⁄2.", True),
        ("word", "", False),
    ],
)
def test_a_text_is_contained_whatever_case_and_spacing(value: str, answer: str, expected: bool) -> None:
    assert passes(check("contains", value), answer) is expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"name": "Ada"}', True),
        ('Here you are:\n```json\n{"name": "Ada", "age": 36}\n```\nThat is all.', True),
        ('{"name": "Ada", "age": -1}', False),
        ('{"name": "Ada"} and more', False),
        ('```\n{"name": "A"}\n```\n```\n{"name": "B"}\n```', False),
        ("[" * 100_000, False),
        ("", False),
    ],
)
def test_json_is_held_against_its_schema_bare_or_in_its_only_block(answer: str, expected: bool) -> None:
    assert passes(check("json_schema", PERSON), answer) is expected


@pytest.mark.parametrize(
    ("limits", "answer", "expected"),
    [
        ({"max": 3}, "one two three", True),
        ({"max": 3}, "one two three four", False),
        ({"min": 2, "max": 2, "unit": "lines"}, "one\n\n  \ntwo\n", True),
        ({"min": 5, "unit": "characters"}, "four", False),
        ({"min": 1}, "   ", False),
    ],
)
def test_a_length_is_counted_in_its_unit(
    limits: dict[str, JsonValue], answer: str, expected: bool
) -> None:
    assert passes(check("length", **limits), answer) is expected


def test_a_schema_may_be_a_table_or_its_text() -> None:
    assert check("json_schema", PERSON) == check("json_schema", json.dumps(PERSON, sort_keys=True))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "length"}, "needs `min`, `max` or both"),
        ({"kind": "length", "min": 3, "max": 2}, "no answer has this length"),
        ({"kind": "contains"}, "needs a `value`"),
        ({"kind": "numeric", "value": "many"}, "could not convert"),
        ({"kind": "json_schema", "value": "[]"}, "a JSON Schema is an object"),
        ({"kind": "contain", "value": "x"}, "'contains'"),
    ],
)
def test_a_check_that_says_nothing_is_refused(fields: dict[str, JsonValue], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        MachineCheck.model_validate(fields)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "objekt"}, "its JSON Schema is not valid"),
        ({"$ref": "https://example.com/person.json"}, "nothing is fetched"),
        ({"properties": {"a": {"$ref": "#/$defs/gone"}}}, "which it does not hold"),
    ],
)
def test_a_schema_that_cannot_be_used_is_named_with_its_prompt(
    schema: dict[str, JsonValue], said: str
) -> None:
    asked = (Message(role="user", content="?"),)
    prompts = (Prompt(id="odd", messages=asked, check=check("json_schema", schema)),)
    with pytest.raises(InputError, match=f"prompt 'odd': .*{said}"):
        refuse_broken(Suite(name="s", prompts=prompts))
    inside = check("json_schema", {"$defs": {"n": {"type": "number"}}, "items": {"$ref": "#/$defs/n"}})
    refuse_broken(Suite(name="s", prompts=(Prompt(id="well", messages=asked, check=inside),)))
    assert passes(inside, "[1, 2.5]")
    assert not passes(inside, '["one"]')


def test_checks_that_were_sealed_before_keep_what_is_written_of_them() -> None:
    assert check("numeric", "4").model_dump(mode="json") == {
        "kind": "numeric", "value": "4", "tolerance": 0.0,
    }  # fmt: skip
