"""What a record says where nothing is said, and the least and most that its numbers may be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import JsonValue, ValidationError

from brie.records import (
    BaseModelRef,
    Completion,
    Controls,
    Conversation,
    Environment,
    JudgeSpec,
    MachineCheck,
    PanelJudge,
    Pin,
    Plan,
    Prompt,
    Provider,
    Rubric,
    Sampling,
    Stopping,
    Suite,
)
from brie.records.base import SCORE, later
from brie.records.plan import WORST_FIRST, Amendment, GenerationNotes, Manifest
from tests.records.test_digests import PLAN

ASKED: dict[str, Any] = {"id": "p", "messages": [{"role": "user", "content": "Why?"}]}
ZEROS = "sha256:" + "0" * 64

SAMPLING = {
    "temperature": 0.75, "top_p": 1.0, "top_k": 0, "max_new_tokens": 1024, "seed": 0,
    "thinking": False, "repetition_penalty": 1.0,
}  # fmt: skip
PROMPT = {
    **ASKED, "category": "all", "source": "unknown", "difficulty": None, "reference": None,
    "check": None,
}  # fmt: skip
JUDGE: dict[str, JsonValue] = {
    "id": "j", "provider": "openai", "model": "m", "description": "", "base_url": None,
    "endpoint": None, "api_key_env": None, "family": None, "rubric": None, "parameters": {},
    "temperature": None, "max_tokens": 1024, "output": "text", "price": None, "max_concurrency": 16,
    "timeout": 120.0, "location": None,
}  # fmt: skip


def test_a_suite_says_no_more_than_its_name_and_prompts() -> None:
    suite = Suite(name="s", prompts=(Prompt.model_validate(ASKED),))
    assert suite.model_dump(mode="json") == {
        "name": "s", "version": "1", "description": "", "license": "", "rubric": "general",
        "system": None, "sampling": None, "prompts": [PROMPT],
    }  # fmt: skip
    assert suite.digest() == Suite.model_validate(json.loads(suite.model_dump_json())).digest()


def test_answers_are_drawn_warm_and_unrestricted() -> None:
    suite = Suite(name="s", prompts=(Prompt.model_validate(ASKED),), sampling=Sampling())
    assert suite.model_dump(mode="json")["sampling"] == SAMPLING


def test_a_judge_is_asked_for_a_text_sixteen_at_a_time() -> None:
    spec = JudgeSpec(id="j", provider=Provider.OPENAI, model="m")
    assert spec.model_dump(mode="json") == JUDGE
    seat = PanelJudge(judge=spec, rubric=Rubric(name="r", text="t"), digest=spec.digest("1"))
    assert seat.instrument is False
    assert seat.rubric is not None
    assert seat.rubric.criteria == ()


def test_what_a_plan_keeps_of_a_judge_is_what_its_file_says_by_default() -> None:
    spec = JudgeSpec.model_validate(
        {
            **JUDGE,
            "description": "words",
            "base_url": "https://x.example",
            "api_key_env": "KEY",
            "price": {"input": 1, "output": 2, "source": "here", "read_on": "2026-01-01"},
            "max_concurrency": 3,
            "timeout": 9.0,
            "location": "models/m",
        }
    )
    assert spec.sealed().model_dump(mode="json") == JUDGE


@pytest.mark.parametrize(
    ("field", "least", "below"),
    [
        ("temperature", 0, -0.1),
        ("top_p", 0.001, 0),
        ("top_p", 1, 1.001),
        ("top_k", 0, -1),
        ("max_new_tokens", 1, 0),
        ("repetition_penalty", 0.001, 0),
    ],
)
def test_a_suites_sampling_has_bounds(field: str, least: float, below: float) -> None:
    said = {"name": "s", "prompts": [ASKED]}
    suite = Suite.model_validate({**said, "sampling": {field: least}})
    assert suite.sampling == Sampling.model_validate({field: least})
    with pytest.raises(ValidationError, match=field):
        Suite.model_validate({**said, "sampling": {field: below}})


@pytest.mark.parametrize(
    ("field", "least", "below"), [("max_tokens", 1, 0), ("max_concurrency", 1, 0), ("timeout", 0.001, 0)]
)
def test_a_judges_limits_have_bounds(field: str, least: float, below: float) -> None:
    assert JudgeSpec.model_validate({**JUDGE, field: least}).provided.remote
    with pytest.raises(ValidationError, match=field):
        JudgeSpec.model_validate({**JUDGE, field: below})


@pytest.mark.parametrize("field", ["input", "output", "cached_input", "cache_write"])
def test_nobody_is_paid_for_being_asked(field: str) -> None:
    price = {"input": 0, "output": 0, "source": "here", "read_on": "2026-01-01"}
    spec = JudgeSpec.model_validate({**JUDGE, "price": {**price, field: 0}})
    assert spec.provided.remote
    assert spec.price is not None
    assert (spec.price.cached_input or 0.0, spec.price.cache_write or 0.0) == (0.0, 0.0)
    with pytest.raises(ValidationError, match=field):
        JudgeSpec.model_validate({**JUDGE, "price": {**price, field: -0.01}})


def test_a_price_says_nothing_of_a_cache_by_itself() -> None:
    price = {"input": 1, "output": 2, "source": "here", "read_on": "2026-01-01"}
    spec = JudgeSpec.model_validate({**JUDGE, "price": price})
    assert spec.digest("1") == JudgeSpec.model_validate(JUDGE).digest("1")
    assert spec.price is not None
    assert (spec.price.cached_input, spec.price.cache_write) == (None, None)


def test_a_prompt_ends_with_a_question_and_a_row_to_train_on_has_an_answer() -> None:
    question = ASKED["messages"][0]
    answer = {"role": "assistant", "content": "So."}
    assert Prompt.model_validate(ASKED).messages[-1].content == "Why?"
    for messages in ([], [answer], [question, answer]):
        with pytest.raises(ValidationError, match="messages"):
            Prompt.model_validate({"id": "p", "messages": messages})
    with pytest.raises(ValidationError, match="id"):
        Prompt.model_validate({**ASKED, "id": ""})
    row = Conversation.model_validate({"messages": [question, answer], "line": 1})
    assert (row.category, row.source) == ("all", "unknown")
    for messages in ([], [question]):
        with pytest.raises(ValidationError, match="messages"):
            Conversation.model_validate({"messages": messages, "line": 1})


def test_a_number_is_checked_exactly_unless_a_tolerance_is_given() -> None:
    said = {**ASKED, "check": {"kind": "numeric", "value": "4"}}
    assert Prompt.model_validate(said).check == MachineCheck(kind="numeric", value="4", tolerance=0.0)


def test_a_plan_leaves_nothing_out_and_goes_to_its_end() -> None:
    plan = Plan.model_validate_json(PLAN.model_dump_json(exclude_unset=True))
    assert plan.seal() == PLAN.seal()
    assert plan.model_dump(mode="json", include={"schema_"}) == {"schema": "brie.plan/1"}
    assert (plan.left_out, plan.held_out_sources, plan.stopping) == ((), (), None)
    assert (plan.level, plan.resamples) == (0.95, 9999)
    assert plan.controls.model_dump() == {
        "prompts": (), "damage": "shuffled", "first_sample": 1_000_000,
    }  # fmt: skip
    with pytest.raises(ValidationError, match="samples"):
        Plan.model_validate({**PLAN.model_dump(), "samples": 0})
    with pytest.raises(ValidationError, match="seats"):
        Plan.model_validate({**PLAN.model_dump(), "seats": ()})


def test_a_rule_for_stopping_early_is_at_five_percent_every_ten_prompts() -> None:
    plan = PLAN.model_copy(update={"stopping": Stopping(max_prompts=30), "controls": Controls()})
    assert plan.seal() != PLAN.seal()
    assert plan.model_dump(mode="json")["stopping"] == {
        "rule": "e-process", "alpha": 0.05, "block": 10, "max_prompts": 30,
    }  # fmt: skip


def test_a_manifest_says_nothing_of_what_has_not_happened() -> None:
    manifest = Manifest(
        id="eval-1", created="2026-01-01", seal=PLAN.seal(), plan=PLAN, names={}, locations={},
        command="brie eval", versions={},
    )  # fmt: skip
    assert (manifest.name, manifest.made, manifest.amendments) == (None, None, ())
    assert GenerationNotes().model_dump() == {
        "texts": 0, "changed_by_batch": 0, "fingerprints": {}, "left_out": {},
    }  # fmt: skip
    link = Amendment(kind="retry", detail={}, verdicts_before=0, previous=ZEROS, digest=ZEROS)
    assert link.judge == ""
    assert link.model_copy(update={"detail": {"judge": "j"}}).judge == "j"
    assert sorted(WORST_FIRST, key=WORST_FIRST.__getitem__) == ["fail", "warn", "not_run", "pass"]


def test_a_pin_is_of_a_version_and_names_only_what_is_known() -> None:
    ref = BaseModelRef(repo="me/base", digest="sha256:" + "0123456789abcdef" * 4)
    assert str(ref) == "me/base@0123456789ab"
    assert str(ref.model_copy(update={"revision": "v1"})) == "me/base@v1"
    pin = Pin(
        kind="base", name="b", digest=ZEROS, files={}, config=ZEROS, base=ref, template_digest=ZEROS
    )
    assert pin.version == 2
    assert pin.model_dump(mode="json", exclude_none=True) == {
        "schema": "brie.pin/2", "kind": "base", "name": "b", "digest": ZEROS, "files": {},
        "config": ZEROS, "base": {"repo": "me/base", "digest": ref.digest}, "template_digest": ZEROS,
    }  # fmt: skip
    where = {"run": "r", "checkpoint": "c", "base_location": "models/b"}
    kept = pin.model_copy(update={**where, "step": 3}).sealed()
    assert kept == pin.model_copy(update={"name": "", "step": 3})
    assert Environment(dtype="float32", device="cpu", sampler="1").engine == "transformers"


def test_an_answer_was_measured_in_nothing_by_itself() -> None:
    rows = [
        Completion(
            key=ZEROS, pin=ZEROS, prompt=ZEROS, sample=0, text="", finish_reason="stop", tokens=0,
            seconds=0.0,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [row.measures for row in rows] == [{}, {}]
    rows[0].measures["perplexity"] = 1.0
    assert rows[1].measures == {}


def test_a_verdict_is_worth_one_a_half_or_nothing_to_the_candidate() -> None:
    assert SCORE == {"candidate": 1.0, "tie": 0.5, "baseline": 0.0}


def test_a_field_that_joined_later_is_written_where_it_says_something() -> None:
    class Older(Prompt):
        """A prompt with a field more."""

        mood: str = later("calm")

    assert Older.model_validate(ASKED).model_dump(mode="json") == PROMPT
    assert Older.model_validate({**ASKED, "mood": "calm"}).model_dump(mode="json") == PROMPT
    angry = Older.model_validate({**ASKED, "mood": "angry"})
    assert angry.model_dump(mode="json") == {**PROMPT, "mood": "angry"}
