"""Which comparisons are shown."""

from __future__ import annotations

from brie.records import Message, Order, Status, Winner
from brie.records.analysis import ComparisonView, JudgedView
from brie.report.examples import flipped, instructive
from tests.report import sample

ORDERS: tuple[Order, Order] = ("candidate_first", "baseline_first")


def view(
    prompt: str, score: float | None, **winners: tuple[Winner | None, Winner | None]
) -> ComparisonView:
    """A comparison with each judge's winner in both orders; None: no usable verdict."""
    verdicts = tuple(
        JudgedView(
            judge=judge,
            order=order,
            candidate_letter="A",
            status=Status.OK if winner else Status.INVALID,
            winner=winner,
        )
        for judge, pair in winners.items()
        for order, winner in zip(ORDERS, pair, strict=True)
    )
    return ComparisonView(
        prompt_id=prompt,
        category="c",
        source="s",
        sample=0,
        messages=(Message(role="user", content="q"),),
        reference=None,
        candidate_text="a",
        baseline_text="b",
        candidate_finish="stop",
        baseline_finish="stop",
        score=score,
        verdicts=verdicts,
    )


WON = view("won", 1.0, a=("candidate", "candidate"), b=("candidate", "candidate"))
LOST = view("lost", 0.0, a=("baseline", "baseline"), b=("baseline", "baseline"))
SPLIT = view("split", 0.5, a=("candidate", "candidate"), b=("baseline", "baseline"))
FLIP = view("flip", 0.5, a=("candidate", "baseline"), b=("tie", "tie"))
NONE = view("none", None, a=(None, None))


def kinds(*views: ComparisonView) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for example in instructive(views):
        found.setdefault(example.kind, []).append(example.view.prompt_id)
    return found


def test_each_kind_finds_its_comparison() -> None:
    assert kinds(NONE, FLIP, SPLIT, LOST, WON) == {
        "Clear win": ["won"],
        "Clear loss": ["lost"],
        "Disagreement": ["split"],
        "Flipped by order": ["flip"],
    }


def test_the_order_of_the_input_does_not_matter() -> None:
    views = sample.comparisons(12)
    assert [e.view for e in instructive(views)] == [e.view for e in instructive(views[::-1])]


def test_no_comparison_is_shown_twice() -> None:
    shown = [(e.view.prompt_id, e.view.sample) for e in instructive(sample.comparisons())]
    assert len(shown) == len(set(shown))


def test_an_unjudged_comparison_is_not_an_example() -> None:
    assert kinds(NONE) == {}


def test_nothing_is_made_up_where_all_agree() -> None:
    assert set(kinds(WON)) == {"Clear win"}


def test_a_flip_is_a_change_of_side_not_of_tie() -> None:
    assert flipped(FLIP) == ["a"]
    assert flipped(view("x", 0.75, a=("candidate", "tie"))) == []


def test_instruments_pick_no_example() -> None:
    view_ = view("x", 1.0, panel=("candidate", "candidate"), first=("candidate", "baseline"))
    assert [e.kind for e in instructive([view_], judges={"panel"})] == ["Clear win"]
    assert "Flipped by order" in [e.kind for e in instructive([view_, FLIP])]


def test_among_equals_answers_of_usual_length_are_shown() -> None:
    def sized(prompt: str, text: str) -> ComparisonView:
        return WON.model_copy(update={"prompt_id": prompt, "candidate_text": text})

    views = [sized("a-short", "a"), sized("usual", "a" * 50), sized("b-long", "a" * 5000)]
    assert instructive(views, per_kind=1)[0].view.prompt_id == "usual"
