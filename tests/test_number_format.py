"""Numbers never say more, or less, than they are."""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brie import number_format


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.706, "71"),
        (0.5, "50"),
        (0.503, "50.3"),
        (0.4999, "49.99"),
        (0.50001, "50.01"),
        (0.9998, "99.98"),
        (0.99999, "99.99"),
        (0.00001, "0.01"),
        (0.0002, "0.02"),
        (0.0004, "0.04"),
        (1.0, "100"),
        (0.997, "99.7"),
        (0.0, "0"),
        (0.004, "0.4"),
        (0.62, "62"),
    ],
)
def test_points(rate: float, text: str) -> None:
    assert number_format.points(rate) == text


@given(st.floats(0, 1))
def test_fifty_is_printed_only_for_a_half(rate: float) -> None:
    if rate != 0.5 and abs(rate - 0.5) > 1e-12:
        assert number_format.points(rate) != "50"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.00021, ".00021"),
        (0.00001, "< .0001"),
        (0.0312, ".031"),
        (0.5, ".50"),
        (1.0, "1"),
        (0.00005, "< .0001"),
        (0.0001, ".00010"),
        (0.004, ".0040"),
        (0.03, ".030"),
        (0.05, ".050"),
        (0.0499, ".0499"),
        (0.0501, ".0501"),
        (0.0499999, ".04999"),
        (0.0500001, ".05001"),
        (0.09999, ".100"),
        (0.996, "> .99"),
    ],
)
def test_p_values(p: float, text: str) -> None:
    assert number_format.p_value(p) == text


@given(st.floats(0, 1))
def test_none_and_all_are_said_only_of_none_and_all(share: float) -> None:
    said = number_format.percent(share)
    if 1e-10 < share < 1 - 1e-10:
        assert said not in ("0 %", "100 %")
    assert abs(float(said.removesuffix(" %")) - 100 * share) <= 0.5


@given(st.floats(0, 1))
def test_a_p_value_stands_on_its_own_side_of_one_twentieth(p: float) -> None:
    said = number_format.p_value(p)
    if said[0] == ".":
        assert (float(said) < 0.05) == (p < 0.05 - 1e-12)
        assert float(said) == pytest.approx(p, rel=0.05)


def test_a_p_value_in_a_sentence_has_its_sign() -> None:
    assert [number_format.p_equals(p) for p in (0.03, 0.00001, 0.999, 1.0)] == [
        "= .030",
        "< .0001",
        "> .99",
        "= 1",
    ]


def test_intervals_and_differences_read_like_sentences() -> None:
    assert number_format.interval(0.62, 0.79) == "62 to 79 %"
    assert [number_format.difference(d) for d in (0.22, -0.01, 0.014)] == [
        "22 points",
        "1 point",
        "1.4 points",
    ]
    assert number_format.quoted(["a", "b`", "c", "d"]) == "`a`, `b`, `c` and 1 more"
    assert number_format.quoted(["a", "b"]) == "`a` and `b`"


def test_effects_carry_their_sign() -> None:
    assert number_format.signed(0.037) == "+3.7"
    assert number_format.signed(-0.004) == "−0.4"
    assert number_format.signed(-0.0001) == "0.0"


def test_lists_read_like_sentences() -> None:
    assert [number_format.listed(n) for n in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_counting() -> None:
    assert number_format.plural(1, "prompt") == "1 prompt"
    assert number_format.plural(2000, "prompt") == "2,000 prompts"
    assert number_format.counted(3) == "three"
    assert number_format.dollars(0.0004) == "$0.0004"


def test_durations_are_said_as_people_say_them() -> None:
    said = [number_format.duration(seconds) for seconds in (3, 59.7, 600, 7260)]
    assert said == ["3 s", "1 min 00 s", "10 min 00 s", "2 h 01 min"]


def test_the_least_p_of_a_test_is_a_bound_and_no_equality() -> None:
    assert number_format.p_equals(0.0036, at_most=True) == "\u2264 .0036"
    assert number_format.p_equals(0.0036) == "= .0036"
    assert number_format.p_equals(5e-5, at_most=True) == "< .0001"
    assert number_format.p_equals(1.0) == "= 1"


def test_a_coefficient_has_two_digits_and_a_true_minus() -> None:
    assert [number_format.two_digits(v) for v in (0.5, -0.126, -0.001)] == ["0.50", "\u22120.13", "0.00"]


ELSEWHERE = {
    "gate.py", "words.py", "compare.py", "suites.py", "noninferior.py", "judges.py", "shipped.py",
    "plan_narrowing.py",
}  # fmt: skip
"""Modules that hold a rate against a stated decimal, print a level, a half width or a difference with
its sign, or describe a page of other rules."""
RATE = re.compile(r"\{[^{}]*:[+>]?\d*\.\d%\}|\{100 \* [^{}]*:[+]?\.\d[fg]\}")


def test_rates_are_written_in_one_place() -> None:
    rooms = ("analyse", "checks", "ci", "cli", "evaluation", "report", "studies", "web")
    source = Path(number_format.__file__).parent
    files = [path for room in rooms for path in (source / room).rglob("*.py")]
    own = {path.name for path in files if RATE.search(path.read_text("utf-8"))}
    assert own <= ELSEWHERE | {"charts.py"}


NUMERIC = {
    "answers",
    "calls",
    "claims",
    "computed",
    "labelled",
    "pairs",
    "prompts",
    "rows",
    "usable",
    "verdicts",
}
NOUN = re.compile(r" (?:of (?:[a-z]+ )?)?(?:answers?|calls?|claims|prompts?|rows?|texts|verdicts?)\b")
RECORDED = {"analyse", "audit", "checks"}
"""Rooms whose sentences are kept in analyses that were made before."""
FAILED_BATCH = "judge/batch.py: len(row.body['keys']) verdicts"
"""Kept in the store as a verdict's error."""


def raw_counts(source: str) -> list[str]:
    """Counts of what an evaluation has many of that stand before their noun without separators."""
    texts = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr)]
    raw = []
    for text in texts:
        for value, noun in itertools.pairwise(text.values):
            if not (isinstance(value, ast.FormattedValue) and isinstance(noun, ast.Constant)):
                continue
            counted, named = ast.unparse(value.value), NOUN.match(str(noun.value))
            is_count = counted.startswith("len(") or counted.rpartition(".")[2] in NUMERIC
            if named and is_count and value.format_spec is None:
                raw.append(f"{counted}{named[0]}")
    return raw


def test_counts_in_sentences_have_their_thousands_separated() -> None:
    assert raw_counts('f"{len(keys)} verdicts"') == ["len(keys) verdicts"]
    assert raw_counts('f"{row.prompts} prompts, {len(x):,} rows, {model} answers"') == [
        "row.prompts prompts"
    ]
    package = Path(number_format.__file__).parent
    files = [path.relative_to(package) for path in package.rglob("*.py")]
    raw = {
        f"{path.as_posix()}: {count}"
        for path in files
        if path.parts[0] not in RECORDED
        for count in raw_counts((package / path).read_text("utf-8"))
    }
    assert raw <= {FAILED_BATCH}
