"""Several suites as one plan: sealed together, one table, and each as it would be alone."""

from __future__ import annotations

import io
import json
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from brie.cli import main
from brie.evaluation.folders import evaluations
from brie.evaluation.suites import every_suites, read_numbers
from brie.project import Project
from brie.records.analysis import Analysis
from brie.records.suites import SuitesDocument
from tests.flow.conftest import Demo

JUDGES = ("--judge", "reference", "--judge", "longer", "--samples", "1", "--controls", "12")
SHARED = [("p0", "What is rain?"), ("p1", "Tell me of the sea.")]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def brie(folder: Path, *arguments: str) -> Done:
    """A command, typed in that folder."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setattr(sys, "argv", ["brie", *arguments])
        with pytest.raises(SystemExit) as ended:
            main(arguments)
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def _suite(folder: Path, name: str, prompts: list[tuple[str, str]]) -> None:
    rows = "".join(
        f'[[prompt]]\nid = "{key}"\nprompt = "{text}"\nreference = "It is {text.lower()[:-1]} itself."\n'
        for key, text in prompts
    )
    head = f'name = "{name}"\n[sampling]\nmax_new_tokens = 8\n'
    (folder / f"{name}.toml").write_text(head + rows, "utf-8")


@dataclass(frozen=True)
class Two:
    """A project in which two suites were evaluated as one plan."""

    project: Project
    said: str
    id: str

    @property
    def table(self) -> SuitesDocument:
        """The table of record."""
        (suites,) = every_suites(self.project)
        document = read_numbers(suites)
        assert document is not None
        return document

    def analysis(self, suite: str) -> Analysis:
        """The numbers of one suite's own evaluation."""
        (found,) = [e for e in evaluations(self.project) if e.manifest.plan.suite.name == suite]
        return Analysis.read(found.analysis_file.read_text("utf-8"))

    def copy(self, to: Path) -> Project:
        """The project again, to be damaged."""
        shutil.copytree(self.project.root, to, symlinks=True)
        return Project(to)


