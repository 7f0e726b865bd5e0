"""What each reader makes of one row, field by field, and what it says of a row it cannot use."""

from __future__ import annotations

from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from brie.audit import read_files
from brie.audit.assess import assess
from brie.audit.read import FORMATS
from brie.audit.rows import Row
from brie.digest import digest, text_digest
from brie.errors import UsageError
from brie.reading.skipped import Skipped
from brie.records import Status
from tests.audit.test_audit import alpaca, arena, legacy, mt_bench, said, write
from tests.present import present

ANSWERS = ("The candidate answers at length.", "The baseline answers.")


def battle(n: int, winner: str = "model_a", **more: object) -> dict[str, Any]:
    models = {"model_a": "x", "model_b": "y"} if n % 2 else {"model_a": "y", "model_b": "x"}
    return {"id": f"b{n}", **models, "winner": winner, "judge": "ann", **more}


def judgebench(n: int) -> dict[str, Any]:
    return {"pair_id": n, "question": f"q{n}", "response_A": "x", "response_B": "y", "label": "A>B",
            "judge_name": "j", "judgments": [{"decision": "A>B"}, {"decision": "B>A"}]}  # fmt: skip


def preference(n: int) -> dict[str, Any]:
    return {
        "prompt": f"q{n}",
        "chosen": "x",
        "rejected": "y",
        "chosen_model": "a",
        "rejected_model": "b",
    }


def sample(n: int) -> dict[str, Any]:
    return {"doc_id": n, "resps": [["x"]], "acc": 1.0}


