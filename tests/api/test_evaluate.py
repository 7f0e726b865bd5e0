"""Evaluating from Python: by keywords, of answers that Python holds, as the command line does it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

import brie
from brie.api.evaluations import Settings
from brie.api.results import Evaluated
from brie.api.tables import rows_of
from brie.checks.standing import CAUSES
from brie.ci.documents import differences
from brie.ci.verify import verify
from brie.evaluation.request import EvalRequest
from tests.api.conftest import columns
from tests.flow.test_answers import code_of


def judged(**more: object) -> Evaluated:
    """The answers of `columns` as a DataFrame, judged by a rule."""
    asked = {
        "pairs": pd.DataFrame(columns()), "prompt": "question", "candidate": "mine",
        "baseline": "theirs", "judges": "longer",
    }  # fmt: skip
    return brie.evaluate(**{**asked, **more})


def write_csv(path: Path, table: dict[str, list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([list(table), *zip(*table.values(), strict=True)])


def test_a_dataframe_is_judged_as_the_command_judges_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "typed").mkdir()
    (tmp_path / "called").mkdir()
    monkeypatch.chdir(tmp_path / "typed")
    write_csv(Path("answers.csv"), columns())
    typed = ["--candidate", "mine", "--baseline", "theirs", "--judge", "longer", "--judge", "distinct"]
    assert code_of("eval", "--pairs", "answers.csv", "--prompt", "question", *typed) == 0
    (path,) = Path().glob("runs/eval-*/analysis.json")
    by_command = json.loads(path.read_text("utf-8"))
    monkeypatch.chdir(tmp_path / "called")
    result = judged(judges=["longer", "distinct"])
    assert result.analysis.seal == by_command["seal"]
    assert differences(by_command, json.loads(result.analysis.to_json())) == []
    assert all(finding.holds for finding in verify(result.evaluation, result.project))


def test_lists_columns_rows_and_a_dataframe_are_one_evaluation(here: Path) -> None:
    table = columns()
    frame = judged(candidate="mine")
    by_columns = judged(pairs=table)
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    assert judged(pairs=rows).id == by_columns.id == frame.id
    assert by_columns.verdicts == 0
    lists = brie.evaluate(
        prompt=table["question"], candidate=table["mine"], baseline=table["theirs"], judges=["longer"]
    )
    assert lists.analysis.candidate.name == "candidate"
    assert lists.win_rate == frame.win_rate


def test_cells_that_are_no_text_become_text_and_nothing_becomes_empty(here: Path) -> None:
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, None], "t": [None, "a"], "s": pd.array(["b", None])})
    assert rows_of(frame) == [
        {"n": "1", "x": "0.5", "t": "", "s": "b"},
        {"n": "2", "x": "", "t": "a", "s": ""},
    ]
    table = columns()
    table["theirs"][0] = ""
    counted = judged(pairs=pd.DataFrame({**table, "theirs": [None, *table["theirs"][1:]]}))
    assert counted.evaluation.manifest.given["baseline"].empty == 1


def test_every_field_of_a_request_has_its_keyword() -> None:
    known = set(EvalRequest.__dataclass_fields__)
    named = {"suite", "pairs", "prompt", "candidate", "baseline", "judges"}
    assert set(Settings.__annotations__) | named | {"typed"} == known


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"candidate": "min"}, "did you mean 'mine'"),
        ({"prompt": "questions"}, "did you mean 'question'"),
        ({"sample": 3}, "unknown keyword 'sample'; did you mean 'samples'"),
        ({"judges": "longest"}, "did you mean 'longer'"),
        ({"pairs": {"question": ["a", "b"], "mine": ["c"]}}, "question 2, mine 1"),
        ({"pairs": []}, "the table has no rows"),
        ({"pairs": [1, 2]}, "these are no rows"),
        ({"candidate": ["a"], "baseline": ["b"]}, "answers in lists need three of one length"),
        ({"pairs": None, "prompt": ["a"], "candidate": ["a"], "baseline": []}, "baseline 0"),
        ({"request": EvalRequest(suite="demo")}, "say everything in the request"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_and_nothing_is_sealed(
    here: Path, asked: dict[str, object], said: str
) -> None:
    with pytest.raises(brie.BrieError, match=said):
        judged(**asked)
    assert list(here.glob("runs/eval-*")) == []


def test_without_consent_nothing_leaves_this_machine(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-none")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(brie.BrieError, match=r"yes"):
        judged(judges="claude-haiku")
    assert list(here.glob("runs/eval-*")) == []


def test_not_worse_is_asserted_with_the_reason(here: Path) -> None:
    result = judged()
    with pytest.raises(AssertionError, match=f"{result.id}: not shown to be not worse"):
        brie.assert_not_worse(result)
    with pytest.raises(AssertionError):
        brie.assert_not_worse(result.id)
    with pytest.raises(brie.BrieError, match="unknown check"):
        brie.assert_not_worse(result, allow=["contamnation"])


def test_what_is_shown_to_be_not_worse_is_given_back(here: Path) -> None:
    table = columns(120)
    references = [f"It is good and has the number {n}, as it should." for n in range(120)]
    close = [f"It is good and has the number {n}, as it must." for n in range(120)]
    result = judged(
        pairs={**table, "mine": close, "reference": references}, judges="reference", controls=24
    )
    answer = brie.assert_not_worse(result, allow=list(CAUSES))
    assert answer.met
    assert "not worse" in answer.sentence
    with pytest.raises(AssertionError, match="worse"):
        brie.assert_not_worse(
            judged(
                pairs={**table, "mine": close, "reference": references}, judges="reference",
                candidate="theirs", baseline="mine", controls=24,
            ),
            allow=list(CAUSES),
        )  # fmt: skip
