"""`brie plan`: what a suite can tell and what it costs, before anything is spent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from brie.analyse.power import variance_ratio
from brie.catalog import load_suite
from brie.cli.plan import command, lines
from brie.errors import UsageError
from brie.evaluation.manifest import write_manifest
from brie.project import Project
from brie.records import JudgeSpec, PanelJudge, Positions, Price, Provider, Rubric, Side, Suite
from brie.records.estimates import VarianceComponents
from brie.report.plan_figure import write_plan_figure
from brie.studies.planning import Earlier, design, place
from brie.studies.suite_plan import judges_to_price, measured
from tests.flow.world import World, rules, suite


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "brie.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(command, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def test_the_formula_column_is_the_reference_to_the_integer(folder: Path) -> None:
    one, three = run("--suite", "in_domain", "--samples", "1", "--samples", "3", "--positions", "both")[
        "rows"
    ]
    assert list(one["formula"].values()) == [783, 194, 85, 25, 14]
    assert list(three["formula"].values()) == [418, 104, 46, 14, 8]
    assert list(one["needed"].values()) == [803, 204, 92, 29, 17]
    assert list(three["needed"].values()) == [429, 109, 49, 17, 11]


def test_the_terminal_shows_the_prompts_that_whole_wins_cost(folder: Path) -> None:
    text = CliRunner().invoke(command, ["--suite", "in_domain"], catch_exceptions=False).output
    assert "783+20  194+10    85+7    25+4    14+3" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_nothing_is_written_and_no_key_is_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    found = run("--suite", "in_domain", "--panel", "default")
    assert found["judges"] == ["claude-sonnet", "gpt-sol", "gemini-flash"]
    assert all(row["price"]["usd"] > row["price"]["usd_batch"] > 0 for row in found["rows"])
    assert [path.name for path in folder.iterdir()] == ["brie.toml"]


def judge(**changes: Any) -> Any:
    made = {"id": "paid", "provider": Provider.OPENAI, "model": "m",
            "price": Price(input=2.0, output=10.0, source="here", read_on="2026-01-01")}  # fmt: skip
    return place(JudgeSpec(**{**made, **changes}), Rubric(name="r", text="Judge."))


def test_the_price_follows_prompts_samples_and_orders() -> None:
    found = design(suite(100), (1, 2), ("both", "balanced"), seats=[judge()])
    calls = [row.price.calls for row in found.rows if row.price]
    controls = 24 * 2
    assert calls == [200 + 2 * controls, 400 + 2 * controls, 100 + controls, 200 + controls]
    for row in found.rows:
        assert row.price is not None
        assert row.price.usd is not None
        assert row.price.usd_batch == pytest.approx(row.price.usd / 2)
        assert row.price.minutes is not None
        assert row.price.minutes > 0


def test_a_price_nobody_knows_is_said_and_never_zero() -> None:
    found = design(suite(20), (1,), ("both",), seats=[judge(price=None, model="nobody-knows-this-one")])
    assert found.rows[0].price is not None
    assert found.rows[0].price.usd is None
    text = "\n".join(lines(found))
    assert "unknown" in text
    assert "price not known: paid" in text


def test_rules_are_free_and_a_local_model_has_no_time_until_it_was_timed() -> None:
    rule = place(JudgeSpec(id="longer", provider=Provider.RULES, model="longer"), None)
    local = place(JudgeSpec(id="local", provider=Provider.TRANSFORMERS, model="q"), None)
    one = design(suite(20), (1,), ("both",), seats=[rule]).rows[0].price
    two = design(suite(20), (1,), ("both",), seats=[rule, local]).rows[0].price
    assert one is not None
    assert two is not None
    assert (one.usd, one.minutes, two.minutes) == (0.0, 0.0, None)


PARTS = VarianceComponents(
    prompt=0.03, sample=0.02, samples=3, judges=1,
    intervals={"prompt": (0.01, 0.05), "sample": (0.01, 0.03)},
)  # fmt: skip


def test_only_the_orders_that_were_measured_are_planned_from_a_measurement() -> None:
    pilots: dict[Positions, Earlier] = {"both": Earlier("eval-x", 0.6, PARTS)}
    table = design(suite(100), (1, 3), ("both", "balanced"), earlier=pilots)
    both, _, single, _ = table.rows
    assert (both.measured, single.measured) == ("eval-x", None)
    assert single.power.ratio == variance_ratio(1)
    text = "\n".join(lines(table))
    assert "both orders: variance as measured by eval-x" in text
    assert "one order: variance assumed" in text
    assert "1 balanced" in text
    written = table.document().written()
    assert written["measured"] is None
    assert [row["measured"] for row in written["rows"]] == ["eval-x", "eval-x", None, None]  # type: ignore


def test_one_sample_a_prompt_is_planned_from_with_an_assumption_that_is_said() -> None:
    parts = PARTS.model_copy(update={"sample": None, "samples": 1})
    table = design(suite(100), (1, 3), ("both",), earlier={"both": Earlier("eval-x", 0.6, parts)})
    text = "\n".join(lines(table))
    assert "one sample a prompt, so that two correlate .3 is assumed" in text
    assert all(len(line) <= 80 for line in text.splitlines())
    one, three = table.rows
    assert three.power.ratio < one.power.ratio
    assert "assumed" in str(table.document().rows[1].assumed)


def judged(project: Project, *, panel_judges: tuple[PanelJudge, ...], made: Suite, samples: int = 1,
           positions: Positions = "both", always: str | None = None) -> str:  # fmt: skip
    """A finished evaluation of the project, by these judges; its id."""
    world = World.make(project.root / f"w{len(list(project.root.iterdir()))}")

    def text(side: Side, prompt: int, sample: int) -> str:
        if always is not None:
            return always
        return f"{side} " + "word " * (1 + (3 * prompt + 5 * sample + (side == "candidate")) % 7)

    analysis, manifest = world.evaluate(
        text, panel_judges=panel_judges, made=made, samples=samples, positions=positions
    )
    folder = project.runs / manifest.id
    write_manifest(folder, manifest)
    (folder / "analysis.json").write_text(analysis.to_json())
    return manifest.id


def test_the_variance_of_other_judges_orders_or_prompts_is_never_used(folder: Path) -> None:
    project, made = Project.find(folder), suite(24)
    seats = rules("longer")
    judged(project, panel_judges=rules("first"), made=made)
    judged(project, panel_judges=rules("longer", "distinct"), made=made)
    judged(project, panel_judges=seats, made=suite(30))
    assert measured(made, seats, project) == {}
    alone = judged(project, panel_judges=seats, made=made)
    assert {order: pilot.id for order, pilot in measured(made, seats, project).items()} == {
        "both": alone
    }
    single = judged(project, panel_judges=seats, made=made, positions="balanced")
    chosen = measured(made, seats, project)
    assert {order: pilot.id for order, pilot in chosen.items()} == {"both": alone, "balanced": single}


def test_the_evaluation_that_tells_samples_apart_is_preferred(folder: Path) -> None:
    project, made, seats = Project.find(folder), suite(24), rules("longer")
    several = judged(project, panel_judges=seats, made=made, samples=3)
    judged(project, panel_judges=seats, made=made, samples=1)
    assert measured(made, seats, project)["both"].id == several


def test_judges_that_saw_no_difference_leave_the_plan_as_it_was_assumed(folder: Path) -> None:
    project, made, seats = Project.find(folder), suite(24), rules("longer")
    judged(project, panel_judges=seats, made=made, always="the same words")
    table = design(made, (1, 3), ("both",), earlier=measured(made, seats, project), seats=seats)
    assert [row.power.ratio for row in table.rows] == [variance_ratio(1), variance_ratio(3)]
    assert table.measured is None


def test_a_suite_too_small_finds_nothing_and_says_so(folder: Path) -> None:
    (folder / "tiny.toml").write_text(
        'name = "tiny"\n' + "".join(f'[[prompt]]\nid = "{n}"\nprompt = "Why {n}?"\n' for n in range(3))
    )
    assert run("--suite", "tiny.toml")["rows"][0]["detectable"] is None
    text = CliRunner().invoke(command, ["--suite", "tiny.toml"], catch_exceptions=False).output
    assert "nothing" in text
    assert "nan" not in text.casefold()


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_the_plot_is_drawn_and_the_same_every_time(kind: str, tmp_path: Path) -> None:
    plan = design(suite(60), (1, 3), ("both",)).document()
    one, two = (write_plan_figure(plan, tmp_path / f"{n}.{kind}").read_bytes() for n in ("a", "b"))
    assert len(one) > 5_000
    assert one == two


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--suite", "demo", "--plot", "plan.bmp"], "not '.bmp'"),
        (["--suite", "demo", "--plot", "nowhere/plan.svg"], "no folder"),
        (["--suite", "demo", "--judge", "longer", "--panel", "offline"], "not both"),
        (["--suite", "demo", "--judge", "longr"], "did you mean 'longer'"),
        (["--suite", "demoo"], "unknown suite"),
    ],
)
def test_a_mistake_is_one_sentence(folder: Path, arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(command, arguments)
    assert isinstance(done.exception, UsageError)
    assert words in str(done.exception)
    assert [path.name for path in folder.iterdir()] == ["brie.toml"]


def test_the_shipped_suites_can_be_planned(folder: Path) -> None:
    project = Project.find(folder)
    for name in ("demo", "in_domain", "out_of_domain"):
        loaded: Suite = load_suite(name, project)
        seats = judges_to_price((), "cheap", loaded, project)
        assert design(loaded, (1,), ("both",), seats=seats).rows[0].price is not None
