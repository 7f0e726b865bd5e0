"""People as the measure: prompts drawn at random, nothing before the last vote, then they decide."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from pydantic import JsonValue

from brie.errors import UsageError
from brie.evaluation.ask_people import ask_people, widths
from brie.evaluation.assemble import assemble
from brie.evaluation.folders import Evaluation
from brie.evaluation.gather import gather
from brie.evaluation.manifest import amend, broken_links, write_manifest
from brie.evaluation.votes import Saw, asked_of, asked_of_people, voter_judge
from brie.evaluation.work import Work
from brie.judge.interface import Reply, Task
from brie.records import Manifest, Side, Status
from brie.records.analysis import Analysis
from brie.records.base import Letter
from brie.report.opening import opening
from brie.report.sentence import caveats, verdict_sentence
from brie.store import Store
from tests.flow.planted import Judging, Said, planted
from tests.flow.world import World
from tests.present import present

PROMPTS = 66
Mind = Callable[[int], bool]
"""Number of a prompt -> whether the candidate is the better one."""
SAME = (5, 6)
"""Prompts that both sides answer alike."""


def answer(side: Side, prompt: int, sample: int) -> str:
    return f"answer {prompt}" if prompt in SAME else f"{side} answer {prompt}"


def number(task: Task) -> int:
    return int(task.prompt[1:])


def judging(mind: Mind) -> Judging:
    def judge(task: Task, one: str, two: str, rng: np.random.Generator) -> Said:
        return Said("candidate" if mind(number(task)) else "baseline")

    return judge


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path)


def judged(world: World, mind: Mind, judges: int = 2) -> Evaluation:
    """An evaluation of 66 prompts whose judges all think the same."""
    names = {f"j{n}": judging(mind) for n in range(judges)}
    manifest = planted(world, answer, names, prompts=PROMPTS)
    return Evaluation(world.root / manifest.id, manifest)


def ask(world: World, evaluation: Evaluation, prompts: int) -> Evaluation:
    with Store.open(world.root / "brie.sqlite") as store:
        return ask_people(evaluation, prompts, store)


def vote(
    world: World,
    evaluation: Evaluation,
    mind: Mind,
    *,
    names: Sequence[str] = ("Ann",),
    most: int = 999,
    saw: Sequence[Saw] = (),
) -> Evaluation:
    """Each voter votes on what is drawn for them, at most so many; `saw`: what they had seen."""
    manifest, work = evaluation.manifest, Work.of(evaluation.manifest)
    with Store.open(world.root / "brie.sqlite") as store:
        for name in names:
            voter = voter_judge(manifest.plan, name)
            detail: dict[str, JsonValue] = {
                "judge": voter.judge.id, "digest": voter.digest, "positions": "balanced",
                **({"saw": list(saw)} if saw else {}),
            }  # fmt: skip
            manifest = amend(manifest, "voter", detail, verdicts_before=store.newest())
            tasks = [t for t in asked_of(work, manifest, voter) if number(t) not in SAME]
            rows = [task.verdict(Reply(Status.OK, _letter(task, mind))) for task in tasks[:most]]
            store.keep(
                [(row, voter.judge.id) for row in rows], evaluation=f"{manifest.id}/votes", booked=False
            )
    write_manifest(evaluation.folder, manifest)
    return Evaluation(evaluation.folder, manifest)


def _letter(task: Task, mind: Mind) -> Letter:
    shown = task.presentation
    return shown.candidate_letter if mind(number(task)) else shown.baseline_letter


def analysed(world: World, manifest: Manifest) -> Analysis:
    with Store.open(world.root / "brie.sqlite") as store:
        return assemble(gather(manifest, store), store)


def often(share: float, salt: int = 0) -> Mind:
    """True for so large a share of prompts, at random but always the same ones."""
    return lambda prompt: random.Random(1000 * salt + prompt).random() < share


def test_prompts_are_drawn_in_proportion_and_more_of_them_keep_the_first(world: World) -> None:
    evaluation = ask(world, judged(world, often(0.8)), 20)
    first = asked_of_people(evaluation.manifest)
    category = {p.id: p.category for p in evaluation.manifest.plan.suite.prompts}
    assert sorted(Counter(category[name] for name, _ in first).values()) == [10, 10]
    again = ask(world, evaluation, 20)
    assert again.manifest == evaluation.manifest
    more = ask(world, evaluation, 50)
    assert asked_of_people(more.manifest)[:20] == first
    assert not broken_links(more.manifest)


def test_every_prompt_is_as_likely_to_be_drawn(world: World) -> None:
    """Over 200 seals a prompt is drawn in 20 of 66 of them."""
    from brie.evaluation.ask_people import _ordered

    evaluation = judged(world, often(0.8))
    times: Counter[str] = Counter()
    for seal in range(400):
        manifest = evaluation.manifest.model_copy(update={"seal": f"sha256:{seal}"})
        times.update(name for name, _ in _ordered(manifest)[:20])
    expected, spread = 400 * 20 / 66, (400 * 20 / 66 * 46 / 66) ** 0.5
    assert len(times) == PROMPTS
    assert all(abs(count - expected) < 4.5 * spread for count in times.values())


def test_nothing_is_computed_before_every_drawn_prompt_has_a_vote(world: World) -> None:
    evaluation = vote(world, ask(world, judged(world, often(0.8)), 60), often(0.2), most=30)
    analysis = analysed(world, evaluation.manifest)
    people = present(analysis.human_anchored)
    assert not people.complete
    assert people.new_prompts is None
    assert people.lean is None
    assert analysis.verdict == "better"
    assert any("nothing is computed" in line for line in caveats(analysis))


def test_people_decide_against_judges_that_say_the_opposite(world: World) -> None:
    evaluation = vote(world, ask(world, judged(world, often(0.85)), 60), often(0.15, 1))
    analysis = analysed(world, evaluation.manifest)
    people = present(analysis.human_anchored)
    assert (people.labelled, people.planned, people.complete) == (60, 60, True)
    assert analysis.verdict == "worse"
    assert people.judges_verdict == "better"
    assert present(people.judges).value > 0.7 > present(analysis.win_rate).value
    assert present(analysis.win_rate).value == present(people.new_prompts).value
    judges = next(check for check in analysis.checks if check.id == "judges")
    assert judges.status == "fail"
    assert "People say worse, the judges better" in judges.summary
    assert "people would prefer it in" in opening(analysis, evaluation.manifest).rate
    assert "people would have preferred" in verdict_sentence(analysis, evaluation.manifest).casefold()
    assert any("lean" in line and "Judges alone say" in line for line in caveats(analysis))


def test_judges_that_agree_with_people_narrow_the_interval(world: World) -> None:
    evaluation = vote(world, ask(world, judged(world, often(0.75)), 50), often(0.75))
    analysis = analysed(world, evaluation.manifest)
    people = present(analysis.human_anchored)
    assert analysis.verdict == "better"
    assert present(people.weight) > 0.2
    new, suite = present(people.new_prompts), present(people.this_suite)
    assert present(suite.high) - present(suite.low) < present(new.high) - present(new.low)
    lean = present(people.lean)
    assert present(lean.low) <= 0 <= present(lean.high)
    assert set(people.by_judge) == {"j0", "j1"}


def test_fewer_than_fifty_prompts_show_the_lean_and_decide_nothing(world: World) -> None:
    evaluation = vote(world, ask(world, judged(world, often(0.85)), 30), often(0.15, 1))
    analysis = analysed(world, evaluation.manifest)
    people = present(analysis.human_anchored)
    assert people.new_prompts is None
    assert present(present(people.lean).low) > 0
    assert analysis.verdict == "better"
    judges = next(check for check in analysis.checks if check.id == "judges")
    assert "the judges lean" in judges.summary
    assert any("a rate needs 50" in line for line in caveats(analysis))


def test_several_voters_are_averaged_and_their_agreement_stands_beside(world: World) -> None:
    drawn = ask(world, judged(world, often(0.8)), 52)
    one = analysed(world, vote(world, drawn, often(0.7, 2)).manifest)
    evaluation = vote(world, drawn, often(0.7, 2), names=("Ann", "Bo"))
    analysis = analysed(world, evaluation.manifest)
    people = present(analysis.human_anchored)
    assert people.voters == 2
    assert people.labelled == 52
    assert present(present(people.agreement).percent).value == pytest.approx(1.0)
    assert present(people.new_prompts).value == pytest.approx(
        present(present(one.human_anchored).new_prompts).value
    )


def test_identical_answers_are_labelled_without_a_vote(world: World) -> None:
    evaluation = vote(world, ask(world, judged(world, often(0.8)), PROMPTS), often(0.8))
    people = present(analysed(world, evaluation.manifest).human_anchored)
    assert (people.identical, people.labelled, people.votes) == (2, PROMPTS, PROMPTS - 2)


def test_prompts_without_a_vote_can_be_given_up_and_nothing_else(world: World) -> None:
    evaluation = vote(world, ask(world, judged(world, often(0.8)), 60), often(0.8), most=55)
    labelled = present(analysed(world, evaluation.manifest).human_anchored).labelled
    with pytest.raises(UsageError, match=f"--people {labelled}"):
        ask(world, evaluation, labelled - 3)
    closed = ask(world, evaluation, labelled)
    people = present(analysed(world, closed.manifest).human_anchored)
    assert people.complete
    assert people.skipped == 60 - labelled


def test_more_prompts_than_there_are_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match=r"66 prompts can be voted on, not 67\..*--people 66"):
        ask(world, judged(world, often(0.8)), 67)


def test_the_promised_widths_shrink(world: World) -> None:
    promised = widths(judged(world, often(0.8)).manifest, 60)
    assert [votes for votes, _ in promised] == [50, 60]
    assert promised[0][1] > promised[1][1]


def test_a_voter_who_is_not_blind_is_left_out_and_counted(world: World) -> None:
    drawn = ask(world, judged(world, often(0.8)), 52)
    blind = vote(world, drawn, often(0.7, 2))
    alone = present(analysed(world, blind.manifest).human_anchored)
    evaluation = vote(world, blind, often(0.1, 3), names=("Bo",), saw=("result",))
    analysis = analysed(world, evaluation.manifest)
    people = present(analysis.human_anchored)
    assert (people.not_blind, people.voters, alone.not_blind) == (1, 1, 0)
    assert people.model_copy(update={"not_blind": 0}) == alone
    assert sum("1 voter is left out" in line for line in caveats(analysis)) == 1


def test_votes_that_are_not_blind_label_nothing(world: World) -> None:
    seen = vote(world, ask(world, judged(world, often(0.8)), 52), often(0.7), saw=("viewer",))
    analysis = analysed(world, seen.manifest)
    people = present(analysis.human_anchored)
    assert (people.votes, people.not_blind, people.complete) == (0, 1, False)
    assert sum("1 voter is left out" in line for line in caveats(analysis)) == 1
    assert people.labelled == people.identical
    with pytest.raises(UsageError, match=f"of 52 drawn prompts {people.labelled} can be counted"):
        ask(world, seen, 40)


def test_votes_cast_before_the_draw_are_kept_and_count(world: World) -> None:
    before = vote(world, judged(world, often(0.8)), often(0.7, 2))
    cast = analysed(world, before.manifest).by_judge["human:Ann"].votes
    drawn = ask(world, before, 52)
    analysis = analysed(world, drawn.manifest)
    people = present(analysis.human_anchored)
    assert analysis.by_judge["human:Ann"].votes == cast == PROMPTS - len(SAME)
    assert people.complete
    assert people.votes + people.identical == 52
