"""Every digest covers what decides a number, field by field, and nothing that is only for people."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from brie.blinding import Presentation
from brie.digest import Canonical, canonical_json, digest, lots, text_digest
from brie.judge.interface import Task
from brie.records import (
    BaseModelRef,
    Controls,
    Environment,
    JudgeSpec,
    MachineCheck,
    Message,
    Order,
    PanelJudge,
    Pin,
    Plan,
    Price,
    Prompt,
    Provider,
    Rubric,
    Sampling,
    Stopping,
    Suite,
)
from brie.records.asked import BatchSpec
from brie.records.benchmarks import TaskSpec

ASKED = Prompt(id="one", messages=(Message(role="user", content="Why?"),))
SUITE = Suite(name="made", prompts=(ASKED, ASKED.model_copy(update={"id": "two"})))
SPEC = JudgeSpec(id="j", provider=Provider.OPENAI, model="m")
RUBRIC = Rubric(name="general", text="Correctness first.", criteria=("clarity",))
SEAT = PanelJudge(judge=SPEC, rubric=RUBRIC, digest=SPEC.digest("1"))
PIN = Pin(
    schema_="brie.pin/1",  # as those that exist are
    kind="base",
    name="",
    digest=digest("weights"),
    files={},
    config=digest("config"),
    base=BaseModelRef(repo="me/base", digest=digest("weights")),
    template_digest=digest("template"),
)
PLAN = Plan(
    suite=SUITE,
    candidate=PIN.model_copy(update={"digest": digest("tuned")}),
    baseline=PIN,
    environment=Environment(dtype="float32", device="cpu", sampler="1"),
    sampling=Sampling(),
    samples=2,
    positions="both",
    panel="made",
    seats=(SEAT,),
    seed=1,
    order=("two", "one"),
    assignments={"j": {"one": "01", "two": "10"}},
)
SHOWN = Presentation(
    prompt=digest("prompt"),
    candidate=digest("candidate"),
    baseline=digest("baseline"),
    order="candidate_first",
    candidate_letter="A",
)


def changed(record: BaseModel, field: str, value: object) -> Any:
    """The record with one field replaced, and really another value in it."""
    assert getattr(record, field) != value
    return record.model_copy(update={field: value})


SUITE_COVERS: dict[str, object] = {
    "name": "other",
    "version": "2",
    "rubric": "code",
    "system": "Be brief.",
    "sampling": Sampling(temperature=0.0),
    "prompts": (SUITE.prompts[1], SUITE.prompts[0]),
    "code": {"checks.py": "def right(answer): return True"},
}
SUITE_LEAVES: dict[str, object] = {"description": "for people", "license": "CC0-1.0"}


@pytest.mark.parametrize("field", SUITE_COVERS)
def test_the_suites_digest_covers_what_is_asked_and_how(field: str) -> None:
    assert changed(SUITE, field, SUITE_COVERS[field]).digest() != SUITE.digest()


@pytest.mark.parametrize("field", SUITE_LEAVES)
def test_the_suites_digest_leaves_out_what_is_for_people(field: str) -> None:
    assert changed(SUITE, field, SUITE_LEAVES[field]).digest() == SUITE.digest()


PROMPT_COVERS: dict[str, object] = {
    "id": "three",
    "messages": (Message(role="user", content="Why not?"),),
    "category": "odd",
    "source": "book",
    "difficulty": "hard",
    "reference": "Because.",
    "check": MachineCheck(kind="exact", value="42"),
}


@pytest.mark.parametrize("field", PROMPT_COVERS)
def test_the_suites_digest_covers_every_field_of_a_prompt(field: str) -> None:
    other = changed(ASKED, field, PROMPT_COVERS[field])
    suite = changed(SUITE, "prompts", (other, SUITE.prompts[1]))
    assert suite.digest() != SUITE.digest()


JUDGE_COVERS: dict[str, object] = {
    "provider": Provider.ANTHROPIC,
    "model": "n",
    "endpoint": "a laboratory",
    "temperature": 0.0,
    "max_tokens": 7,
    "output": "tool",
    "parameters": {"top_p": 0.5},
    "after": "an alarm",
}
JUDGE_LEAVES: dict[str, object] = {
    "id": "k",
    "description": "for people",
    "base_url": "http://127.0.0.1/v1",
    "api_key_env": "MY_KEY",
    "family": "some",
    "rubric": "code",
    "price": Price(input=1, output=2, source="a test", read_on="2026-01-01"),
    "max_concurrency": 2,
    "timeout": 3.0,
    "location": "a folder",
    "headers": {"X-Team": "env:TEAM"},
    "proxy_env": "MY_PROXY",
    "batch": BatchSpec(requests=7),
}


@pytest.mark.parametrize("field", JUDGE_COVERS)
def test_a_judges_digest_covers_what_changes_its_answers(field: str) -> None:
    assert changed(SPEC, field, JUDGE_COVERS[field]).digest("1") != SPEC.digest("1")


@pytest.mark.parametrize("field", JUDGE_LEAVES)
def test_a_judges_digest_leaves_out_how_it_is_reached_and_paid(field: str) -> None:
    assert changed(SPEC, field, JUDGE_LEAVES[field]).digest("1") == SPEC.digest("1")


def test_a_judges_digest_covers_the_wording_of_the_question() -> None:
    assert SPEC.digest("2") != SPEC.digest("1")


def test_a_rubrics_digest_is_over_its_text_alone() -> None:
    assert RUBRIC.digest() != changed(RUBRIC, "text", "Correctness first!").digest()
    assert RUBRIC.digest() == Rubric(name="other", text=RUBRIC.text).digest()
    assert SEAT.rubric_digest == RUBRIC.digest()
    assert changed(SEAT, "rubric", None).rubric_digest == digest(None)


TASK = TaskSpec(
    name="sums", digest=digest("sums"), program="1", output="multiple_choice", chat=False, fewshot=0,
    documents=9, metric="acc",
)  # fmt: skip
PLAN_COVERS: dict[str, object] = {
    "suite": changed(SUITE, "rubric", "code"),
    "candidate": changed(PLAN.candidate, "template_digest", digest("other")),
    "baseline": changed(PIN, "config", digest("other")),
    "environment": changed(PLAN.environment, "dtype", "bfloat16"),
    "sampling": Sampling(seed=2),
    "samples": 3,
    "positions": "balanced",
    "panel": "other",
    "seats": (changed(SEAT, "instrument", True),),
    "left_out": ("k",),
    "held_out_sources": ("book",),
    "seed": 2,
    "order": ("one", "two"),
    "assignments": {"j": {"one": "01", "two": "11"}},
    "controls": Controls(prompts=("one",)),
    "stopping": Stopping(max_prompts=2),
    "level": 0.9,
    "resamples": 99,
    "names": {"candidate": "mine", "baseline": "theirs"},
    "criteria_orders": 2,
    "criteria": {"j": {"one": "01", "two": "11"}},
    "existed": 7,
    "tasks": (TASK,),
}


@pytest.mark.parametrize("field", PLAN_COVERS)
def test_the_seal_covers_every_field_of_the_plan(field: str) -> None:
    assert changed(PLAN, field, PLAN_COVERS[field]).seal() != PLAN.seal()


STOPPING = Stopping(max_prompts=40)


@pytest.mark.parametrize(
    ("record", "changes"),
    [
        (Controls(), {"prompts": ("one",), "damage": "truncated", "first_sample": 9}),
        (STOPPING, {"alpha": 0.01, "block": 5, "max_prompts": 41}),
    ],
)
def test_the_seal_covers_every_setting_of_controls_and_stopping(
    record: BaseModel, changes: dict[str, object]
) -> None:
    name = "controls" if isinstance(record, Controls) else "stopping"
    before = PLAN.model_copy(update={name: record}).seal()
    for field, value in changes.items():
        assert PLAN.model_copy(update={name: changed(record, field, value)}).seal() != before


@pytest.mark.parametrize(
    ("record", "covered", "left"),
    [
        (SUITE, SUITE_COVERS, SUITE_LEAVES),
        (ASKED, PROMPT_COVERS, {}),
        (SPEC, JUDGE_COVERS, JUDGE_LEAVES),
        (PLAN, PLAN_COVERS, {"schema_": "the only one there is"}),
    ],
)
def test_a_new_field_must_be_put_in_or_left_out_on_purpose(
    record: BaseModel, covered: dict[str, object], left: dict[str, object]
) -> None:
    assert {*covered, *left} == set(type(record).model_fields)


def test_what_a_plan_keeps_of_a_judge_is_neither_its_price_nor_its_address() -> None:
    reached = SPEC.model_copy(update={**JUDGE_LEAVES, "id": "j", "family": None, "rubric": None})
    assert reached.sealed() == SPEC
    assert PanelJudge(judge=reached, rubric=RUBRIC, digest=SEAT.digest).sealed() == SEAT


def test_what_a_plan_keeps_of_a_pin_is_neither_its_name_nor_its_place() -> None:
    placed = PIN.model_copy(
        update={"name": "best", "run": "r", "checkpoint": "../c", "base_location": "b"}
    )
    assert placed.sealed() == PIN


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", digest("other")),
        ("candidate", digest("other")),
        ("baseline", digest("other")),
        ("order", "baseline_first"),
        ("candidate_letter", "B"),
    ],
)
def test_a_presentations_digest_covers_all_a_judge_sees(field: str, value: str) -> None:
    for order in ("candidate_first", "baseline_first"):
        shown = SHOWN.model_copy(update={"order": order})
        if getattr(shown, field) != value:
            assert changed(shown, field, value).digest() != shown.digest()


@pytest.mark.parametrize("order", ["candidate_first", "baseline_first"])
def test_a_presentations_digest_is_over_the_texts_and_the_first_letter(order: Order) -> None:
    shown = SHOWN.model_copy(update={"order": order})
    first, second = (
        (SHOWN.candidate, SHOWN.baseline)
        if order == "candidate_first"
        else (SHOWN.baseline, SHOWN.candidate)
    )
    letter = "A" if order == "candidate_first" else "B"
    seen = {"prompt": SHOWN.prompt, "first": first, "second": second, "first_letter": letter}
    assert shown.digest() == digest(seen)


def test_a_verdicts_key_is_over_judge_rubric_presentation_and_repeat() -> None:
    task = Task.plan("main", SEAT, SHOWN, prompt="one", sample=0, repeat=3)
    parts: dict[str, Canonical] = {
        "judge": SEAT.digest,
        "rubric": RUBRIC.digest(),
        "presentation": SHOWN.digest(),
        "repeat": 3,
    }
    assert task.key == digest(parts)
    assert (task.judge_digest, task.rubric_digest) == (SEAT.digest, RUBRIC.digest())
    assert task.presentation_digest == SHOWN.digest()


def test_a_verdicts_key_does_not_cover_who_asks_for_it() -> None:
    one = Task.plan("main", SEAT, SHOWN, prompt="one", sample=0)
    other = Task.plan("a_a", SEAT, SHOWN, prompt="two", sample=5)
    assert one.key == other.key
    assert one.repeat == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"x", "y", "z"}, {"z", "y", "x"}),
        ((1, 2), [1, 2]),
        ({1: "a"}, {"1": "a"}),
        (Sampling(), Sampling().model_dump(mode="json")),
        ([frozenset({"b", "a"})], [["a", "b"]]),
        ({("b", 1), ("a", 2)}, {("a", 2), ("b", 1)}),
    ],
)
def test_equal_values_have_one_text(one: Canonical, other: Canonical) -> None:
    assert canonical_json(one) == canonical_json(other)
    assert digest(one) == digest(other)


def test_the_text_has_sorted_keys_no_spaces_and_no_escapes() -> None:
    assert canonical_json({"b": [1, None, True], "a": "ü"}) == '{"a":"ü","b":[1,null,true]}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_what_is_no_number_has_no_digest(value: Canonical) -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest(value)


def test_a_digest_is_sha256_over_utf_8() -> None:
    assert text_digest("abc") == (
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert text_digest("ü") != text_digest("u")
    assert text_digest("half \ud800") != text_digest("half ?")


def test_lots_put_names_in_the_order_of_their_digests() -> None:
    names = ["", "one", "zwei", "三", "\ud800", *map(str, range(200))]
    by_lot = sorted(names, key=dict(zip(names, lots("draw 7 ", names), strict=True)).__getitem__)
    assert by_lot == sorted(names, key=lambda name: text_digest(f"draw 7 {name}"))
