"""Byte-identical answers: one half in the rate, nobody's tie, and said in the first line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brie import versions
from brie.analyse import ControlTables, analyse_verdicts
from brie.analyse.table import VerdictTable
from brie.bundle import check_file
from brie.bundle.merge import unbundle
from brie.checks import run_checks
from brie.ci.findings import Finding
from brie.ci.gate import gate
from brie.ci.verify import verify
from brie.evaluation.folders import Evaluation, find_evaluation
from brie.evaluation.results import rebuild
from brie.project import Project
from brie.records import Manifest, Side
from brie.records.analysis import Analysis
from brie.report.card import card
from brie.report.drawing import STYLE
from brie.report.html import render_html
from brie.report.markdown import render_markdown
from brie.report.page import build_page
from brie.report.terminal import summarise
from tests.analyse.tables import coin, design, ties
from tests.checks.cases import clean, same
from tests.flow.world import World

OLD = Path(__file__).parents[1] / "golden" / "identical-made-by-0.1.0.zip"
"""Twelve comparisons, two of identical answers, judged by a build that counted them as ties."""


def reference(number: int) -> str:
    return f"The reference answer number {number} says what is so."


def alike(side: Side, prompt: int, sample: int) -> str:
    return reference(prompt)


@pytest.fixture(scope="module")
def same_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Analysis, Manifest]:
    world = World.make(tmp_path_factory.mktemp("same"))
    return world.evaluate(alike, prompts=66, controls=20)


def test_two_models_that_do_the_same_are_equivalent_and_pass_the_gate(
    same_models: tuple[Analysis, Manifest],
) -> None:
    analysis, _ = same_models
    assert analysis.win_rate is not None
    assert analysis.win_rate.value == 0.5
    assert analysis.verdict == "equivalent", analysis.verdict_reason
    assert analysis.outcomes.model_dump() == {"win": 0, "tie": 0, "loss": 0, "identical": 132}
    assert analysis.by_judge["reference"].outcomes == analysis.outcomes
    assert gate(analysis, "not-worse").exit_code == 0
    assert gate(analysis, "better").exit_code == 4


def test_every_place_says_it_first(same_models: tuple[Analysis, Manifest]) -> None:
    import matplotlib

    analysis, manifest = same_models
    page = build_page(analysis, manifest, [])
    with matplotlib.rc_context(STYLE):
        figure = card(analysis, manifest)
    assert figure is not None
    html = render_html(page)
    texts = {
        "terminal": summarise(analysis, manifest, colour=False),
        "page": html.split('<h1 id="verdict">')[1].split("</h1>")[0],
        "card": " ".join(text.get_text() for text in figure.texts),
        "markdown": render_markdown(page),
    }
    for place, text in texts.items():
        assert "66 of 66 pairs of answers are identical: the two models do the same here" in " ".join(
            text.replace("\\", "").split()
        ), place
    document = json.loads(analysis.to_json())
    assert document["counts"]["identical"] == 66
    assert document["outcomes"] == {"win": 0, "tie": 0, "loss": 0, "identical": 132}
    assert "66 of 66" in html.split("Identical answers")[1][:40]


def test_without_judges_shown_able_to_tell_the_same_answers_prove_nothing(tmp_path: Path) -> None:
    analysis, _ = World.make(tmp_path / "w").evaluate(alike, prompts=66)
    assert analysis.verdict == "undecided"
    assert "controls were not run" in analysis.verdict_reason
    assert gate(analysis, "not-worse").exit_code == 5


# --- some identical, some judged -----------------------------------------------------------


def mostly_identical(judged: int, table: VerdictTable) -> VerdictTable:
    """The table with all prompts but the first `judged` ones identical."""
    alike = table.prompt >= judged
    columns = {name: getattr(table, name) for name in ("prompt", "judge", "sample", "position", "label")}
    return VerdictTable.build(
        prompts=table.prompts, judges=table.judges, score=np.where(alike, 0.5, table.score),
        identical=alike, both_orders=True, **columns,
    )  # fmt: skip


def controls() -> ControlTables:
    return ControlTables(damaged=design([coin(1.0)], prompts=24))


def test_two_hundred_of_three_hundred_identical_and_a_judge_that_can_tell_are_equivalent() -> None:
    steady = design([ties], prompts=300)
    won = (steady.prompt % 2).astype(np.float64)
    table = mostly_identical(100, replace(steady, score=won))
    parts = analyse_verdicts(table, controls=controls())
    assert parts.outcomes.tie == 0
    assert parts.outcomes.identical == 400
    assert parts.verdict == "equivalent", parts.verdict_reason


def test_ties_on_the_answers_that_differ_still_show_a_judge_that_cannot_tell() -> None:
    tied = mostly_identical(100, design([ties], prompts=300))
    parts = analyse_verdicts(tied, controls=controls())
    assert parts.outcomes.tie == 200
    assert parts.verdict == "undecided"
    assert "half of the verdicts or more are ties" in parts.verdict_reason


def test_too_few_different_answers_to_matter_need_no_more_than_recognised_damage() -> None:
    tied = mostly_identical(20, design([ties], prompts=300))
    assert analyse_verdicts(tied, controls=controls()).verdict == "equivalent"


def test_slices_count_identical_answers_apart() -> None:
    parts = analyse_verdicts(mostly_identical(10, design([coin(0.5)], prompts=40)))
    for part in (*parts.by_category.values(), *parts.by_source.values()):
        assert part.outcomes is not None
    counted = [part.outcomes for part in parts.by_source.values() if part.outcomes]
    assert sum(c.identical or 0 for c in counted) == 60
    assert sum(c.win + c.tie + c.loss for c in counted) == 20


def test_damage_that_changed_nothing_is_not_held_against_the_judges() -> None:
    damaged = mostly_identical(16, design([coin(1.0)], prompts=24))
    numbers = analyse_verdicts(
        design([coin(0.7)]), controls=ControlTables(damaged=damaged)
    ).controls.damaged
    assert numbers is not None
    assert numbers.win_rate is not None
    assert (numbers.identical, numbers.win_rate.prompts, numbers.win_rate.value) == (8, 16, 1.0)


def test_a_name_in_two_identical_answers_gives_no_side_away() -> None:
    def named(text: str, prompt: int, sample: int) -> str:
        return f"I am Claude, made by Anthropic, and this is answer {prompt}." if prompt < 6 else text

    both, one_side = (
        {check.id: check for check in run_checks(clean(candidate=named, baseline=baseline))}["blinding"]
        for baseline in (named, same)
    )
    assert one_side.evidence["self_named_pairs"] == pytest.approx(18 / 216)
    assert both.evidence["self_named_pairs"] == 0


# --- documents of builds that counted them as ties -----------------------------------------


def broken(findings: list[Finding]) -> list[str]:
    return [one.what for one in findings if not one.holds]


def opened(folder: Path) -> tuple[Evaluation, Project]:
    project = Project(folder)
    return find_evaluation(unbundle(OLD, project).id, project), project


def test_a_document_that_counted_them_as_ties_still_holds_and_says_so(tmp_path: Path) -> None:
    _, findings = check_file(OLD)
    assert broken(findings) == []
    assert any("identical answers counted as ties of the judges then" in one.what for one in findings)


def _ties(document: dict[str, dict[str, int]]) -> None:
    document["outcomes"]["tie"] -= 8


def _recognition(document: dict[str, dict[str, dict[str, dict[str, float]]]]) -> None:
    document["controls"]["damaged"]["win_rate"]["value"] = 0.75


@pytest.mark.parametrize(
    ("change", "where"), [(_ties, "outcomes.tie"), (_recognition, "controls.damaged.win_rate.value")]
)
def test_its_numbers_are_recomputed_as_they_were_counted(
    tmp_path: Path, change: Callable[[object], None], where: str
) -> None:
    evaluation, project = opened(tmp_path)
    document = json.loads(evaluation.analysis_file.read_text("utf-8"))
    change(document)
    evaluation.analysis_file.write_text(json.dumps(document), encoding="utf-8")
    assert any(where in what for what in broken(verify(evaluation, project)))


def test_a_new_report_of_it_counts_them_apart(tmp_path: Path) -> None:
    evaluation, project = opened(tmp_path)
    before = Analysis.read(evaluation.analysis_file.read_bytes())
    assert before.outcomes.identical is None
    page = dict(build_page(before, evaluation.manifest, []).facts)
    assert "identical answers among the ties" in page["Won, tied, lost"]
    again = rebuild(evaluation, project).analysis
    assert again.outcomes.identical == 8
    assert again.outcomes.tie == before.outcomes.tie - 8
    assert again.version != versions.release_of(again.version)
    assert broken(verify(evaluation, project)) == []


def test_a_document_of_this_build_may_not_leave_the_count_out(tmp_path: Path) -> None:
    evaluation, project = opened(tmp_path)
    rebuild(evaluation, project)
    document = json.loads(evaluation.analysis_file.read_text("utf-8"))
    del document["outcomes"]["identical"]
    evaluation.analysis_file.write_text(json.dumps(document), encoding="utf-8")
    assert any("outcomes.identical" in what for what in broken(verify(evaluation, project)))
