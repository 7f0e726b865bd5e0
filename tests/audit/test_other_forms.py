"""Judgments in nobody's format: read by what they say, or asked about in words that help."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from brie.audit import Wishes, read_files
from brie.audit.assess import assess
from brie.audit.nested import names_in
from brie.audit.sides import choose
from brie.audit.vocabulary import Declared, parse_scale, parse_winner
from brie.cli.audit import parse_map
from brie.errors import InputError
from brie.records import Status
from tests.audit.test_audit import write
from tests.present import present

N = 16


def ask(n: int) -> str:
    return f"What of {n}?"


def won(n: int) -> bool:
    """The tuned model wins three of four."""
    return n % 4 != 0


def rows(**columns: Any) -> list[dict[str, Any]]:
    """Rows with a prompt and these columns, each made from the row's number."""
    return [{"prompt": ask(n), **{name: made(n) for name, made in columns.items()}} for n in range(N)]


def rate(path: Path, name: str, mapped: str = "", winner: str = "", scale: str = "") -> float:
    """A model's share of what could be used."""
    wishes = Wishes(
        "auto", parse_map(mapped), (), Declared(parse_winner(winner or None), parse_scale(scale or None))
    )
    chosen = present(choose(read_files([path], wishes=wishes).rows))
    scores = [row.score for row in chosen.rows if row.status is Status.OK]
    value = sum(scores) / len(scores)
    assert name in (chosen.candidate, chosen.baseline)
    return value if chosen.candidate == name else 1 - value


NESTED = rows(
    fields=lambda n: {"question": ask(n)},
    answers=lambda n: [{"policy": "tuned"}, {"policy": "plain"}][:: 1 if n % 3 else -1],
    responses=lambda n: [{"values": {"choice": {"value": int(won(n) != (n % 3 != 0))}}}],
    scores=lambda n: {"tuned-1.5": 7 if won(n) else 2, "plain": 4},
)


@pytest.mark.parametrize(
    ("mapped", "winner", "name"),
    [
        ("prompt=fields.question,winner=responses.0.values.choice.value,a=answers.0.policy,"
         "b=answers.1.policy", "0=first,1=second", "tuned"),
        ("prompt=fields.question,score_a=scores.tuned-1.5,score_b=scores.plain", "", "scores.tuned-1.5"),
    ],
)  # fmt: skip
def test_a_column_that_lies_deeper_has_a_dotted_name(
    mapped: str, winner: str, name: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "f.jsonl", NESTED)
    assert rate(path, name, mapped, winner) == 0.75


def test_what_lies_deeper_is_listed_where_the_columns_must_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", [{"fields": {"text": "x"}, "said": [{"value": "y"}]}] * 3)
    with pytest.raises(
        InputError, match=r"has: fields\.text, said\.0\.value\. .*score_a=COLUMN.*--raters"
    ):
        read_files([path])
    assert names_in({"a": [1, 2, 3], "b": {"c": None}}) == ["a.0", "a.1", "b.c"]


def test_two_scores_of_a_row_are_those_of_two_models(tmp_path: Path) -> None:
    def tuned(n: int) -> int:
        return 8 if won(n) else 4

    ways = {
        "models": rows(
            model_a=lambda n: "tuned" if n % 3 else "plain",
            model_b=lambda n: "plain" if n % 3 else "tuned",
            score_a=lambda n: tuned(n) if n % 3 else 6,
            score_b=lambda n: 6 if n % 3 else tuned(n),
        ),
        "answers": rows(
            response_1=lambda n: f"one {n}", response_2=lambda n: f"two {n}",
            rating_1=tuned, rating_2=lambda n: "6",
        ),
    }  # fmt: skip
    assert rate(write(tmp_path / "m.jsonl", ways["models"]), "tuned") == 0.75
    assert rate(write(tmp_path / "a.jsonl", ways["answers"]), "rating_1") == 0.75
    winner = [{**row, "winner": "A"} for row in ways["models"]]
    assert read_files([write(tmp_path / "w.jsonl", winner)]).format != "scores"


