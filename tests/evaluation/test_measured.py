"""Judges held against people's votes: in the analysis, in `brie agreement`, on the card, in the plan."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from brie.cli.agreement import lines as agreement_lines
from brie.cli.judges.score import lines as card_lines
from brie.cli.plan import command
from brie.evaluation.folders import Evaluation
from brie.judge.interface import Task
from brie.project import Project
from brie.records.analysis import Analysis
from brie.records.people import HumanAnchored, MeasuredByPeople
from brie.records.studies import AgreementDocument
from brie.report.agreement import build_agreement_page
from brie.report.agreement_markdown import render_agreement_markdown
from brie.report.judge_card import build_card, render_card_markdown
from brie.report.sheets import render_sheet
from brie.store import Store
from brie.studies import agreement
from brie.studies.held_against_people import of_judge
from tests.evaluation.test_anchor import PROMPTS, Mind, analysed, answer, ask, number, often, vote
from tests.flow.planted import Judging, Said, planted
from tests.flow.world import World
from tests.present import present
from tests.report.test_judge_card import card

TRUTH = often(0.6)


def person(salt: int, sees: float = 0.9) -> Mind:
    """Somebody who mostly says what is true."""

    def mind(prompt: int) -> bool:
        drawn = random.Random(104_729 * salt + prompt)
        return TRUTH(prompt) if drawn.random() < sees else drawn.random() < 0.5

    return mind


def judge(mind: Mind) -> Judging:
    def said(task: Task, one: str, two: str, rng: np.random.Generator) -> Said:
        return Said("candidate" if mind(number(task)) else "baseline")

    return said


@dataclass(frozen=True)
class Voted:
    """An evaluation that two people voted on, its numbers on disk."""

    project: Project
    evaluation: Evaluation
    analysis: Analysis
    document: AgreementDocument

    @property
    def measured(self) -> MeasuredByPeople:
        return present(present(self.analysis.human_anchored).measured)


@pytest.fixture(scope="module")
def voted(tmp_path_factory: pytest.TempPathFactory) -> Voted:
    """Judge `near` sees what people see, `copy` says what `near` says, `blind` says anything."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "brie.toml").write_text("")
    world = World.make(folder / "runs")
    near = person(1, 0.7)
    minds = {"near": near, "copy": near, "blind": person(9, 0.0)}
    manifest = planted(
        world, answer, {name: judge(mind) for name, mind in minds.items()}, prompts=PROMPTS,
        instruments=("longer",),
    )  # fmt: skip
    evaluation = ask(world, Evaluation(world.root / manifest.id, manifest), 52)
    for salt, name in ((2, "Ann"), (3, "Bo")):
        evaluation = vote(world, evaluation, person(salt), names=(name,))
    analysis = analysed(world, evaluation.manifest)
    evaluation.analysis_file.write_text(analysis.to_json())
    with Store.open(world.root / "brie.sqlite", read_only=True) as store:
        document = agreement([evaluation.manifest], store)
    return Voted(Project.find(folder), evaluation, analysis, document)


def test_each_judge_is_held_against_people_and_people_against_themselves(voted: Voted) -> None:
    measured = voted.measured
    assert set(measured.by_judge) == {"near", "copy", "blind", "longer"}
    people = present(present(measured.people).kappa)
    near, blind = (present(measured.by_judge[name].agreement.kappa) for name in ("near", "blind"))
    assert blind.value < near.value < people.value
    assert measured.by_judge["near"].agreement == measured.by_judge["copy"].agreement
    gap = present(measured.by_judge["blind"].less_people["kappa"])
    assert present(gap.high) < 0
    assert measured.by_judge["longer"].agreement.kappa is None
    notes = voted.analysis.notes
    assert "always says the same" in notes["human_anchored.measured.by_judge.longer.kappa"]


def test_judges_that_copy_are_worth_fewer(voted: Voted) -> None:
    pairs = {pair.judges: present(pair.correlation).value for pair in voted.measured.shared_errors}
    assert pairs["near", "copy"] == pytest.approx(1.0)
    worth = present(voted.measured.effective_judges)
    assert 1 < worth.value < 2.6
    assert voted.measured.at_least
    assert present(present(voted.analysis.agreement).panel).effective_judges == worth.value
    assert "effective_judges" not in voted.analysis.notes


def test_what_a_judge_saves_adds_and_says_when_corrected(voted: Voted) -> None:
    near, blind = (voted.measured.by_judge[name] for name in ("near", "blind"))
    assert present(near.narrows).value > present(blind.narrows).value >= 0
    assert present(near.weight) > present(blind.weight)
    assert present(near.adds).value == pytest.approx(present(voted.measured.by_judge["copy"].adds).value)
    corrected = present(near.corrected)
    assert 0 <= present(corrected.low) <= corrected.value <= present(corrected.high) <= 1
    assert blind.corrected is None
    note = voted.analysis.notes["human_anchored.measured.by_judge.blind.corrected"]
    assert "do not show that it can tell" in note
    assert voted.measured.by_judge["longer"].adds is None


