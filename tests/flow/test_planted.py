"""Judges whose habits are planted: the analysis finds exactly what was put in."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from brie.evaluation.gather import gather
from brie.records import Side
from tests.fakes.judge_servers import (
    JudgeServer,
    Mind,
    first,
    letter_a,
    letter_b,
    prefer_longer,
    second,
)
from tests.fakes.judge_wire import Seen
from tests.flow.world import World, sealed
from tests.judge.arena import judge
from tests.present import present

PROMPTS = 60


def text(side: Side, prompt: int, sample: int) -> str:
    """The candidate's answer is the better one, and longer in two prompts of three."""
    long = (side == "candidate") == (prompt % 3 != 0)
    return (
        f"{'good' if side == 'candidate' else 'bad'} answer {prompt} {'and more ' * 4 if long else ''}"
    )


def good(seen: Seen) -> str:
    """The letter of the better answer."""
    return "A" if seen.answers["A"].startswith("good") else "B"


def chance(seen: Seen, salt: str) -> float:
    """A number in [0, 1) that depends on the request's texts and their order alone."""
    told = f"{salt}{seen.letters}{sorted(seen.answers.items())}"
    return int(hashlib.sha256(told.encode()).hexdigest()[:8], 16) / 2**32


def other(letter: str) -> str:
    """The other letter."""
    return "B" if letter == "A" else "A"


def random_first(p: float) -> Mind:
    """Votes for the first answer with probability p, whatever it says."""
    return lambda seen: seen.letters[0] if chance(seen, "first") < p else seen.letters[1]


def right(q: float) -> Mind:
    """Votes for the better answer with probability q."""
    return lambda seen: good(seen) if chance(seen, "right") < q else other(good(seen))


CASES: dict[str, tuple[Mind, float, float, float, float]] = {
    # mind, win rate, position effect, label effect, tolerance
    "first": (first, 0.5, 1.0, 0.0, 1e-9),
    "second": (second, 0.5, -1.0, 0.0, 1e-9),
    "letter A": (letter_a, 0.5, 0.0, 1.0, 1e-9),
    "letter B": (letter_b, 0.5, 0.0, -1.0, 1e-9),
    "longer": (prefer_longer, 2 / 3, 0.0, 0.0, 1e-9),
    "right": (good, 1.0, 0.0, 0.0, 1e-9),
    "first with probability .8": (random_first(0.8), 0.5, 0.6, 0.0, 0.2),
    "right with probability .75": (right(0.75), 0.75, 0.0, 0.0, 0.2),
}


@pytest.mark.parametrize("name", CASES)
def test_a_planted_habit_is_found(tmp_path: Path, name: str) -> None:
    mind, rate, position, label, tolerance = CASES[name]
    with JudgeServer(mind=mind) as server:
        said, _ = World.make(tmp_path).evaluate(
            text, panel_judges=(judge(server),), prompts=PROMPTS, samples=1
        )
    assert said.win_rate is not None
    assert said.position is not None
    assert said.label is not None
    assert said.win_rate.value == pytest.approx(rate, abs=tolerance)
    assert present(said.position).effect == pytest.approx(position, abs=tolerance)
    assert present(said.label).effect == pytest.approx(label, abs=tolerance)
    assert said.counts.ok == 2 * PROMPTS
    # What the judge really did, as the server saw it, is met exactly, chance included.
    votes = [mind(seen) for seen in server.seen]
    n = len(votes)
    rate_seen = sum(v == good(s) for v, s in zip(votes, server.seen, strict=True)) / n
    first_seen = sum(v == s.letters[0] for v, s in zip(votes, server.seen, strict=True)) / n
    assert said.win_rate.value == pytest.approx(rate_seen, abs=1e-9)
    assert present(said.position).effect == pytest.approx(2 * first_seen - 1, abs=1e-9)
    assert present(said.label).effect == pytest.approx(2 * votes.count("A") / n - 1, abs=1e-9)


def test_a_panel_of_opposite_habits_comes_out_even_and_shows_both(tmp_path: Path) -> None:
    with JudgeServer(mind=first) as one, JudgeServer(mind=good) as two:
        said, _ = World.make(tmp_path).evaluate(
            text,
            panel_judges=(judge(one, id="place"), judge(two, id="reads", endpoint="other")),
            prompts=PROMPTS,
        )
    assert said.win_rate is not None
    assert said.win_rate.value == pytest.approx(0.75)
    assert present(said.by_judge["place"].position).effect == pytest.approx(1.0)
    assert present(said.by_judge["reads"].position).effect == pytest.approx(0.0)


