"""What a plan needs, by key: in which order, each once, and unmoved by what is added."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from brie.evaluation.plan import make_plan
from brie.evaluation.work import Work, answer_keys, completion_texts, input_of, is_identical
from brie.records import Environment, Message, Plan, Prompt, Side, Stopping, Suite
from brie.store import Store
from tests.flow.world import World, rules, sealed, suite

HERE = Environment(dtype="float32", device="cpu", sampler="test")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.make(tmp_path_factory.mktemp("work") / "w")


def text(side: Side, prompt: int, sample: int) -> str:
    """The two sides differ in all answers but the first prompt's."""
    return f"an answer {prompt}" if prompt == 0 else f"{side} {prompt} {sample}"


def test_all_judges_and_orders_of_a_prompt_come_before_the_next(world: World) -> None:
    plan = sealed(world.asked(prompts=6, samples=2, panel_judges=rules("longer", "first"))).plan
    tasks = Work(plan).tasks()
    reached = [prompt for prompt, _ in groupby(tasks, key=lambda task: task.prompt)]
    assert reached == list(plan.order)
    assert len(tasks) == 6 * 2 * 2 * 2
    assert len({task.key for task in tasks}) == len(tasks)
    assert {(task.judge, task.sample) for task in tasks[:8]} == {
        (judge, sample) for judge in ("longer", "first") for sample in (0, 1)
    }


@pytest.mark.parametrize("controls", [0, 3])
def test_the_tasks_of_some_prompts_are_those_among_all(world: World, controls: int) -> None:
    work = Work(sealed(world.asked(prompts=8, controls=controls)).plan)
    some = work.plan.order[2:5]
    assert work.tasks(some) == [task for task in work.tasks() if task.prompt in some]
    assert [task for name in some for task in work.tasks_of(name)] == [
        task for task in work.tasks(some) if task.kind == "main"
    ]


def test_the_tasks_on_some_comparisons_are_those_among_all(world: World) -> None:
    work = Work(sealed(world.asked(prompts=6, samples=3, controls=2)).plan)
    some = {(work.plan.order[1], 2), (work.plan.order[4], 0), (work.plan.order[4], 2)}
    every = [task for task in work.tasks() if task.kind == "main"]
    on_them = [task for task in every if (task.prompt, task.sample) in some]
    assert sorted(t.key for t in work.tasks_on(some)) == sorted(t.key for t in on_them)
    name = work.plan.order[4]
    of_samples = [task for task in on_them if task.prompt == name]
    assert work.tasks_of(name, [0, 2]) == of_samples
    assert work.tasks_on(set()) == []


def test_controls_are_judged_for_their_prompts_alone(world: World) -> None:
    plan = sealed(world.asked(prompts=8, controls=3)).plan
    work = Work(plan)
    kinds = {
        kind: {t.prompt for t in work.tasks() if t.kind == kind} for kind in ("main", "a_a", "damaged")
    }
    assert kinds["main"] == set(plan.order)
    assert kinds["a_a"] == kinds["damaged"] == set(plan.controls.prompts)
    damaged = work.damages()
    assert set(damaged.values()) == {work.key("baseline", name, 0) for name in plan.controls.prompts}
    for task in work.tasks():
        candidate, baseline = answer_keys(task)
        if task.kind == "damaged":
            assert damaged[baseline] == candidate
        if task.kind == "a_a":
            assert baseline == work.key("baseline", task.prompt, 0)
            assert candidate == work.key("baseline", task.prompt, plan.controls.first_sample)


def test_a_judge_that_joins_moves_no_key(world: World) -> None:
    plan = sealed(world.asked(prompts=6, samples=2)).plan
    before, after = Work(plan).tasks(), Work(plan, added=rules("longer")).tasks()
    assert [task for task in after if task.judge == "reference"] == before
    assert {task.judge for task in after} == {"reference", "longer"}
    assert Work(plan).requests() == Work(plan, added=rules("longer")).requests()


