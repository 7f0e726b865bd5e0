"""Verdicts as numbers read them: the same as the whole records, and no easier to deceive."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pydantic import ValidationError

from brie.blinding import presentations
from brie.digest import Canonical
from brie.digest import digest as content_digest
from brie.evaluation.plan import panel_judge
from brie.judge.interface import Task
from brie.records import JudgeSpec, Provider, Status, Verdict, VerdictLite
from brie.store import Store
from brie.store.store import _MANY


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def verdict(key: int, **changes: object) -> Verdict:
    made = {
        "key": digest(key), "judge": digest(1), "rubric": digest(2), "presentation": digest(3),
        "status": Status.OK, "letter": "A", "reason": "because", "reply": "{}",
        "scores": {"depth": {"A": 4.0, "B": 2.0}},
    }  # fmt: skip
    return Verdict.model_validate({**made, **changes})


def test_the_kept_rows_are_the_counted_verdicts(tmp_path: Path) -> None:
    rows = [
        verdict(10),
        verdict(11, status=Status.INVALID, letter=None, scores={}),
        verdict(11, letter="tie"),
        verdict(12, letter="A"),
        verdict(12, letter="B", supersedes=True),
        verdict(13, status=Status.ERROR, letter=None),
    ]
    keys = [digest(n) for n in range(9, 15)]
    with Store.open(tmp_path / "s.sqlite") as store:
        store.keep([(row, "judge") for row in rows], evaluation="e")
        whole, kept = store.verdicts(keys), store.kept(keys)
    assert kept == {key: VerdictLite.of(one) for key, one in whole.items()}
    assert [kept[digest(n)].letter for n in (10, 11, 12, 13)] == ["A", "tie", "B", None]


def test_many_verdicts_are_looked_through_and_few_looked_up_and_they_are_the_same(
    tmp_path: Path,
) -> None:
    rng = random.Random(5)
    wanted = [digest(rng.randrange(2**200)) for _ in range(_MANY)]
    others = [digest(rng.randrange(2**200)) for _ in range(300)]
    attempts = [*wanted[100:], *others, *wanted[::40], *wanted[::90]]
    rng.shuffle(attempts)
    letters = [rng.choice(["A", "B", None]) for _ in attempts]
    rows = [
        verdict(int(key[7:], 16), letter=letter, status=Status.OK if letter else Status.INVALID)
        for key, letter in zip(attempts, letters, strict=True)
    ]
    with Store.open(tmp_path / "s.sqlite") as store:
        store.keep([(row, "judge") for row in rows], evaluation="e")
        asked = sorted(wanted)
        for until in (store.newest(), store.newest() // 2):
            with store.as_of(until):
                through = list(store.bodies(asked))
                looked_up = [
                    each for at in range(0, _MANY, 999) for each in store.bodies(asked[at : at + 999])
                ]
                assert through == looked_up
                assert [key for key, _ in through] == sorted({key for key, _ in through})
                assert max(len(bodies) for _, bodies in through) > 1
                assert 0 < len(through) < len(wanted)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"ok"', '"okk"'),
        ('"letter":"A"', '"letter":"C"'),
        ("4.0", '"x"'),
        ('"judge"', '"jugde"'),
        ("{", "["),
    ],
)
def test_a_damaged_row_is_refused_as_the_whole_record_refuses_it(old: str, new: str) -> None:
    body = verdict(10).model_dump_json()
    with pytest.raises(ValidationError):
        VerdictLite.parse(digest(10), body.replace(old, new, 1))


def test_the_key_of_a_task_is_the_digest_of_its_parts() -> None:
    place = panel_judge(JudgeSpec(id="longer", provider=Provider.RULES, model="longer"), None)
    (shown, _) = presentations(
        "0", positions="both", prompt=digest(1), candidate=digest(2), baseline=digest(3)
    )
    parts: dict[str, Canonical] = {"judge": place.digest, "rubric": place.rubric_digest, "repeat": 2}
    task = Task.plan("repeat", place, shown, prompt="p", sample=0, repeat=2)
    assert task.key == content_digest({**parts, "presentation": shown.digest()})


def test_equal_scores_are_one_object() -> None:
    one, two = (VerdictLite.parse(digest(n), verdict(n).model_dump_json()) for n in (10, 11))
    assert one.scores["depth"] is two.scores["depth"]
