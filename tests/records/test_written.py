"""A stored verdict cut to pieces says what it says when it is read whole, or is not cut at all."""

from __future__ import annotations

import json
import random

import pytest

from brie.digest import canonical_json, digest
from brie.records import Measured, Status, Verdict, VerdictLite
from brie.records.written import Outcome, Read, Scored, Written, said_of
from tests.report.hostile import HOSTILE

JUDGE, RUBRIC, SHOWN = (digest(name) for name in ("judge", "rubric", "shown"))
TEXTS = (
    "", "plain", 'said "A"', '","reply":"', '"', "\\", '\\"', '\\","served":"', ',"usage":{', "},",
    "\u2028 \x00 \x1f \x7f \t\r\n\b\f", "è 漢 \U0001f9c0", '{"scores":{"a":{"A":1.0}}}',
    *(text for name, text in sorted(HOSTILE.items()) if name != "surrogate"),
)  # fmt: skip
CRITERIA = ("clarity", "clarity and depth", 'a "quoted" one', "},", "depth", "è", '":{', "Zeal")


def verdict(rng: random.Random) -> Verdict:
    """Any verdict that may be stored."""
    status = rng.choice(list(Status))
    names = rng.sample(CRITERIA, rng.randint(0, len(CRITERIA)))
    scores = {name: {letter: rng.randint(1, 5) for letter in rng.sample("AB", rng.randint(0, 2))}
              for name in names}  # fmt: skip
    return Verdict.model_validate({
        "key": digest(rng.random()), "judge": JUDGE, "rubric": RUBRIC, "presentation": SHOWN,
        "repeat": rng.randint(0, 1), "attempt": rng.randint(0, 3), "status": status,
        "letter": rng.choice(["A", "B", "tie"]) if status is Status.OK else None,
        "reason": rng.choice(TEXTS), "reply": rng.choice(TEXTS), "served": rng.choice(TEXTS),
        "scores": scores, "margin": rng.choice([None, "much", "slightly"]),
        "usage": {"input_tokens": rng.randint(0, 9), "usd": rng.random()},
    })  # fmt: skip


def cut(written: Written, row: Verdict, body: str) -> Read | None:
    head = (
        f'{{"key":"{row.key}","judge":"{JUDGE}","rubric":"{RUBRIC}","presentation":"{SHOWN}",'
        f'"repeat":{row.repeat},"attempt":'
    )
    return written.read(head, f'["{row.key}","{JUDGE}","{SHOWN}",', body)


def test_pieces_say_what_the_whole_says() -> None:
    rng, written, read = random.Random(3), Written(), 0
    for _ in range(600):
        row = verdict(rng)
        whole = VerdictLite.parse(row.key, row.model_dump_json())
        pieces = cut(written, row, row.model_dump_json())
        if pieces is None:  # a criterion's name looks like what stands between two
            assert {"},", '":{'} & row.scores.keys()
            pieces = written.whole(whole)
        else:
            read += 1
        assert pieces.text == canonical_json(said_of(whole))
        assert written.outcomes[pieces.outcome] == Outcome(row.status, row.letter, row.margin)
        assert dict(written.scored[at] for at in pieces.scores) == whole.scores
        assert written.whole(whole) == pieces._replace(scores=written.whole(whole).scores)
    assert read > 150


def test_what_is_said_alike_is_kept_once() -> None:
    written, row = Written(), verdict(random.Random(0))
    row = row.model_copy(update={"scores": {"depth": {"A": 4.0, "B": 2.0}}})
    first, second = (cut(written, each, each.model_dump_json()) for each in (row, row))
    assert first == second
    assert written.scored[1:] == [Scored("depth", {"A": 4.0, "B": 2.0})]
    assert len(written.outcomes) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"key":"', '"key": "'),
        ('"letter":"A"', '"letter":"C"'),
        ('"letter":"A"', '"letter":"A","more":1'),
        ('"status":"ok"', '"status":"fine"'),
        ('"attempt":0', '"attempt":0.5'),
        ('"A":4.0', '"A":"x"'),
        ('"A":4.0', '"A":NaN'),
        ('"depth":{"A":4.0}', '"depth":{"A":4.0},"depth":{"A":1.0}'),
        ('"reply":', '"replies":'),
        ('"scores":', '"measured":null,"scores":'),
        ('"scores":{', '"scores":{}'),
        ('"supersedes":false', '"supersedes":true'),
        ("}}", "}"),
    ],
)  # fmt: skip
def test_what_does_not_stand_as_it_was_written_is_left_to_be_read_whole(old: str, new: str) -> None:
    row = Verdict(
        key=digest("key"), judge=JUDGE, rubric=RUBRIC, presentation=SHOWN, status=Status.OK, letter="A",
        reason="because", reply="{}", scores={"depth": {"A": 4.0}},
    )  # fmt: skip
    body = row.model_dump_json()
    assert old in body
    assert cut(Written(), row, body) is not None
    assert cut(Written(), row, body.replace(old, new, 1)) is None


def test_numbers_of_judges_that_measure_are_read_whole() -> None:
    measured = Measured(by_letter={"A": -0.1, "B": -2.5}, mass=0.9)
    row = verdict(random.Random(0)).model_copy(update={"measured": measured, "scores": {}})
    assert json.loads(row.model_dump_json())["measured"]["mass"] == 0.9
    assert cut(Written(), row, row.model_dump_json()) is None
