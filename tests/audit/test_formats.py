"""Files of other tools as people have them: who won is read by model, whatever the file calls it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from brie.audit import Wishes, read_files
from brie.audit.assess import assess
from brie.audit.vocabulary import Declared, parse_scale, parse_winner
from brie.cli.audit import command
from brie.errors import InputError, UsageError
from brie.records.analysis import Analysis
from tests.audit.test_audit import audited, said, write
from tests.present import present

N = 24
TUNE, BASE = "tuned", "plain"


def won(n: int) -> bool:
    """The tuned model wins three of four."""
    return n % 4 != 0


def rate(analysis: Analysis, name: str = TUNE) -> float:
    """The win rate of a model by its name."""
    value = present(analysis.win_rate).value
    assert name in (analysis.candidate.name, analysis.baseline.name)
    return value if analysis.candidate.name == name else 1 - value


def asked(n: int) -> str:
    return f"What of item {n}, and why?"


def shuffled(n: int) -> tuple[str, str]:
    """The two models, either first."""
    return (TUNE, BASE) if n % 3 else (BASE, TUNE)


def winner_place(n: int) -> int:
    return shuffled(n).index(TUNE if won(n) else BASE)


TABLES: dict[str, Any] = {
    "places, models beside them": lambda n: {
        "question": asked(n), "model_left": shuffled(n)[0], "model_right": shuffled(n)[1],
        "choice": ("left", "right")[winner_place(n)],
    },
    "the model's name, models beside it": lambda n: {
        "prompt": asked(n), "model_a": shuffled(n)[0], "model_b": shuffled(n)[1],
        "response_a": f"one {n}", "response_b": f"two {n}", "winner": TUNE if won(n) else BASE,
    },
    "the model's name alone": lambda n: {"prompt": asked(n), "winner": TUNE if won(n) else BASE},
    "one column a place": lambda n: {
        "id": n, "model_a": shuffled(n)[0], "model_b": shuffled(n)[1], "prompt": asked(n),
        "winner_model_a": int(winner_place(n) == 0), "winner_model_b": int(winner_place(n) == 1),
        "winner_tie": 0,
    },
    "presented under letters": lambda n: {
        "task": n, "prompt": asked(n), "presented_as_A": shuffled(n)[0],
        "presented_as_B": shuffled(n)[1], "verdict": "AB"[winner_place(n)],
    },
    "answers in columns called as the models": lambda n: {
        "prompt": asked(n), TUNE: f"short {n}", BASE: f"long answer {n}",
        "winner": TUNE if won(n) else BASE,
    },
    "battles": lambda n: {
        "question_id": n, "model_a": shuffled(n)[0], "model_b": shuffled(n)[1],
        "winner": ("model_a", "model_b")[winner_place(n)], "anony": True, "tstamp": 1.5,
    },
    "preferences with models": lambda n: {
        "prompt": asked(n), "chosen": "Yes.", "rejected": "No.",
        "chosen-model": TUNE if won(n) else BASE, "rejected-model": BASE if won(n) else TUNE,
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_a_win_is_the_models_and_not_the_places(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", [TABLES[kind](n) for n in range(N)])
    assert rate(audited(path)) == 0.75
    assert rate(audited(path, candidate=TUNE)) == 0.75
    assert audited(path, candidate=BASE).candidate.name == BASE


def test_neither_of_two_models_is_the_candidate_by_itself(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", [TABLES["battles"](n) for n in range(N)])
    analysis = audited(path)
    assert analysis.candidate.name == BASE, "the first by name"
    assert said(analysis).sides_defined is False
    assert any("plain wins 25 %" in text and "tuned 75 %" in text for text in said(analysis).findings)
    with pytest.raises(UsageError, match=r"--candidate plain or --candidate tuned"):
        audited(path, claim=0.8)
    assert said(audited(path, claim=0.8, candidate=TUNE)).sides_defined


def test_a_pair_is_chosen_among_many_models(tmp_path: Path) -> None:
    rows = [
        {"prompt": asked(n), "model_a": a, "model_b": b, "winner": "model_a" if (a < b) else "model_b"}
        for n in range(N)
        for a, b in (("x", "y"), ("z", "y"), ("x", "z"))
    ]
    path = write(tmp_path / "f.jsonl", rows)
    pair = audited(path, candidate="x", baseline="z")
    assert (present(pair.win_rate).value, said(pair).other_rows) == (1.0, 2 * N)
    with pytest.raises(UsageError, match=r"x met 2 models \(y, z\); choose one: --baseline y"):
        audited(path, candidate="x")
    with pytest.raises(UsageError, match="no model is called 'w'"):
        audited(path, candidate="w")
    with pytest.raises(UsageError, match="the same model"):
        audited(path, candidate="x", baseline="x")


@pytest.mark.parametrize("codes", [(0, 1, 2), (-1, 0, 1)])
def test_a_zero_beside_a_number_that_is_no_share_is_asked_for_too(
    codes: tuple[int, ...], tmp_path: Path
) -> None:
    rows = [{"prompt": asked(n), "label": codes[n % 3]} for n in range(N)]
    path = write(tmp_path / "f.jsonl", rows)
    outside = next(code for code in codes if not 0 <= code <= 1)
    for text, more in (("", ""), (f"{outside}=second", "0=tie")):
        with pytest.raises(InputError, match=rf"0 \(8\).*{more}"):
            read_files([path], wishes=Wishes(declared=Declared(parse_winner(text))))
    failed = Wishes(declared=Declared(parse_winner(f"{outside}=invalid")))
    assert assess(read_files([path], wishes=failed), name="f").counts.ok == 16
    every = Wishes(declared=Declared(parse_winner(f"1=first,{outside}=second,0=tie")))
    assert assess(read_files([path], wishes=every), name="f").outcomes.tie == 8


def test_number_codes_stop_until_they_are_declared(tmp_path: Path) -> None:
    rows = [
        {"prompt": asked(n), "response_1": f"one {n}", "response_2": f"two {n}", "label": n % 3}
        for n in range(N)
    ]
    path = write(tmp_path / "f.jsonl", rows)
    with pytest.raises(
        InputError, match=r"0 \(8\), 1 \(8\), 2 \(8\).*--winner \"1=first,2=second,0=tie"
    ):
        read_files([path])
    declared = Wishes(declared=Declared(parse_winner("1=first,2=second,0=tie")))
    analysis = assess(read_files([path], wishes=declared), name="f")
    assert analysis.outcomes.model_dump(include={"win", "tie", "loss"}) == {
        "win": 8,
        "tie": 8,
        "loss": 8,
    }
    assert analysis.candidate.name == "response_1"


def test_a_scale_is_declared_with_its_two_ends(tmp_path: Path) -> None:
    rows = [{"prompt": asked(n), "text_a": "A.", "text_b": "B.", "vote": n % 7 - 3} for n in range(21)]
    path = write(tmp_path / "f.jsonl", rows)
    with pytest.raises(InputError, match=r"--scale \"-3\.\.3=first\.\.second\" where -3"):
        read_files([path])
    scaled = Wishes(declared=Declared(scale=parse_scale("-3..3=second..first")))
    assert [row.score for row in read_files([path], wishes=scaled).rows[:7]] == pytest.approx(
        [k / 6 for k in range(7)]
    )
    for wrong in ("-3..3", "3..-3=second..first", "a..b=first..second", "0..1=first..first"):
        with pytest.raises(UsageError, match="--scale"):
            parse_scale(wrong)


def test_an_unknown_word_stops_and_may_be_declared(tmp_path: Path) -> None:
    words = ["candidate", "baseline", "meh", "candidate"] * 5
    path = write(tmp_path / "f.jsonl", [{"prompt": asked(n), "winner": w} for n, w in enumerate(words)])
    with pytest.raises(InputError, match=r"candidate \(10\), baseline \(5\), meh \(5\)"):
        read_files([path])
    for text in ("meh=invalid", "*=invalid"):
        how = Wishes(declared=Declared(parse_winner(text)))
        counts = assess(read_files([path], wishes=how), name="f").counts
        assert (counts.ok, counts.invalid) == (15, 5)
    with pytest.raises(UsageError, match="--winner wants"):
        parse_winner("meh")


def test_places_without_models_ask_who_stood_there(tmp_path: Path) -> None:
    rows = [{"prompt": asked(n), "verdict": "AB"[n % 2]} for n in range(N)]
    with pytest.raises(InputError, match=r"nothing says which model stood there: .*--map a=COLUMN"):
        read_files([write(tmp_path / "f.jsonl", rows)])


def test_exchanged_answers_and_a_places_letter_ask_which_place_is_meant(tmp_path: Path) -> None:
    rows = [
        {"prompt": asked(n), "model_a": TUNE, "model_b": BASE, "response_a": f"x{n}",
         "response_b": f"y{n}", "is_swapped": bool(n % 2), "winner": "AB"[n % 2]}
        for n in range(N)
    ]  # fmt: skip
    path = write(tmp_path / "f.jsonl", rows)
    with pytest.raises(InputError, match=r"a=shown_first,b=shown_second.*a=first,b=second"):
        read_files([path])
    for text, share in (("a=first,b=second", 0.5), ("a=shown_first,b=shown_second", 1.0)):
        how = Wishes(declared=Declared(parse_winner(text)))
        assert rate(assess(read_files([path], wishes=how), name="f")) == share


def test_columns_of_raters_are_a_judge_each(tmp_path: Path) -> None:
    rows = [
        {"prompt": asked(n), "response_1": "One.", "response_2": "Two.", "ann": 1, "bob": 1 + n % 2,
         "cy": ""}
        for n in range(N)
    ]  # fmt: skip
    how = Wishes(raters=("ann", "bob", "cy"), declared=Declared(parse_winner("1=first,2=second")))
    found = read_files([write(tmp_path / "f.jsonl", rows)], wishes=how)
    analysis = assess(found, name="f")
    rates = {name: j.win_rate.value if j.win_rate else None for name, j in analysis.by_judge.items()}
    assert rates == {"ann": 1.0, "bob": 0.5, "cy": None}
    assert analysis.counts.invalid == N


def test_columns_that_are_passed_over_are_named(tmp_path: Path) -> None:
    rows = [{"prompt": asked(n), "winner": "tie", "confidence": 3, "notes": "x"} for n in range(N)]
    facts = said(audited(write(tmp_path / "f.jsonl", rows)))
    assert facts.passed_over == ("confidence", "notes")
    assert any("confidence and notes" in text for text in facts.findings)


def test_both_bad_is_a_tie_and_a_skip_is_counted(tmp_path: Path) -> None:
    words = ["both bad", "candidate", "skip", "baseline", "Tie (bothbad)", "no preference"] * 4
    path = write(tmp_path / "f.jsonl", [{"prompt": asked(n), "winner": w} for n, w in enumerate(words)])
    analysis = audited(path)
    assert analysis.outcomes.model_dump(include={"win", "tie", "loss"}) == {
        "win": 4,
        "tie": 12,
        "loss": 4,
    }
    assert analysis.counts.invalid == 4
    assert list(present(analysis.win_rate).bounds) == pytest.approx([10 / 24, 14 / 24])


SCORED: dict[str, Any] = {
    "scores": lambda n, model, worth: {
        "question_id": f"q{n}", "model_name": model, "rating": worth, "judge_model": "j",
    },
    "promptfoo": lambda n, model, worth: {
        "provider": {"id": f"openai:{model}", "label": model}, "vars": {"q": asked(n)}, "testIdx": n,
        "success": worth > 1, "score": worth, "response": {"output": f"{model} {n}"},
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", SCORED)
def test_scores_of_single_answers_are_paired_by_question(kind: str, tmp_path: Path) -> None:
    rows = [SCORED[kind](n, BASE, 2) for n in range(N)]
    rows += [SCORED[kind](n, TUNE, (3, 2, 1, 3)[n % 4]) for n in reversed(range(N))]
    if kind == "promptfoo":
        path = tmp_path / "results.json"
        path.write_text(
            json.dumps({"evalId": "e", "results": {"version": 3, "results": rows}}, indent=1)
        )
    else:
        path = write(tmp_path / "f.jsonl", rows)
    analysis = audited(path)
    assert said(analysis).format == kind
    assert rate(analysis) == pytest.approx((2 + 0.5) / 4)
    assert analysis.outcomes.tie == N // 4


def test_a_score_that_is_none_has_its_status(tmp_path: Path) -> None:
    rows = [{"prompt": asked(n), "model": BASE, "score": 1} for n in range(N)]
    more: list[dict[str, Any]] = [{"prompt": asked(n), "model": TUNE, "score": 2} for n in range(N)]
    more[0] |= {"parse_error": "no number", "score": None}
    more[1] |= {"refused": True}
    more[2] |= {"error": "timeout"}
    more[3] |= {"score": "much"}
    counts = audited(write(tmp_path / "f.jsonl", rows + more[:-1])).counts
    assert (counts.ok, counts.invalid, counts.refused, counts.error) == (N - 5, 3, 1, 1)


def test_two_columns_that_may_be_the_score_are_asked_for(tmp_path: Path) -> None:
    rows = [
        {"prompt": asked(n), "model": model, "score": n % 2, "rating": 5}
        for n in range(N)
        for model in (TUNE, BASE)
    ]
    path = write(tmp_path / "f.jsonl", rows)
    with pytest.raises(InputError, match=r"--map score=score"):
        read_files([path])
    assert read_files([path], columns={"score": "rating"}).rows[0].score == 0.5


def lm_eval(path: Path, right: list[bool], **more: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {"doc_id": n, "doc_hash": f"h{n}", "doc": {}, "target": "x", "resps": [["x"]],
         "filtered_resps": ["x"], "metrics": ["acc"], "acc": float(good), "filter": "none", **more}
        for n, good in enumerate(right)
    ]  # fmt: skip
    return write(path, rows)


def test_right_and_wrong_of_two_models_are_an_exact_mcnemar(tmp_path: Path) -> None:
    scipy = pytest.importorskip("scipy.stats")
    mine = [n % 10 != 0 for n in range(40)]
    theirs = [n % 3 != 0 for n in range(40)]
    files = [
        lm_eval(tmp_path / TUNE / "samples_t.jsonl", mine),
        lm_eval(tmp_path / BASE / "samples_t.jsonl", theirs[::-1][::-1]),
    ]
    analysis = audited(*files, candidate=TUNE)
    paired = present(said(analysis).paired)
    alone = sum(m and not t for m, t in zip(mine, theirs, strict=True))
    other = sum(t and not m for m, t in zip(mine, theirs, strict=True))
    assert (paired.candidate_only, paired.baseline_only) == (alone, other)
    assert paired.test == "mcnemar-exact"
    assert paired.p_value == pytest.approx(scipy.binomtest(alone, alone + other).pvalue)
    assert present(analysis.win_rate).p_value == pytest.approx(paired.p_value)


def test_two_filters_of_a_document_do_not_make_two_documents(tmp_path: Path) -> None:
    files = []
    for model, right in ((TUNE, [True] * 20), (BASE, [n % 2 == 0 for n in range(20)])):
        path = tmp_path / model / "samples_t.jsonl"
        both = [
            json.loads(line) | {"filter": name}
            for name in ("strict", "flexible")
            for line in lm_eval(path, right).read_text().splitlines()
        ]
        files.append(write(path, both))
    analysis = audited(*files, candidate=TUNE)
    assert present(analysis.win_rate).prompts == 20
    assert present(said(analysis).paired).test == "sign-flip"


def test_several_metrics_are_asked_for(tmp_path: Path) -> None:
    path = lm_eval(tmp_path / "samples.jsonl", [True] * 9, acc_norm=0.0, metrics=["acc", "acc_norm"])
    with pytest.raises(InputError, match=r"several metrics \(acc, acc_norm\).*--map score=acc"):
        read_files([path])


def inspect_log(model: str, values: list[Any]) -> dict[str, Any]:
    return {
        "version": 2, "status": "success", "eval": {"model": model, "task": "maths"},
        "samples": [
            {"id": n, "epoch": 1, "input": asked(n), "output": {"completion": f"{model} {n}"},
             "scores": {"match": {"value": value, "answer": "x"}}}
            for n, value in enumerate(values)
        ],
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["json", "eval"])
def test_logs_of_inspect_are_paired_by_sample(kind: str, tmp_path: Path) -> None:
    logs = [
        inspect_log(TUNE, ["C" if won(n) else "I" for n in range(N)]),
        inspect_log(BASE, ["I"] * N),
    ]
    files = []
    for number, log in enumerate(logs):
        path = tmp_path / f"{number}.{kind}"
        files.append(path)
        if kind == "json":
            path.write_text(json.dumps(log, indent=2))
            continue
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("header.json", json.dumps({k: v for k, v in log.items() if k != "samples"}))
            for sample in log["samples"]:
                archive.writestr(f"samples/{sample['id']}_epoch_1.json", json.dumps(sample))
    analysis = audited(*files)
    assert said(analysis).format == "inspect"
    assert rate(analysis) == pytest.approx(0.75 + 0.25 / 2)
    assert present(said(analysis).paired).both_wrong == N // 4


def test_label_studio_annotators_are_judges_and_a_bad_annotation_costs_itself(tmp_path: Path) -> None:
    tasks = [
        {
            "id": n,
            "data": {"question": asked(n), "mine": f"Yes {n}.", "theirs": f"No {n}."},
            "annotations": [
                {"completed_by": {"email": name}, "was_cancelled": n == 0, "result": [
                    {"type": "pairwise", "to_name": "mine,theirs",
                     "value": {"selected": "left" if won(n) else "right"}}]}
                for name in ("ann@example.org", "bob@example.org")
            ] + ([7] if n == 1 else []),
        }
        for n in range(N)
    ]  # fmt: skip
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks))
    analysis = audited(path)
    assert list(analysis.by_judge) == ["ann@example.org", "bob@example.org"]
    assert (analysis.candidate.name, analysis.baseline.name) == ("mine", "theirs")
    assert present(analysis.win_rate).value == pytest.approx(18 / 23)
    assert (analysis.counts.invalid, said(analysis).skipped) == (2, 1)


def test_judgebench_counts_how_often_the_judge_is_right(tmp_path: Path) -> None:
    rows = [
        {"pair_id": n, "question": asked(n), "response_A": f"x {n}", "response_B": f"y {n}",
         "label": ("A>B", "B>A")[n % 2], "judge_name": "j", "source": "s",
         "judgments": [{"decision": "A>B"}, {"decision": "B>A" if n < 12 else "A>B"}]}
        for n in range(N)
    ]  # fmt: skip
    analysis = audited(write(tmp_path / "f.jsonl", rows))
    assert analysis.candidate.name == "the right answer"
    assert present(analysis.win_rate).value == 0.5
    assert present(analysis.position).flip_rate == 0.5


def test_chosen_and_rejected_without_models_are_refused(tmp_path: Path) -> None:
    rows = [{"prompt": asked(n), "chosen": "Yes.", "rejected": "No."} for n in range(N)]
    with pytest.raises(InputError, match="not which model wrote it"):
        read_files([write(tmp_path / "f.jsonl", rows)])


def test_a_list_inside_an_object_is_found_and_names_of_models_beside_it_are_used(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    rows = [
        {"question": asked(n), "system1_answer": f"x {n}", "system2_answer": f"y {n}",
         "better": "system1" if won(n) else "system2"}
        for n in range(N)
    ]  # fmt: skip
    whole = {"info": {"system1": TUNE, "system2": BASE}, "totals": [1, 2], "data": {"judged": rows}}
    path.write_text(json.dumps(whole, indent=1))
    analysis = audited(path)
    assert rate(analysis) == 0.75
    assert "list `data.judged`" in said(analysis).reason


def test_the_same_answers_the_other_way_round_are_nobodys_without_models(tmp_path: Path) -> None:
    rows = [
        {"prompt": asked(n // 2), "response_1": ("x", "y")[n % 2], "response_2": ("y", "x")[n % 2],
         "winner": "response_1"}
        for n in range(N)
    ]  # fmt: skip
    with pytest.raises(InputError, match="do not say which model wrote which"):
        audited(write(tmp_path / "f.jsonl", rows))


def test_files_that_name_no_judge_are_one_each_where_they_judge_the_same(tmp_path: Path) -> None:
    rows = [{"prompt": asked(n), "winner": "candidate" if won(n) else "baseline"} for n in range(N)]
    one, two = write(tmp_path / "ann.jsonl", rows), write(tmp_path / "bob.jsonl", rows[::-1])
    analysis = audited(one, two)
    assert list(analysis.by_judge) == ["ann", "bob"]
    assert "each file is one" in said(analysis).reason
    parts = [write(tmp_path / f"part{k}.jsonl", rows[k::2]) for k in range(2)]
    assert list(audited(*parts).by_judge) == ["unnamed"]


def test_scores_without_a_model_are_the_files(tmp_path: Path) -> None:
    files = [
        write(tmp_path / f"{model}.jsonl", [{"session_id": n, "score": worth + n % 2} for n in range(N)])
        for model, worth in ((TUNE, 3), (BASE, 2))
    ]
    assert rate(audited(*files)) == 1.0
    with pytest.raises(InputError, match="every row is of one model"):
        read_files(files[:1])


def test_rows_under_their_ids_are_rows(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    rows = {f"q{n}": {"winner": TUNE if won(n) else BASE, "judge": "ann"} for n in range(N)}
    path.write_text(json.dumps(rows, indent=1))
    assert rate(audited(path)) == 0.75


@pytest.mark.parametrize(
    ("column", "letters"), [("candidate_letter", ("A", "B")), ("candidate_is_a", (True, False))]
)
def test_a_winners_letter_is_the_candidates_where_a_column_says_so(
    tmp_path: Path, column: str, letters: tuple[object, object]
) -> None:
    rows = [
        {"prompt": asked(n), column: letters[n % 2], "winner": "AB"[(n % 2) ^ (not won(n))]}
        for n in range(N)
    ]
    analysis = audited(write(tmp_path / "f.jsonl", rows))
    assert (analysis.candidate.name, present(analysis.win_rate).value) == ("candidate", 0.75)


def test_declarations_are_made_on_the_command_line(tmp_path: Path) -> None:
    rows = [
        {"prompt": asked(n), "text_a": f"x {n}", "text_b": f"y {n}", "vote": n % 7 - 3, "ann": 1 + n % 2}
        for n in range(28)
    ]
    path = str(write(tmp_path / "f.jsonl", rows))
    for more, share in (
        (["--scale", "-3..3=second..first"], 0.5),
        (["--raters", "ann", "--winner", "1=first,2=tie"], 0.75),
        (["--winner", "*=invalid,-3=first,3=second,0=first"], 2 / 3),
        (["--scale", "-3..3=second..first", "--candidate", "text_b"], 0.5),
    ):
        done = CliRunner().invoke(command, [path, *more, "--json"])
        assert done.exit_code == 0, (more, done.exception)
        assert json.loads(done.output)["win_rate"]["value"] == pytest.approx(share)
