"""Anchors: what is sealed, how its noise is measured, and who a judge is after a change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from brie.blinding import Choice, Presentation, presentations
from brie.digest import digest
from brie.errors import SealBroken, UsageError
from brie.evaluation.anchor_rounds import AnchorRounds, choices
from brie.evaluation.anchors import (
    AnchorPair,
    AnchorsDocument,
    AnchorShown,
    Asked,
    anchors_of,
    as_now,
    read_anchors,
    write_anchors,
)
from brie.evaluation.drift import renewed
from brie.evaluation.plan import panel_judge
from brie.judge import letters
from brie.judge.interface import Reply, Task
from brie.project import Project
from brie.records import (
    JudgeSpec,
    MarginRule,
    Measured,
    Message,
    Prompt,
    Provider,
    Rubric,
    Status,
    Usage,
    Verdict,
)
from brie.store import Store
from brie.studies.anchor_choice import Offered, chosen

SPEC = JudgeSpec(id="far", provider=Provider.OPENAI, model="m", output="json_schema")
JUDGE = panel_judge(SPEC, Rubric(name="general", text="Correctness first."))
RULE = MarginRule(
    tie=0.1, asked_again=12, accuracy=0.9, low=0.7, high=1.0, pairs=12, sources=12, known=digest("pairs")
)
AT = "2026-11-01T00:00:00+00:00"

Says = Callable[[int, int, int], Choice | None]
"""Number of the pair, which of its presentations, the round -> what the judge says."""


def pair(number: int, letters: tuple[Choice, ...] = ("A", "B")) -> AnchorPair:
    """A comparison that the candidate won twice; with two equal letters it was flipped on."""
    messages = (Message(role="user", content=f"Question {number}?"),)
    shown = presentations(
        "0", positions="both", prompt=digest(number), candidate=digest([number, "c"]),
        baseline=digest([number, "b"]),
    )  # fmt: skip
    return AnchorPair(
        prompt=Prompt(id=f"p{number}", messages=messages), messages=messages, candidate="c",
        baseline="b", flipped=len(letters) == 2 and letters[0] == letters[1],
        shown=tuple(
            AnchorShown(presentation=p, letter=letter)
            for p, letter in zip(shown, letters, strict=False)
        ),
    )  # fmt: skip


def answered(folder: Path, pairs: tuple[AnchorPair, ...], says: Says, rounds: int) -> Store:
    """A store with the verdicts of some rounds."""
    store = Store.open(folder / "brie.sqlite")
    asked = AnchorRounds(JUDGE, pairs)
    for number in range(1, rounds + 1):
        tasks = iter(asked.tasks([number]))
        rows = []
        for one, shown in enumerate(pairs):
            for place in range(len(shown.shown)):
                letter = says(one, place, number)
                status = Status.OK if letter else Status.INVALID
                rows.append(next(tasks).verdict(Reply(status, letter, served="m-1")))
        store.add_verdicts(rows, evaluation="drift", judge="far")
    return store


def document(pairs: tuple[AnchorPair, ...], at: str = AT, changed: int = 0) -> AnchorsDocument:
    """Anchors as they are sealed."""
    noise = Asked(asked=10 * len(pairs), changed=changed, at=at, newest=1)
    draft = AnchorsDocument(
        id="drift-far-1", created=at, judge=JUDGE.sealed(), origin="known pairs", pairs=pairs,
        noise=noise, seal=digest(None),
    )  # fmt: skip
    return draft.model_copy(update={"seal": draft.sealed()})


def asked(changed: int, at: str = "2026-11-08T00:00:00+00:00") -> Asked:
    return Asked(asked=60, changed=changed, at=at, newest=2)


def test_every_round_has_keys_of_its_own_and_shows_the_same() -> None:
    rounds = AnchorRounds(JUDGE, (pair(0), pair(1)))
    keys = [task.key for task in rounds.tasks(range(1, 8))]
    assert len(set(keys)) == len(keys) == 28
    assert set(rounds.shows([3])) == {task.key for task in rounds.tasks([3])}
    assert {shown.first for shown in rounds.shows([1]).values()} == {"c", "b"}
    other = AnchorRounds(JUDGE, (pair(0),))
    assert {task.key for task in other.tasks([1])}.isdisjoint(keys)


def test_noise_is_measured_against_what_is_said_most_often(tmp_path: Path) -> None:
    def slip(one: int, place: int, number: int) -> Choice | None:
        return None if (one, place, number) == (1, 0, 2) else "B" if place else "A"

    wrong = pair(0, ("B", "B"))  # its stored verdict in the first presentation was a slip
    with answered(tmp_path, (wrong, pair(1)), slip, 5) as store:
        rounds = AnchorRounds(JUDGE, (wrong, pair(1)))
        measured = rounds.measured(range(1, 6), store)
        assert measured is not None
        noise = measured.noise
        assert (noise.asked, noise.changed, noise.both, noise.unusable) == (20, 1, 0, 1)
        assert noise.served == {"m-1": 20}
        assert measured.usual[wrong.shown[0].presentation] == "A"
        assert rounds.measured(range(1, 7), store) is None
        assert rounds.counted(6, store) is None


def test_a_round_counts_what_came_out_otherwise(tmp_path: Path) -> None:
    pairs = (pair(0), pair(1), pair(2, ("A",)))

    def says(one: int, place: int, number: int) -> Choice | None:
        return "tie" if one == 0 else None if one == 2 else "A"

    with answered(tmp_path, pairs, says, 1) as store:
        counted = AnchorRounds(JUDGE, pairs).counted(1, store)
    assert counted is not None
    assert (counted.asked, counted.changed, counted.both, counted.unusable) == (5, 4, 1, 1)


@pytest.mark.parametrize(
    ("flips", "steady", "flipped", "count"),
    [(40, 40, 30, 60), (4, 40, 8, 60), (40, 10, 40, 60), (3, 5, 6, 16), (0, 5, 0, 10)],
)
def test_half_of_the_anchors_are_flipped_where_there_are_so_many(
    flips: int, steady: int, flipped: int, count: int
) -> None:
    pairs = [pair(n, ("A", "A") if n < flips else ("A", "B")) for n in range(flips + steady)]
    taken = chosen([Offered(p, (p.prompt.id,)) for p in pairs], "far", "an evaluation")
    assert sum(len(o.pair.shown) for o in taken) == count
    assert sum(len(o.pair.shown) for o in taken if o.pair.flipped) == flipped


def test_too_few_verdicts_are_refused() -> None:
    with pytest.raises(UsageError, match="10 are the fewest"):
        chosen([Offered(pair(n), (str(n),)) for n in range(4)], "far", "an evaluation")


def test_an_alarm_counts_once_it_is_confirmed() -> None:
    sealed = document(tuple(pair(n) for n in range(30)), changed=9)
    assert (sealed.limits.alarm, sealed.limits.confirm) == (7, 6)
    assert sealed.checked(asked(7), None).checks[-1].outcome == "same"
    assert sealed.checked(asked(8), asked(6)).checks[-1].outcome == "not_confirmed"
    found = sealed.checked(asked(2), None).checked(asked(12), asked(7))
    assert found.found is not None
    assert found.askings == 5 + 1 + 2
    assert not found.broken()
    first, second = found.checks
    assert found.model_copy(update={"checks": (second, first)}).broken()


def test_a_judge_that_changed_has_another_digest_until_it_changes_again(tmp_path: Path) -> None:
    project = Project(tmp_path)
    assert as_now(SPEC, project) == SPEC
    sealed = document((pair(0), pair(1)))
    path = write_anchors(sealed, project)
    assert as_now(SPEC, project) == SPEC
    assert anchors_of(JUDGE.digest, project) == sealed
    found = sealed.checked(asked(4), asked(4))
    write_anchors(found, project)
    now = as_now(SPEC, project)
    assert found.found is not None
    assert now.after == found.found.digest
    assert panel_judge(now, JUDGE.rubric).digest != JUDGE.digest
    assert anchors_of(panel_judge(now, JUDGE.rubric).digest, project) is None
    assert as_now(SPEC.model_copy(update={"model": "another"}), project).after == ""
    assert as_now(now, project) == now
    path.write_text(path.read_text().replace("Question 0?", "Question 9?"))
    with pytest.raises(SealBroken, match="brie judges drift seal --judge far"):
        read_anchors(path)


def test_the_cadence_is_that_of_the_checks_once_they_span_a_day() -> None:
    sealed = document((pair(0), pair(1)))
    assert sealed.days is None
    once = sealed.checked(asked(0, "2026-11-01T10:00:00+00:00"), None)
    assert once.days is None
    assert once.checked(asked(0, "2026-11-05T00:00:00+00:00"), None).days == pytest.approx(2.0)


def test_a_judge_that_did_not_change_keeps_the_rule_of_its_margins(tmp_path: Path) -> None:
    member = JUDGE.model_copy(update={"margins": RULE})
    assert renewed((member, JUDGE), Project(tmp_path)) == (member, JUDGE)


def test_of_a_judge_that_gives_numbers_the_outcome_is_compared(tmp_path: Path) -> None:
    member = JUDGE.model_copy(update={"margins": RULE})
    first, second = (shown.presentation for shown in pair(0).shown)

    def verdict(presentation: Presentation, ahead: float) -> Verdict:
        task = Task.plan("repeat", member, presentation, prompt="p0", sample=0, repeat=1)
        return task.verdict(letters.reply_of(Measured(by_letter={"A": ahead, "B": 0.0}), Usage(), "m"))

    lean = [(first, verdict(first, 5.0)), (second, verdict(second, 3.0))]
    assert [said.letter for _, said in lean] == ["A", "A"]
    assert choices(member, lean) == ["A", "B"]
    assert choices(JUDGE, lean) == ["A", "A"]
    even = [(first, verdict(first, 5.0)), (second, verdict(second, 4.9))]
    assert choices(member, even) == ["tie", "tie"]
    nothing = Task.plan("repeat", member, second, prompt="p0", sample=0, repeat=1).verdict(
        Reply(Status.INVALID)
    )
    assert choices(member, [lean[0], (second, nothing)]) == [None, None]
