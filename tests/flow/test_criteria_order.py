"""The order of a rubric's criteria: dealt evenly, read by the judge, found where it matters."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from brie.blinding import assign, criteria_codes, deal_criteria
from brie.errors import UsageError
from brie.evaluation.criteria import readable_orders
from brie.evaluation.plan import make_plan
from brie.evaluation.soundness import unsound
from brie.evaluation.work import Work
from brie.judge.criteria import in_order
from brie.records import Environment, PanelJudge, Positions, Rubric, Side
from brie.records.analysis import Analysis
from tests.fakes.judge_servers import JudgeServer, Mind
from tests.fakes.judge_wire import Seen
from tests.flow.bench import Bench
from tests.flow.world import World, rules, sealed
from tests.judge.arena import RUBRIC, judge
from tests.present import present

PROMPTS = 48
BEST_AT = {
    "candidate": "correctness completeness",
    "baseline": "clarity instruction_following",
}


def text(side: Side, prompt: int, sample: int) -> str:
    """The candidate is best at what stands first in the rubric, the baseline at what stands last; in
    every fourth prompt the candidate is best at everything."""
    best = " ".join(BEST_AT.values()) if prompt % 4 == 0 else BEST_AT[side]
    return f"answer {prompt}, best at {best if side == 'candidate' or prompt % 4 else 'nothing'}"


def likes_the_first(seen: Seen) -> str:
    """Looks at the criterion that it reads first, and at nothing else."""
    return best_at(seen, seen.criteria[0])


def best_at(seen: Seen, criterion: str) -> str:
    good = [letter for letter, said in seen.answers.items() if criterion in said]
    return good[0] if len(good) == 1 else "tie"


def weighs_all(seen: Seen) -> str:
    """As many criteria on either side: a tie."""
    good = Counter(best_at(seen, criterion) for criterion in seen.criteria)
    return "tie" if good["A"] == good["B"] else max("A", "B", key=lambda letter: good[letter])


def judged(
    folder: Path, mind: Mind, orders: int, *, api: str = "openai", positions: Positions = "both"
) -> tuple[Analysis, JudgeServer]:
    with JudgeServer(mind=mind) as server:
        analysis, _ = World.make(folder).evaluate(
            text, panel_judges=(judge(server, api),), prompts=PROMPTS, criteria_orders=orders,
            positions=positions,
        )  # fmt: skip
    return analysis, server


def test_a_judge_that_likes_the_first_criterion_is_found_and_the_dealt_rate_is_right(
    tmp_path: Path,
) -> None:
    """In the rubric's own order it always says candidate, from the last to the first in a quarter."""
    fixed, _ = judged(tmp_path / "fixed", likes_the_first, 1)
    assert present(fixed.win_rate).value == 1.0
    assert fixed.criteria_order is None
    dealt, server = judged(tmp_path / "dealt", likes_the_first, 2)
    assert present(dealt.win_rate).value == pytest.approx((1 + 0.25) / 2)
    read = present(dealt.criteria_order)
    assert read.rates == pytest.approx({"own": 1.0, "reversed": 0.25})
    effect = read.effects["own-reversed"]
    assert effect.effect == pytest.approx(0.75)
    assert present(effect.low) > 0.4
    assert present(dealt.by_judge["openai"].criteria_order).effects["own-reversed"] == effect
    place = present(dealt.position)
    assert present(place.low) < 0 < present(place.high)
    check = next(check for check in dealt.checks if check.id == "position")
    assert check.status in ("warn", "fail")
    assert "The rate is 75 points" in check.summary
    assert "from the last to the first" in check.summary
    assert Counter(seen.criteria[0] for seen in server.seen) == {
        "correctness": PROMPTS, "instruction_following": PROMPTS,
    }  # fmt: skip


