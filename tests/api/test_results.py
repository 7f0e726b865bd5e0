"""What Python gets back shows itself: in a line, as HTML that does nothing, and as DataFrames."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

import brie
from brie.api.documents import Comparison
from brie.api.results import Audited, Evaluated
from brie.report.notebook import result_html, table_html
from tests.api.conftest import ROWS, columns
from tests.present import present
from tests.report import sample
from tests.report.hostile import HOSTILE
from tests.report.test_build import hostile_analysis, read


def judged(table: dict[str, list[str]], project: brie.Project) -> Evaluated:
    return brie.evaluate(
        project=project, pairs=table, prompt="question", candidate="mine", baseline="theirs",
        judges=["longer", "distinct"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """An evaluation of two rules; its project is found through it."""
    return judged(columns(), brie.Project(tmp_path_factory.mktemp("made")))


def test_a_result_is_one_short_line(made: Evaluated) -> None:
    text = repr(made)
    assert text.startswith("<brie mine against theirs")
    assert "of 100, likely" in text
    assert f"{ROWS} prompts>" in text
    assert "\n" not in text
    assert len(text) < 160
    assert "INTERIM" in repr(Audited(sample.analysis(interim=True, verdict=None), made.project))


def test_a_notebook_shows_verdict_scale_and_checks(made: Evaluated) -> None:
    card = made._repr_html_()
    for part in ('class="verdict"', "<svg", "checks pass", "mine against theirs", "index.html"):
        assert part in card
    assert str(made.project.root) not in card
    read(card)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_harmless_in_a_notebook(name: str) -> None:
    text = HOSTILE[name]
    for card in (
        result_html(hostile_analysis(text), sample.manifest(), text),
        table_html(text, (text, text), [(text, text)], (text,)),
    ):
        tags = read(card)
        assert tags.tags <= {
            "div", "style", "p", "svg", "g", "line", "rect", "circle", "text", "ul", "li", "b", "code",
            "table", "thead", "tbody", "tr", "th", "td",
        }  # fmt: skip
        assert not any(attribute.startswith("on") for attribute in tags.attributes)
        assert tags.links == []


def test_verdicts_prompts_and_judges_are_tables(made: Evaluated) -> None:
    verdicts, prompts, judges = (made.to_pandas(what) for what in ("verdicts", "prompts", "judges"))
    assert len(verdicts) == ROWS * 2 * 2
    assert set(verdicts["winner"]) <= {"candidate", "baseline", "tie"}
    assert len(prompts) == ROWS
    assert prompts["score"].mean() == pytest.approx(present(made.win_rate).value)
    assert list(judges["judge"]) == ["longer", "distinct"]
    assert judges["win_rate"].mean() == pytest.approx(present(made.win_rate).value)
    assert verdicts.groupby("judge")["score"].mean()["longer"] == pytest.approx(judges["win_rate"][0])
    with pytest.raises(brie.BrieError, match="did you mean 'verdicts'"):
        made.to_pandas("verdict")  # type: ignore[arg-type]


def test_without_pandas_the_sentence_says_how_to_get_it(
    made: Evaluated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(brie.BrieError, match=r"pip install 'brie-eval\[pandas\]'"):
        made.to_pandas()


def test_a_report_is_a_path_and_is_opened_by_a_call(
    made: Evaluated, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert made.report.is_file()
    assert isinstance(made.report, Path)
    assert made.report(open=False) == made.report  # type: ignore[operator]
    assert opened == []
    made.report()  # type: ignore[operator]
    assert opened == [made.report.resolve().as_uri()]


def test_an_audit_shows_itself_and_writes_only_when_asked(tmp_path: Path) -> None:
    rows = {
        "prompt": [f"q{n}" for n in range(20)],
        "winner": ["candidate" if n % 3 else "tie" for n in range(20)],
    }
    project = brie.Project(tmp_path)
    for judgments in (rows, pd.DataFrame(rows)):
        audited = brie.audit(judgments, project, claim=0.9)
        assert repr(audited).startswith("<brie candidate against baseline")
        assert present(audited.win_rate).value == pytest.approx((13 + 7 / 2) / 20)
        assert "claim" in audited._repr_html_()
        assert len(audited.to_pandas()) == 1
    assert list(tmp_path.iterdir()) == []
    assert audited.report(open=False).is_file()
    with pytest.raises(brie.BrieError, match="in the files themselves"):
        audited.to_pandas("verdicts")  # type: ignore[arg-type]
    with pytest.raises(brie.BrieError, match="cannot be read"):
        brie.audit(str(tmp_path / "gone.jsonl"))


def test_evaluations_are_compared_and_judges_held_together(made: Evaluated) -> None:
    other = judged({**columns(), "mine": ["short"] * ROWS}, made.project)
    compared = brie.compare([made, other.id], made.project)
    assert isinstance(compared, Comparison)
    gap = present(made.win_rate).value - present(other.win_rate).value
    assert compared.to_pandas()["value"][0] == pytest.approx(gap)
    assert compared.written()["schema"] == "brie.compare/1"
    assert "minus" in repr(compared)
    agreed = brie.agreement(made, made.project)
    assert agreed.written()["schema"] == "brie.agreement/1"
    assert list(agreed.to_pandas()["comparisons"]) == [ROWS]
    for shown in (compared, agreed):
        assert "\n" not in repr(shown)
        assert "<table" in read_whole(shown._repr_html_())


def read_whole(html: str) -> str:
    read(html)
    return html


def test_a_plan_shows_what_it_can_find(tmp_path: Path) -> None:
    planned = brie.plan("demo", brie.Project(tmp_path), samples=(1, 3))
    assert repr(planned).startswith("<brie plan of suite demo, 66 prompts: 1 sample finds")
    assert list(planned.to_pandas()["samples"]) == [1, 3, 1, 3]
    assert (
        planned.document() == brie.plan_table("demo", brie.Project(tmp_path), samples=(1, 3)).document()
    )
    assert "<table" in read_whole(planned._repr_html_())


def test_names_are_completed() -> None:
    assert set(brie.__all__) <= set(dir(brie))
