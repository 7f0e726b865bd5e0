"""docs/architecture.md says of layers, store, documents and versions what the code says."""

from __future__ import annotations

import ast
import re
import sqlite3
from pathlib import Path

import pytest

from brie import errors, versions
from brie.store import Store
from tests.test_layers import LAYERS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "brie"
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
_SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SECTIONS: dict[str, str] = dict(_SECTION.findall(PAGE))


def rows(section: str, head: str) -> list[list[str]]:
    """Cells of the tables of a section whose first head cell is `head`, code marks taken off."""
    found: list[list[str]] = []
    inside = False
    for line in SECTIONS[section].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not inside:
            inside = cells[:1] == [head]
        elif not cells:
            inside = False
        elif set(cells[0]) != {"-"}:
            found.append(cells)
    return found


def code(cell: str) -> list[str]:
    """What a cell has in code marks."""
    return re.findall(r"`([^`]+)`", cell)


def test_the_layers_are_those_that_imports_are_held_to() -> None:
    assert [tuple(code(rooms)) for _, rooms in rows("Rooms and layers", "layer")] == list(LAYERS)


def test_every_table_and_column_of_a_new_store_is_described_in_order(tmp_path: Path) -> None:
    path = tmp_path / "brie.sqlite"
    Store.open(path).close()
    db = sqlite3.connect(path)
    tables = db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    ).fetchall()
    made = [(t, row[1]) for (t,) in tables for row in db.execute(f"PRAGMA table_info({t})").fetchall()]
    db.close()
    described, table = [], ""
    for name, column, words in rows("The store", "table"):
        table = code(name)[0] if name else table
        described.append((table, code(column)[0]))
        assert words
    assert described == made


def test_every_document_is_described_and_its_writer_is_there() -> None:
    described = rows("Documents", "schema")
    assert [code(schema)[0] for schema, _, _ in described] == [
        versions.schema_id(name) for name in versions.DOCUMENTS
    ]
    for _, writers, _ in described:
        assert code(writers)
        assert [path for path in code(writers) if not (SOURCE / path).is_file()] == []


def test_every_version_is_described_in_the_order_of_its_file() -> None:
    tree = ast.parse((SOURCE / "versions.py").read_text("utf-8"))
    kept = [node.target if isinstance(node, ast.AnnAssign) else node.targets[0] for node in tree.body
            if isinstance(node, (ast.Assign, ast.AnnAssign))]  # fmt: skip
    names = [target.id for target in kept if isinstance(target, ast.Name)]
    described = [code(name)[0] for name, _, _ in rows("Versions", "name")]
    assert described == [name for name in names if name[0] != "_" and name != "PROMPT_FORMAT"]


def test_every_module_of_an_evaluation_has_its_place() -> None:
    named = [code(module)[0] for module, _ in rows("Where an evaluation starts", "module")]
    here = {path.name for path in (SOURCE / "evaluation").glob("*.py")} - {"__init__.py"}
    assert sorted(named) == sorted(here)


def test_exit_codes_are_those_of_the_errors() -> None:
    for number, _, raised in rows("Exit codes", "code"):
        for name in code(raised):
            error = getattr(errors, name)
            if error is not errors.BrieError:
                assert error.exit_code == int(number), name
    named = {name for _, _, raised in rows("Exit codes", "code") for name in code(raised)}
    here = {name for name, value in vars(errors).items() if str(value).startswith("<class 'brie.")}
    assert named == here


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([a-z_]+/[a-z_]+\.py)`", PAGE))))
def test_a_module_that_is_named_is_there(path: str) -> None:
    assert (SOURCE / path).is_file() or (ROOT / path).is_file()