def logged(n: int) -> dict[str, Any]:
    model = {"model": ("a", "b")[n % 2], "task": "t"}
    return {"eval": model, "id": n // 2, "epoch": 1, "input": "q", "scores": {"s": {"value": "C"}}}


def graded(n: int) -> dict[str, Any]:
    return {"provider": {"id": ("a", "b")[n % 2]}, "vars": {"q": n // 2}, "success": True}


def labelled(n: int) -> dict[str, Any]:
    result = {"type": "pairwise", "to_name": "x,y", "value": {"selected": "left"}}
    data = {"prompt": f"q{n}", "x": "One.", "y": "Two."}
    return {"data": data, "annotations": [{"completed_by": 1, "result": [result]}]}


def scored(n: int) -> dict[str, Any]:
    return {"prompt": f"q{n // 2}", "model": ("a", "b")[n % 2], "score": n}


def pair(*answers: str) -> str:
    """How two answers are called, whichever stands first."""
    low, high = sorted(answers)
    return text_digest(f"{len(low)}:{low}{high}")


def read(path: Path, *values: dict[str, Any], **options: Any) -> list[Row]:
    return read_files([write(path, list(values))], **options).rows


def fields(row: Row) -> dict[str, Any]:
    """All fields, those left at "unknown" without."""
    empty = asdict(Row(0, "", "", Status.OK))
    return {
        name: value
        for name, value in asdict(row).items()
        if name not in ("answers", "file")
        and not (value == empty[name] or (_is_nan(value) and _is_nan(empty[name])))
    }


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and isnan(value)


def test_an_alpaca_eval_row(tmp_path: Path) -> None:
    (row,) = read(tmp_path / "f.jsonl", alpaca(1, 1.25, dataset="koala"))
    assert fields(row) == {
        "line": 1, "prompt": digest("Question 1"), "name": "Question 1", "pair": pair(*ANSWERS),
        "turned": True, "judge": "a-judge", "score": 0.25, "category": "koala",
        "length_difference": 11.0, "length": (32, 21),
    }  # fmt: skip


def test_an_alpaca_eval_row_that_names_nobody(tmp_path: Path) -> None:
    (row,) = read(tmp_path / "f.jsonl", alpaca(1, annotator=None))
    assert (row.judge, row.category, row.source) == ("annotator", "all", "unknown")


def test_an_arena_hard_row_is_two_games(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    one, two = read(path, arena(1, "A>B", "B>A") | {"category": "maths", "baseline": "theirs"})
    both = {
        "line": 1, "prompt": digest("q1"), "name": "q1", "models": ("mine", "theirs"), "judge": "gpt",
        "category": "maths", "both": True,
    }  # fmt: skip
    assert fields(one) == {**both, "score": 0.0, "position": -1, "label": -1}
    assert fields(two) == {**both, "score": 0.0, "position": 1, "label": 1}
    old = {"question_id": "q9", "games": [{"score": "A=B"}]}
    (row,) = read(path, old)
    assert row.models == ("candidate", "baseline")
    assert row.judge == "unnamed"
    (failed, _) = read(path, arena(1, None, "A>B"), arena(2))[:2]
    assert failed.status is Status.INVALID
    assert isnan(failed.score)


def test_a_third_game_does_not_count(tmp_path: Path) -> None:
    games = [{"score": "A>B"}] * 3
    assert len(read(tmp_path / "f.jsonl", {**arena(1), "games": games})) == 2


def test_an_mt_bench_row_is_two_games_of_one_turn(tmp_path: Path) -> None:
    one, two = read(tmp_path / "f.jsonl", mt_bench(81, "model_2", "tie (close)"))
    both = {
        "line": 1, "prompt": digest("81"), "name": "81", "models": ("mine", "base"), "judge": "gpt-4",
        "sample": "turn 1", "both": True, "defined": False,
    }  # fmt: skip
    assert fields(one) == {**both, "score": 0.0, "position": 1, "label": 1}
    assert fields(two) == {**both, "score": 0.5, "position": -1, "label": -1}


def test_a_vote_on_mt_bench(tmp_path: Path) -> None:
    vote = {"question_id": 7, "model_a": "x", "model_b": "y", "winner": "Model_B", "turn": 2}
    (row,) = read(tmp_path / "f.jsonl", vote)
    assert fields(row) == {
        "line": 1, "prompt": digest("7"), "name": "7", "models": ("x", "y"), "judge": "unnamed",
        "sample": "turn 2", "score": 0.0, "defined": False,
    }  # fmt: skip


@pytest.mark.parametrize("ending", ["response", "output"])
def test_a_row_of_the_original_scripts_of_either_spelling(tmp_path: Path, ending: str) -> None:
    value = {
        "prompt": "Why?", f"baseline_{ending}": "One.", f"brie_{ending}": "Two and", "category": "x",
        "judgment": "Winner: A", "presentation_order": "BA", "winner": "brie", "judge_model": "gpt",
    }  # fmt: skip
    (row,) = read(tmp_path / "f.jsonl", value)
    assert fields(row) == {
        "line": 1, "prompt": digest("Why?"), "name": "Why?", "pair": pair("Two and", "One."),
        "turned": True, "models": ("brie", "baseline"), "judge": "gpt", "category": "x", "position": 1,
        "label": -1, "stored": "candidate", "in_text": "baseline", "score": 0.0,
        "length_difference": 3.0, "cut": (True, False), "length": (7, 4),
    }  # fmt: skip


def test_a_row_of_a_table(tmp_path: Path) -> None:
    value = {
        "prompt": "Why?", "judge": "ann", "winner": "Draw ", "order": "Candidate_first",
        "letter": "b", "category": "x", "source": "book", "candidate": "Two and",
        "baseline": "One.",
    }  # fmt: skip
    path = tmp_path / "f.jsonl"
    (row,) = read(path, value)
    assert fields(row) == {
        "line": 1, "prompt": digest("Why?"), "name": "Why?", "pair": pair("Two and", "One."),
        "turned": True, "judge": "ann", "category": "x", "source": "book", "position": 1, "label": -1,
        "score": 0.5, "length_difference": 3.0, "cut": (True, False), "length": (7, 4),
    }  # fmt: skip
    one, two, three = read(path, *({"prompt": p, "winner": 1} for p in ("Why?", "Why?", "How?")))
    assert one.prompt == two.prompt == digest("Why?")
    assert three.prompt == digest("How?")
    assert one.pair == two.pair == "", "without the answers, a prompt's rows are of one pair"
    assert (one.judge, one.category, one.source) == ("unnamed", "all", "unknown")


def test_one_answer_alone_names_no_pair(tmp_path: Path) -> None:
    both = {"prompt": "q", "winner": "tie", "candidate": "One.", "baseline": "Two."}
    for name in ("candidate", "baseline"):
        half = {key: value for key, value in both.items() if key != name}
        (row,) = read(tmp_path / "f.jsonl", half)
        assert row.pair == ""
        assert isnan(row.length_difference)
        assert row.cut == (False, False)


@pytest.mark.parametrize(
    ("word", "score"),
    [
        ("candidate", 1.0), ("win", 1.0), ("Won", 1.0), ("1", 1.0), (1, 1.0), ("1.0", 1.0),
        ("tie", 0.5), ("draw", 0.5), (0.5, 0.5), ("baseline", 0.0), ("loss", 0.0), ("lost", 0.0),
        ("0", 0.0), (0.0, 0.0), (0.25, 0.25), ("0.75", 0.75),
    ],
)  # fmt: skip
def test_a_tables_winner_is_a_side_or_a_share(tmp_path: Path, word: object, score: float) -> None:
    (row,) = read(tmp_path / "f.jsonl", {"prompt": "q", "winner": word})
    assert (row.status, row.score) == (Status.OK, score)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("error", Status.ERROR), ("refused", Status.REFUSED), ("invalid", Status.INVALID),
        ("", Status.INVALID), (None, Status.INVALID),
    ],
)  # fmt: skip
def test_a_tables_failed_verdict_keeps_its_status(tmp_path: Path, word: object, status: Status) -> None:
    (row,) = read(tmp_path / "f.jsonl", {"prompt": "q", "winner": word})
    assert row.status is status
    assert isnan(row.score)


SKIPPED: list[tuple[str, dict[str, Any], str]] = [
    ("alpaca_eval", {"instruction": "q", "output_1": "a"}, "lacks output_2, preference"),
    ("arena_hard", {"uid": "q"}, "lacks games"),
    ("arena_hard", {"uid": "q", "games": []}, "has no games"),
    ("mt_bench", {"question_id": 1}, "lacks question_id, models"),
    ("mt_bench", mt_bench(1) | {"model_1": None}, "names no two models"),
    ("brie_legacy", {"prompt": "q", "judgment": "Winner: A"}, "lacks prompt, judgment"),
    ("arena_battles", {"model_a": "x", "winner": "model_a"}, "lacks model_a or model_b"),
    ("table", {"prompt": "q"}, "lacks the column 'winner'"),
]
"""Rows that are nobody's judgment."""
UNREAD: list[tuple[str, dict[str, Any], str]] = [
    ("alpaca_eval", alpaca(1, 2.5), "preference 2.5 is outside"),
    ("alpaca_eval", alpaca(1, 0.5), "preference 0.5 is outside"),
    ("alpaca_eval", alpaca(1, True), "preference True is outside"),
    ("arena_hard", arena(1, "A?B", "?"), "game 1 has the unknown score 'A?B'"),
    ("mt_bench", mt_bench(1, "nobody", "nobody"), "the winner 'nobody' is unknown"),
    ("brie_legacy", legacy(1, "Winner: A or B?\nWinner: B"), "names no winner, or two"),
    ("arena_battles", battle(1, "nobody"), "the winner 'nobody' is unknown"),
]
"""Somebody's judgments that nobody can read."""
GOOD: dict[str, Any] = {
    "alpaca_eval": alpaca, "arena_hard": arena, "mt_bench": mt_bench, "brie_legacy": legacy,
    "arena_battles": battle, "judgebench": judgebench, "preferences": preference, "lm_eval": sample,
    "inspect": logged, "promptfoo": graded, "label_studio": labelled, "scores": scored,
    "table": lambda n: {"prompt": f"q{n}", "winner": "tie"},
}  # fmt: skip


@pytest.mark.parametrize(("name", "value", "why"), SKIPPED)
def test_a_row_that_cannot_be_used_is_named_with_its_line_and_reason(
    tmp_path: Path, name: str, value: dict[str, Any], why: str
) -> None:
    good = [GOOD[name](n) for n in range(3)]
    path = write(tmp_path / "f.jsonl", [*good, value])
    found = read_files([path], name)
    assert {one.line for one in found.skipped} == {4}
    assert why in found.skipped[0].why
    facts = said(assess(found, name="f"))
    assert present(facts.first_skipped).line == 4
    assert any("skipped; the first is line 4" in text for text in facts.findings)


@pytest.mark.parametrize(("name", "value", "why"), UNREAD)
def test_a_judgment_that_cannot_be_read_is_invalid_and_counted(
    tmp_path: Path, name: str, value: dict[str, Any], why: str
) -> None:
    path = write(tmp_path / "f.jsonl", [*(GOOD[name](n + 10) for n in range(9)), value])
    found = read_files([path], name)
    assert found.skipped == []
    analysis = assess(found, name="f")
    facts = said(analysis)
    assert (facts.unread[0].line, analysis.counts.invalid) == (10, sum(u.rows for u in facts.unread))
    assert why in facts.unread[0].why
    assert present(analysis.win_rate).bounds[0] < present(analysis.win_rate).bounds[1]
    assert any("could not be read" in text and "line 10" in text for text in facts.findings)


def test_an_unknown_game_is_named_by_its_number(tmp_path: Path) -> None:
    games = [*(arena(n) for n in range(4, 8)), arena(2, "A>B", "A?B"), arena(3, "?", "A>B")]
    found = read_files([write(tmp_path / "f.jsonl", games)])
    assert [(row.line, row.why) for row in found.rows if row.why] == [
        (5, "game 2 has the unknown score 'A?B'"),
        (6, "game 1 has the unknown score '?'"),
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_that_is_asked_for_is_not_guessed(tmp_path: Path, name: str) -> None:
    paths = [write(tmp_path / "f.jsonl", [GOOD[name](n) for n in range(4)])]
    paths += [write(tmp_path / "g.jsonl", [sample(n) for n in range(4)])] if name == "lm_eval" else []
    found = read_files(paths, name)
    assert (found.format, found.reason) == (name, "asked for")
    assert found.identifies == FORMATS[name].IDENTIFIES
    assert found.skipped == []
    guessed = read_files(paths)
    assert guessed.format == name
    assert guessed.reason == f"4 of its first 4 rows have the keys of {name}"


def test_an_unknown_format_or_column_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", [alpaca(1)])
    with pytest.raises(UsageError, match="did you mean 'alpaca_eval'"):
        read_files([path], "alpaca_evil")
    with pytest.raises(UsageError, match="did you mean 'winner'"):
        read_files([path], columns={"winer": "x"})


def test_rows_of_no_table_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    write(path, [alpaca(1), alpaca(2), alpaca(3)])
    path.write_text(path.read_text() + "[1, 2]\n\n7\n")
    found = read_files([path])
    assert found.skipped == [Skipped(4, "is not a table of keys"), Skipped(6, "is not a table of keys")]
    assert len(found.rows) == 3
