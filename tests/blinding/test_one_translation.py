"""Letters become sides in one room: every other module is read for a second translation.

A unit is a function, or what stands outside functions in a class or a module. Outside
`blinding/` a unit may not read which letter a side carries, and may not hold a letter at all,
but for those listed here, each with its reason; and none may hold a letter and a side together.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "brie"
HOME = "blinding/"
"""The one room that translates."""
LETTERS = {"A", "B"}
SIDES = {"candidate", "baseline"}
CARRIED = {"candidate_letter", "baseline_letter", "first_letter"}
"""What says which answer carries which letter."""

READS = {
    "api/results.py _verdicts": "the column of a table of verdicts",
    "audit/columns.py": "the name of a column in other people's tables",
    "evaluation/views.py _judged": "copies the letter into JudgedView, for people to see",
    "records/analysis.py JudgedView": "the field that is copied",
    "report/shown.py _said": 'writes "candidate first, as A" with `blinding.first_letter`',
    "report/shown.py": "imports it",
    "report/table.py": "the name of a column of verdicts.csv",
    "report/table.py _verdict": "the column",
    "judge/prompt.py case_number": "hashes what the judge is shown",
    "studies/planning.py _sizes": "an input of the usual size; nobody judges it",
}
"""Units that read which answer carries which letter, and why that is no translation."""
HOLDS = {
    "forms/mlx.py convert_adapter": "the two matrices of LoRA, which PEFT calls A and B",
    "judge/readings.py": "what a reply may call a letter",
    "judge/lines.py _scores": "scores of a reply, by letter",
    "judge/letters.py": "the letters that are looked for among tokens",
    "judge/parse.py _as_a_whole.pair": "how a reply writes its scores, by letter",
    "judge/parse.py _scores": "scores of a reply, by letter",
    "judge/schema.py schema": "the letters a reply may name",
    "judge/recheck.py _of_shares": "the likelier letter, as a reply kept both",
    "records/verdicts.py": "the letters in the order of their short codes",
    "studies/planning.py _sizes": "an input of the usual size; nobody judges it",
    "web/voting.py Voting._cast": "the buttons of the page",
    "web/voting.py _scores": "the form's scores, by letter",
}
"""Units that hold a letter and no side."""


@dataclass(frozen=True)
class Unit:
    """The words of one unit: its strings but for docstrings, and its names."""

    name: str
    strings: frozenset[str]
    names: frozenset[str]

    @property
    def words(self) -> frozenset[str]:
        """Both together."""
        return self.strings | self.names


@cache
def units(module: str, source: str) -> tuple[Unit, ...]:
    """The units of a module."""
    return tuple(_units(module, "", ast.parse(source)))


def _units(module: str, name: str, node: ast.AST) -> Iterator[Unit]:
    own: list[ast.AST] = []
    waiting = list(ast.iter_child_nodes(node))
    while waiting:
        child = waiting.pop()
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _units(module, f"{name}.{child.name}".lstrip("."), child)
            continue
        own.append(child)
        if not _is_type(child) and not _is_docstring(child):
            waiting += ast.iter_child_nodes(child)
    yield Unit(f"{module} {name}".strip(), frozenset(_strings(own)), frozenset(_names(own)))


def _is_type(node: ast.AST) -> bool:
    """`Literal["A", "B"]` says what may stand somewhere; it chooses nothing."""
    return isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Literal"


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _strings(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _names(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        for field in ("id", "attr", "arg", "name"):
            if isinstance(value := getattr(node, field, None), str):
                yield value


def read_all() -> dict[str, str]:
    """Every module's source, by its path in the package."""
    return {
        path.relative_to(SOURCE).as_posix(): path.read_text("utf-8") for path in SOURCE.rglob("*.py")
    }


def translations(sources: Mapping[str, str]) -> list[str]:
    """What may be a second translation, one line each."""
    problems = []
    for module, source in sorted(sources.items()):
        for unit in units(module, source) if not module.startswith(HOME) else ():
            if unit.words & CARRIED and unit.name not in READS:
                problems.append(f"{unit.name} reads which answer carries a letter")
            if unit.strings & LETTERS and unit.name not in HOLDS:
                problems.append(f"{unit.name} holds a letter")
            if unit.strings & LETTERS and unit.words & SIDES:
                problems.append(f"{unit.name} holds a letter and a side")
    return problems


def test_no_other_module_translates_letters() -> None:
    assert translations(read_all()) == []


def test_every_listed_place_is_still_there() -> None:
    found = [unit for module, source in read_all().items() for unit in units(module, source)]
    assert {unit.name for unit in found if unit.words & CARRIED} >= set(READS)
    assert {unit.name for unit in found if unit.strings & LETTERS} >= set(HOLDS)


PLANTED = {
    "a comparison with the letter a side carries": """
def winner(verdict, shown):
    return "candidate" if verdict.letter == shown.candidate_letter else "baseline"
""",
    "the same through getattr": """
def winner(verdict, shown):
    return SIDES[verdict.letter == getattr(shown, "candidate_letter")]
""",
    "the place and a letter": """
def winner(letter, candidate_first):
    return "candidate" if (letter == "A") == candidate_first else "baseline"
""",
    "a dictionary": 'WINNER = {"A": "candidate", "B": "baseline"}\n',
    "a match": """
def winner(letter):
    match letter:
        case "A":
            return Side.CANDIDATE
    return Side.BASELINE
""",
    "a method of a class": """
class Row:
    def first(self):
        return self.shown.first_letter
""",
    "a lambda at module level": 'winner = lambda v: "candidate" if v.letter == "A" else "baseline"\n',
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_translation_is_found(kind: str) -> None:
    sources = read_all()
    sources["evaluation/table.py"] += PLANTED[kind]
    assert translations(sources)


def test_a_side_planted_in_a_listed_place_is_found() -> None:
    sources = read_all()
    before = 'scores[name] = {"A": a, "B": b}'
    assert before in sources["judge/parse.py"]
    planted = f'{before} | {{"candidate": a}}'
    sources["judge/parse.py"] = sources["judge/parse.py"].replace(before, planted)
    assert translations(sources) == ["judge/parse.py _scores holds a letter and a side"]
