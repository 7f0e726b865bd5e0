"""An export that is there already: found again where it is the same one, and only then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brie.catalog import load_suite
from brie.errors import UsageError
from brie.export.options import Wanted
from brie.export.run import MANIFEST, export
from brie.progress import Silent
from brie.project import Project, write_text
from brie.records.shipping import ExportManifest
from tests.fidelity import planted


def test_the_format_of_what_is_not_packed_belongs_to_an_export(tmp_path: Path) -> None:
    side = planted.side_of(planted.build_adapter(tmp_path / "first"))
    there = ExportManifest(
        created="2026-01-01", version="0", source=side.pin, target="merged", number_format="nf4",
        tools={}, settings={"dtype": "bfloat16"}, files=(), check=None, serve=(),
    )  # fmt: skip
    (tmp_path / "out").mkdir()
    write_text(tmp_path / "out" / MANIFEST, there.model_dump_json())
    suite = load_suite("demo", Project(tmp_path))
    wish = Wanted("merged", "bfloat16", "nf4")
    assert not export(side, wish, tmp_path / "out", suite, Silent(), version="0").made
    with pytest.raises(UsageError, match=r"holds another export \(.*, merged, nf4 of bfloat16\)"):
        export(side, replace(wish, dtype="float32"), tmp_path / "out", suite, Silent(), version="0")
