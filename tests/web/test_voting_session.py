"""Voting: balanced cells, random prompts, undo that supersedes, resuming, the reveal."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.evaluation.assemble import assemble
from brie.evaluation.gather import gather
from brie.evaluation.manifest import broken_links, read_manifest
from brie.evaluation.votes import asked_of, voter_judge, voter_name
from brie.evaluation.work import Work
from brie.judge.interface import Reply
from brie.project import Project
from brie.records import Manifest, Status
from brie.store import Store, counted
from brie.web.project_cache import ProjectCache
from brie.web.reveal import Reveal, Reveals, reveal
from brie.web.voting_session import VotingSession
from tests.web import sample

World = tuple[Project, Manifest]


def session(world: World, name: str = "Ann") -> VotingSession:
    return VotingSession(ProjectCache(world[0]), evaluation=world[1].id, name=name)


def stored(world: World, made: VotingSession) -> dict[int, list[str | None]]:
    """Attempts of every pair that has one: letters in order."""
    with Store.open(world[0].store, read_only=True) as store:
        attempts = store.attempts(task.key for task in made.tasks)
    numbers = {task.key: n for n, task in enumerate(made.tasks)}
    return {numbers[key]: [a.letter for a in rows] for key, rows in attempts.items()}


def current(made: VotingSession) -> int:
    item = made.current()
    assert item is not None
    return item.number


def test_cells_are_balanced_for_a_voter_within_each_category(world: World) -> None:
    manifest = sample.manifest(prompts=32, samples=1)
    plan = manifest.plan
    for name in ("Ann", "Bob"):
        seat = voter_judge(plan, name)
        cells: dict[str, Counter[tuple[str, str]]] = {}
        for task in asked_of(Work(plan), manifest, seat):
            category = Work(plan).prompts[task.prompt].category
            p = task.presentation
            cells.setdefault(category, Counter())[p.order, p.candidate_letter] += 1
        for counts in cells.values():
            assert len(counts) == 4
            assert max(counts.values()) - min(counts.values()) <= 1


def test_every_prompt_comes_once_before_any_comes_again(world: World) -> None:
    tasks = asked_of(Work(world[1].plan), world[1], voter_judge(world[1].plan, "Ann"))
    first = [task.prompt for task in tasks[:12]]
    assert len(set(first)) == 12
    assert first != [p.id for p in world[1].plan.suite.prompts]
    assert {task.sample for task in tasks[:12]} == {0, 1}


def test_two_voters_have_orders_of_their_own(world: World) -> None:
    one, two = session(world, "Ann"), session(world, "Bob")
    assert [t.prompt for t in one.tasks] != [t.prompt for t in two.tasks]
    assert not {t.key for t in one.tasks} & {t.key for t in two.tasks}


def test_a_vote_is_a_verdict_of_the_voter_and_keeps_the_letter(world: World) -> None:
    made = session(world)
    number = current(made)
    assert made.vote(number, "A", "clear", {"clarity": {"A": 5.0, "B": 2.0}})
    with Store.open(world[0].store, read_only=True) as store:
        (verdict,) = store.verdicts([made.tasks[number].key]).values()
    assert (verdict.letter, verdict.reason, verdict.status) == ("A", "clear", Status.OK)
    assert verdict.scores == {"clarity": {"A": 5.0, "B": 2.0}}
    assert verdict.judge == made.voter.digest


def test_a_form_sent_twice_counts_once(world: World) -> None:
    made = session(world)
    number = current(made)
    assert made.vote(number, "A")
    assert not made.vote(number, "B")
    assert stored(world, made) == {number: ["A"]}


def test_undo_supersedes_and_nothing_is_deleted(world: World) -> None:
    made = session(world)
    number = current(made)
    made.vote(number, "A")
    made.undo()
    assert current(made) == number
    assert made.vote(number, "B")
    assert stored(world, made) == {number: ["A", "B"]}
    with Store.open(world[0].store, read_only=True) as store:
        attempts = store.attempts([made.tasks[number].key])[made.tasks[number].key]
    assert counted(attempts).letter == "B"


def test_undo_goes_back_more_than_once_and_leaves_what_it_passes(world: World) -> None:
    made = session(world)
    numbers = []
    for choice in ("A", "B", "tie"):
        numbers.append(current(made))
        made.vote(numbers[-1], choice)
    made.undo()
    made.undo()
    assert current(made) == numbers[1]
    made.vote(numbers[1], "A")
    assert stored(world, made) == {numbers[0]: ["A"], numbers[1]: ["B", "A"], numbers[2]: ["tie"]}
    assert made.progress[0] == 3


def test_undo_without_a_vote_does_nothing(world: World) -> None:
    made = session(world)
    before = current(made)
    made.undo()
    assert current(made) == before
    assert not made.can_undo


def test_a_skip_stores_nothing_and_comes_back_last(world: World) -> None:
    made = session(world)
    skipped = current(made)
    made.skip(skipped)
    seen: list[int] = []
    while len(seen) < len(made.tasks) - 1:
        seen.append(current(made))
        made.vote(seen[-1], "tie")
    assert skipped not in seen
    assert current(made) == skipped
    assert skipped not in stored(world, made)


def test_a_skip_after_undo_withdraws_the_vote(world: World) -> None:
    made = session(world)
    number = current(made)
    made.vote(number, "A")
    made.undo()
    made.skip(number)
    with Store.open(world[0].store, read_only=True) as store:
        (verdict,) = store.verdicts([made.tasks[number].key]).values()
    assert verdict.status is Status.REFUSED
    assert made.progress[0] == 0


def test_a_voter_resumes_where_they_stopped(world: World) -> None:
    made = session(world)
    for _ in range(5):
        made.vote(current(made), "A")
    again = session(world)
    assert again.progress == made.progress
    assert again.current() == made.current()


def test_the_first_vote_is_chained_to_the_seal_once(world: World) -> None:
    made = session(world)
    made.vote(current(made), "A")
    made.vote(current(made), "B")
    manifest = read_manifest(world[0].runs / world[1].id)
    (amendment,) = manifest.amendments
    assert amendment.kind == "voter"
    assert amendment.detail["judge"] == "human:Ann"
    assert amendment.verdicts_before == len(Work(manifest.plan).tasks())
    assert not broken_links(manifest)
    assert manifest.seal == world[1].seal


def test_votes_do_not_move_the_sealed_numbers(world: World) -> None:
    with Store.open(world[0].store, read_only=True) as store:
        before = assemble(gather(world[1], store), store)
    made = session(world)
    for _ in range(6):
        made.vote(current(made), "A")
    with Store.open(world[0].store, read_only=True) as store:
        after = assemble(gather(read_manifest(world[0].runs / world[1].id), store), store)
    assert after.win_rate == before.win_rate
    assert after.rows_digest != before.rows_digest


def test_identical_answers_are_not_asked(tmp_path: Path) -> None:
    project, manifest = sample.project(tmp_path, prompts=4, samples=1)
    cache, work = ProjectCache(project), Work(manifest.plan)
    with Store.open(project.store) as store:
        key = work.key("candidate", "letters-01", 0)
        other = work.key("baseline", "letters-01", 0)
        texts = store.completions([key, other])
        store._db.execute(
            "UPDATE completions SET body = ? WHERE key = ?",
            (texts[key].model_copy(update={"text": texts[other].text}).model_dump_json(), key),
        )
    made = VotingSession(cache, evaluation=manifest.id, name="Ann")
    assert {task.prompt for task in made.tasks} == {"explanations-01", "recipes-01", "summaries-01"}


def test_the_reveal_unblinds_every_vote(world: World) -> None:
    made = session(world)
    while (item := made.current()) is not None:
        letter = made.tasks[item.number].presentation.candidate_letter
        made.vote(item.number, letter)
    with Store.open(world[0].store, read_only=True) as store:
        found = reveal(made, store)
    assert found.outcomes.win == len(made.tasks)
    assert found.outcomes.loss == found.outcomes.tie == 0
    assert found.rate is not None
    assert found.rate.value == 1.0
    assert [judge for judge, _ in found.judges] == ["claude-opus", "gpt-mini", "reference"]
    assert all(cell.n and cell.percent for _, cell in found.judges)


def test_a_result_is_made_again_where_more_was_said(world: World) -> None:
    made, reveals = session(world), Reveals()
    made.vote(current(made), "A")

    def shown() -> Reveal:
        with Store.open(world[0].store, read_only=True) as store:
            return reveals.of(made, store)

    first = shown()
    other = session(world, "Bob")
    other.vote(current(other), "B")
    assert shown() is first
    made.vote(current(made), "B")
    assert len(shown().votes) == 2
    second = shown()
    task = made.work.tasks_on({(v.view.prompt_id, v.view.sample) for v in second.votes})[0]
    with Store.open(world[0].store) as store:
        row = task.verdict(Reply(Status.INVALID, text="nothing")).model_copy(update={"supersedes": True})
        store.add_verdicts([row], evaluation="x", judge=task.judge)
    assert shown() is not second
    assert shown().outcomes == second.outcomes


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a/b", "../x", "<b>", "a\nb;c", ".hidden"])
def test_a_name_is_a_name(name: str) -> None:
    with pytest.raises(UsageError):
        voter_name(name)


def test_names_of_all_scripts_are_welcome() -> None:
    assert voter_name("  Zoë   van Dijk ") == "Zoë van Dijk"
    assert voter_name("李小龙") == "李小龙"
