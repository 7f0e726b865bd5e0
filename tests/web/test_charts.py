"""The loss curves of a run."""

from __future__ import annotations

import itertools
import re

import pytest

from brie.web.charts import loss_chart
from brie.web.project_cache import Curve


def labels(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@pytest.mark.parametrize(
    ("losses", "shown"),
    [
        ((0.1578, 0.21), ["0.14", "0.16", "0.18", "0.20", "0.22"]),
        ((0.03, 3.1), ["0", "1", "2", "3", "4"]),
        ((2.0, 2.0), ["2.0", "2.5"]),
        ((1250.0, 9100.0), ["0", "2000", "4000", "6000", "8000", "10000"]),
    ],
)
def test_the_scale_has_round_values_at_their_very_places(
    losses: tuple[float, float], shown: list[str]
) -> None:
    low, high = losses
    svg = str(loss_chart([Curve("training loss", ((0.0, high), (100.0, low)))], {}))
    texts = labels(svg)
    numbers = [text for text in texts if re.fullmatch(r"[\d.]+", text)]
    assert numbers[: len(shown)] == shown
    assert numbers[len(shown)] == "0", "steps begin"
    places = [float(y) for y in re.findall(r'class="tick"[^>]*y1="([\d.]+)"', svg)]
    gaps = [round(a - b, 1) for a, b in itertools.pairwise(places)]
    assert max(gaps) - min(gaps) <= 0.2


def test_no_name_stands_on_a_curve() -> None:
    curves = [Curve(name, ((0.0, 3.0), (120.0, 0.5))) for name in ("training loss", "validation loss")]
    svg = str(loss_chart(curves, {"best": 100, "last": 120}))
    heights = dict(re.findall(r'y="([\d.]+)"[^>]*>((?:training|validation) loss)<', svg))
    assert set(map(float, heights)) == {16.0}
    assert labels(svg).count("best") == 1
