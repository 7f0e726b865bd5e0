"""Every command that a text of the project names can be typed: verbs, options and arguments exist."""

from __future__ import annotations

import ast
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import brie
from tests.cli.commands import (
    Named,
    in_markdown,
    in_message,
    in_python,
    in_template,
    in_yaml,
    problem,
)

ROOT = Path(__file__).parents[2]
READERS: dict[str, Callable[[str], Iterator[Named]]] = {
    ".md": in_markdown,
    ".py": in_python,
    ".html": in_template,
    ".toml": in_markdown,
    ".yml": in_yaml,
}
FOLDERS = ("src/brie", "docs", "prompt_suites", "data", "judges", "recipes", "models", ".github")
TEXTS = sorted(
    path
    for path in (*ROOT.glob("*.*"), *(p for folder in FOLDERS for p in (ROOT / folder).rglob("*")))
    if path.suffix in READERS and path.is_file()
)


def named(path: Path) -> list[Named]:
    """The commands that a file names."""
    return list(READERS[path.suffix](path.read_text("utf-8")))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_named_exists(path: Path) -> None:
    wrong = [problem(command) for command in named(path)]
    assert [text for text in wrong if text] == []


def test_the_commands_are_really_found() -> None:
    count = {path.relative_to(ROOT).as_posix(): len(named(path)) for path in TEXTS}
    assert count["README.md"] >= 20
    assert count["docs/training.md"] >= 20
    assert count["src/brie/cli/eval.py"] >= 5
    assert count["src/brie/pin/resolve.py"] >= 2
    assert count["src/brie/report/templates/provenance.html"] >= 1
    assert sum(count.values()) > 250


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (in_markdown, "```\nbrie judge-check --judge longer\n```\n"),
        (in_markdown, "```\n$ brie cost   # what was spent\n```\n"),
        (in_markdown, "Then\n\n    brie figures EVAL\n"),
        (in_markdown, "`brie judge-check` measures it."),
        (in_markdown, "`brie data chek FILE` lists them."),
        (in_markdown, "`brie eval --suite in_domain --judges a`"),
        (in_markdown, "```\nbrie eval --candidate first:best\n```\n"),
        (in_markdown, "```\nbrie gate --require fine\n```\n"),
        (in_markdown, "```\nbrie ls first\n```\n"),
        (in_markdown, "```\ntorchrun --nproc_per_node 2 -m brie trian --size 3b\n```\n"),
        (in_yaml, "placeholder: brie train --size tiny, then brie cost"),
        (in_python, '"""Like this:\n\n    brie trian --size tiny\n"""\n'),
        (in_template, "<p>Ask again: <code>brie judge-check --judge {{ page.judge }}</code></p>"),
        (in_python, '"""`brie judge-check`: score judges."""\n'),
        (in_python, 'MORE = "Score them with `brie judge-check`."\n'),
        (in_python, 'say(f"Next: brie judge-check --judge {name}")\n'),
        (in_python, 'say("or brie cost, which adds up")\n'),
        (in_python, 'say(f"go on: brie resume {name}")\n'),
        (in_python, 'next = f"brie figures {name}"\n'),
        (in_python, 'text = f"brie judge {name} --repeats 2"\n'),
        (in_python, 'EPILOG = "Examples:\\n  brie plan --samples 3\\n"\n'),
    ],
)
def test_a_command_that_is_not_there_is_noticed(
    read: Callable[[str], Iterator[Named]], text: str
) -> None:
    assert [wrong for command in read(text) if (wrong := problem(command))]


@pytest.mark.parametrize(
    "text",
    [
        "brie writes what it has made",
        "models that brie ships: two",
        "brie ls shows them.",
        "it needs weights; brie loads safetensors alone.",
    ],
)
def test_a_sentence_about_brie_is_no_command(text: str) -> None:
    assert [wrong for command in in_message(text) if (wrong := problem(command))] == []


# --- Python in documents -----------------------------------------------------------------

SNIPPETS = [
    (path.relative_to(ROOT).as_posix(), block)
    for path in TEXTS
    if path.suffix == ".md"
    for block in re.findall(r"^```python\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
]


def _attribute(kind: object, name: str) -> object:
    """The type of an attribute by its annotation; an unknown name is an error."""
    if isinstance(kind, types.UnionType):
        kind = next(part for part in typing.get_args(kind) if part is not type(None))
    hints = typing.get_type_hints(kind) if isinstance(kind, type) else {}
    assert name in hints or hasattr(kind, name), f"{kind} has no {name}"
    return hints.get(name)


def _type_of(node: ast.expr, names: dict[str, object]) -> object:
    """What an expression of a snippet is: checked name by name, and nothing is run."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _type_of(node.value, names)
        if owner is brie:
            assert node.attr in brie.__all__, f"brie has no {node.attr}"
            return getattr(brie, node.attr)
        return _attribute(owner, node.attr) if owner is not None else None
    if isinstance(node, ast.Call):
        called = _type_of(node.func, names)
        for value in (*node.args, *(keyword.value for keyword in node.keywords)):
            _type_of(value, names)
        if not callable(called):
            return None
        inspect.signature(called).bind(*node.args, **{k.arg or "": k.value for k in node.keywords})
        return called if isinstance(called, type) else typing.get_type_hints(called).get("return")
    return None


@pytest.mark.parametrize(("where", "snippet"), SNIPPETS)
def test_every_name_of_a_python_snippet_exists(where: str, snippet: str) -> None:
    names: dict[str, object] = {"brie": brie}
    for line in ast.parse(snippet).body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            names[line.targets[0].id] = _type_of(line.value, names)
        elif isinstance(line, ast.Expr):
            _type_of(line.value, names)


def test_the_readme_shows_python() -> None:
    assert "README.md" in [where for where, _ in SNIPPETS]
