"""Which judges the headline is made of, when some were stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brie.evaluation.manifest import amend
from brie.evaluation.plan import panel_judge
from brie.evaluation.rows import headline_judges, stopped_judges
from brie.records import AmendmentKind, JudgeSpec, Manifest, Provider
from tests.flow.world import World, rules, sealed


@pytest.fixture
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Two judges of the headline and an instrument beside them."""
    world = World.make(tmp_path_factory.mktemp("headline") / "w")
    beside = panel_judge(
        JudgeSpec(id="longer", provider=Provider.RULES, model="longer"), None, instrument=True
    )
    asked = replace(world.asked(prompts=2), panel_judges=(*rules("first", "reference"), beside))
    return sealed(asked)


def after(manifest: Manifest, *links: tuple[AmendmentKind, str]) -> Manifest:
    for kind, judge in links:
        manifest = amend(manifest, kind, {"judge": judge, "said": f"{judge} said"}, verdicts_before=0)
    return manifest


@pytest.mark.parametrize(
    ("links", "stopped", "headline"),
    [
        ((), [], ["first", "reference"]),
        ((("stopped", "first"),), ["first"], ["reference"]),
        ((("stopped", "longer"),), ["longer"], ["first", "reference"]),
        ((("stopped", "first"), ("stopped", "longer")), ["first", "longer"], ["reference"]),
        ((("stopped", "first"), ("resumed", "first")), [], ["first", "reference"]),
        ((("resumed", "first"), ("stopped", "first")), ["first"], ["reference"]),
        ((("stopped", "first"), ("stopped", "reference")), [], ["first", "reference"]),
        (
            (("stopped", "first"), ("stopped", "reference"), ("resumed", "first")),
            ["reference"],
            ["first"],
        ),
    ],
)
def test_a_stopped_judge_leaves_the_headline_unless_nobody_would_be_left(
    manifest: Manifest,
    links: tuple[tuple[AmendmentKind, str], ...],
    stopped: list[str],
    headline: list[str],
) -> None:
    now = after(manifest, *links)
    assert stopped_judges(now) == {name: f"{name} said" for name in stopped}
    assert headline_judges(now) == headline
