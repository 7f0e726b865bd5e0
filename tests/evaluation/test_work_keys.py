"""Keys, order and codes of a small plan, as literals: an evaluation that exists is found by them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brie import versions
from brie.digest import digest
from brie.evaluation.manifest import amend, broken_links, read_manifest, write_manifest
from brie.evaluation.plan import SERVED, ResolvedRequest, make_plan, panel_judge, work_order
from brie.evaluation.side_keys import prompt_digest
from brie.evaluation.work import Work, answer_keys, completion_texts
from brie.pin import pin_base, pin_checkpoint
from brie.records import Environment, JudgeSpec, Message, Provider, Side
from brie.store import Store
from tests.flow.world import World, rules, sealed, suite
from tests.pin.test_golden_pins import EARLIER

HERE = Environment(dtype="float32", device="cpu", sampler="test")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two sides with pins of version 1: what was sealed under them keeps its keys."""
    made = World.make(tmp_path_factory.mktemp("keys") / "w")
    folder, adapter = made.baseline.base_folder, made.candidate.adapter
    assert adapter is not None
    base = pin_base(folder, repo="me/base", pinned_before=EARLIER)
    pin = pin_checkpoint(adapter, base=base, name="run:10", step=10)
    assert (base.version, pin.version) == (1, 1)
    return replace(
        made,
        candidate=replace(made.candidate, pin=pin, base=base),
        baseline=replace(made.baseline, pin=base, base=base),
    )


@pytest.fixture
def asked(world: World) -> ResolvedRequest:
    """Five prompts, two samples, two controls and two judges, sealed under the first format."""
    return world.asked(
        prompts=5, samples=2, controls=2, seed=3, positions="balanced",
        panel_judges=rules("longer", "first", prompt_format=versions.PROMPT_FORMATS[0]),
    )  # fmt: skip


def test_a_plan_has_the_order_the_codes_and_the_controls_it_always_had(asked: ResolvedRequest) -> None:
    plan = make_plan(asked, HERE)
    assert plan.order == ("p004", "p003", "p002", "p001", "p000")
    assert plan.controls.prompts == ("p004", "p001")
    assert plan.assignments == {
        "longer": {"p000": "31", "p001": "20", "p002": "02", "p003": "13", "p004": "13"},
        "first": {"p000": "23", "p001": "21", "p002": "01", "p003": "03", "p004": "32"},
    }
    assert plan.identity() == "sha256:992c10aac1b8e8d5ada6c3f2fbcf8d174a8d068cd91709b9d2c2d9c6790e5e17"


def test_answers_and_verdicts_have_the_keys_they_always_had(asked: ResolvedRequest) -> None:
    work = Work(make_plan(asked, HERE))
    assert [work.key(side, "p004", n) for side in ("candidate", "baseline") for n in (0, 1)] == [
        "sha256:f1274b7f4e783e8df5930969d63891c3db3e0ee7e37e2de53c1dd77f13aa3ff8",
        "sha256:72d4ed1586c81b6946f8253d29006a55ab0ab73bc9c314cee5b647390b4f1f26",
        "sha256:2b27ac501fe56524bc42873bff3f040bb456af212e99f98324a79319ce90a084",
        "sha256:17330d2982bd429e29351c2b4355a5094bc2c88df91f28c47150edb2dffa4305",
    ]
    assert list(work.damages()) == [
        "sha256:97f012145c5b2d4f507c17336af17ac3f8a341cda746766e6d49e107e6b2c083",
        "sha256:8d1d414de457f0d6ffca67c7b76d7e54d85afe54837f09c49f95cfd645d99caf",
    ]
    assert digest([task.key for task in work.tasks()]) == (
        "sha256:bc291ab3514aef034b003e8ac5c1fe92db66e2f11605aba8cb43c76c60989763"
    )


