"""Where a source file can be changed, and the changed files: mutmut's operators at every place.

mutmut's own runner leaves out decorated functions (every property, so every letter), tables at the
head of a module, and cannot draw a sample; its operators are used here by themselves.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

Operator = Callable[[Any], Iterable[cst.CSTNode]]
_NOT_INSIDE = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom, cst.Raise, cst.Assert)
"""Types, registrations, imports, and the wording of errors."""
_STATEMENTS = (cst.SimpleStatementLine, cst.BaseCompoundStatement)
_NOT_CALLS = frozenset({"cast", "TypeVar", "Literal", "getLogger"})


@dataclass(frozen=True)
class Site:
    """One operator at one place of a file."""

    file: str
    line: int
    column: int
    operator: str
    number: int
    """Which of the file's sites, in the order of the walk."""
    statement: int
    """Line on which the statement begins: of one that takes several lines, the one that is traced."""
    at_import: bool
    """Run when the module is imported, for whoever uses it first."""


@dataclass(frozen=True)
class Mutant:
    """A site with the change drawn for it."""

    site: Site
    source: str
    """The whole changed file."""
    diff: str
    """Lines taken out and put in, with their signs."""


def sites(root: Path, file: str) -> list[Site]:
    """Every place of a file where an operator applies.

    Args:
        root: the checkout.
        file: path within it.
    """
    return [site for site, _ in _walked(root, file)[1]]


def mutate(root: Path, site: Site, draw: Random) -> Mutant | None:
    """The change of a site, drawn from those its operator knows; None where none of them differs."""
    module, found = _walked(root, site.file)
    node, changes = found[site.number][1]
    order = list(range(len(changes)))
    draw.shuffle(order)
    before = module.code
    for index in order:
        changed = module.deep_replace(node, changes[index])
        after = changed.code if isinstance(changed, cst.Module) else before
        if _differs(before, after):
            return Mutant(site, after, _diff(before, after))
    return None


def _differs(before: str, after: str) -> bool:
    """Whether a change can be compiled and means something else."""
    try:
        return ast.dump(ast.parse(before)) != ast.dump(ast.parse(after))
    except SyntaxError:
        return False


def _diff(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


Found = tuple[Site, tuple[cst.CSTNode, Sequence[cst.CSTNode]]]


@cache
def _walked(root: Path, file: str) -> tuple[cst.Module, list[Found]]:
    wrapper = MetadataWrapper(cst.parse_module((root / file).read_text("utf-8")))
    visitor = _Visitor(file)
    wrapper.visit(visitor)
    return wrapper.module, visitor.found


class _Visitor(cst.CSTVisitor):
    """Collects sites, leaving out what no test of behaviour could or should notice."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file
        self.found: list[Found] = []
        self._depth = 0
        """How many functions deep."""
        self._headers = 0
        """How many parameter lists deep: defaults are run at import."""
        self._statements: list[int] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, _NOT_INSIDE) or _is_typing(node):
            return False
        self._step(node, 1)
        place = self.get_metadata(PositionProvider, node, None)
        if place is None:
            return True
        if isinstance(node, _STATEMENTS):
            self._statements.append(place.start.line)
        at_import = self._depth == 0 or (self._depth == 1 and self._headers > 0)
        for operator, changes in self._changes(node):
            if changes:
                start, first = place.start, self._statements[-1]
                site = Site(
                    self.file, start.line, start.column, operator, len(self.found), first, at_import
                )
                self.found.append((site, (node, changes)))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if not (isinstance(original_node, _NOT_INSIDE) or _is_typing(original_node)):
            self._step(original_node, -1)
            if isinstance(original_node, _STATEMENTS):
                self._statements.pop()
        super().on_leave(original_node)

    def _step(self, node: cst.CSTNode, by: int) -> None:
        self._depth += by * isinstance(node, (cst.FunctionDef, cst.Lambda))
        self._headers += by * isinstance(node, cst.Parameters)

    def _changes(self, node: cst.CSTNode) -> Iterator[tuple[str, Sequence[cst.CSTNode]]]:
        for kind, operator in mutation_operators:
            name = operator.__name__.removeprefix("operator_")
            if not isinstance(node, kind) or (name == "assignment" and not self._depth):
                continue
            changes = list(operator(node))
            if name == "string":
                changes = [] if _is_sentence(node) else changes[:1]
            yield name, changes


def _is_sentence(node: cst.CSTNode) -> bool:
    """Wording for people: tests should not hang on it."""
    return isinstance(node, cst.SimpleString) and " " in str(node.evaluated_value).strip()


def _is_typing(node: cst.CSTNode) -> bool:
    """What says nothing at run time: types, and the list of what a module offers."""
    if isinstance(node, cst.AssignTarget | cst.Assign):
        targets = node.targets if isinstance(node, cst.Assign) else [node]
        return any(isinstance(t.target, cst.Name) and t.target.value == "__all__" for t in targets)
    if isinstance(node, cst.Call):
        return isinstance(node.func, cst.Name) and node.func.value in _NOT_CALLS
    if isinstance(node, cst.Subscript):
        return isinstance(node.value, cst.Name) and node.value.value in ("Literal", "Annotated")
    return False
