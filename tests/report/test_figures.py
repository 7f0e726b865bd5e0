"""Figures: written, well-formed, the same every time, harmless."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from brie.report.figures import write_figures
from tests.report import sample
from tests.report.hostile import HOSTILE
from tests.report.test_build import hostile_analysis


def test_every_figure_is_written_as_svg_and_png_and_twice_the_same(tmp_path: Path) -> None:
    one = write_figures(sample.analysis(), sample.manifest(), tmp_path / "one")
    two = write_figures(sample.analysis(), sample.manifest(), tmp_path / "two")
    names = {path.name for path in one}
    assert {f"{n}.{e}" for n in ("card", "win_rate", "forest", "outcomes", "effects", "agreement")
            for e in ("svg", "png")} == names  # fmt: skip
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_a_card_has_the_size_that_is_shared(tmp_path: Path) -> None:
    write_figures(sample.analysis(), None, tmp_path)
    header = (tmp_path / "card.png").read_bytes()[16:24]
    assert (int.from_bytes(header[:4]), int.from_bytes(header[4:])) == (1200, 630)


def test_figures_without_data_are_left_out(tmp_path: Path) -> None:
    lean = sample.analysis(win_rate=None, verdict=None, by_judge={}, by_category={}, by_source={},
                           agreement=None, position=None, label=None)  # fmt: skip
    assert {path.stem for path in write_figures(lean, None, tmp_path)} == {"outcomes"}


def test_hostile_names_are_drawn_as_shapes(tmp_path: Path) -> None:
    text = HOSTILE["latex"] + HOSTILE["script"] + HOSTILE["bidi"] + "漢字"
    for path in write_figures(hostile_analysis(text), None, tmp_path):
        if path.suffix == ".svg":
            tags = {node.tag.rsplit("}", 1)[-1] for node in ElementTree.parse(path).iter()}
            assert "script" not in tags
            assert "text" not in tags