def test_a_lone_minus_one_among_scores_is_asked_about(tmp_path: Path) -> None:
    path = write(
        tmp_path / "f.jsonl",
        [
            {"prompt": ask(n), "model": model, "score": -1 if model == "plain" and n < 4 else score}
            for n in range(N)
            for model, score in (("tuned", 5 if won(n) else 1), ("plain", 3))
        ],
    )
    with pytest.raises(InputError, match=r'4 of 32 scores are -1.*--winner "-1=invalid" or') as caught:
        read_files([path])
    options = re.findall(r'--winner "([^"]+)"', str(caught.value))
    assert [rate(path, "tuned", winner=option) for option in options] == [0.75, 13 / 16]
    assert [row.status for row in read_files([path], wishes=Wishes(declared=Declared({"-1": "invalid"})))
            .rows].count(Status.INVALID) == 4  # fmt: skip


def test_the_mark_of_a_judge_of_single_answers_is_no_score(tmp_path: Path) -> None:
    path = write(
        tmp_path / "single.jsonl",
        [
            {"question_id": n, "model": model, "judge": ["j", "single-v1"], "turn": 1,
             "user_prompt": f"[Question]\n{ask(n)}\n[The Start of Assistant's Answer]\nof {model}",
             "judgment": "", "score": -1 if n < 2 and model == "plain" else score}
            for n in range(N)
            for model, score in (("tuned", 9 if won(n) else 1), ("plain", 5))
        ],
    )  # fmt: skip
    read = read_files([path])
    assert [row.status for row in read.rows].count(Status.INVALID) == 2
    assert rate(path, "tuned") == 11 / 14


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (("answer_0", "answer_1"), ("answer_0", "answer_1")),
        (("text_a", "text_b"), ("model 0", "model 1")),
    ],
)
def test_places_may_be_counted_from_0(
    columns: tuple[str, str], words: tuple[str, str], tmp_path: Path
) -> None:
    made = [
        {"prompt": ask(n), columns[0]: f"x {n}", columns[1]: f"y {n}", "winner": words[not won(n)]}
        for n in range(N)
    ]
    assert rate(write(tmp_path / "f.jsonl", made), columns[0]) == 0.75


def test_a_letter_that_is_the_name_of_a_model_elsewhere_is_asked_about(tmp_path: Path) -> None:
    made = rows(model_1=lambda n: "b", model_2=lambda n: "a", winner=lambda n: "ab"[won(n)])
    path = write(tmp_path / "f.jsonl", made)
    for winner, share in (("", None), ("a=first,b=second", 0.25), ("a=a,b=b", 0.75)):
        if share is None:
            with pytest.raises(InputError, match=r'--winner "a=first" or --winner "a=a"'):
                read_files([path], wishes=Wishes("table"))
        else:
            assert rate(path, "b", winner=winner) == share


@pytest.mark.parametrize(
    ("words", "example"),
    [
        ((1, 0), "1=candidate,0=baseline"), ((True, False), "true=candidate,false=baseline"),
        (("candidate", "baseline", 30), "30=invalid"),
    ],
)  # fmt: skip
def test_codes_are_asked_about_with_an_example_that_fits(
    words: tuple[Any, ...], example: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "f.jsonl", rows(winner=lambda n: words[n % len(words)]))
    with pytest.raises(InputError, match=f'--winner "{example}"'):
        read_files([path])
    assert rate(path, "candidate", winner=example) == 0.5 + (len(words) == 3) * 0.5 / 11


@pytest.mark.parametrize(
    ("words", "example"), [(("A", "B", "C"), "c=tie"), ((0, 1), "0=first,1=second")]
)
def test_codes_of_two_answers_too(words: tuple[Any, ...], example: str, tmp_path: Path) -> None:
    made = rows(
        reply_a=lambda n: f"x {n}", reply_b=lambda n: f"y {n}", winner=lambda n: words[n % len(words)]
    )
    path = write(tmp_path / "f.jsonl", made)
    with pytest.raises(InputError, match=f'--winner "{example}"'):
        read_files([path])
    assert rate(path, "reply_a", winner=example) == pytest.approx(0.5, abs=0.05)


def test_words_for_how_much_better_name_the_better_one(tmp_path: Path) -> None:
    words = ["A is much better", "B is slightly better", "Model A wins", "A++", "B+",
             "I prefer the left one", "strongly prefer B", "about equal"]  # fmt: skip
    made = rows(reply_a=lambda n: "x", reply_b=lambda n: "y", vote=lambda n: words[n % 8])
    path = write(tmp_path / "f.jsonl", made)
    assert [row.score for row in read_files([path]).rows[:8]] == [1, 0, 1, 1, 0, 1, 0, 0.5]


