"""The seal and its chain: whatever is changed, moved or taken out afterwards is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brie.digest import digest
from brie.errors import InputError
from brie.evaluation.manifest import MANIFEST, amend, broken_links, read_manifest, write_manifest
from brie.records import Manifest
from tests.flow.world import World, sealed


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """A sealed plan with three additions."""
    made = sealed(World.make(tmp_path / "w").asked(prompts=4))
    made = amend(made, "repeat", {"judge": "reference", "repeats": 2}, verdicts_before=8)
    made = amend(made, "stopped", {"judge": "reference", "said": "no key"}, verdicts_before=9)
    return amend(made, "resumed", {"judge": "reference"}, verdicts_before=16)


def test_a_chain_that_nobody_touched_holds(manifest: Manifest) -> None:
    assert broken_links(manifest) == []
    assert [link.kind for link in manifest.amendments] == ["repeat", "stopped", "resumed"]
    assert [link.verdicts_before for link in manifest.amendments] == [8, 9, 16]


def test_each_link_names_the_one_before_it_and_the_first_names_the_seal(manifest: Manifest) -> None:
    digests = [link.digest for link in manifest.amendments]
    assert [link.previous for link in manifest.amendments] == [manifest.seal, *digests[:-1]]
    assert len({manifest.seal, *digests}) == 4


def _with(manifest: Manifest, number: int, **changes: Any) -> Manifest:
    links = list(manifest.amendments)
    links[number] = links[number].model_copy(update=changes)
    return manifest.model_copy(update={"amendments": tuple(links)})


@pytest.mark.parametrize(
    ("changes", "number", "kind"),
    [
        ({"detail": {"judge": "reference", "repeats": 3}}, 0, "repeat"),
        ({"verdicts_before": 0}, 1, "stopped"),
        ({"kind": "resumed"}, 1, "resumed"),
        ({"digest": digest("another")}, 2, "resumed"),
    ],
)
def test_a_changed_link_is_named(
    manifest: Manifest, changes: dict[str, Any], number: int, kind: str
) -> None:
    broken = broken_links(_with(manifest, number, **changes))
    assert f"amendment {number + 1} ({kind}) was changed or moved" in broken


def test_a_link_taken_out_or_moved_breaks_the_chain_behind_it(manifest: Manifest) -> None:
    first, second, third = manifest.amendments
    shorter = manifest.model_copy(update={"amendments": (first, third)})
    assert broken_links(shorter) == ["amendment 2 (resumed) was changed or moved"]
    moved = manifest.model_copy(update={"amendments": (second, first, third)})
    assert len(broken_links(moved)) == 3
    # The last one can be taken out unseen: nothing comes after it.
    assert broken_links(manifest.model_copy(update={"amendments": (first, second)})) == []


def test_a_changed_plan_is_not_the_sealed_one(manifest: Manifest) -> None:
    plan = manifest.plan.model_copy(update={"samples": 2})
    broken = broken_links(manifest.model_copy(update={"plan": plan}))
    assert broken == ["the plan is not the one that was sealed"]


def test_a_manifest_comes_back_from_its_folder(manifest: Manifest, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / manifest.id
    write_manifest(folder, manifest)
    assert read_manifest(folder) == manifest
    assert sorted(path.name for path in folder.iterdir()) == [MANIFEST]


def test_a_damaged_manifest_is_named(manifest: Manifest, tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest)
    path = tmp_path / MANIFEST
    path.write_text(path.read_text("utf-8")[:-20], "utf-8")
    with pytest.raises(InputError, match=MANIFEST):
        read_manifest(tmp_path)