def test_a_price_asks_nothing_again_and_a_word_of_the_rubric_asks_that_judge_again(
    tmp_path: Path,
) -> None:
    world = World.make(tmp_path)
    with JudgeServer(mind=good) as one, JudgeServer(mind=good) as two:
        seats = (judge(one, id="a"), judge(two, id="b", endpoint="other"))
        _, before = world.evaluate(text, panel_judges=seats, prompts=10)
        dear = tuple(
            s.model_copy(update={"judge": s.judge.model_copy(update={"max_concurrency": 3})})
            for s in seats
        )
        _, after = world.evaluate(text, panel_judges=dear, prompts=10)
        assert after.seal == before.seal
        assert (len(one.seen), len(two.seen)) == (20, 20)
        assert seats[0].rubric is not None
        word = seats[0].rubric.model_copy(update={"text": seats[0].rubric.text + "\nBe strict.\n"})
        world.evaluate(
            text, panel_judges=(seats[0].model_copy(update={"rubric": word}), seats[1]), prompts=10
        )
        assert (len(one.seen), len(two.seen)) == (40, 20)


def test_a_stopped_judge_leaves_the_headline_and_its_partial_rate_is_shown_apart(tmp_path: Path) -> None:
    from brie.evaluation.assemble import assemble
    from brie.evaluation.judging import with_stops
    from brie.evaluation.work import Work
    from brie.judge.run import JudgingResult
    from brie.store import Store
    from tests.fakes.judge_wire import Act

    def fails_later(seen: Seen) -> Act:
        return Act() if seen.number < 40 else Act(text="I like both.")

    world = World.make(tmp_path)
    with JudgeServer(mind=good, script=fails_later) as one, JudgeServer(mind=prefer_longer) as two:
        seats = (judge(one, id="fails", max_concurrency=1), judge(two, id="goes", endpoint="other"))
        interim, manifest = world.evaluate(text, panel_judges=seats, prompts=PROMPTS)
        assert interim.interim
        assert interim.verdict is None
        with Store.open(tmp_path / "brie.sqlite") as store:
            work = Work(manifest.plan)
            stopped = with_stops(
                manifest, JudgingResult(0, 0, stopped={"fails": "unreadable"}), work, store
            )
            said = assemble(gather(stopped, store), store)
            again = with_stops(
                stopped, JudgingResult(0, 0, stopped={"fails": "unreadable"}), work, store
            )
    assert again.amendments == stopped.amendments
    assert not said.interim
    assert said.win_rate is not None
    assert said.win_rate.value == pytest.approx(2 / 3)
    assert said.by_judge["fails"].stopped == "unreadable"
    assert present(said.by_judge["fails"].win_rate).value == pytest.approx(1.0)
    assert present(said.by_judge["fails"].win_rate).prompts < PROMPTS
    assert "not in the headline" in said.notes["by_judge.fails"]
    assert said.counts.verdicts == 2 * PROMPTS


@pytest.mark.parametrize("asked", [False, True])
def test_a_result_without_a_usable_verdict_has_no_rate(tmp_path: Path, asked: bool) -> None:
    """Half of the answers are identical, ties without a call; no judge was asked, or none could tell."""
    from brie.evaluation.assemble import assemble
    from brie.evaluation.work import Work
    from brie.report.markdown import render_markdown
    from brie.report.page import build_page
    from brie.report.terminal import summarise
    from brie.store import Store
    from tests.fakes.judge_wire import Act

    def same(side: Side, prompt: int, sample: int) -> str:
        return "The same words." if prompt % 2 else f"{side} has words of its own."

    world = World.make(tmp_path)
    with JudgeServer(mind=good, script=lambda seen: Act(text="I like both.")) as server:
        seats = (judge(server, id="one"),)
        if asked:
            said, manifest = world.evaluate(same, panel_judges=seats, prompts=16)
        else:
            manifest = sealed(world.asked(prompts=16, panel_judges=seats))
            with Store.open(tmp_path / "brie.sqlite") as store:
                store.add_completions(world.answers(Work(manifest.plan), same))
                said = assemble(gather(manifest, store), store)
    assert said.interim is not asked
    assert (said.win_rate, said.verdict) == (None, None)
    for text in (
        summarise(said, manifest, colour=False),
        render_markdown(build_page(said, manifest, [])),
    ):
        assert "There is no win rate: no verdict could be used" in " ".join(text.split())
        assert "of every 100" not in text
