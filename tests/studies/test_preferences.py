"""`brie data prefs`: which comparisons become pairs, what the others lack, and what the file says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from brie.cli import cli
from brie.data.load import load
from brie.data.preferences import asked_digest, load_pairs
from brie.errors import InputError, UsageError
from brie.evaluation.manifest import amend, read_manifest, write_manifest
from brie.evaluation.votes import cast_by, voter_judge
from brie.evaluation.work import Work
from brie.judge.interface import Reply, Task
from brie.project import Project
from brie.records import CompletionLite, Manifest, Message, Side, Status, Usage, Winner
from brie.store import Store
from brie.studies.pairing import longer, predicted_by_length, unfit
from brie.studies.preference_card import card_text
from brie.studies.preferences import PrefsRequest, Written, write_preferences
from tests.data.rows import write
from tests.flow.planted import Judging, Said, planted
from tests.flow.world import Text, World
from tests.make import completion

PROMPTS = 12


def text(side: Side, prompt: int, sample: int) -> str:
    """Two different answers of equal length; prompt 11 has the same one twice, 10 an empty one."""
    if prompt == 11:
        return "The same."
    if prompt == 10 and side == "baseline":
        return ""
    return f"{'Good' if side == 'candidate' else 'Poor'} answer {prompt:02} {sample}."


def number(task: Task) -> int:
    """Which prompt a task is about."""
    return int(task.prompt.removeprefix("p"))


def says(words: dict[int, Winner | str | None], usual: Winner = "candidate") -> Judging:
    """A judge of given words by prompt; `first` prefers what is shown first."""

    def judge(task: Task, one: str, two: str, rng: np.random.Generator) -> Said:
        word = words.get(number(task), usual)
        if word == "first":
            word = "candidate" if task.presentation.order == "candidate_first" else "baseline"
        return Said(word)  # type: ignore[arg-type]

    return judge


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "runs").mkdir()
    return Project(tmp_path.resolve())


def judged(
    project: Project, judges: dict[str, Judging], made: Text = text, seed: int = 0, **more: Any
) -> Manifest:
    """An evaluation of twelve prompts in the project's store."""
    world = World.make(project.runs / f"models-{seed}")
    world = World(project.runs, world.candidate, world.baseline)
    return planted(world, made, judges, prompts=PROMPTS, seed=seed, **more)


def prefs(project: Project, *evaluations: Manifest, **options: Any) -> tuple[Written, list[Any]]:
    """The pairs of some evaluations, and the rows of the file."""
    out = project.root / f"{len(list(project.root.glob('*.jsonl')))}.jsonl"
    written = write_preferences(PrefsRequest(tuple(m.id for m in evaluations), out, **options), project)
    return written, [json.loads(line) for line in out.read_text("utf-8").splitlines()]


def test_what_both_orders_and_all_judges_prefer_becomes_a_pair_and_the_rest_says_why(
    project: Project,
) -> None:
    a = says({0: "tie", 1: "first", 2: None, 3: "baseline", 4: "baseline", 5: "first"})
    b = says({0: "tie", 1: "first", 2: None, 3: "baseline", 5: "tie"})
    written, rows = prefs(project, judged(project, {"a": a, "b": b}))
    assert written.card.left_out == {
        "tie": 2, "flipped": 1, "half": 1, "disagree": 1, "identical": 1, "empty": 1,
    }  # fmt: skip
    assert (written.card.comparisons, written.card.pairs, len(rows)) == (12, 5, 5)
    by_prompt = {row["prompt"][-1]["content"]: row for row in rows}
    turned = by_prompt["Question 3?"]
    assert turned["chosen"] == [{"role": "assistant", "content": "Poor answer 03 0."}]
    assert turned["rejected"] == [{"role": "assistant", "content": "Good answer 03 0."}]
    assert {(j["judge"], j["chosen_first"], j["chosen_second"]) for j in turned["judges"]} == {
        ("a", "chosen", "chosen"), ("b", "chosen", "chosen"),
    }  # fmt: skip
    assert (turned["chosen_by"], turned["margin"], turned["agreement"]) == ("base", 1.0, 1.0)
    assert all(len(row["judges"]) == 2 for row in rows)
    said = written.card_path.read_text("utf-8")
    assert "| the verdict turned round with the order | 1 |" in said
    assert "has seen the prompts of made" in said


