"""The seal and its chain: whatever is changed, moved or taken out afterwards is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brie.digest import digest
from brie.errors import InputError
from brie.evaluation.manifest import (
    LOCK,
    MANIFEST,
    amend,
    broken_links,
    change,
    read_manifest,
    write_manifest,
)
from brie.records import GenerationNotes, Manifest
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


def test_a_link_is_written_at_the_end_and_the_plan_stays_as_it_was_written(
    manifest: Manifest, tmp_path: Path
) -> None:
    """Byte for byte what writing all of it would give, also of a file that another build wrote."""
    folder = tmp_path / "runs" / manifest.id
    said = {"judge": "reference", "said": 'a "quote",\n "amendments": [] and 李'}
    for spaces in ("", " "):
        write_manifest(folder, manifest)
        path = folder / MANIFEST
        path.write_text(path.read_text("utf-8").replace('"plan": {', f'"plan":{spaces} {{'), "utf-8")
        longer = change(folder, lambda now: amend(now, "stopped", said, verdicts_before=17))
        whole = longer.model_dump_json(indent=1) + "\n"
        assert path.read_text("utf-8") == whole.replace('"plan": {', f'"plan":{spaces} {{')
        assert broken_links(read_manifest(folder)) == []


def test_what_is_more_than_a_link_is_written_anew(manifest: Manifest, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / manifest.id
    write_manifest(folder, manifest)
    notes = GenerationNotes(texts=3)
    change(folder, lambda now: now.model_copy(update={"made": notes}))
    longer = change(folder, lambda now: amend(now, "resumed", {"judge": "x"}, verdicts_before=17))
    assert (folder / MANIFEST).read_text("utf-8") == longer.model_dump_json(indent=1) + "\n"
    odd = json.dumps(json.loads((folder / MANIFEST).read_text("utf-8")))
    (folder / MANIFEST).write_text(odd, "utf-8")  # in a form of its own
    longer = change(folder, lambda now: amend(now, "resumed", {"judge": "y"}, verdicts_before=18))
    assert read_manifest(folder) == longer
    assert sorted(path.name for path in folder.iterdir()) == [LOCK, MANIFEST]


def test_a_manifest_that_was_just_changed_is_not_read_again(manifest: Manifest, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / manifest.id
    write_manifest(folder, manifest)
    longer = change(folder, lambda now: amend(now, "resumed", {"judge": "x"}, verdicts_before=17))
    assert read_manifest(folder) is longer
    write_manifest(folder, manifest)
    assert read_manifest(folder) == manifest