def test_a_served_models_answers_have_the_keys_they_always_had(asked: ResolvedRequest) -> None:
    pin = asked.baseline.pin.model_copy(update={"kind": "served"})
    work = Work(make_plan(replace(asked, baseline=replace(asked.baseline, pin=pin)), HERE))
    assert [work.key("baseline", "p004", n) for n in (0, 1)] == [
        "sha256:4d1303b824c9cd4d4b904f787998bf375f00bc39bbce811c54d74fdaa343a616",
        "sha256:9e1109c23f93abe505c55973353b1eccb96cdd6854e9ce2201aec24e9baaffc9",
    ]
    assert SERVED.model_dump() == {
        "engine": "openai-compatible", "dtype": "served", "device": "served", "sampler": "served",
    }  # fmt: skip


def test_what_the_models_read_has_the_digest_it_always_had(asked: ResolvedRequest) -> None:
    request = Work(make_plan(asked, HERE)).requests(["p004"])[0]
    assert request.prompt == "sha256:73ea98981ee6c27a7b087b5b0edab97fb8524487d9d591489698b2ba270e1d3e"
    assert request.prompt == prompt_digest((Message(role="user", content="Question 4?"),))


def test_requests_say_which_model_is_asked_what_and_how(world: World, asked: ResolvedRequest) -> None:
    work = Work(make_plan(asked, HERE))
    requests = work.requests(["p003"])
    base, tuned = world.baseline.pin.digest, world.candidate.pin.digest
    assert [(r.pin, r.adapter, r.sample) for r in requests] == [
        (base, None, 0), (base, None, 1), (tuned, tuned, 0), (tuned, tuned, 1),
    ]  # fmt: skip
    assert {r.sampling for r in requests} == {asked.sampling.model_copy(update={"seed": 3})}
    assert {r.messages for r in requests} == {(Message(role="user", content="Question 3?"),)}
    extra = work.requests(["p004"])
    assert [(r.pin, r.sample) for r in extra] == [
        *((r.pin, r.sample) for r in requests), (base, work.plan.controls.first_sample),
    ]  # fmt: skip


def test_at_temperature_zero_there_is_one_sample_and_no_control_against_itself(
    asked: ResolvedRequest,
) -> None:
    cold = replace(asked, sampling=asked.sampling.model_copy(update={"temperature": 0.0}))
    work = Work(make_plan(cold, HERE))
    assert work.plan.samples == 1
    assert len(work.requests()) == 2 * 5
    assert {task.kind for task in work.tasks()} == {"main", "damaged"}


def test_the_texts_of_some_prompts_are_theirs_alone_and_their_controls(
    world: World, asked: ResolvedRequest, tmp_path: Path
) -> None:
    def text(side: Side, prompt: int, sample: int) -> str:
        return f"{side} {prompt} {sample}"

    work = Work(make_plan(asked, HERE))
    with Store.open(tmp_path / "brie.sqlite") as store:
        store.add_completions(world.answers(work, text))
        of_one = completion_texts(work, ["p003"], store)
        of_control = completion_texts(work, ["p004"], store)
        of_all = completion_texts(work, None, store)
    assert set(of_one) == {request.key for request in work.requests(["p003"])}
    shown = {key for task in work.tasks(["p004"]) for key in answer_keys(task)}
    assert set(of_control) == shown
    assert set(of_all) == {key for task in work.tasks() for key in answer_keys(task)}
    assert of_one[work.key("candidate", "p003", 1)] == "candidate 3 1"


def test_two_plans_share_nothing_but_what_they_were_given(asked: ResolvedRequest) -> None:
    one, other = (Work(make_plan(asked, HERE)) for _ in range(2))
    assert (one.added, one.repeats) == ((), {})
    assert one == other
    assert one.key("baseline", "p004", 0) == other.key("baseline", "p004", 0)
    assert one.repeats is not other.repeats


