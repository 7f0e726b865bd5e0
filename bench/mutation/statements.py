"""Which lines of a file are one statement, and which run when it is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """The lines of a simple statement, or of the head of one that holds others."""

    lines: range
    at_import: bool
    """Whether it stands outside every function: tables, defaults, decorators, fields of classes."""


def statements(source: str) -> dict[int, Statement]:
    """Line, counted from 1 -> the innermost statement it belongs to.

    Args:
        source: of a whole file.
    """
    return dict(_walked(ast.parse(source).body, at_import=True))


def _walked(body: Sequence[ast.AST], *, at_import: bool) -> Iterator[tuple[int, Statement]]:
    for node in body:
        if isinstance(node, ast.stmt):
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
            lines = range(first, (node.end_lineno or node.lineno) + 1)
            yield from ((line, Statement(lines, at_import)) for line in lines)
            inner = at_import and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            yield from _walked(_held(node), at_import=inner)
        else:
            yield from _walked(_held(node), at_import=at_import)


def _held(node: ast.AST) -> list[ast.AST]:
    """The statements, handlers and cases within one, in their order."""
    holders = (ast.stmt, ast.ExceptHandler, ast.match_case)
    return [one for one in ast.iter_child_nodes(node) if isinstance(one, holders)]