@pytest.fixture(scope="module")
def two(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Two:
    """`inside` and `outside`: ids alike, two prompts the same, and one id with another text."""
    folder = demo.copy(tmp_path_factory.mktemp("suites") / "project")
    for path in (folder / "runs").glob("eval-*"):
        shutil.rmtree(path)
    _suite(folder, "inside", [*SHARED, *((f"p{n}", f"Describe garden {n}.") for n in range(2, 12))])
    _suite(folder, "outside", [*SHARED, *((f"p{n}", f"Name river {n}.") for n in range(2, 10))])
    done = brie(
        folder, "eval", "--suite", "inside.toml", "--suite", "outside.toml",
        "--candidate", "demo:best", *JUDGES,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (folder_of,) = (folder / "runs").glob("suites-*")
    return Two(Project(folder), done.stdout, folder_of.name)


def test_one_table_has_a_line_a_suite_all_together_and_the_difference(two: Two) -> None:
    table = two.table
    assert [line.suite for line in table.suites] == ["inside", "outside"]
    assert not table.interim
    for line in table.suites:
        assert line.value is not None
        assert line.low is not None
        assert line.high is not None
        assert line.own is not None
        assert line.low <= line.own[0] <= line.value <= line.own[1] <= line.high
        assert line.level == pytest.approx(0.975)
    assert table.together is not None
    assert (table.together.prompts, table.together.shared) == (12 + 10 - 2, 2)
    gap = table.difference
    assert gap is not None
    rates = [line.value or 0.0 for line in table.suites]
    assert gap.value == pytest.approx(rates[0] - rates[1])
    assert gap.low < gap.value < gap.high
    for words in ("inside", "outside", "all together", "inside minus outside", "Forgetting"):
        assert words in two.said, words


def test_each_suite_has_the_numbers_it_has_alone(two: Two, tmp_path: Path) -> None:
    alone = two.copy(tmp_path / "alone")
    shutil.rmtree(alone.runs / two.id)
    before = {e.manifest.id: e.analysis_file.read_bytes() for e in evaluations(alone)}
    for path in alone.runs.glob("eval-*"):
        shutil.rmtree(path)
    done = brie(alone.root, "eval", "--suite", "outside.toml", "--candidate", "demo:best", *JUDGES)
    assert done.returncode == 0, done.stderr
    assert "0 completions and 0 verdicts computed" in done.stderr
    (own,) = evaluations(alone)
    again = json.loads(own.analysis_file.read_bytes())
    first = json.loads(before[own.manifest.id])
    volatile = ("created", "cost", "checks", "seal")
    assert {k: v for k, v in again.items() if k not in volatile} == {
        k: v for k, v in first.items() if k not in volatile
    }
    line = two.table.suites[1]
    assert (line.evaluation, line.value) == (own.manifest.id, again["win_rate"]["value"])


def test_the_same_ids_in_two_suites_do_not_meet(two: Two) -> None:
    plans = [e.manifest.plan for e in evaluations(two.project)]
    asked = [{p.id: p.messages[0].content for p in plan.suite.prompts} for plan in plans]
    assert set(asked[0]) & set(asked[1]) >= {"p2", "p3"}
    assert asked[0]["p2"] != asked[1]["p2"]
    assert sum(two.analysis(name).counts.prompts for name in ("inside", "outside")) == 22


def test_forgetting_is_asked_outside_the_domain_alone(two: Two) -> None:
    inside, outside = two.table.suites
    assert inside.kept is None
    assert outside.kept in ("not worse", "not shown", "worse")
    assert outside.kept_reason


def test_the_same_command_again_computes_nothing_and_finds_it(two: Two, tmp_path: Path) -> None:
    again = two.copy(tmp_path / "again")
    before = (again.runs / two.id / "manifest.json").read_bytes()
    done = brie(
        again.root, "eval", "--suite", "inside.toml", "--suite", "outside.toml",
        "--candidate", "demo:best", *JUDGES, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("0 completions and 0 verdicts computed") == 2
    printed = json.loads(done.stdout)
    assert printed["schema"] == "brie.suites/1"
    assert printed["suites"] == json.loads(two.table.model_dump_json())["suites"]
    assert (again.runs / two.id / "manifest.json").read_bytes() == before


def test_verify_holds_and_a_changed_number_or_row_does_not(two: Two, tmp_path: Path) -> None:
    assert brie(two.project.root, "verify", two.id).returncode == 0
    changed = two.copy(tmp_path / "changed")
    path = changed.runs / two.id / "suites.json"
    numbers: dict[str, Any] = json.loads(path.read_text("utf-8"))
    numbers["together"]["value"] += 0.001
    path.write_text(json.dumps(numbers), "utf-8")
    done = brie(changed.root, "verify", two.id)
    assert done.returncode == 2
    assert "together.value" in done.stdout
    path = changed.runs / two.id / "manifest.json"
    sealed: dict[str, Any] = json.loads(path.read_text("utf-8"))
    sealed["plan"]["parts"].reverse()
    path.write_text(json.dumps(sealed), "utf-8")
    done = brie(changed.root, "verify", two.id)
    assert done.returncode == 2
    assert "sealed together was changed" in done.stdout
    assert brie(changed.root, "gate", two.id, "--require", "better").returncode == 4


def test_a_damaged_one_is_said_where_it_is_asked_for_and_stops_nothing_else(
    two: Two, tmp_path: Path
) -> None:
    damaged = two.copy(tmp_path / "damaged")
    (damaged.runs / two.id / "manifest.json").write_text("{}", "utf-8")
    done = brie(damaged.root, "verify", two.id)
    assert done.returncode == 2
    assert "is not a plan of suites" in done.stderr
    assert brie(damaged.root, "report", two.table.suites[0].evaluation).returncode == 0


def test_a_bundle_of_it_goes_elsewhere_and_holds(two: Two, tmp_path: Path) -> None:
    file = tmp_path / "both.zip"
    assert brie(two.project.root, "bundle", two.id, "-o", str(file)).returncode == 0
    assert brie(tmp_path, "verify", str(file)).returncode == 0
    (tmp_path / "there").mkdir()
    merged = brie(tmp_path / "there", "unbundle", str(file))
    assert merged.returncode == 0, merged.stderr
    there = Project(tmp_path / "there")
    assert len(evaluations(there)) == 2
    assert (there.reports / two.id / "index.html").is_file()
    held = brie(there.root, "verify", two.id)
    assert held.returncode == 0, held.stdout
    listed = json.loads(brie(there.root, "ls", "--json").stdout)
    assert [entry["id"] for entry in listed["suites"]] == [two.id]


def test_reports_and_card_say_the_same(two: Two) -> None:
    done = brie(two.project.root, "report", two.id, "--card")
    assert done.returncode == 0, done.stderr
    folder = two.project.reports / two.id
    page, text = ((folder / name).read_text("utf-8") for name in ("index.html", "report.md"))
    for line in two.table.suites:
        assert f"../{line.evaluation}/index.html" in page
        assert (two.project.reports / line.evaluation / "index.html").is_file()
        assert line.suite in text
    assert "<script" not in page
    assert (folder / "figures" / "card.png").read_bytes()[:4] == b"\x89PNG"


def test_the_gate_asks_every_suite_or_those_that_are_named(two: Two) -> None:
    asked = {}
    for suite in ("inside", "outside"):
        done = brie(two.project.root, "gate", two.id, "--require", "better", "--suite", suite)
        asked[suite] = done.returncode
    every = brie(two.project.root, "gate", two.id, "--require", "better", "--json")
    told = json.loads(every.stdout)
    assert set(told["by_suite"]) == {"inside", "outside"}
    assert every.returncode == max(asked.values(), key=(0, 5, 4).index)
    wrong = brie(two.project.root, "gate", two.id, "--require", "better", "--suite", "insid")
    assert wrong.returncode == 2
    assert "inside" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--suite", "inside.toml", "--suite", "inside.toml"), "is named twice"),
        (("--suite", "inside.toml", "--suite", "nowhere"), "nowhere"),
        (("--suite", "inside.toml", "--suite", "outside.toml", "--until-decided"), "one suite"),
    ],
)
def test_what_is_no_plan_of_several_is_refused_and_nothing_is_sealed(
    two: Two, arguments: tuple[str, ...], words: str
) -> None:
    before = sorted(two.project.runs.glob("*-*"))
    done = brie(
        two.project.root, "eval", *arguments, "--candidate", "demo:best", "--judge", "longer",
        "--seed", "9",
    )  # fmt: skip
    assert done.returncode == 2
    assert words in done.stderr
    assert sorted(two.project.runs.glob("*-*")) == before


def test_verbs_of_one_suite_refuse_a_second(two: Two) -> None:
    done = brie(two.project.root, "plan", "--suite", "inside.toml", "--suite", "outside.toml")
    assert done.returncode == 2
    assert "takes one suite" in done.stderr
