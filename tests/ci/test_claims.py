"""Numbers in a text stay what the store says, or the text is found to be wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from brie.ci.claims import check_claims, find_claims, same_number
from brie.errors import InputError, UsageError
from brie.evaluation.manifest import write_manifest
from brie.project import Project
from brie.records.analysis import Analysis
from brie.report.markdown import prose
from tests.flow.world import World, rules

Said = Callable[[str], list[bool]]


@pytest.fixture(scope="module")
def quoted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Analysis]:
    """A project with one finished evaluation."""
    root = tmp_path_factory.mktemp("claims")
    near = "The reference answer says what is so."

    def text(side: str, prompt: int, sample: int) -> str:
        won = (prompt + sample) % 5 > 0
        return near if won == (side == "candidate") else "Nothing of the kind."

    world = World.make(root / "runs")
    analysis, manifest = world.evaluate(text, panel_judges=rules("reference"), prompts=40)
    write_manifest(root / "runs" / manifest.id, manifest)
    return Project(root), analysis


@pytest.fixture
def holds(quoted: tuple[Project, Analysis], tmp_path: Path) -> Said:
    """Whether each claim of a text holds; EVAL is the evaluation's id."""
    project, analysis = quoted

    def said(text: str) -> list[bool]:
        file = tmp_path / "README.md"
        file.write_text(text.replace("EVAL", analysis.id), "utf-8")
        return [answer.holds for answer in check_claims(file, project)]

    return said


def test_a_rate_holds_as_it_is_rounded_and_another_does_not(holds: Said) -> None:
    assert holds("won <!-- brie:win_rate EVAL -->80 % of them") == [True]
    assert holds("won <!-- brie:win_rate EVAL -->**80.0 %** of them") == [True]
    assert holds("won <!-- brie:win_rate EVAL --> 0.80 of them") == [True]
    assert holds("won <!-- brie:win_rate EVAL -->80 of every 100") == [True]
    assert holds("won <!-- brie:win_rate EVAL -->81 % of them") == [False]
    assert holds("won <!-- brie:win_rate EVAL -->80.4 % of them") == [False]


def test_intervals_counts_words_and_deep_paths_are_compared(
    holds: Said, quoted: tuple[Project, Analysis]
) -> None:
    rate = quoted[1].win_rate
    assert rate is not None
    assert rate.low is not None
    assert rate.high is not None
    low, high = f"{100 * rate.low:.1f}", f"{100 * rate.high:.1f}"
    text = (
        f"<!-- brie:win_rate.interval EVAL -->{low} to {high} %, over "
        f"<!-- brie:counts.prompts EVAL -->40 prompts: it is <!-- brie:verdict EVAL -->better; "
        f"<!-- brie:by_judge.reference EVAL -->80 % by that judge, "
        f"<!-- brie:checks.controls EVAL -->not_run; low end <!-- brie:win_rate.low EVAL -->{low} %"
    )
    assert holds(text) == [True] * 6
    assert (
        holds(text.replace("better", "worse").replace("40", "41")) == [True, False, False] + [True] * 3
    )
    assert holds(f"<!-- brie:win_rate.interval EVAL -->{low}–99 %") == [False]


def test_what_cannot_be_compared_is_a_claim_that_fails(holds: Said) -> None:
    for text in (
        "<!-- brie:win_rate -->80 %",
        "<!-- brie:win_rate eval-gone-00000000 -->80 %",
        "<!-- brie:win_rat EVAL -->80 %",
        "<!-- brie:outcomes EVAL -->80 %",
        "<!-- brie:win_rate EVAL -->\n\n80 % is in another paragraph",
        "<!-- brie:win_rate EVAL -->most of them",
        "<!-- brie:agreement EVAL -->0.5",
        "<!-- brie:agreement.interval EVAL -->0.5 to 0.6",
    ):
        assert holds(text) == [False], text


def test_examples_in_code_are_not_claims_and_lines_are_counted() -> None:
    text = (
        "# How\n\n```\n<!-- brie:win_rate x -->1 %\n```\n\nWrite `<!-- brie:win_rate x -->1 %`.\n"
        "Or: <!-- brie:win_rate a-b -->\n**7 %** and <!-- brie:verdict a-b -->better.\n"
    )
    first, second = find_claims(text)
    assert (first.line, first.path, first.evaluation) == (8, "win_rate", "a-b")
    assert (second.line, second.path) == (9, "verdict")
    assert first.text.strip().startswith("**7 %**")


def test_a_file_without_claims_or_one_that_cannot_be_read_is_an_error(
    quoted: tuple[Project, Analysis], tmp_path: Path
) -> None:
    file = tmp_path / "README.md"
    file.write_text("We won 80 % of them.")
    with pytest.raises(UsageError, match="brie:win_rate EVAL"):
        check_claims(file, quoted[0])
    with pytest.raises(InputError, match=r"gone\.md"):
        check_claims(tmp_path / "gone.md", quoted[0])