def test_no_name_comes_alive_in_the_card(project: Project) -> None:
    written, _ = prefs(project, judged(project, {"a": says({})}))
    bad = "<img src=x> @you [x](http://evil.example)"
    names = {"suite": bad, "suite_version": bad, "licence": bad, "candidate": bad, "baseline": bad}
    (evaluated,) = written.card.evaluations
    hostile = evaluated.model_copy(update={**names, "judges": {bad: bad}, "not_counted": {bad: bad}})
    card = written.card.model_copy(update={"evaluations": (hostile,), "judges": {bad: 3}})
    said = card_text(card, f"{bad}.jsonl")
    assert said.count("evil") == 11
    for alive in ("<img", "@you", "](", "http://"):
        assert alive not in said


def test_a_lower_share_of_judges_is_taken_where_it_is_stated(project: Project) -> None:
    made = judged(
        project,
        {"a": says({}), "b": says({}), "c": says({0: "baseline", 1: "tie", 2: "first", 3: None})},
    )
    strict, _ = prefs(project, made)
    loose, rows = prefs(project, made, min_agreement=0.66)
    assert (strict.card.pairs, loose.card.pairs) == (6, 10)
    margins = {row["prompt"][-1]["content"]: row["margin"] for row in rows}
    assert margins["Question 0?"] == pytest.approx(1 / 3, abs=1e-3)
    assert margins["Question 1?"] == pytest.approx(2 / 3, abs=1e-3)
    words = next(r for r in rows if r["prompt"][-1]["content"] == "Question 2?")["judges"][2]
    assert {words["chosen_first"], words["chosen_second"]} == {"chosen", "rejected"}
    with pytest.raises(UsageError, match="no pair is left of 12 comparisons: 10 fewer judges agree"):
        prefs(project, judged(project, {"d": says({}), "e": says({}, "baseline")}, seed=1))


def test_a_vote_weighs_apart_and_one_of_somebody_who_saw_a_result_does_not(project: Project) -> None:
    made = judged(project, {"a": says({})})
    voted = _voted(project, made, "anna", "baseline")
    assert prefs(project, voted, people_weight=0)[0].card.pairs == 10
    with pytest.raises(UsageError, match="no pair is left of 12 comparisons: 10 fewer judges agree"):
        prefs(project, voted, people_weight=0.25, min_agreement=0.9)
    kept, rows = prefs(project, voted, people_weight=0.25, min_agreement=0.8)
    assert (kept.card.pairs, kept.card.voted) == (10, 10)
    assert rows[0]["people"] == {"chosen": 0, "rejected": 1, "tie": 0}
    assert rows[0]["margin"] == pytest.approx(0.6)
    assert rows[0]["agreement"] == 1.0
    seen = amend(voted, "voter", {"judge": "human:anna", "saw": ["result"]}, verdicts_before=0)
    write_manifest(project.runs / seen.id, seen)
    blind, rows = prefs(project, seen, people_weight=0.25)
    assert (blind.card.pairs, blind.card.voted) == (10, 0)
    assert "Votes of 1 person who had seen results" in blind.card_path.read_text("utf-8")


def _voted(project: Project, made: Manifest, name: str, side: Side) -> Manifest:
    """The evaluation with one person's vote for a side on every comparison."""
    voted = amend(made, "voter", {"judge": f"human:{name}"}, verdicts_before=0)
    write_manifest(project.runs / made.id, voted)
    voter = voter_judge(voted.plan, name)
    rows = [
        (task.verdict(Reply(Status.OK, task.presentation.letter_of(side), usage=Usage())), task.judge)
        for task in cast_by(Work.of(voted), voted, voter)
    ]
    with Store.open(project.store) as store:
        store.keep(rows, evaluation=made.id)
    return read_manifest(project.runs / made.id)


def test_a_pair_stands_once_and_one_preferred_both_ways_not_at_all(project: Project) -> None:
    first = judged(project, {"a": says({})})
    again = judged(project, {"a": says({}), "b": says({0: "baseline"})}, seed=1)
    other = judged(project, {"c": says({0: "baseline"})}, seed=2)
    written, _ = prefs(project, first, again)
    assert (written.card.pairs, written.card.left_out["repeated"]) == (10, 9)
    written, rows = prefs(project, first, other)
    assert (written.card.pairs, written.card.left_out["contradicted"]) == (9, 2)
    assert {row["evaluation"] for row in rows} == {first.id}


