"""Figures: written, well-formed, the same every time, harmless."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from brie.records.standing import Reason, Standing
from brie.report.badge import badge
from brie.report.card import card
from brie.report.figures import write_figures
from tests.report import sample
from tests.report.hostile import HOSTILE
from tests.report.test_build import hostile_analysis


def test_every_figure_is_written_as_svg_and_png_and_twice_the_same(tmp_path: Path) -> None:
    one = write_figures(sample.analysis(), sample.manifest(), tmp_path / "one")
    two = write_figures(sample.analysis(), sample.manifest(), tmp_path / "two")
    names = {path.name for path in one}
    assert {f"{n}.{e}" for n in ("card", "win_rate", "forest", "outcomes", "effects", "agreement")
            for e in ("svg", "png")} | {"badge.svg"} == names  # fmt: skip
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_a_card_has_the_size_that_is_shared(tmp_path: Path) -> None:
    write_figures(sample.analysis(), None, tmp_path)
    header = (tmp_path / "card.png").read_bytes()[16:24]
    assert (int.from_bytes(header[:4]), int.from_bytes(header[4:])) == (1200, 630)


def test_figures_without_data_are_left_out(tmp_path: Path) -> None:
    lean = sample.analysis(win_rate=None, verdict=None, by_judge={}, by_category={}, by_source={},
                           agreement=None, position=None, label=None)  # fmt: skip
    assert {path.stem for path in write_figures(lean, None, tmp_path)} == {"badge", "outcomes"}


def test_hostile_names_are_drawn_as_shapes(tmp_path: Path) -> None:
    text = HOSTILE["latex"] + HOSTILE["script"] + HOSTILE["bidi"] + "漢字"
    for path in write_figures(hostile_analysis(text), None, tmp_path):
        if path.suffix == ".svg":
            tags = {node.tag.rsplit("}", 1)[-1] for node in ElementTree.parse(path).iter()}
            assert "script" not in tags
            assert ("text" in tags) == (path.name == "badge.svg")


def test_a_card_names_both_sides_the_rate_who_judged_and_how_it_stands() -> None:
    figure = card(sample.analysis(), sample.manifest())
    assert figure is not None
    said = " ".join(" ".join(text.get_text() for text in figure.texts).split())
    for part in (
        "qwen-0.5b-letters, step 290", "against Qwen2.5-0.5B-Instruct", "in_domain 2",
        "Better: 71 of 100",
        "likely 62 to 78", "40 prompts", "2 models (claude-opus, gpt-mini) and a rule (reference)",
        "stands, 1 check fails, 2 warnings", "look at: sources, truncation, position",
    ):  # fmt: skip
        assert part in said, part


@pytest.mark.parametrize("length", [5, 60, 300])
def test_nothing_hangs_over_the_edge_of_a_card(length: int) -> None:
    name = ("name " * 60)[:length]
    reasons = (Reason(cause="length", text=f"only if {name * 2}"),) * 4
    base = sample.analysis()
    for standing in (base.standing, Standing(state="withheld", reasons=reasons)):
        sides = {"candidate": base.candidate.model_copy(update={"name": name}), "standing": standing}
        figure = card(base.model_copy(update=sides), sample.manifest())
        assert figure is not None
        boxes = [text.get_window_extent() for text in figure.texts]
        assert all(box.x0 >= 0 and box.x1 <= 1200 and box.y0 >= 0 and box.y1 <= 630 for box in boxes)
        scale = figure.axes[0].get_window_extent()
        assert not [box for box in boxes if box.overlaps(scale)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "better: 71 of 100 (62–78)"),
        ({"verdict": "undecided"}, "undecided: 71 of 100 (62–78)"),
        ({"interim": True}, "interim: 71 of 100 (62–78)"),
        ({"win_rate": None, "verdict": None}, "no win rate"),
        (
            {"standing": {"state": "withheld", "reasons": [{"cause": "length", "text": "t"}]}},
            "better? length",
        ),
        (
            {"standing": {"state": "conditional", "reasons": [{"cause": "length", "text": "only t"}]}},
            "better, conditional: 71 of 100 (62–78)",
        ),
    ],
)
def test_a_badge_says_no_more_than_may_be_said(changes: dict[str, object], words: str) -> None:
    root = ElementTree.fromstring(badge(sample.analysis(**changes)))
    assert root.get("aria-label") == f"brie: {words}"
    boxes = [float(str(box.get("width"))) for box in root.iter() if box.tag.endswith("rect")]
    assert boxes[0] == boxes[1] + boxes[2]
    assert boxes[2] > 5 * len(words)
