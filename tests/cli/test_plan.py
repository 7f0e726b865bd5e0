"""`brie plan`: what a suite can tell and what it costs, before anything is spent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from brie.catalog import load_suite
from brie.cli.plan import command, lines
from brie.errors import UsageError
from brie.project import Project
from brie.records import JudgeSpec, Price, Provider, Rubric, Suite
from brie.records.estimates import VarianceComponents
from brie.report.plan_figure import write_plan_figure
from brie.studies.planning import Earlier, design, place
from brie.studies.suite_plan import judges_to_price
from tests.flow.world import suite


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
    assert list(one["needed"].values()) == [783, 194, 85, 28, 17]
    assert list(three["needed"].values()) == [418, 104, 49, 17, 11]


def test_the_terminal_shows_the_three_more_below_fifty(folder: Path) -> None:
    text = CliRunner().invoke(command, ["--suite", "in_domain"], catch_exceptions=False).output
    assert "783     194      85    25+3    14+3" in text
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


def test_measured_components_tell_the_orders_apart() -> None:
    parts = VarianceComponents(prompt=0.03, sample=0.02, noise=0.02, order_noise=0.06)
    found = design(suite(100), (1, 3), ("both", "balanced"), earlier=Earlier("eval-x", 0.6, 1, parts))
    assert found.measured == "eval-x"
    both, _, one, _ = (row.power.ratio for row in found.rows)
    assert one > both
    text = "\n".join(lines(found))
    assert "as measured by eval-x" in text
    assert "1 balanced" in text


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