def test_metadata_list_places_and_sentences_can_be_claims(
    holds: Said, quoted: tuple[Project, Analysis]
) -> None:
    assert holds("---\nmetrics:\n- value: 0.80 # brie:win_rate EVAL\n---\nRest.") == [True]
    assert holds("---\nmetrics:\n- value: 0.81 # brie:win_rate EVAL\n---\nRest.") == [False]
    assert holds('---\nid: "EVAL" # brie:id EVAL\n---\n') == [True]
    assert holds("---\r\nvalue: 0.80 # brie:win_rate EVAL\r\n---\r\n") == [True]
    assert holds("<!-- brie:plan.seats.0.judge.id EVAL -->`reference`") == [True]
    assert holds("<!-- brie:plan.seats.0.judge.id EVAL -->`other`") == [False]
    said = {check.id: check.summary for check in quoted[1].checks}["sample_size"]
    assert holds(f"| x | <!-- brie:check_words.sample_size EVAL -->{prose(said)} |\n") == [True]
    assert holds(f"| x | <!-- brie:check_words.sample_size EVAL -->{prose(said)}7 |\n") == [False]
    changed = re.sub(r"\d", "7", prose(said), count=1)
    assert holds(f"| x | <!-- brie:check_words.sample_size EVAL -->{changed} |\n") == [False]
    seal = str(quoted[1].seal).removeprefix("sha256:")[:16]
    assert holds(f"<!-- brie:seal EVAL -->`{seal}`") == [True]
    assert holds("<!-- brie:seal EVAL -->`0123456789abcdef`") == [False]
    assert holds("| <!-- brie:verdict EVAL -->better | 40 |\n") == [True]
    assert holds("| <!-- brie:counts.prompts EVAL -->– | 40 |\n") == [False]


def test_small_and_very_small_numbers_are_compared_by_the_digits_that_are_written() -> None:
    assert same_number("2e-4", None, 0.0002)
    assert not same_number("2e-4", None, 0.0003)
    assert not same_number("2.0e-4", None, 0.00021)
    assert same_number("1.5e+03", None, 1500.0)
    assert not same_number("0.0000", None, 0.0002)


def test_where_every_number_is_claimed_one_without_a_claim_is_named(holds: Said, tmp_path: Path) -> None:
    every = "<!-- brie:every-number -->\n"
    claimed = every + "It won <!-- brie:win_rate EVAL -->80 % of <!-- brie:counts.prompts EVAL -->40."
    assert holds(claimed) == [True, True]
    assert holds(f"{claimed} And 97 % elsewhere.") == [True, True, False]
    assert holds(f"{claimed}\n\n| 3 | `q7` | Qwen2.5-0.5B | <!-- 8 --> | [see](page-9.html) |\n") == [
        True,
        True,
        False,
    ]
    assert holds(f'---\nscore: 0.97\nname: "0.5B"\n---\n{claimed}') == [True, True, False]
    assert holds(f"{claimed} And `97 %` elsewhere, `model-7`.") == [True, True, False]
    assert holds(f"{claimed} And &#57;7 % elsewhere, &#46; &amp;") == [True, True, False]
    assert holds(f"{claimed}\n\n1. first\n2. second\n\n```\n12\n```\n") == [True, True]


@pytest.mark.parametrize(
    "more",
    [
        "It won < 97 % of > these.",
        "See [it](97 % of all).",
        "It is \\`97 %\\` then.",
        "97. of a hundred were won.",
        "```a`b```\n\nAnd 97 %.",
        "\t```\n\nAnd 97 %.",
        "```\n```sh\nx\n```\n\nAnd 97 %.",
    ],
)
def test_what_only_looks_like_code_or_an_address_hides_no_number(holds: Said, more: str) -> None:
    every = "<!-- brie:every-number -->\n<!-- brie:win_rate EVAL -->80 % of them."
    assert holds(f"{every}\n\n{more}\n") == [True, False]


@pytest.mark.parametrize(
    "entry", ["value: 0.97 # ours", 'value: "0.97"', "m: {value: 0.97}", "m: [0.97]", "m: !!float 0.97"]
)
def test_a_number_of_the_metadata_is_named_however_it_is_written(holds: Said, entry: str) -> None:
    every = "<!-- brie:every-number -->\n<!-- brie:win_rate EVAL -->80 % of them."
    assert holds(f"---\n{entry}\n---\n{every}") == [True, False]
    named = f'---\n- "2024"\nname: "n, 3}} {{4, 5"\n---\n{every}'
    assert holds(named) == [True], "names are no numbers"


def test_a_number_that_goes_on_or_has_another_sign_is_another_number(holds: Said) -> None:
    for written in ("40k", "40 million", "40.5.1", "&#52;0", "<40", "–40", "4,0", "40 ×", "> 40"):
        assert holds(f"<!-- brie:counts.prompts EVAL -->{written} prompts") == [False], written
    for written in ("40", "**40**", "(40)", "40, and more", "40.", "40/40"):
        assert holds(f"<!-- brie:counts.prompts EVAL -->{written} prompts") == [True], written


def test_the_line_of_a_number_without_a_claim_is_that_of_the_file(
    quoted: tuple[Project, Analysis], tmp_path: Path
) -> None:
    file = tmp_path / "card.md"
    file.write_text("---\na: b\n---\n<!-- brie:every-number -->\n\n```\n5\n```\n\nWe won 71 times.\n")
    (answer,) = check_claims(file, quoted[0])
    assert (answer.line, answer.holds) == (10, False)
    assert answer.what.startswith("71 stands without a claim")


def test_what_is_cited_and_not_here_is_named(holds: Said) -> None:
    for text in (
        "<!-- brie:config.recipe.r train-gone -->16",
        "<!-- brie:files.0.bytes brie-export.json -->16",
        "<!-- brie:win_rate @1 -->80 %",
    ):
        assert holds(text) == [False]
