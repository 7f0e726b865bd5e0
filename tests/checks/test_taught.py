"""A candidate that learned from verdicts: its prompts are spent, its judges may not judge it alone."""

from __future__ import annotations

from typing import Any

import pytest

from brie.checks import Training, contamination, judges, run_checks
from brie.checks.evidence import Taught
from brie.checks.standing import standing_of
from brie.data.near import Match
from brie.data.preferences import Teacher
from brie.records import JudgeSpec, Provider
from tests.checks.cases import Case, figures, found, training

HAIKU = JudgeSpec(id="claude-haiku", provider=Provider.ANTHROPIC, model="claude-haiku-4-5")
GPT = JudgeSpec(id="gpt", provider=Provider.OPENAI, model="gpt-mini")


def taught(*teachers: tuple[str, str], near: dict[str, str] | None = None, **more: Any) -> Training:
    """The pairs a candidate learned from, before that answers of its own."""
    by = tuple(Teacher(id=name, model=model) for name, model in teachers)
    nearest = {name: Match(name, "line 7", 0.8, way) for name, way in (near or {}).items()}  # type: ignore[arg-type]
    filled = {
        "file": "prefs.jsonl", "nearest": nearest, "taught": Taught(teachers=by), "earlier": training(),
    }  # fmt: skip
    return training(**{**filled, **more})


def case(known: Training, *panel: JudgeSpec) -> dict[str, Any]:
    return {"judges": panel or (GPT,), "evidence": {"training": known}}


@pytest.mark.parametrize("way", ["exact", "near", "contained"])
def test_one_prompt_in_or_near_the_pairs_fails_and_withholds_the_verdict(way: str) -> None:
    known = taught(("claude-haiku", HAIKU.model), near={"p003": way})
    said = found(contamination.check, **case(known))
    assert said.status == "fail"
    assert "1 of 72 prompts is in or near the preference pairs that the candidate learned from" in (
        said.summary
    )
    assert f"(prefs.jsonl: 1 {way}; first `p003`)" in said.summary
    assert figures(said)["spent"] == 1
    assert said.remedy is not None
    assert "brie plan --suite NAME --candidate MODEL" in said.remedy
    evidence = Case(**case(known)).build()
    analysis = evidence.analysis.model_copy(update={"checks": run_checks(evidence), "standing": None})
    standing = standing_of(analysis)
    assert standing is not None
    assert standing.state == "withheld"
    assert "1 of 72 prompts are in or near the preference pairs" in standing.reasons[0].text


def test_far_from_the_pairs_it_passes_and_names_both_files() -> None:
    said = found(contamination.check, **case(taught(("claude-haiku", HAIKU.model))))
    assert said.status == "pass"
    assert "prefs.jsonl or the 500 rows of made.jsonl" in said.summary


def test_what_was_learned_before_the_pairs_is_compared_as_ever() -> None:
    nearest = {f"p{n:03}": Match(f"p{n:03}", "line 7", 1.0, "exact") for n in range(10)}
    known = taught(("claude-haiku", HAIKU.model), earlier=training(nearest=nearest))
    said = found(contamination.check, **case(known))
    assert said.status == "fail"
    assert "10 of 72 prompts are in made.jsonl" in said.summary
    assert figures(said)["spent"] == 0
    assert figures(said)["exact"] == 10


def test_what_is_not_known_of_the_training_is_said() -> None:
    known = taught(
        ("claude-haiku", HAIKU.model),
        earlier=None,
        earlier_unknown="the training file made.jsonl is not here",
    )
    said = found(contamination.check, **case(known))
    assert said.status == "warn"
    assert "What it was trained on before its pairs is not compared: the training file" in said.summary
    gone = Taught(teachers=(), by_digest=True)
    said = found(contamination.check, **case(taught(taught=gone)))
    assert (said.status, "compared by digest" in said.summary) == ("warn", True)


def test_the_judge_that_taught_may_not_be_the_only_one() -> None:
    known = taught(("claude-haiku", HAIKU.model))
    said = found(judges.check, **case(known, HAIKU))
    assert said.status == "fail"
    assert "taught by claude-haiku, judged by claude-haiku" in said.summary
    evidence = Case(**case(known, HAIKU)).build()
    analysis = evidence.analysis.model_copy(update={"checks": run_checks(evidence), "standing": None})
    standing = standing_of(analysis)
    assert standing is not None
    assert standing.state == "withheld"
    assert standing.reasons[0].text == "taught by claude-haiku, judged by claude-haiku"
    lifted = standing_of(analysis, allowed={"judges"})
    assert lifted is not None
    assert all(reason.cause != "judges" for reason in lifted.reasons)


@pytest.mark.parametrize("teacher", [("mine", HAIKU.model), ("claude-haiku", "claude-haiku-3")])
def test_a_teacher_is_known_by_its_model_or_its_name(teacher: tuple[str, str]) -> None:
    said = found(judges.check, **case(taught(teacher), HAIKU))
    assert said.status == "fail"
    assert f"taught by {teacher[0]}, judged by claude-haiku" in said.summary


def test_all_of_a_panel_that_taught_is_no_better_than_one() -> None:
    known = taught(("claude-haiku", HAIKU.model), ("gpt", "gpt-mini"), ("other", "other"))
    said = found(judges.check, **case(known, HAIKU, GPT))
    assert said.status == "fail"
    assert "taught by claude-haiku, gpt and other, judged by claude-haiku and gpt" in said.summary


def test_a_teacher_among_others_is_named_and_the_others_count() -> None:
    said = found(judges.check, **case(taught(("claude-haiku", HAIKU.model)), HAIKU, GPT))
    assert said.status == "warn"
    assert "`claude-haiku` taught the candidate and judged it too: `gpt` did not" in said.summary
    other = found(judges.check, **case(taught(("claude-haiku", HAIKU.model)), GPT))
    assert "taught" not in other.summary


def test_pairs_that_name_no_judge_are_said_to() -> None:
    said = found(judges.check, **case(taught(taught=Taught(teachers=(), unsigned=12)), HAIKU, GPT))
    assert said.status == "warn"
    assert "12 name no judge" in said.summary


def test_a_teacher_of_an_earlier_round_still_counts() -> None:
    known = taught(("gpt", "gpt-mini"), earlier=taught(("claude-haiku", HAIKU.model)))
    assert found(judges.check, **case(known, HAIKU)).status == "fail"