def test_an_answer_that_was_cut_off_is_not_learned_with_an_end() -> None:
    whole, cut = (CompletionLite.of(completion(key, f"Answer {key}.")) for key in ("one", "two"))
    assert unfit(whole, cut) is None
    assert unfit(whole, replace(cut, finish_reason="length")) == "cut off"
    assert unfit(replace(whole, finish_reason="length"), cut) == "cut off"


def test_length_alone_predicts_no_winner_in_what_is_left() -> None:
    ratios = [longer("x" * long, "x" * 100) for long in (300, 200, 150, 140, 104, 97, 60, 100)]
    assert ratios[4:6] == [0.0, 0.0]
    assert predicted_by_length(ratios) == {0, 1, 2}
    assert predicted_by_length([-r for r in ratios]) == {0, 1, 2}
    assert predicted_by_length([0.5, -0.2, 0.0]) == set()


def test_pairs_that_length_alone_predicts_are_left_out_where_asked(project: Project) -> None:
    def long(side: Side, prompt: int, sample: int) -> str:
        return f"{side} {prompt} " + "more and " * (8 if (side == "candidate") == (prompt < 8) else 1)

    made = judged(project, {"a": says({})}, long)
    plain, _ = prefs(project, made)
    balanced, rows = prefs(project, made, drop_length_only=True)
    assert plain.card.longer_chosen == pytest.approx(8 / 12)
    assert (balanced.card.longer_chosen, balanced.card.longer_chosen_before) == (0.5, 8 / 12)
    assert (balanced.card.left_out["length"], len(rows)) == (4, 8)
    only = judged(project, {"longer": lambda t, one, two, r: Said(
        "candidate" if len(one) > len(two) else "baseline")}, long, seed=1)  # fmt: skip
    with pytest.raises(UsageError, match="no pair is left of 12 comparisons: 12 length alone"):
        prefs(project, only, drop_length_only=True)


def test_pairs_seen_in_one_order_only_are_half(project: Project) -> None:
    made = judged(project, {"a": says({})}, leave_out=1)
    written, _ = prefs(project, made)
    assert written.card.left_out["half"] == 1


