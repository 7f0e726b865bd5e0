"""Rooms import to the left only, and start light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "brie"

LAYERS: tuple[tuple[str, ...], ...] = (
    (
        "conventions",
        "digest",
        "errors",
        "harmless",
        "lines",
        "number_format",
        "progress",
        "project",
        "provenance",
        "reading",
        "records",
        "suite_code",
        "versions",
        "wire",
    ),
    ("blinding", "catalog", "pin", "store", "workers"),
    ("data",),
    ("train", "generate", "judge", "analyse"),
    ("benchmarks", "checks", "forms"),
    ("report", "audit", "fidelity"),
    ("evaluation", "export"),
    ("studies", "ci", "web"),
    ("bundle",),
    ("publish", "remote"),
    ("api",),
    ("cli",),
    ("__main__", "__init__"),
)
"""One entry a room: a room imports what stands in the rows above it, and nothing beside it."""
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}
FOUNDATION = LAYERS[0]
HEAVY = ("torch", "trl", "transformers", "peft", "datasets", "anthropic", "openai", "scipy.stats")


def _room(module: str) -> str:
    """A module's room: the folder, or the file that stands beside the folders."""
    return [*module.split(".")[1:], "__init__"][0]


def _imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("brie"):
            names = (
                [f"brie.{alias.name}" for alias in node.names]
                if node.module == "brie"
                else [node.module]
            )
            found += names
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith("brie.")]
    return found


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_room_imports_only_from_layers_to_its_left(path: Path) -> None:
    own = _room(".".join(path.relative_to(SOURCE.parent).with_suffix("").parts))
    assert own in RANK, f"{own} has no layer: give it one"
    for module in _imports(path):
        if module == "brie.__version__":
            continue
        other = _room(module)
        allowed = other == own or RANK[other] < RANK[own] or (own in FOUNDATION and other in FOUNDATION)
        assert allowed, f"{own} imports {module}, which is not to its left"


@pytest.mark.parametrize("verb", [["--help"], ["report", "--help"], ["ls"]])
def test_light_commands_import_no_heavy_package(verb: list[str], tmp_path: Path) -> None:
    code = (
        "import sys, atexit\n"
        "from brie.cli import main\n"
        f"heavy = {HEAVY!r}\n"
        "atexit.register(lambda: print('HEAVY', [m for m in heavy if m in sys.modules]))\n"
        f"main({verb!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "HEAVY []" in done.stdout


def test_the_flow_lists_every_module_of_an_evaluation() -> None:
    room = SOURCE / "evaluation"
    head = ast.get_docstring(ast.parse((room / "__init__.py").read_text("utf-8"))) or ""
    listed = [line.split()[0] for line in head.splitlines() if line.startswith("    ")]
    assert sorted(listed) == sorted(p.stem for p in room.glob("*.py") if p.stem != "__init__")
    assert len(set(listed)) == len(listed)
