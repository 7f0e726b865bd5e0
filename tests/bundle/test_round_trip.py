"""A bundle goes to another machine and back: nothing is lost, nothing changes, nothing is told."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from brie.bundle import check_file, pack_evaluation, unbundle
from brie.bundle.merge import joined
from brie.ci.verify import verify
from brie.errors import InputError, UsageError
from brie.evaluation.folders import find_evaluation
from brie.evaluation.manifest import amend, broken_links, read_manifest
from brie.project import Project
from brie.store import Store
from tests.bundle.conftest import numbers, rows, vote


def bundled(project: Project, out: Path) -> Path:
    return pack_evaluation(find_evaluation(None, project), project, out)


def test_an_empty_store_gets_the_same_rows_numbers_and_findings(
    made: Project, file: Path, empty: Project
) -> None:
    merged = unbundle(file, empty)
    here, there = find_evaluation(None, empty), find_evaluation(None, made)
    assert here.analysis_file.read_bytes() == there.analysis_file.read_bytes()
    assert [f.what for f in verify(here, empty) if not f.holds] == []
    one, two = rows(made), rows(empty)
    assert sorted(one["completions"]) == sorted(two["completions"])
    assert sorted(row[1:] for row in one["verdicts"]) == sorted(row[1:] for row in two["verdicts"])
    assert len(one["calls"]) == len(two["calls"])
    assert one["looks"] == two["looks"]
    assert (merged.completions, merged.verdicts) == (len(one["completions"]), len(one["verdicts"]))
    assert (here.folder / "voters" / "Ann.json").is_file()


def test_numbers_made_again_on_the_other_machine_are_the_same(
    made: Project, file: Path, empty: Project
) -> None:
    unbundle(file, empty)
    before = json.loads(find_evaluation(None, made).analysis_file.read_text())
    after = json.loads(numbers(empty))
    volatile = ("created", "cost")
    assert {k: v for k, v in after.items() if k not in volatile} == {
        k: v for k, v in before.items() if k not in volatile
    }
    assert after["cost"] == before["cost"]


def test_the_same_evaluation_gives_the_same_bytes_and_so_does_its_copy(
    made: Project, file: Path, empty: Project, tmp_path: Path
) -> None:
    assert bundled(made, tmp_path / "again.zip").read_bytes() == file.read_bytes()
    unbundle(file, empty)
    assert bundled(empty, tmp_path / "copy.zip").read_bytes() == file.read_bytes()


def test_a_second_time_adds_nothing(made: Project, file: Path, empty: Project) -> None:
    unbundle(file, empty)
    before = rows(empty)
    merged = unbundle(file, empty)
    assert (merged.new, merged.completions, merged.verdicts) == (False, 0, 0)
    assert rows(empty) == before
    assert unbundle(file, made).verdicts == 0


def test_a_file_is_verified_without_any_project(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name, findings = check_file(file)
    assert name.startswith("eval-")
    assert [f.what for f in findings if not f.holds] == []
    assert any("every number is reproduced" in f.what for f in findings)
    assert any("report is what its numbers give" in f.what for f in findings)
    assert list(tmp_path.iterdir()) == []


def test_no_folder_and_no_key_is_in_it(
    sender: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-secret-0123456789")
    out = bundled(sender, tmp_path / "b.zip")
    with zipfile.ZipFile(out) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            assert str(sender.root).encode() not in data, name
            assert b"sk-secret" not in data, name
    with Store.open(sender.store) as store:
        store._db.execute(
            "UPDATE verdicts SET body = replace(body, 'It answers', 'sk-secret-0123456789')"
        )
    numbers(sender)
    with pytest.raises(UsageError, match=r"a key of this environment stands in "):
        bundled(sender, tmp_path / "c.zip")
    assert not (tmp_path / "c.zip").exists()


def test_numbers_that_are_not_the_store_s_are_not_bundled(sender: Project, tmp_path: Path) -> None:
    path = find_evaluation(None, sender).analysis_file
    said = json.loads(path.read_text())
    said["win_rate"]["value"] += 0.01
    path.write_text(json.dumps(said))
    with pytest.raises(UsageError, match="brie report"):
        bundled(sender, tmp_path / "b.zip")


def test_an_unfinished_evaluation_goes_on_elsewhere(
    sender: Project, empty: Project, tmp_path: Path
) -> None:
    find_evaluation(None, sender).analysis_file.unlink()
    with Store.open(sender.store) as store:
        store._db.execute("DELETE FROM verdicts WHERE id % 2 = 0")
    out = bundled(sender, tmp_path / "b.zip")
    unbundle(out, empty)
    assert not find_evaluation(None, empty).analysis_file.exists()
    assert len(rows(empty)["verdicts"]) == len(rows(sender)["verdicts"])
    assert json.loads(numbers(empty))["interim"]


# --- merging -------------------------------------------------------------------------------


def test_votes_of_two_machines_meet(sender: Project, file: Path, empty: Project, tmp_path: Path) -> None:
    unbundle(file, empty)
    vote(sender, "Bob", 4)
    numbers(sender)
    vote(empty, "Cleo", 5)
    numbers(empty)
    merged = unbundle(bundled(empty, tmp_path / "back.zip"), sender)
    assert (merged.new, merged.verdicts, merged.outdated) == (False, 5, True)
    manifest = find_evaluation(None, sender).manifest
    assert broken_links(manifest) == []
    assert [a.detail["judge"] for a in manifest.amendments] == ["human:Ann", "human:Bob", "human:Cleo"]
    numbers(sender)
    again = unbundle(bundled(sender, tmp_path / "forth.zip"), empty)
    assert again.verdicts == 4
    names = {a.detail["judge"] for a in find_evaluation(None, empty).manifest.amendments}
    assert names == {"human:Ann", "human:Bob", "human:Cleo"}


@pytest.mark.parametrize("table", ["completions", "verdicts"])
def test_a_contradiction_is_refused_with_both_digests(file: Path, empty: Project, table: str) -> None:
    unbundle(file, empty)
    field = "text" if table == "completions" else "reply"
    with Store.open(empty.store) as store:
        store._db.execute(f"UPDATE {table} SET body = json_set(body, '$.{field}', 'other')")
    before = rows(empty)
    with pytest.raises(
        InputError, match=r"sha256:[0-9a-f]{64}.*sha256:[0-9a-f]{64}.*nothing was merged"
    ):
        unbundle(file, empty)
    assert rows(empty) == before


def test_a_longer_history_of_attempts_is_kept(file: Path, empty: Project, sender: Project) -> None:
    unbundle(file, empty)
    with Store.open(empty.store) as store:
        (key, body) = store._read("SELECT key, body FROM verdicts ORDER BY id LIMIT 1")[0]
        from brie.records import Verdict

        store.add_verdicts([Verdict.model_validate_json(body)], evaluation="x", judge="y")
        assert len(store.attempts([key])[key]) == 2
    assert unbundle(file, empty).verdicts == 0
    with Store.open(empty.store, read_only=True) as store:
        assert len(store.attempts([key])[key]) == 2


def test_additions_that_do_not_go_together_are_refused(sender: Project) -> None:
    manifest = find_evaluation(None, sender).manifest
    one = amend(manifest, "voter", {"judge": "human:Bob"}, verdicts_before=1)
    two = amend(manifest, "stopped", {"judge": "gpt", "said": "no"}, verdicts_before=1)
    with pytest.raises(InputError, match="does not go together"):
        joined(here=one, there=two)
    other = manifest.model_copy(update={"seal": "sha256:" + "0" * 64})
    with pytest.raises(InputError, match="was sealed as"):
        joined(here=manifest, there=other)


def test_a_folder_in_the_way_is_refused_before_anything_is_written(
    file: Path, empty: Project, made: Project
) -> None:
    (empty.runs / find_evaluation(None, made).manifest.id).mkdir(parents=True)
    with pytest.raises(InputError, match=r"manifest\.json"):
        unbundle(file, empty)
    assert rows(empty) == {}


def test_a_disk_that_cannot_be_written_changes_nothing(
    file: Path, empty: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty.root / "runs").write_text("a file where the folder should be")
    with pytest.raises(InputError, match="cannot write to"):
        unbundle(file, empty)
    assert [p.name for p in empty.root.iterdir()] == ["runs"]


def test_an_existing_file_that_is_no_bundle_is_not_overwritten(made: Project, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="is no bundle"):
        bundled(made, tmp_path / "letter.txt")
    assert read_manifest(find_evaluation(None, made).folder)
    assert (tmp_path / "letter.txt").read_text() == "dear"