def test_three_orders_are_dealt_and_every_two_compared(tmp_path: Path) -> None:
    said, server = judged(tmp_path, likes_the_first, 3, api="anthropic")
    assert Counter(seen.criteria[0] for seen in server.seen) == {
        "correctness": 32, "instruction_following": 32, "clarity": 32,
    }  # fmt: skip
    read = present(said.criteria_order)
    assert read.rates["own"] == 1.0
    assert read.effects.keys() == {"own-reversed", "own-rotated", "reversed-rotated"}
    assert abs(present(read.effects["reversed-rotated"].effect)) < 0.2
    assert present(read.effects["own-rotated"].low) > 0.3


def test_a_judge_that_weighs_them_alike_shows_no_effect(tmp_path: Path) -> None:
    said, _ = judged(tmp_path, weighs_all, 2, positions="balanced")
    effect = present(said.criteria_order).effects["own-reversed"]
    assert effect.effect == pytest.approx(0.0, abs=0.1)
    assert present(effect.low) < 0 < present(effect.high)
    check = next(check for check in said.checks if check.id == "position")
    assert "or order of the criteria is shown" in check.summary


def test_the_words_and_the_form_name_the_criteria_in_the_order_that_is_dealt(tmp_path: Path) -> None:
    _, server = judged(tmp_path, likes_the_first, 2)
    for seen in server.seen:
        system = str(seen.body["messages"][0]["content"])
        keys = {"correctness": "**Correctness**", "instruction_following": "**Instruction following**"}
        first, other = (keys[key] for key in (seen.criteria[0], seen.criteria[-1]))
        assert system.index(first) < system.index(other)


def test_items_of_several_lines_move_whole_and_nothing_else_moves() -> None:
    listed = Rubric(
        name="r",
        text="# R\n\n## Criteria\n\nThree:\n\n- **One**: a\n  more of a\n- **Two**: b\n"
        "- **Three**: c\n\n## Case\n\n{first}",
        criteria=("One", "Two", "Three"),
    )
    assert in_order(listed, "own") is listed
    back = in_order(listed, "reversed")
    assert back.criteria == ("Three", "Two", "One")
    assert back.text == (
        "# R\n\n## Criteria\n\nThree:\n\n- **Three**: c\n- **Two**: b\n- **One**: a\n  more of a\n\n"
        "## Case\n\n{first}"
    )
    assert in_order(listed, "rotated").criteria == ("Three", "One", "Two")
    bare = Rubric(name="b", text="Judge.", criteria=("One", "Two"))
    assert in_order(bare, "reversed") == bare.model_copy(update={"criteria": ("Two", "One")})
    assert sorted(in_order(RUBRIC, "rotated").text.split()) == sorted(RUBRIC.text.split())


@pytest.mark.parametrize("positions", ["both", "balanced"])
@pytest.mark.parametrize("orders", [2, 3])
def test_orders_are_balanced_within_every_category_and_cell(positions: Positions, orders: int) -> None:
    codes = criteria_codes(positions, orders)
    width = 2 if positions == "both" else 4
    blocks = [(f"p{n}", f"c{n % 2}") for n in range(2 * width * len(codes) * 3)]
    cells = assign(blocks, 2, positions, seed=1, judge="j")
    dealt = deal_criteria(blocks, cells, len(codes), positions, seed=1, judge="j")
    for sample in range(2):
        for category in ("c0", "c1"):
            names = [name for name, of in blocks if of == category]
            joint = Counter((cells[name][sample], dealt[name][sample]) for name in names)
            assert set(joint.values()) == {3}
            assert len(joint) == width * len(codes)
            for end in range(width, len(names), width):
                so_far = Counter(dealt[name][sample] for name in names[:end])
                counts = [so_far[str(digit)] for digit in range(len(codes))]
                assert max(counts) - min(counts) <= 1


def test_more_samples_or_prompts_move_nothing() -> None:
    blocks = [(f"p{n}", "c") for n in range(12)]
    cells = assign(blocks, 3, "both", seed=2, judge="j")
    dealt = deal_criteria(blocks, cells, 6, "both", seed=2, judge="j")
    few = deal_criteria(
        blocks[:7], {name: code[:2] for name, code in cells.items()}, 6, "both", seed=2, judge="j"
    )
    assert few == {name: dealt[name][:2] for name, _ in blocks[:7]}