def test_the_file_is_read_again_with_its_prompts_judges_and_origin(project: Project) -> None:
    made = judged(project, {"a": says({3: "baseline"})})
    written, rows = prefs(project, made)
    pairs = load_pairs(written.path)
    assert [row.messages[-1].content for row in pairs.chosen] == [
        r["chosen"][0]["content"] for r in rows
    ]
    assert [pairs.rejected[n + 1].messages[-1].content for n in range(len(rows))] == [
        r["rejected"][0]["content"] for r in rows
    ]
    assert set(pairs.prompts) == {asked_digest(p.messages) for p in made.plan.suite.prompts[:10]}
    assert [(t.id, t.model) for t in pairs.teachers] == [("a", "a-2026")]
    assert (pairs.suites, pairs.evaluations, pairs.unsigned) == (("made",), (made.id,), 0)
    with pytest.raises(InputError, match="preference pairs are learned from by --method dpo"):
        load(written.path)


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
        {"prompt": [{"role": "user", "content": "Why?"}],
         "chosen": [{"role": "assistant", "content": "So."}],
         "rejected": [{"role": "assistant", "content": "No."}]},
        {"prompt": "Why?",
         "chosen": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}],
         "rejected": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "No."}]},
        {"chosen": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}],
         "rejected": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "No."}]},
    ],
)  # fmt: skip
def test_pairs_of_other_tools_are_read_and_say_nothing_of_their_judges(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    pairs = load_pairs(write(tmp_path / "p.jsonl", [row]))
    assert [m.content for m in pairs.chosen[0].messages] == ["Why?", "So."]
    assert [m.content for m in pairs.rejected[1].messages] == ["Why?", "No."]
    assert (pairs.teachers, pairs.unsigned) == ((), 1)


def turns(*texts: str, first: int = 0) -> list[dict[str, str]]:
    """Turns of a user and an assistant by turns, the user's first unless said otherwise."""
    roles = ("user", "assistant")
    return [{"role": roles[(at + first) % 2], "content": text} for at, text in enumerate(texts)]


def test_answers_of_several_turns_go_on_from_their_prompt(tmp_path: Path) -> None:
    row = {
        "prompt": turns("Who?"), "chosen": turns("I.", "Why?", "So.", first=1),
        "rejected": turns("I.", "Why?", "No.", first=1),
    }  # fmt: skip
    pairs = load_pairs(write(tmp_path / "p.jsonl", [row]))
    assert [m.content for m in pairs.rejected[1].messages] == ["Who?", "I.", "Why?", "No."]


def test_a_fingerprint_of_another_kind_is_none(tmp_path: Path) -> None:
    row = {"prompt": "Why?", "chosen": "So.", "rejected": "No.", "prompt_digest": "7f3a"}
    assert load_pairs(write(tmp_path / "p.jsonl", [row])).prompts == (
        asked_digest([Message(role="user", content="Why?")]),
    )


def test_earlier_answers_of_the_prompt_are_not_learned(tmp_path: Path) -> None:
    talk = [
        {"role": r, "content": c} for r, c in (("user", "Hi."), ("assistant", "Yes?"), ("user", "Why?"))
    ]
    pairs = load_pairs(
        write(tmp_path / "p.jsonl", [{"prompt": talk, "chosen": "So.", "rejected": "No."}])
    )
    assert [turn.learned for turn in pairs.chosen[0].messages] == [True, False, True, True]


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ({"prompt": "Why?", "chosen": "So."}, r"p.jsonl:2: has no `rejected`; a pair has `prompt`"),
        ({"messages": []}, r"p.jsonl:2: has no `chosen` and `rejected`"),
        ({"prompt": "Why?", "chosen": "So.", "rejected": "So."}, "the same text, which prefers nothing"),
        ({"chosen": "So.", "rejected": "No."}, "has no `prompt`, and `chosen` holds no conversation"),
        ({"prompt": "Why?", "chosen": "So.", "rejected": ""}, "is empty"),
        ({"prompt": "Why?", "chosen": "So.", "rejected": "No.", "judges": [3]}, "a list of judges"),
        ({"prompt": "Why?", "chosen": "So.", "rejected": "No.", "judges": [{}]}, "has no `judge`"),
        ({"prompt": "Why?", "chosen": 3, "rejected": "No."}, "`chosen` must be a string or a list"),
        (["no", "object"], "expected a JSON object"),
        ({"prompt": "Why?", "chosen": "So.", "rejected": "No.", "images": ["a.png"]}, "holds `images`"),
        ({"prompt": "Why?", "chosen": turns("Who?", "I."), "rejected": turns("Who?", "You.")},
         "the conversation in `chosen` does not ask the `prompt`"),
    ],
)  # fmt: skip
def test_a_row_that_is_no_pair_is_named_by_its_line(tmp_path: Path, row: Any, wrong: str) -> None:
    good = {"prompt": "Who?", "chosen": "I.", "rejected": "You."}
    with pytest.raises(InputError, match=wrong):
        load_pairs(write(tmp_path / "p.jsonl", [good, row]))


def test_the_command_prints_what_was_left_out_and_where_not_to_measure(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = judged(project, {"a": says({0: "tie"})})
    monkeypatch.chdir(project.root)
    done = CliRunner().invoke(cli, ["data", "prefs", made.id, "-o", "p.jsonl"])
    assert done.exit_code == 0, done.output
    assert "p.jsonl  9 pairs of 9 prompts" in done.output
    assert "1 a tie" in done.output
    assert "has seen made and cannot be measured there" in " ".join(done.output.split())
    assert "brie train --method dpo --prefs p.jsonl --from run:10" in " ".join(done.output.split())
    again = CliRunner().invoke(cli, ["data", "prefs", made.id, "-o", "p.jsonl"])
    assert "p.jsonl exists; move it away" in str(again.exception)
    elsewhere = project.root.parent / "kept elsewhere.jsonl"
    outside = CliRunner().invoke(cli, ["data", "prefs", made.id, "-o", str(elsewhere)])
    assert f"--prefs '{elsewhere}'" in re.sub(r"\s+(?:\\\s+)?", " ", outside.output)
    json_only = CliRunner().invoke(cli, ["data", "prefs", made.id, "-o", "q.jsonl", "--json"])
    assert json.loads(json_only.stdout)["left_out"] == {"tie": 1, "identical": 1, "empty": 1}
