"""Python that a suite brings to check answers with: read, never run, here.

    check = { kind = "python", value = "checks.py:is_haiku" }

The file lies beside the suite's. Its text becomes part of the suite, so that a plan seals it and
whoever is to consent can read it.
"""

from __future__ import annotations

import ast
from pathlib import Path

from brie.errors import InputError, unknown
from brie.records import Suite

PYTHON = "python"
"""Kind of such a check."""


def parts(value: str) -> tuple[str, str]:
    """The file and the function that a check names."""
    file, _, function = value.partition(":")
    return file, function


def with_code(suite: Suite, path: Path) -> Suite:
    """A suite with the text of the files that its checks call.

    Args:
        suite: as its file says.
        path: that file; theirs lie beside it.

    Raises:
        InputError: a file cannot be read or is no Python.
        UsageError: it has not the function.
    """
    code: dict[str, str] = {}
    defined: dict[str, set[str]] = {}
    for prompt in suite.prompts:
        if prompt.check is None or prompt.check.kind != PYTHON:
            continue
        file, function = parts(prompt.check.value)
        if file not in code:
            code[file], defined[file] = _read(path.parent / file)
        if function not in defined[file]:
            raise unknown(f"function of {path.parent / file}:", function, defined[file])
    return suite.model_copy(update={"code": code}) if code else suite


def _read(path: Path) -> tuple[str, set[str]]:
    try:
        text = path.read_text("utf-8")
        tree = ast.parse(text)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{path} is no Python: {error}.") from error
    return text, {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