def test_a_judge_asked_again_sees_the_same_under_another_key(world: World) -> None:
    plan = sealed(world.asked(prompts=4, panel_judges=rules("longer", "first"))).plan
    tasks = Work(plan, repeats={"longer": 2}).tasks()
    again = [task for task in tasks if task.kind == "repeat"]
    assert {task.judge for task in again} == {"longer"}
    assert [task for task in tasks if task.kind == "main"] == Work(plan).tasks()
    shown = {task.presentation for task in tasks if task.kind == "main" and task.judge == "longer"}
    assert sorted((t.presentation.digest(), t.repeat) for t in again) == sorted(
        (presentation.digest(), number) for presentation in shown for number in (1, 2)
    )
    assert len({task.key for task in tasks}) == len(tasks)


def test_what_was_added_is_read_from_the_manifest(world: World) -> None:
    from brie.evaluation.manifest import amend

    manifest = sealed(world.asked(prompts=4))
    joining = rules("longer")[0].sealed()
    links = (
        ("judge", {"seat": joining.model_dump(mode="json")}),
        ("repeat", {"judge": "reference", "repeats": 2}),
        ("repeat", {"judge": "reference", "repeats": 1}),
    )
    for kind, detail in links:
        manifest = amend(manifest, kind, detail, verdicts_before=0)  # type: ignore[arg-type]
    assert Work.of(manifest) == Work(manifest.plan, (joining,), {"reference": 2})


def _plan(world: World, prompt: Prompt) -> Plan:
    asked = world.asked(made=Suite(name="made", prompts=(prompt,)))
    return make_plan(asked, HERE)


def test_a_corrected_reference_asks_the_judges_again_and_leaves_the_answers(world: World) -> None:
    prompt = Prompt(id="p", messages=(Message(role="user", content="Why?"),), reference="Because.")
    before = Work(_plan(world, prompt))
    corrected = Work(_plan(world, prompt.model_copy(update={"reference": "Therefore."})))
    assert [r.key for r in before.requests()] == [r.key for r in corrected.requests()]
    assert not {t.key for t in before.tasks()} & {t.key for t in corrected.tasks()}


def test_a_served_models_answers_belong_to_their_evaluation(world: World) -> None:
    pin = world.baseline.pin.model_copy(update={"kind": "served"})
    served = replace(world.baseline, pin=pin, served=("lab", "model"))
    asked = replace(world.asked(prompts=4), baseline=served)
    one, two = (Work(sealed(replace(asked, seed=seed)).plan) for seed in (1, 2))
    name = one.plan.order[0]
    assert one.key("baseline", name, 0) != two.key("baseline", name, 0)
    local = [
        Work(sealed(replace(world.asked(prompts=4), panel=panel)).plan).key("baseline", name, 0)
        for panel in ("one", "two")
    ]
    assert local[0] == local[1]


def test_blocks_are_the_order_up_to_the_largest_number_of_prompts(world: World) -> None:
    whole = Work(sealed(world.asked(prompts=10)).plan)
    assert whole.blocks() == [whole.plan.order]
    stopping = Stopping(max_prompts=7, block=3)
    work = Work(sealed(world.asked(prompts=10, stopping=stopping)).plan)
    assert [len(block) for block in work.blocks()] == [3, 3, 1]
    assert tuple(name for block in work.blocks() for name in block) == work.plan.order[:7]


def test_a_judge_sees_the_texts_of_its_cell_and_identical_ones_are_known(
    world: World, tmp_path: Path
) -> None:
    work = Work(sealed(world.asked(prompts=3)).plan)
    with Store.open(tmp_path / "brie.sqlite") as store:
        store.add_completions(world.answers(work, text))
        texts = completion_texts(work, None, store)
    assert set(texts) == {request.key for request in work.requests()}
    for task in work.tasks():
        number = int(task.prompt[1:])
        shown = input_of(work, task, texts)
        expected = task.presentation.in_order(
            candidate=text("candidate", number, 0), baseline=text("baseline", number, 0)
        )
        assert (shown.first, shown.second) == expected
        assert shown.messages == suite(3).prompts[number].messages
        assert is_identical(task, texts) is (number == 0)
        assert not is_identical(task, {})
