"""What brie writes names its form, and a name that stands in somebody's file is never changed."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from brie import versions

SOURCE = Path(__file__).parents[1] / "src" / "brie"

SCHEMAS = {
    "brie.agreement/1",
    "brie.analysis/1",
    "brie.anchors/1",
    "brie.bundle/1",
    "brie.carried/1",
    "brie.check/1",
    "brie.checked/1",
    "brie.compare/1",
    "brie.curve/1",
    "brie.drift/1",
    "brie.export/1",
    "brie.job/1",
    "brie.judge_check/1",
    "brie.judges/1",
    "brie.manifest/1",
    "brie.pin/2",
    "brie.plan-table/1",
    "brie.plan/1",
    "brie.recipe/1",
    "brie.run/1",
    "brie.suites-plan/1",
    "brie.suites/1",
    "brie.sweep-table/1",
    "brie.sweep/1",
    "brie.train/1",
    "brie.training/1",
    "brie.tried/1",
    "brie.work/1",
}
"""Every form there is. A new one is added here; none is renamed or removed."""

_SCHEMA = re.compile(r"\bbrie\.[\w.-]+/\d+")


def _named(path: Path) -> set[str]:
    strings = (
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {name for text in strings for name in _SCHEMA.findall(text)}


def test_the_schemas_written_are_the_ones_promised() -> None:
    found = {path: _named(path) for path in sorted(SOURCE.rglob("*.py"))}
    strange = {str(path.relative_to(SOURCE)): names - SCHEMAS for path, names in found.items()}
    assert {path: names for path, names in strange.items() if names} == {}
    assert {versions.schema_id(name) for name in versions.DOCUMENTS} == SCHEMAS
