"""Judges that give the probabilities of two letters: what is planted in them is what is found."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import pytest

from brie.evaluation.gather import gather
from brie.evaluation.rows import VerdictRow
from brie.records import MarginRule, PanelJudge, Side
from brie.records.analysis import Analysis
from brie.report.facts import effects, flip_rate
from brie.store import Store
from tests.fakes.judge_servers import JudgeServer, Script
from tests.fakes.judge_wire import Seen
from tests.fakes.letter_judges import MASS, letters
from tests.flow.world import World
from tests.judge.arena import judge

PROMPTS = 60
TRUE, SPREAD, LEAN = 0.3, 1.0, 4.0
"""Mean and standard deviation of the true margins, and the lean to the letter A, in log odds."""


def able(**changes: float) -> MarginRule:
    """What the known pairs say of a judge that can tell."""
    facts: dict[str, float] = {"tie": 0.0, "accuracy": 0.8, "low": 0.7, "high": 0.9, **changes}
    known = "sha256:" + "0" * 64
    return MarginRule(**facts, asked_again=100, pairs=100, sources=50, known=known)


def seat(server: JudgeServer, **changes: float) -> PanelJudge:
    """A judge of letters on a server, scored before."""
    made = judge(server, id="letters", output="logprobs")
    return made.model_copy(update={"margins": able(**changes)})


def quality(text: str) -> float:
    """What an answer is worth, in log odds: it says so itself, unless its words were shuffled."""
    said = re.match(r"Worth (\S+) is answer", text)
    return float(said[1]) if said else -3.0


def text(side: Side, prompt: int, sample: int) -> str:
    """Margins are the quantiles of a normal distribution; another sample is worth as much."""
    if side == "baseline":
        return f"Worth 0 is answer {prompt} of a baseline {'once more' if sample else ''}"
    share = ((prompt * 7) % PROMPTS + 0.5) / PROMPTS
    return f"Worth {NormalDist(TRUE, SPREAD).inv_cdf(share):.6f} is answer {prompt} of another"


def planted(seen: Seen) -> float:
    """The lean, and the difference of what the answers are worth."""
    return LEAN + quality(seen.answers["A"]) - quality(seen.answers["B"])


@dataclass(frozen=True)
class Came:
    """An evaluation by one judge of letters."""

    analysis: Analysis
    rows: list[VerdictRow]


def evaluate(folder: Path, script: Script, **known: float) -> Came:
    """Judge the planted answers."""
    with JudgeServer(script=script) as server:
        world = World.make(folder)
        analysis, manifest = world.evaluate(
            text, panel_judges=(seat(server, **known),), prompts=PROMPTS, controls=12
        )
        with Store.open(folder / "brie.sqlite") as store:
            return Came(analysis, gather(manifest, store).of("main"))


@pytest.fixture(scope="module")
def leaning(tmp_path_factory: pytest.TempPathFactory) -> Came:
    """A lean of 4 logits over a weak true margin."""
    return evaluate(tmp_path_factory.mktemp("leaning"), letters(planted))


def test_the_sign_of_the_margin_gives_the_rate_whatever_the_lean(leaning: Came) -> None:
    rate = leaning.analysis.win_rate
    assert rate is not None
    assert rate.value == pytest.approx(NormalDist().cdf(TRUE / SPREAD), abs=1 / PROMPTS)


def test_a_mean_probability_would_hide_it(leaning: Came) -> None:
    """Why there is no such number: the lean leaves hardly anything of a weak margin."""
    shares = []
    for row in leaning.rows:
        assert row.verdict is not None
        assert row.verdict.measured is not None
        letter = row.task.presentation.candidate_letter
        shares.append(math.exp(row.verdict.measured.by_letter[letter]) / MASS)
    assert sum(shares) / len(shares) == pytest.approx(0.508, abs=0.01)


def test_a_comparison_has_one_outcome(leaning: Came) -> None:
    outcomes = leaning.analysis.outcomes
    assert outcomes.win + outcomes.tie + outcomes.loss == PROMPTS
    assert leaning.analysis.counts.ok == 2 * PROMPTS


def test_both_log_probabilities_and_their_mass_are_kept_as_they_came(leaning: Came) -> None:
    for row in leaning.rows:
        assert row.verdict is not None
        measured = row.verdict.measured
        assert measured is not None
        assert sorted(measured.by_letter) == ["A", "B"]
        assert measured.mass == pytest.approx(MASS, abs=1e-12)
        assert abs(measured.by_letter["A"] - measured.by_letter["B"] - LEAN) < 8


def test_raw_letters_are_told_and_a_constant_lean_is_no_warning(leaning: Came) -> None:
    numbers = leaning.analysis.by_judge["letters"]
    assert numbers.margins is not None
    assert numbers.margins.raw["A"] > 110
    assert numbers.margins.lean == pytest.approx(LEAN)
    assert numbers.margins.lean_spread == pytest.approx(0, abs=1e-9)
    assert numbers.label is not None
    assert numbers.label.effect is not None
    assert numbers.label.effect > 0.9
    check = next(c for c in leaning.analysis.checks if c.id == "position")
    assert check.status == "pass"
    assert f"raw letter A in {numbers.margins.raw['A']} of 120" in check.summary
    assert "not one that varies by pair (sd" in check.summary
    assert "recognised damaged answers in 100 % of 12 prompts" in check.summary
    assert flip_rate(leaning.analysis) is None
    assert all("raw letters" in effect.meaning for effect in effects(leaning.analysis))


def test_a_judge_that_can_tell_counts(leaning: Came) -> None:
    numbers = leaning.analysis.by_judge["letters"]
    assert numbers.margins is not None
    assert numbers.margins.counts
    assert not numbers.outside
    assert numbers.margins.damaged is not None
    assert numbers.margins.damaged.recognised


def test_a_margin_within_the_sealed_threshold_is_a_tie(tmp_path: Path) -> None:
    came = evaluate(tmp_path, letters(planted), tie=0.5)
    normal = NormalDist(TRUE, SPREAD)
    within = normal.cdf(0.5) - normal.cdf(-0.5)
    assert came.analysis.outcomes.tie == pytest.approx(PROMPTS * within, abs=1.5)


def test_a_pure_lean_gives_ties_and_stands_beside_not_counted(tmp_path: Path) -> None:
    came = evaluate(tmp_path, letters(lambda seen: LEAN))
    numbers = came.analysis.by_judge["letters"]
    assert came.analysis.win_rate is None
    assert numbers.outcomes is not None
    assert (numbers.outcomes.win, numbers.outcomes.tie, numbers.outcomes.loss) == (0, PROMPTS, 0)
    assert numbers.margins is not None
    assert not numbers.margins.counts
    assert "that it can tell is not shown" in numbers.margins.why_not
    assert came.analysis.notes["by_judge.letters"].startswith("beside, not counted: ")
    assert came.analysis.notes["win_rate"].startswith("no judge counts (`letters`: ")


def test_a_judge_that_is_not_right_on_the_known_pairs_is_not_counted(tmp_path: Path) -> None:
    came = evaluate(tmp_path, letters(planted), accuracy=0.55, low=0.47)
    numbers = came.analysis.by_judge["letters"]
    assert numbers.margins is not None
    assert "not shown better than chance" in numbers.margins.why_not
    assert came.analysis.win_rate is None
    assert numbers.win_rate is not None