def test_nothing_is_measured_before_the_last_vote(tmp_path: Path) -> None:
    world = World.make(tmp_path)
    manifest = planted(world, answer, {"near": judge(person(1))}, prompts=30)
    evaluation = ask(world, Evaluation(world.root / manifest.id, manifest), 20)
    evaluation = vote(world, evaluation, person(2), most=10)
    people: HumanAnchored = present(analysed(world, evaluation.manifest).human_anchored)
    assert people.measured is None


def test_agreement_says_the_same_and_shows_it(voted: Voted) -> None:
    document = voted.document
    assert document.people[voted.evaluation.manifest.id] == voted.measured
    assert AgreementDocument.model_validate(json.loads(json.dumps(document.written()))) == document
    text = "\n".join(agreement_lines(document))
    assert "held against people's votes" in text
    assert "blind agrees with people less than people do with each other." in text
    assert "cannot be known without human labels" not in text
    assert all(len(line) <= 80 for line in text.splitlines())
    page = build_agreement_page(document, [])
    for written in (render_sheet("agreement.html", page), render_agreement_markdown(page)):
        assert "Held against people" in written
        assert "independent ones" in written


def test_the_card_of_that_very_judge_shows_it(voted: Voted) -> None:
    seat = next(s for s in voted.evaluation.manifest.plan.seats if s.judge.id == "near")
    measured = of_judge(seat.digest, voted.project)
    assert measured == {voted.evaluation.manifest.id: voted.measured.by_judge["near"]}
    assert of_judge("sha256:0", voted.project) == {}
    shown = card(people=measured)
    assert "## Held against people's votes" in render_card_markdown(build_card(shown))
    assert any("Kappa with people" in line for line in card_lines(shown))
    assert "people" not in card().model_dump(exclude_unset=True)


def suite_file(voted: Voted) -> str:
    made = voted.evaluation.manifest.plan.suite
    lines = [f'name = "{made.name}"', f'version = "{made.version}"', f'rubric = "{made.rubric}"']
    for prompt in made.prompts:
        fields = {
            "id": prompt.id, "category": prompt.category, "source": prompt.source,
            "reference": prompt.reference, "prompt": prompt.messages[0].content,
        }  # fmt: skip
        lines += ["[[prompt]]", *(f'{key} = "{value}"' for key, value in fields.items())]
    (voted.project.root / "again.toml").write_text("\n".join(lines))
    return "again.toml"


def planned(voted: Voted, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.chdir(voted.project.root)
    done = CliRunner().invoke(
        command, ["--suite", suite_file(voted), "--samples", "1", *arguments], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_plan_recommends_what_narrows_most(voted: Voted, monkeypatch: pytest.MonkeyPatch) -> None:
    text = planned(voted, monkeypatch, "--judge", "longer")
    assert f"people's rate in {voted.evaluation.manifest.id}: 52 prompts with votes, 14 without" in (
        " ".join(text.split())
    )
    assert "14 more votes of people" in text
    assert "judge longer as well" in text
    assert "1 min a vote (--minutes-per-vote)" in " ".join(text.split())
    bought = json.loads(planned(voted, monkeypatch, "--judge", "longer", "--json"))["narrowing"]
    kinds = [option["kind"] for option in bought["options"]]
    assert kinds == ["votes", "prompts", "judge"]
    assert all(option["half_width"] < bought["half_width"] for option in bought["options"][:2])
    assert bought["options"][bought["per_dollar"]]["usd"] == 0


def test_a_votes_price_is_what_was_said_of_it(voted: Voted, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = ("--minutes-per-vote", "3", "--usd-per-hour", "20")
    bought = json.loads(planned(voted, monkeypatch, *rates, "--json"))["narrowing"]
    votes = bought["options"][0]
    assert votes["minutes"] == pytest.approx(42)
    assert votes["usd"] == pytest.approx(14)
    assert bought["rates"] == {"minutes_per_vote": 3.0, "usd_per_hour": 20.0}


def test_without_votes_the_plan_says_that_the_lean_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brie.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(command, ["--suite", "demo"], catch_exceptions=False)
    assert "`brie judge EVAL --people 80`" in done.stdout
    plan = CliRunner().invoke(command, ["--suite", "demo", "--json"], catch_exceptions=False)
    assert "narrowing" not in json.loads(plan.stdout)
