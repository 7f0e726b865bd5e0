"""Wherever a letter is printed, asked for or translated, it is the letter the judge saw.

One evaluation whose judges always name the candidate's letter and score it 5 to 1, in every cell of
order and letter; every place that shows or reads letters is looked at.
"""

from __future__ import annotations

import csv
import html
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from brie.blinding import Presentation, other
from brie.evaluation.gather import gather, is_decided
from brie.evaluation.known_pairs import Pair, PairVerdict
from brie.evaluation.plan import ResolvedRequest, make_plan
from brie.evaluation.rows import EvaluationData
from brie.evaluation.table import table
from brie.evaluation.views import comparison_views
from brie.evaluation.work import Work
from brie.judge.interface import Reply, Task
from brie.records import (
    Environment,
    Letter,
    Manifest,
    Order,
    Positions,
    Sampling,
    Side,
    Status,
    Stopping,
)
from brie.records.analysis import ComparisonView, JudgedView
from brie.report.build import report_files
from brie.report.shown import judges_said
from brie.report.table import verdict_table
from brie.store import Store
from brie.studies.judge_check import card
from tests import make
from tests.flow.world import World, answer, rules, suite
from tests.present import present
from tests.report import sample

PROMPTS = 16
_DIGEST = "sha256:" + "0" * 64
CELLS = [(order, letter) for order in ("candidate_first", "baseline_first") for letter in ("A", "B")]


def text(side: Side, prompt: str, sample: int) -> str:
    """An answer that says whose it is."""
    return f"The {side} answers {prompt}, {sample}."


@dataclass(frozen=True)
class Judged:
    """A plan whose every verdict names the candidate, and the store that holds them."""

    manifest: Manifest
    store: Store
    tasks: list[Task]


def judged(
    folder: Path, positions: Positions, *, stopping: Stopping | None = None, left_out: int = 0
) -> Judged:
    """Answers and verdicts of a plan, all but the last `left_out` of its verdicts."""
    world = World.make(folder / "w")
    asked = ResolvedRequest(
        suite=suite(PROMPTS), candidate=world.candidate, baseline=world.baseline,
        panel_judges=rules("longer"), panel="test", sampling=Sampling(), samples=2, positions=positions,
        controls=0, stopping=stopping,
    )  # fmt: skip
    plan = make_plan(asked, Environment(dtype="float32", device="cpu", sampler="test"))
    manifest = Manifest(
        id="eval-letters", created="2026-01-01", seal=plan.seal(), plan=plan,
        names=plan.names, locations={"candidate": "run:10", "baseline": "base"}, command="brie eval",
        versions={},
    )  # fmt: skip
    store, work = Store.open(folder / "brie.sqlite"), Work(plan)
    sides: dict[str, Side] = {plan.candidate.digest: "candidate", plan.baseline.digest: "baseline"}
    names = {r.key: p for p in plan.order for r in work.requests([p])}
    store.add_completions(
        [
            answer(r.key, r.pin, text(sides[r.pin], names[r.key], r.sample), r.sample)
            for r in work.requests()
        ]
    )
    tasks = work.tasks()
    rows = [task.verdict(_names_the_candidate(task)) for task in tasks[: len(tasks) - left_out]]
    store.add_verdicts(rows, evaluation=manifest.id, judge="longer")
    return Judged(manifest, store, tasks)


def _names_the_candidate(task: Task) -> Reply:
    """Read off the cell, not through the translation that is tested."""
    letter = task.presentation.candidate_letter
    other = "A" if letter == "B" else "B"
    return Reply(Status.OK, letter, reason="so it is", scores={"clarity": {letter: 5.0, other: 1.0}})


@pytest.fixture(params=["both", "balanced"])
def found(request: pytest.FixtureRequest, tmp_path: Path) -> Judged:
    return judged(tmp_path, request.param)


def test_every_cell_of_order_and_letter_occurs(found: Judged) -> None:
    cells = {(t.presentation.order, t.presentation.candidate_letter) for t in found.tasks}
    assert cells == set(CELLS)


def test_for_people_the_winner_and_the_scores_are_the_candidates(found: Judged) -> None:
    for view in comparison_views(gather(found.manifest, found.store)):
        assert view.score == 1.0
        assert view.candidate_text == text("candidate", view.prompt_id, view.sample)
        assert view.baseline_text == text("baseline", view.prompt_id, view.sample)
        for verdict in view.verdicts:
            assert verdict.winner == "candidate"
            assert verdict.scores == {"clarity": {"candidate": 5.0, "baseline": 1.0}}


def test_for_the_analysis_the_scores_are_the_candidates(found: Judged) -> None:
    facts = gather(found.manifest, found.store)
    made = table(facts, facts.of("main"), ["longer"])
    assert set(made.score.tolist()) == {1.0}
    assert set(made.criteria["clarity"].tolist()) == {4.0}
    expected = [(t.presentation.order, t.presentation.candidate_letter) for t in found.tasks]
    orders = {1: "candidate_first", -1: "baseline_first"}
    letters = {1: "A", -1: "B"}
    cells = [
        (orders[p], letters[s]) for p, s in zip(made.position.tolist(), made.label.tolist(), strict=True)
    ]
    assert cells == expected


