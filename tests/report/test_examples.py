"""Which comparisons are shown."""

from __future__ import annotations

from brie.records import Message, Order, Status, Winner
from brie.records.analysis import ComparisonView, JudgedView
from brie.report.examples import instructive, margin, outcome, readable
from brie.report.judged import flipped
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


def told(prompt: str, candidate: str, baseline: str, score: float) -> ComparisonView:
    """A comparison that the rule `reference` decided, the same in both orders."""
    winner: Winner = "candidate" if score else "baseline"
    return view(prompt, score, reference=(winner, winner)).model_copy(
        update={"candidate_text": candidate, "baseline_text": baseline, "reference": TRUTH}
    )


TRUTH = "The heron stands in shallow water and waits for a fish."


def test_what_is_clear_is_clear_by_much_and_not_only_unanimous() -> None:
    hair = told("hair", TRUTH + " So.", TRUTH + " Yes.", 0.0)
    much = told("much", "No idea.", TRUTH, 0.0)
    shown = [example for example in instructive([hair, much]) if "loss" in example.kind]
    assert [(e.kind, e.view.prompt_id) for e in shown] == [
        ("Clear loss", "much"),
        ("Narrow loss", "hair"),
    ]


def test_the_margin_of_judges_is_what_they_said_of_it() -> None:
    verdict = WON.verdicts[0]
    said = {"much": 1.0, "slightly": 0.25}
    for word, size in said.items():
        one = WON.model_copy(update={"verdicts": (verdict.model_copy(update={"margin": word}),)})
        assert margin(one) == size
    scores = {"clarity": {"candidate": 5.0, "baseline": 3.0}}
    scored = WON.model_copy(update={"verdicts": (verdict.model_copy(update={"scores": scores}),)})
    assert margin(scored) == 0.5
    assert margin(WON) is None, "nothing says it"


def test_a_page_takes_losses_first_and_stops_where_it_is_full() -> None:
    views = sample.comparisons(12)
    lost = [v for v in views if outcome(v) == "lost"]
    few = readable(views[::-1], most=len(lost) + 1)
    assert {(v.prompt_id, v.sample) for v in few[:-1]} == {(v.prompt_id, v.sample) for v in lost}
    assert readable(views, letters=10) == []
    assert len(readable(views)) == len(views)
