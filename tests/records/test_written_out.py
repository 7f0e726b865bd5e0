"""JSON that is written out by hand, where there is much of it, is the canonical JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brie.digest import canonical_json, digest
from brie.evaluation.plan import FILES, ResolvedRequest, make_plan, panel_judge
from brie.pin import GivenAnswers, GivenPrompt, GivenText, Resolved, pin_answers
from brie.records import (
    AnswerFile,
    JudgeSpec,
    MachineCheck,
    Message,
    Plan,
    Prompt,
    Provider,
    Rubric,
    Sampling,
    Suite,
    conversation_json,
)
from brie.records.asked import prompt_json


@pytest.fixture(scope="module")
def sealed_plan() -> Plan:
    """A plan of one prompt, two files of answers and one judge."""
    asked = (Message(role="user", content="and?"),)
    origin = AnswerFile(
        label="mine",
        file="f.csv",
        form="a table",
        date="2026-01-01T00:00:00Z",
        prompts=1,
        answers=1,
        empty=0,
    )  # fmt: skip
    pin = pin_answers(GivenAnswers(origin, (GivenPrompt("", asked, (GivenText("so"),)),)))
    judge = JudgeSpec(id="j", provider=Provider.OPENAI_COMPATIBLE, model="m", base_url="http://j/v1")
    side = Resolved(pin, "mine", "answers:f.csv", Path(), pin, None, ())
    suite = Suite(name="s", prompts=(Prompt(id="p", messages=asked),))
    rubric = Rubric(name="r", text="Judge.", criteria=("a", "b"))
    request = ResolvedRequest(
        suite, side, side, (panel_judge(judge, rubric),), "named judges", Sampling(), samples=1
    )
    return make_plan(request, FILES)


TEXTS = st.text(max_size=20) | st.sampled_from(['"', "\\", "\x00\x1f\x7f", "\u2028", "é\u0301", "\n\t"])
TURNS = st.builds(Message, role=st.sampled_from(["system", "user", "assistant"]), content=TEXTS)
CHECKS = st.builds(MachineCheck, kind=st.just("exact"), value=TEXTS.filter(bool))
PROMPTS = st.builds(
    Prompt,
    id=TEXTS.filter(bool),
    messages=st.lists(TURNS, max_size=2).map(lambda m: (*m, Message(role="user", content="and?"))),
    category=TEXTS,
    source=TEXTS,
    difficulty=st.none() | st.sampled_from(["easy", "medium", "hard"]),
    reference=st.none() | TEXTS,
    check=st.none() | CHECKS,
)


@given(st.lists(TURNS, max_size=3))
def test_a_conversation(messages: list[Message]) -> None:
    assert conversation_json(messages) == canonical_json(list(messages))


@given(PROMPTS)
def test_a_prompt_with_all_its_fields(prompt: Prompt) -> None:
    assert prompt_json(prompt) == canonical_json(prompt)


@settings(max_examples=20, deadline=None)
@given(
    prompts=st.lists(PROMPTS, max_size=4),
    code=st.dictionaries(TEXTS, TEXTS, max_size=1),
    criteria=st.dictionaries(TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=2), max_size=1),
    names=st.sampled_from([{}, {"candidate": "mine", "baseline": "theirs"}]),
    existed=st.integers(0, 2),
)
def test_a_plan_is_sealed_over_its_canonical_json(
    sealed_plan: Plan,
    prompts: list[Prompt],
    code: dict[str, str],
    criteria: dict[str, dict[str, str]],
    names: dict[str, str],
    existed: int,
) -> None:
    suite = Suite(name="s", prompts=tuple(prompts), code=code)
    update = {"suite": suite, "criteria": criteria, "existed": existed, "names": names}
    plan = sealed_plan.model_copy(update=update)
    assert plan.seal() == digest(plan)
    assert plan.identity() == digest(plan.model_copy(update={"names": {}, "existed": 0}))


def test_a_plan_of_many_prompts_is_sealed_over_its_canonical_json(sealed_plan: Plan) -> None:
    asked = (Message(role="user", content="and?"),)
    prompts = tuple(Prompt(id=str(number), messages=asked) for number in range(2001))
    plan = sealed_plan.model_copy(update={"suite": Suite(name="s", prompts=prompts)})
    assert plan.seal() == digest(plan)


def test_plans_that_differ_in_what_decides_their_rows_have_identities_of_their_own(
    sealed_plan: Plan,
) -> None:
    renamed = sealed_plan.model_copy(update={"names": {"candidate": "x"}, "existed": 7})
    assert renamed.identity() == sealed_plan.identity()
    assert sealed_plan.model_copy(update={"seed": 99}).identity() != sealed_plan.identity()