def test_the_table_for_spreadsheets_names_each_cell_as_it_was_shown(found: Judged) -> None:
    views = comparison_views(gather(found.manifest, found.store))
    rows = list(csv.DictReader(io.StringIO(verdict_table(views), newline="")))
    expected = sorted(
        (t.prompt, str(t.sample), t.presentation.order, t.presentation.candidate_letter)
        for t in found.tasks
    )
    read = [(r["prompt"], r["sample"], r["order"], r["candidate_letter"]) for r in rows]
    assert sorted(read) == expected
    assert {r["winner"] for r in rows} == {"candidate"}
    assert {(r["clarity (candidate)"], r["clarity (baseline)"]) for r in rows} == {("5", "1")}


def one_verdict(order: str, letter: str) -> ComparisonView:
    """A comparison with one verdict, in one cell."""
    verdict = JudgedView.model_validate(
        {
            "judge": "claude-opus", "order": order, "candidate_letter": letter, "status": "ok",
            "winner": "candidate", "reason": "so it is",
            "scores": {"clarity": {"candidate": 5, "baseline": 1}},
        }
    )  # fmt: skip
    view = sample.comparisons(1, 1)[0]
    return view.model_copy(update={"verdicts": (verdict,), "score": 1.0})


FIRST = {
    ("candidate_first", "A"): "candidate first, as A",
    ("candidate_first", "B"): "candidate first, as B",
    ("baseline_first", "A"): "baseline first, as B",
    ("baseline_first", "B"): "baseline first, as A",
}
"""Who stood first, and under which letter: the other one than the candidate's where it was the base."""


@pytest.mark.parametrize("cell", CELLS)
def test_a_report_says_who_stood_first_and_under_which_letter(cell: tuple[str, str]) -> None:
    view = one_verdict(*cell)
    (said,) = judges_said(view)["claude-opus"].said
    assert said.shown == FIRST[cell]
    assert (said.winner, said.scores) == ("candidate", (("clarity", "5", "1"),))
    files = report_files(sample.analysis(), sample.manifest(), [view])
    for page in (html.unescape("".join(files["index.html"])), "".join(files["report.md"])):
        assert set(re.findall(r"\w+ first, as [AB]", page)) == {FIRST[cell]}


def _decided(tmp_path: Path, left_out: int) -> EvaluationData:
    stopping = Stopping(max_prompts=PROMPTS, block=PROMPTS)
    found = judged(tmp_path, "both", stopping=stopping, left_out=left_out)
    return gather(found.manifest, found.store)


def test_an_evaluation_stops_early_once_the_last_verdict_of_a_block_is_in(tmp_path: Path) -> None:
    assert is_decided(_decided(tmp_path, left_out=0))


def test_an_evaluation_does_not_stop_while_a_verdict_is_missing(tmp_path: Path) -> None:
    """Fifteen prompts of sixteen would be proof enough; a judge that is slower on losses is not."""
    assert not is_decided(_decided(tmp_path, left_out=1))


def _heard(first_is: int, letter: Letter, said: Letter | Literal["tie"] | None) -> PairVerdict:
    pair = Pair(
        id="one", family="reasoning", category="x", prompt="Why?", answers=("right", "wrong"), better=0,
        ground="made so", source="test",
    )  # fmt: skip
    status = Status.INVALID if said is None else Status.OK
    verdict = make.verdict("x", status).model_copy(update={"letter": said})
    candidate = letter if first_is == 0 else other(letter)
    order: Order = "candidate_first" if first_is == 0 else "baseline_first"
    shown = Presentation(
        prompt=_DIGEST,
        candidate=_DIGEST,
        baseline=_DIGEST,
        order=order,
        candidate_letter=candidate,
    )
    return PairVerdict(pair, shown, verdict)


@pytest.mark.parametrize("first_is", [0, 1])
@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_judges_card_reads_the_letter_of_the_answer_it_stood_beside(
    first_is: int, letter: Letter
) -> None:
    other: Letter = "B" if letter == "A" else "A"
    assert _heard(first_is, letter, letter).chosen == first_is
    assert _heard(first_is, letter, other).chosen == 1 - first_is
    assert _heard(first_is, letter, "tie").chosen is None
    assert _heard(first_is, letter, None).chosen is None


def test_a_judges_card_tells_a_liking_for_a_place_from_one_for_a_letter() -> None:
    cells: list[tuple[int, Letter]] = [(0, "A"), (1, "B"), (0, "B"), (1, "A")]
    place = rules("longer")[0]
    always_a = card(place, [_heard(first_is, letter, "A") for first_is, letter in cells])
    always_first = card(place, [_heard(first_is, letter, letter) for first_is, letter in cells])
    assert (present(always_a.label).value, present(always_a.position).value) == (1.0, 0.0)
    assert (present(always_first.label).value, present(always_first.position).value) == (0.0, 1.0)
