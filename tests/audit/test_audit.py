"""Other tools' files: read, re-read, and told what they cannot show."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from brie.audit import FORMATS, read_files
from brie.audit.assess import assess
from brie.audit.formats.brie_legacy import winner
from brie.audit.read import detect
from brie.audit.rows import is_cut
from brie.cli.audit import command
from brie.errors import InputError, UsageError
from brie.records.analysis import Analysis
from brie.records.audit import AuditFacts, FirstSkipped
from tests.present import present


def alpaca(n: int, preference: object = 2, **more: object) -> dict[str, Any]:
    return {
        "instruction": f"Question {n}",
        "output_1": "The baseline answers.",
        "output_2": "The candidate answers at length.",
        "annotator": "a-judge",
        "preference": preference,
        **more,
    }


def legacy(n: int, judgment: str = "Winner: B", stored: str = "brie", **more: object) -> dict[str, Any]:
    return {
        "prompt": f"Question {n}",
        "baseline_response": "One.",
        "brie_response": "Two.",
        "judgment": judgment,
        "presentation_order": "AB" if n % 2 else "BA",
        "winner": stored,
        "judge_model": "j",
        **more,
    }


def arena(n: int, first: str | None = "B>A", second: str | None = "A>>B") -> dict[str, Any]:
    games = [{"score": first}, {"score": second}]
    return {"uid": f"q{n}", "model": "mine", "judge": "gpt", "games": games}


def mt_bench(n: int, one: str = "model_1", two: str = "tie") -> dict[str, Any]:
    return {"question_id": n, "model_1": "mine", "model_2": "base", "g1_winner": one, "g2_winner": two,
            "judge": "gpt-4", "turn": 1}  # fmt: skip


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def audited(*paths: Path, **options: Any) -> Analysis:
    return assess(read_files(list(paths)), name=paths[0].name, **options)


def said(analysis: Analysis) -> AuditFacts:
    assert analysis.audit is not None
    return analysis.audit


def unidentified(analysis: Analysis, effect: str) -> bool:
    """Whether an effect is given as not identified, without a number."""
    found = present(getattr(analysis, effect))
    return found.identified is False and found.effect is None and effect in analysis.notes


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("alpaca_eval", [alpaca(n) for n in range(9)]),
        ("brie_legacy", [legacy(n) for n in range(9)]),
        ("arena_hard", [arena(n) for n in range(9)]),
        ("mt_bench", [mt_bench(n) for n in range(9)]),
        ("table", [{"prompt": f"q{n}", "winner": "candidate"} for n in range(9)]),
    ],
)
def test_a_format_is_recognised_with_its_reason(
    tmp_path: Path, name: str, rows: list[dict[str, Any]]
) -> None:
    found, reason = detect(write(tmp_path / "f.jsonl", rows))
    assert found == name
    assert "9 of its first 9 rows" in reason


def test_soft_scores_are_preference_minus_one(tmp_path: Path) -> None:
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps([alpaca(n, 1 + n / 10) for n in range(11)]))
    analysis = audited(path)
    assert analysis.win_rate is not None
    assert analysis.win_rate.value == pytest.approx(0.5)
    assert unidentified(analysis, "position")
    assert unidentified(analysis, "label")


def test_a_preference_that_says_nothing_is_invalid_and_counted(tmp_path: Path) -> None:
    rows = [alpaca(n) for n in range(9)] + [alpaca(10, None), alpaca(11, 7), alpaca(12, "x")]
    analysis = audited(write(tmp_path / "f.jsonl", rows))
    assert analysis.counts.invalid == 3
    assert said(analysis).skipped == 0
    assert [(one.rows, one.line) for one in said(analysis).unread] == [(1, 11), (1, 12)]
    assert "outside [1, 2]" in said(analysis).unread[0].why
    assert list(present(analysis.win_rate).bounds) == pytest.approx([9 / 12, 1.0])


def test_both_games_count_once_and_exchange_the_letters(tmp_path: Path) -> None:
    rows = [arena(n, "B>A", "A>>B") for n in range(10)] + [arena(n, None, "A=B") for n in range(10, 12)]
    analysis = audited(write(tmp_path / "f.jsonl", rows))
    assert analysis.win_rate is not None
    assert analysis.win_rate.prompts == 10
    assert analysis.win_rate.value == 1
    assert (analysis.counts.invalid, analysis.counts.half) == (2, 2)
    assert said(analysis).confound is None


def test_mt_bench_games_and_human_votes(tmp_path: Path) -> None:
    failed = [mt_bench(n, "model_1", "error") for n in range(9)]
    whole = [mt_bench(n, "model_2", "model_2") for n in range(20, 29)]
    games = audited(write(tmp_path / "g.jsonl", failed + whole), candidate="mine")
    assert games.win_rate is not None
    assert games.win_rate.value == 0
    assert (games.counts.error, games.counts.half, games.win_rate.prompts) == (9, 9, 9)
    vote = {"model_a": "x", "model_b": "y", "winner": "tie (inconsistent)", "judge": ["human", "h1"]}
    votes = [{"question_id": n, **vote} for n in range(9)]
    human = audited(write(tmp_path / "h.jsonl", votes))
    assert human.win_rate is not None
    assert human.win_rate.value == 0.5


@pytest.mark.parametrize(
    ("rows", "places"),
    [
        ([mt_bench(1)], [(1, 1), (-1, -1)]),
        ([arena(1)], [(-1, -1), (1, 1)]),
        ([legacy(1), legacy(2)], [(-1, -1), (1, -1)]),
        ([legacy(1, presentation_order=None)], [(0, -1)]),
        ([alpaca(1)], [(0, 0)]),
        ([{"question_id": 1, "model_a": "x", "model_b": "y", "winner": "model_a"}], [(0, 0)]),
        (
            [
                {"prompt": "q", "winner": "win", "order": order, "letter": letter}
                for order, letter in (("candidate", "A"), ("baseline_first", "b"), ("2", None), ("", ""))
            ],
            [(1, 1), (-1, -1), (-1, 0), (0, 0)],
        ),
    ],
)
def test_each_format_says_who_stood_first_and_who_was_a(
    tmp_path: Path, rows: list[dict[str, Any]], places: list[tuple[int, int]]
) -> None:
    """+1 where that was the candidate, -1 where the baseline, 0 where the file does not say."""
    found = read_files([write(tmp_path / "f.jsonl", rows)]).rows
    assert [(row.position, row.label) for row in found] == places


@pytest.mark.parametrize(
    ("row", "scores"),
    [
        (mt_bench(1, "model_1", "model_2"), [1.0, 0.0]),
        (mt_bench(1, "tie", "model_1"), [0.5, 1.0]),
        (arena(1, "A>B", "A>B"), [0.0, 1.0]),
        (arena(1, "A>>B", "B>>A"), [0.0, 0.0]),
        (arena(1, "B>>A", "A>>B"), [1.0, 1.0]),
        (arena(1, "A=B", "B=A"), [0.5, 0.5]),
    ],
)
def test_the_winner_of_each_game_is_a_side_and_not_a_place(
    tmp_path: Path, row: dict[str, Any], scores: list[float]
) -> None:
    found = read_files([write(tmp_path / "f.jsonl", [row])]).rows
    assert [one.score for one in found] == scores
    assert found[0].pair == found[1].pair
    assert found[0].prompt == found[1].prompt


@pytest.mark.parametrize("make", [mt_bench, arena])
def test_a_file_with_both_games_confounds_no_letter_with_a_side(tmp_path: Path, make: Any) -> None:
    analysis = audited(write(tmp_path / "f.jsonl", [make(n) for n in range(12)]))
    assert said(analysis).confound is None
    blinding = next(check for check in analysis.checks if check.id == "blinding")
    assert blinding.evidence["letter_is_side"] is False
    assert blinding.evidence["letter_is_place"] is True


def test_a_letter_that_never_changes_is_named_as_it_stands_in_the_file(tmp_path: Path) -> None:
    for letter, other in (("A", "B"), ("B", "A")):
        rows = [{"prompt": f"q{n}", "winner": "win", "letter": letter} for n in range(30)]
        analysis = audited(write(tmp_path / "f.jsonl", rows))
        confound = present(said(analysis).confound)
        assert confound.letter == letter
        assert f"always {letter}" in confound.why
        blinding = next(check for check in analysis.checks if check.id == "blinding")
        assert f"always carried the letter {letter}" in blinding.summary
        assert f"letter {other}" not in blinding.summary


def test_stored_winners_that_contradict_the_text_are_counted_and_not_believed(tmp_path: Path) -> None:
    rows = [legacy(n, "…\n**Winner:** B\nbecause", "baseline") for n in range(6)]
    rows += [legacy(n) for n in range(6, 10)]
    analysis = audited(write(tmp_path / "f.jsonl", rows))
    assert analysis.win_rate is not None
    assert analysis.win_rate.value == 1
    assert said(analysis).contradictions == 6
    assert any("6 of 10 stored winners contradict" in s for s in said(analysis).findings)


def test_api_errors_are_no_verdicts(tmp_path: Path) -> None:
    rows = [legacy(n) for n in range(9)] + [legacy(n, "ERROR: overloaded", "tie") for n in range(9, 30)]
    analysis = audited(write(tmp_path / "f.jsonl", rows))
    assert analysis.counts.error == 21
    assert analysis.win_rate is not None
    assert analysis.win_rate.prompts == 9


def test_a_letter_that_is_always_one_side_makes_the_verdict_conditional(tmp_path: Path) -> None:
    analysis = audited(write(tmp_path / "f.jsonl", [legacy(n) for n in range(30)]), claim=0.5)
    assert analysis.verdict == "better"
    standing = present(analysis.standing)
    assert standing.state == "conditional"
    assert "only if the judges have no liking for the letter B" in standing.reasons[0].text
    assert unidentified(analysis, "label")
    confound = present(said(analysis).confound)
    assert confound.letter == "B"
    assert analysis.win_rate is not None
    assert confound.undone_by == pytest.approx(2 * (analysis.win_rate.low or 0) - 1)
    assert present(said(analysis).claim).inside_interval is False


@pytest.mark.parametrize(
    ("judgment", "expected"),
    [
        ("Winner: B", "candidate"),
        ("**Winner:** A", "baseline"),
        ("winner: a tie", "tie"),
        ("WINNER: Response A", "baseline"),
        ("These entities have properties.", None),
        ("Winner: A\n…\nWinner: B", None),
        ("ERROR: 529", None),
    ],
)
def test_the_judges_text_is_read_without_guessing(judgment: str, expected: str | None) -> None:
    assert winner(judgment) == expected


def test_rows_pairs_and_prompts_are_counted_apart(tmp_path: Path) -> None:
    rows = [legacy(n % 10) for n in range(40)] + [
        legacy(n, brie_response="Three…but") for n in range(10)
    ]
    facts = said(audited(write(tmp_path / "f.jsonl", rows)))
    assert (facts.rows, facts.pairs, facts.prompts) == (50, 20, 10)
    assert facts.cut_pairs == 10


@pytest.mark.parametrize(("text", "cut"), [
    ("It ends.", False), ("It ends!)", False), ("```\ncode\n```", False), ("It just", True), ("", False),
    ("a list,", True), ("Paris", False), ("$\\boxed{4}$", False), ("- milk\n- bread", False),
    ("See https://a.example/b-c", False), ("Well done 🎉", False), ("x = 1\nreturn x", False),
    ("Roses are red\nviolets are blue", False), 
    ("It rains. The next thing that we see", True), ("“Quoted.”", False), ("完。", False),
])  # fmt: skip
def test_a_cut_answer_is_known_by_its_ending(text: str, cut: bool) -> None:
    assert is_cut(text) is cut


def test_a_table_is_read_by_its_mapped_columns(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    lines = ["question,rater,choice,shown,letter"]
    for n in range(40):
        choice, shown = "win" if n % 4 else "loss", "candidate" if n % 2 else "baseline"
        lines.append(f"q{n},ann,{choice},{shown},{'AB'[n % 3 == 0]}")
    path.write_text("\n".join(lines) + "\n")
    columns = {"prompt": "question", "judge": "rater", "winner": "choice", "order": "shown"}
    analysis = assess(read_files([path], columns=columns), name="votes")
    assert analysis.win_rate is not None
    assert analysis.win_rate.value == 0.75
    assert analysis.position is not None
    assert list(analysis.by_judge) == ["ann"]


def test_gzip_a_mark_and_a_half_written_line_are_no_obstacle(tmp_path: Path) -> None:
    text = "\ufeff" + "".join(json.dumps(alpaca(n)) + "\n" for n in range(9)) + '{"instruction": "half'
    path = tmp_path / "f.jsonl.gz"
    path.write_bytes(gzip.compress(text.encode()))
    analysis = audited(path)
    assert said(analysis).rows == 9
    assert said(analysis).first_skipped == FirstSkipped(line=10, why="not JSON (a half-written line?)")


def test_a_truncated_array_keeps_what_was_whole(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps([alpaca(n) for n in range(9)])[:-40])
    facts = said(audited(path))
    assert facts.rows == 8
    assert facts.skipped == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": 1, "b": 2}\n', "has none of the formats"),
        (b"hello there\n", "has none of the formats"),
        (b"", "has none of the formats"),
        (b"\xff\xfe\x00\x01binary", "has none of the formats"),
        (b"\x00\x01\xfe\xffbinary", "is not UTF-8 text"),
        (b"\x1f\x8bnot really gzip", "cannot be read"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_files([path])


def test_files_of_different_formats_are_refused_together(tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", [alpaca(n) for n in range(3)])
    two = write(tmp_path / "two.jsonl", [legacy(n) for n in range(3)])
    with pytest.raises(UsageError, match="different formats"):
        read_files([one, two])


def test_the_same_rows_of_two_judges_meet(tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", [legacy(n % 12, timestamp=f"t{n:02}") for n in range(24)])
    said_b = [
        legacy(n % 12, "Winner: A" if n < 3 else "Winner: B", judge_model="k", timestamp=f"t{n:02}")
        for n in reversed(range(24))
    ]
    two = write(tmp_path / "two.jsonl", said_b)
    analysis = assess(read_files([one, two]), name="both")
    assert analysis.agreement is not None
    (pair,) = present(analysis.agreement).pairs
    assert pair.n == 24
    assert present(pair.percent).value == pytest.approx(21 / 24)


def test_the_help_names_every_format_there_is() -> None:
    text = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    assert f"{', '.join(FORMATS)} or auto." in text