def test_a_request_takes_three_samples_in_both_orders_and_24_controls(world: World) -> None:
    made = suite(30)
    plain = ResolvedRequest(
        suite=made, candidate=world.candidate, baseline=world.baseline, panel_judges=rules("longer"),
        panel="named judges", sampling=sealed(world.asked(prompts=2)).plan.sampling,
    )  # fmt: skip
    plan = make_plan(plain, HERE)
    assert (plan.samples, plan.positions, plan.seed, len(plan.controls.prompts)) == (3, "both", 0, 24)
    assert (plan.left_out, plan.held_out_sources, plan.stopping) == ((), (), None)
    assert (plain.allow_different_templates, plain.device, plain.dtype) == (False, None, None)
    seat = panel_judge(JudgeSpec(id="j", provider=Provider.RULES, model="longer"), None)
    assert (seat.instrument, seat.digest) == (False, seat.judge.digest(versions.PROMPT_FORMAT))


PROMPTS = [(f"a{n}", "a") for n in range(4)] + [("b0", "b"), ("b1", "b"), ("c0", "c")]


@pytest.mark.parametrize(
    ("seed", "order"),
    [
        (0, "a2 b1 a3 c0 a1 b0 a0"),
        (1, "a1 b0 a0 c0 a3 b1 a2"),
        (2, "a2 b1 a3 c0 a0 b0 a1"),
    ],
)
def test_categories_of_unlike_size_are_spread_as_they_always_were(seed: int, order: str) -> None:
    """The only prompt of a category stands in the middle, two of one in its quarters."""
    assert " ".join(work_order(PROMPTS, seed)) == order
    assert work_order(PROMPTS[::-1], seed) == work_order(PROMPTS, seed)


def test_an_addition_has_the_digest_it_always_had(asked: ResolvedRequest, tmp_path: Path) -> None:
    manifest = sealed(asked)
    plan = manifest.plan.model_copy(update={"names": {}})  # as plans were sealed then
    manifest = manifest.model_copy(update={"plan": plan, "seal": plan.seal()})
    for repeats in (2, 5):
        manifest = amend(
            manifest, "repeat", {"judge": "longer", "repeats": repeats}, verdicts_before=repeats
        )
    assert [link.digest for link in manifest.amendments] == [
        "sha256:ab4f6086cf89b1df0355bedd63a374eb81e5a1aa34a0abfed14c128428992322",
        "sha256:c6f5484c6362997ab9438001fc907d7f411b7920b4c1ace0450f1ad7bff9ee2f",
    ]
    assert [link.previous for link in manifest.amendments] == [
        manifest.seal,
        manifest.amendments[0].digest,
    ]
    assert broken_links(manifest) == []
    write_manifest(tmp_path / "eval", manifest)
    path = tmp_path / "eval" / "manifest.json"
    assert path.read_text("utf-8").startswith('{\n "schema": "brie.manifest/1",\n "id"')
    assert path.read_text("utf-8").endswith("}\n")
    assert read_manifest(tmp_path / "eval") == manifest


def test_a_chain_that_was_changed_says_which_link(asked: ResolvedRequest) -> None:
    manifest = sealed(asked)
    for repeats in (2, 5):
        manifest = amend(manifest, "repeat", {"judge": "longer", "repeats": repeats}, verdicts_before=9)
    first, second = manifest.amendments
    moved = manifest.model_copy(update={"amendments": (second, first)})
    assert len(broken_links(moved)) == 2
    later = first.model_copy(update={"verdicts_before": 8})
    (broken,) = broken_links(manifest.model_copy(update={"amendments": (later, second)}))
    assert "amendment 1 (repeat)" in broken
    other = manifest.model_copy(update={"seal": first.digest, "amendments": ()})
    assert len(broken_links(other)) == 1


def test_what_was_worked_out_is_used_again_for_the_same_question_alone(asked: ResolvedRequest) -> None:
    plan = make_plan(asked, HERE)
    again = plan.model_copy(update={"existed": 3, "names": {"candidate": "x", "baseline": "y"}})
    assert Work.shared(plan) is Work.shared(again)
    assert Work.shared(make_plan(replace(asked, seed=4), HERE)).tasks() != Work.shared(plan).tasks()
    assert Work.shared(plan, repeats={"longer": 1}).tasks() != Work.shared(plan).tasks()