def test_a_share_may_be_in_percent(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", rows(winner=lambda n: "75%" if won(n) else "20 %"))
    assert rate(path, "candidate") == pytest.approx((12 * 0.75 + 4 * 0.2) / 16)


def test_a_choice_among_words_is_read_where_it_names_a_place(tmp_path: Path) -> None:
    def task(n: int, kind: str, value: dict[str, Any]) -> dict[str, Any]:
        result = [{"type": kind, "from_name": "p", "to_name": "answer1", "value": value}]
        return {"data": {"prompt": ask(n), "answer1": "x", "answer2": "y"},
                "annotations": [{"completed_by": 1, "result": result}]}  # fmt: skip

    chosen = [task(n, "choices", {"choices": [f"Answer {2 - won(n)}"]}) for n in range(N)]
    assert rate(write(tmp_path / "c.json", chosen), "answer1") == 0.75
    rated = [task(n, "rating", {"rating": 3}) for n in range(N)]
    with pytest.raises(InputError, match="its results are of the type rating"):
        read_files([write(tmp_path / "r.json", rated)])


def test_parts_of_a_message_are_its_text(tmp_path: Path) -> None:
    def talk(n: int, answer: str) -> list[dict[str, Any]]:
        return [{"role": role, "content": [{"type": "text", "text": text}]}
                for role, text in (("user", ask(n)), ("assistant", answer))]  # fmt: skip

    made = [
        {"model_a": "tuned", "model_b": "plain", "winner": "model_a",
         "conversation_a": talk(n, "four"), "conversation_b": talk(n, "five five")}
        for n in range(N)
    ]  # fmt: skip
    (first, *_) = read_files([write(tmp_path / "f.jsonl", made)]).rows
    assert (first.name, first.length) == (ask(0), (4, 9))


def test_a_title_above_a_table_is_passed_over(tmp_path: Path) -> None:
    lines = [
        "Our test of May;;",
        ";;",
        "prompt;winner;judge",
        *(f"{ask(n)};candidate;Ann" for n in range(4)),
    ]
    path = tmp_path / "f.csv"
    path.write_text("\n".join(lines))
    assert [row.line for row in read_files([path]).rows] == [4, 5, 6, 7]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_two_bytes_a_letter_are_read_without_their_mark(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes("".join(f"{line}\r\n" for line in ("prompt\twinner", "q\ttie")).encode(encoding))
    assert read_files([path]).rows[0].score == 0.5


def scored(tmp_path: Path, tuned: Any, plain: Any, **columns: Any) -> Path:
    """One row a model and prompt; `tuned` and `plain` make the columns from the row's number."""
    made = [
        {"prompt": ask(n), "model": model, **of(n), **{name: make(n) for name, make in columns.items()}}
        for n in range(N)
        for model, of in (("tuned", tuned), ("plain", plain))
    ]
    return write(tmp_path / "scored.jsonl", made)


def test_right_and_wrong_and_ranks_are_scores(tmp_path: Path) -> None:
    right = scored(tmp_path, lambda n: {"correct": won(n)}, lambda n: {"correct": "False"})
    assert rate(right, "tuned") == (12 + 4 / 2) / 16
    assert read_files([right]).right_or_wrong
    ranked = scored(tmp_path, lambda n: {"rank": 2 - won(n)}, lambda n: {"rank": 1 + won(n)})
    assert rate(ranked, "tuned") == 0.75


def test_scores_out_of_a_number_are_on_one_scale_or_refused(tmp_path: Path) -> None:
    path = scored(
        tmp_path, lambda n: {"score": "8/10" if won(n) else "4 / 10"}, lambda n: {"score": "6/10"}
    )
    assert rate(path, "tuned") == 0.75
    mixed = scored(tmp_path, lambda n: {"score": "4/5"}, lambda n: {"score": 6})
    with pytest.raises(InputError, match="numbers alone and out of 5: write all of them on one scale"):
        read_files([mixed])


def test_scores_in_objects_are_asked_for_by_name(tmp_path: Path) -> None:
    path = scored(
        tmp_path,
        lambda n: {"score": {"tone": 1, "all": 8 if won(n) else 4}},
        lambda n: {"score": {"all": 6}},
    )
    with pytest.raises(InputError, match=r"--map score=score\.tone or --map score=score\.all"):
        read_files([path])
    assert rate(path, "tuned", "score=score.all") == 0.75


@pytest.mark.parametrize("wrap", [lambda fields: fields, lambda fields: json.dumps(fields)])
def test_a_winner_inside_an_object_is_reached_by_its_name(wrap: Any, tmp_path: Path) -> None:
    made = rows(
        text_a=lambda n: "x", text_b=lambda n: "y",
        verdict=lambda n: wrap({"winner": "AB"[not won(n)], "why": "it is clearer"}),
    )  # fmt: skip
    path = write(tmp_path / "f.jsonl", made)
    with pytest.raises(InputError, match=r"holds objects .*--map winner=verdict\.KEY"):
        read_files([path])
    assert rate(path, "text_a", "winner=verdict.winner") == 0.75


def test_a_judges_text_is_what_it_states_in_double_brackets(tmp_path: Path) -> None:
    made = rows(
        text_a=lambda n: "x", text_b=lambda n: "y",
        judgment=lambda n: f"Both are short.\nFinal verdict: [[{'AB'[not won(n)]}]]",
    )  # fmt: skip
    assert rate(write(tmp_path / "f.jsonl", made), "text_a") == 0.75
    both = rows(text_a=lambda n: "x", text_b=lambda n: "y", judgment=lambda n: "[[A]] or [[B]]")
    with pytest.raises(InputError, match="not known words"):
        read_files([write(tmp_path / "g.jsonl", both)])


def test_one_known_side_leaves_the_other_for_the_word_that_is_not_known(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", rows(winner=lambda n: "candidate" if won(n) else "reference"))
    with pytest.raises(InputError, match='--winner "reference=baseline"'):
        read_files([path])


def test_a_column_of_who_was_shown_first_is_named_where_winners_are_places(tmp_path: Path) -> None:
    made = rows(
        shown_first=lambda n: ("candidate", "baseline")[n % 3 == 0],
        winner=lambda n: ("first", "second")[won(n) == (n % 3 == 0)],
    )
    path = write(tmp_path / "f.jsonl", made)
    with pytest.raises(InputError, match="shown_first") as caught:
        read_files([path])
    (option,) = re.findall(r'--winner "([^"]+)"', str(caught.value))
    assert rate(path, "candidate", winner=option) == 0.75


def test_files_that_were_joined_repeat_their_names(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("prompt,winner\nq,candidate\nprompt,winner\nr,baseline\n")
    assert [row.line for row in read_files([path]).rows] == [2, 4]


@pytest.mark.parametrize(
    ("content", "told"),
    [("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
     ("<!DOCTYPE html><html>Sign in</html>", "a web page")],
)  # fmt: skip
def test_what_stands_where_a_file_should_be_is_called_what_it_is(
    content: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "f.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=told):
        read_files([path])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: text.replace("\n", "  \n") + " \n",
        lambda text: text.replace(" ", "\u00a0"),
    ],
    ids=["line ends", "accents", "blanks at ends", "no-break blanks"],
)
def test_what_an_export_changes_in_a_text_makes_no_other_prompt(change: Any, tmp_path: Path) -> None:
    def of(judge: str, made: Any) -> Path:
        return write(
            tmp_path / f"{judge}.jsonl",
            [
                {"prompt": made(f"Où {n}?\nDis vite."), "candidate": made(f"Là {n}.\nOui."),
                 "baseline": made(f"Ici {n}."), "winner": ("candidate", "baseline")[n % 3 == 0],
                 "judge": judge}
                for n in range(N)
            ],
        )  # fmt: skip

    analysis = assess(read_files([of("one", str), of("two", change)]), name="f")
    (pair,) = present(analysis.agreement).pairs
    assert (pair.n, present(pair.percent).value) == (N, 1.0)
    assert present(analysis.win_rate).prompts == N


def test_texts_that_differ_inside_a_line_are_different(tmp_path: Path) -> None:
    made = [{"prompt": text, "winner": "tie"} for text in ("a b", "a  b", "ab", "a\nb", "A b")]
    assert len({row.prompt for row in read_files([write(tmp_path / "f.jsonl", made)]).rows}) == 5