def of_server(**changes: str) -> PanelJudge:
    with JudgeServer() as server:
        return judge(server, **changes)


def test_without_it_a_plan_and_its_presentations_are_what_they_were(tmp_path: Path) -> None:
    world, seat = World.make(tmp_path), of_server()
    environment = Environment(dtype="float32", device="cpu", sampler="test")
    plain = make_plan(world.asked(panel_judges=(seat,)), environment)
    assert not {"criteria", "criteria_orders"} & plain.model_dump().keys()
    assert all(task.presentation.criteria == "own" for task in Work(plain).tasks())
    assert "criteria" not in Work(plain).tasks()[0].presentation.model_dump()


def test_presentations_that_read_the_rubric_as_it_is_keep_their_verdicts(tmp_path: Path) -> None:
    world, seat = World.make(tmp_path), of_server()
    plain, dealt = (
        Work(sealed(world.asked(panel_judges=(seat,), criteria_orders=orders)).plan).tasks()
        for orders in (1, 2)
    )
    same = [a.key == b.key for a, b in zip(plain, dealt, strict=True)]
    assert same == [task.presentation.criteria == "own" for task in dealt]
    assert sum(same) == len(same) // 2


def test_two_log_probabilities_that_are_read_together_take_one_order(tmp_path: Path) -> None:
    seat = of_server()
    letters = seat.model_copy(update={"judge": seat.judge.model_copy(update={"output": "logprobs"})})
    plan = sealed(World.make(tmp_path).asked(panel_judges=(letters,), criteria_orders=2)).plan
    shown = [[t.presentation.criteria for t in Work(plan).tasks_of(name)] for name in plan.order]
    assert all(one == two for one, two in shown)
    assert Counter(one for one, _ in shown) == {"own": 12, "reversed": 12}


def test_a_rule_reads_none_and_a_judge_added_later_is_dealt_the_same_way(tmp_path: Path) -> None:
    world, seat = World.make(tmp_path), of_server()
    plan = sealed(world.asked(panel_judges=(seat, *rules("longer")), criteria_orders=2)).plan
    assert plan.criteria.keys() == {"openai"}
    late = of_server(id="late", endpoint="late")
    tasks = Work(plan, added=(late,)).tasks()
    read = {name: Counter(t.presentation.criteria for t in tasks if t.judge == name)
            for name in ("openai", "longer", "late")}  # fmt: skip
    assert read["openai"] == read["late"] == {"own": 24, "reversed": 24}
    assert read["longer"] == {"own": 48}


def test_orders_that_cannot_be_are_refused_in_one_sentence(tmp_path: Path) -> None:
    seat = of_server()
    few = seat.model_copy(update={"rubric": Rubric(name="r", text="x", criteria=("One", "Two"))})
    assert readable_orders(3, (seat,)) == 3
    with pytest.raises(UsageError, match="a rubric has 2 criteria, so take --criteria-orders 2"):
        readable_orders(3, (seat, few))
    with pytest.raises(UsageError, match="no judge reads several criteria"):
        readable_orders(2, rules("longer"))
    manifest = sealed(World.make(tmp_path).asked(panel_judges=(seat,), criteria_orders=2))
    assert not unsound(manifest)
    for wrong in ({}, {"openai": dict.fromkeys(manifest.plan.order, "7")}):
        plan = manifest.plan.model_copy(update={"criteria": wrong})
        assert "orders of the criteria" in str(
            unsound(manifest.model_copy(update={"plan": plan, "seal": plan.seal()}))
        )


@pytest.mark.slow
def test_the_command_seals_shows_and_verifies_it(bench: Bench) -> None:
    said = bench.eval("--criteria-orders", "2", "--yes", judges=("gpt",))
    assert said.code == 0, said.err
    assert bench.manifest()["plan"]["criteria_orders"] == 2
    assert bench.analysis()["criteria_order"]["effects"].keys() == {"own-reversed"}
    again = bench.call("verify")
    assert again.code == 0, again.out + again.err
