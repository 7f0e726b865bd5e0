"""What a stranger's file may try: one sentence, and nothing is written."""

from __future__ import annotations

import hashlib
import json
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brie.bundle import check_file, layout, merge_answers, unbundle
from brie.digest import digest
from brie.errors import BrieError, InputError
from brie.evaluation.folders import find_evaluation
from brie.evaluation.manifest import read_manifest, write_manifest
from brie.project import Project
from tests.bundle.conftest import everything, rows

Members = dict[str, bytes]
Change = Callable[[Members], None]


def contents(file: Path) -> Members:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def index(members: Members) -> bytes:
    """An index that fits the members: whoever changes a bundle changes this too."""
    found = json.loads(members[layout.INDEX])
    found["members"] = {
        name: {"digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "bytes": len(data)}
        for name, data in members.items()
        if name != layout.INDEX
    }
    return json.dumps(found).encode()


def write(members: Members, to: Path) -> Path:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return to


def changed(file: Path, to: Path, change: Change, *, honest_index: bool = True) -> Path:
    members = contents(file)
    change(members)
    if honest_index:
        members[layout.INDEX] = index(members)
    return write(members, to)


def refused(file: Path, project: Project) -> str:
    """The one sentence a file gets; the project stays as it was, whatever was asked of the file."""
    before, outside = rows(project), everything(project.root)
    with pytest.raises(BrieError) as found:
        unbundle(file, project)
    assert rows(project) == before
    assert everything(project.root) == outside
    with pytest.raises(BrieError):
        check_file(file)
    said = str(found.value)
    assert "\n" not in said
    assert len(said) < 400
    return said


# --- the container -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "../evil.json", "/etc/passwd", "rows/../../evil.jsonl", "evaluation\\manifest.json", "C:/evil",
        "evaluation/voters/../../../x.json", "evaluation/voters/..json/x", "run/checkpoints/x/y",
        "run/checkpoints/checkpoint-1/model.bin", "rows/other.jsonl", "report/evil.js", "rows/",
        "./bundle.json", "EVALUATION/manifest.json", "evaluation/voters/-x.json",
    ],
)  # fmt: skip
def test_a_name_that_no_bundle_has(file: Path, empty: Project, tmp_path: Path, name: str) -> None:
    odd = changed(file, tmp_path / "b.zip", lambda m: m.update({name: b"{}"}))
    assert "no bundle" in refused(odd, empty)
    assert not list(tmp_path.rglob("evil*"))


def test_a_link(file: Path, empty: Project, tmp_path: Path) -> None:
    members = contents(file)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if name == layout.ANALYSIS else 0o100644) << 16
            archive.writestr(info, b"/etc/passwd" if name == layout.ANALYSIS else data)
    assert "is a link" in refused(tmp_path / "b.zip", empty)


def test_a_member_twice(file: Path, empty: Project, tmp_path: Path) -> None:
    members = contents(file)
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        warnings.simplefilter("ignore")
        for name, data in members.items():
            archive.writestr(name, data)
        archive.writestr(layout.VERDICTS, members[layout.VERDICTS])
    assert "is there twice" in refused(tmp_path / "b.zip", empty)


def test_a_bomb_that_says_so(file: Path, empty: Project, tmp_path: Path) -> None:
    bomb = changed(file, tmp_path / "b.zip", lambda m: m.update({layout.LOOKS: b"\n" * 50_000_000}))
    assert bomb.stat().st_size < 1_000_000
    assert "would swell" in refused(bomb, empty)


@pytest.mark.parametrize("declared", [10, 3_000_000_000])
def test_a_bomb_that_lies(file: Path, empty: Project, tmp_path: Path, declared: int) -> None:
    """The directory says another size than unpacking gives; neither is believed."""
    bomb = changed(file, tmp_path / "b.zip", lambda m: m.update({layout.LOOKS: b"\n" * 50_000_000}))
    data = bytearray(bomb.read_bytes())
    place = data.rindex(layout.LOOKS.encode()) - 46
    assert data[place : place + 4] == b"PK\x01\x02"
    data[place + 24 : place + 28] = struct.pack("<I", declared)
    bomb.write_bytes(bytes(data))
    refused(bomb, empty)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({layout.LOOKS: 3_000_000_000}, "would have 3,000,000,000 bytes"),
        (
            dict.fromkeys([layout.COMPLETIONS, layout.VERDICTS, layout.LOOKS], 2_000_000_000),
            "unpacked it would have 6,0",
        ),
    ],
)
def test_more_bytes_than_a_bundle_may_have(
    file: Path, empty: Project, tmp_path: Path, said: dict[str, int], why: str
) -> None:
    """The directory says so, and that the packed bytes are many as well."""
    large = changed(file, tmp_path / "b.zip", lambda members: None)
    data = bytearray(large.read_bytes())
    for name, size in said.items():
        place = data.rindex(name.encode()) - 46
        data[place + 20 : place + 28] = struct.pack("<II", size // 10, size)
    large.write_bytes(bytes(data))
    assert why in refused(large, empty)


def test_a_bundle_is_not_too_large_for_having_more_than_two_gigabytes(
    file: Path, empty: Project, tmp_path: Path
) -> None:
    """It is refused, since it has less than it says; but not for its size."""
    large = changed(file, tmp_path / "b.zip", lambda members: None)
    data = bytearray(large.read_bytes())
    for name in (layout.COMPLETIONS, layout.VERDICTS):
        place = data.rindex(name.encode()) - 46
        data[place + 24 : place + 28] = struct.pack("<I", 1_200_000_000)
        data[place + 20 : place + 24] = struct.pack("<I", 120_000_000)
    large.write_bytes(bytes(data))
    assert "would have" not in refused(large, empty)


def test_more_members_than_a_bundle_has(file: Path, empty: Project, tmp_path: Path) -> None:
    more = {f"evaluation/voters/v{n}.json": b"{}" for n in range(1_200)}
    assert "lists 1,2" in refused(changed(file, tmp_path / "b.zip", lambda m: m.update(more)), empty)


@pytest.mark.parametrize(
    "name", [layout.VERDICTS, layout.ANALYSIS, layout.MANIFEST, "report/index.html"]
)
def test_a_member_that_is_not_the_listed_one(
    file: Path, empty: Project, tmp_path: Path, name: str
) -> None:
    def flip(members: Members) -> None:
        data = bytearray(members[name])
        data[len(data) // 2] ^= 1
        members[name] = bytes(data)

    said = refused(changed(file, tmp_path / "b.zip", flip, honest_index=False), empty)
    assert said.count("sha256:") == 2


def test_a_member_missing_or_unlisted(file: Path, empty: Project, tmp_path: Path) -> None:
    for number, name in enumerate((layout.CALLS, layout.INDEX, layout.MANIFEST)):
        path = tmp_path / f"b{number}.zip"
        refused(write({n: d for n, d in contents(file).items() if n != name}, path), empty)
    extra = contents(file) | {"evaluation/voters/Bob.json": b"{}"}
    assert "differ" in refused(write(extra, tmp_path / "extra.zip"), empty)


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06", b"PK\x05\x06" + bytes(18)])
def test_not_a_bundle_at_all(empty: Project, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "b.zip").write_bytes(data)
    refused(tmp_path / "b.zip", empty)


def test_a_file_that_is_not_there_or_a_folder(empty: Project, tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "none.zip", empty)
    refused(tmp_path, empty)


def test_a_bundle_of_a_newer_brie(file: Path, empty: Project, tmp_path: Path) -> None:
    for key, value in (("schema", "brie.bundle/2"), ("store", 99)):
        members = contents(file)
        members[layout.INDEX] = json.dumps({**json.loads(members[layout.INDEX]), key: value}).encode()
        assert "pip install -U brie-eval" in refused(write(members, tmp_path / f"{key}.zip"), empty)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_off(file: Path, empty: Project, tmp_path: Path, share: float) -> None:
    data = file.read_bytes()
    (tmp_path / "b.zip").write_bytes(data[: int(len(data) * share)])
    assert "cut off" in refused(tmp_path / "b.zip", empty)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9))
def test_whatever_bytes_are_flipped_nothing_false_gets_in(
    file: Path, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    draw, data = random.Random(seed), bytearray(file.read_bytes())
    for _ in range(draw.choice([1, 1, 4, 40])):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    folder = tmp_path_factory.mktemp("flip")
    (folder / "b.zip").write_bytes(bytes(data))
    project = Project(folder / "p")
    project.root.mkdir()
    try:
        unbundle(folder / "b.zip", project)
    except InputError:
        assert rows(project) == {}
        assert everything(project.root) == set()
    else:  # the bit lay where nothing is read: a date, a version, a flag
        whole = Project(folder / "w")
        whole.root.mkdir()
        unbundle(file, whole)
        assert rows(project) == rows(whole)


# --- what it says --------------------------------------------------------------------------


def line(members: Members, name: str, number: int, **changes: object) -> None:
    """Change keys of one row."""
    listed = members[name].splitlines()
    row = json.loads(listed[number])
    target = row.get("row", row)
    target.update(changes)
    listed[number] = json.dumps(row).encode()
    members[name] = b"\n".join(listed) + b"\n"


def test_rows_that_the_plan_does_not_name(file: Path, empty: Project, tmp_path: Path) -> None:
    other = digest("another key")
    changes: list[Change] = [
        lambda m: line(m, layout.COMPLETIONS, 3, key=other),
        lambda m: line(m, layout.COMPLETIONS, 3, pin=other),
        lambda m: line(m, layout.COMPLETIONS, 3, seconds=float("nan")),
        lambda m: line(m, layout.VERDICTS, 3, key=other),
        lambda m: line(m, layout.VERDICTS, 3, judge=other),
        lambda m: line(m, layout.VERDICTS, 3, presentation=other),
        lambda m: line(m, layout.VERDICTS, 3, scores={"clarity": {"A": float("inf")}}),
        lambda m: m.update({layout.COMPLETIONS: m[layout.COMPLETIONS] + m[layout.COMPLETIONS]}),
        lambda m: line(m, layout.CALLS, 0, evaluation="eval-mine-00000000"),
        lambda m: line(m, layout.CALLS, 0, usd=-5.0),
        lambda m: line(m, layout.LOOKS, 0, suite=other, evaluation="eval-mine-00000000"),
    ]
    for number, change in enumerate(changes):
        refused(changed(file, tmp_path / f"b{number}.zip", change), empty)


@pytest.mark.parametrize(("name", "key"), [(layout.COMPLETIONS, "text"), (layout.VERDICTS, "reason")])
def test_a_row_that_is_not_the_one_the_numbers_were_made_from(
    file: Path, empty: Project, tmp_path: Path, name: str, key: str
) -> None:
    said = refused(changed(file, tmp_path / "b.zip", lambda m: line(m, name, 0, **{key: "x"})), empty)
    assert said.count("sha256:") == 2


def test_a_verdict_left_out(file: Path, empty: Project, tmp_path: Path) -> None:
    def drop(members: Members) -> None:
        members[layout.VERDICTS] = b"\n".join(members[layout.VERDICTS].splitlines()[1:]) + b"\n"

    assert "numbers were made from" in refused(changed(file, tmp_path / "b.zip", drop), empty)


def manifest(members: Members, change: Callable[[dict[str, object]], None]) -> None:
    found = json.loads(members[layout.MANIFEST])
    change(found)
    members[layout.MANIFEST] = json.dumps(found).encode()


def test_a_plan_that_is_not_the_sealed_one(file: Path, empty: Project, tmp_path: Path) -> None:
    changes: list[Change] = [
        lambda m: manifest(m, lambda f: f["plan"].update(seed=99)),  # type: ignore[attr-defined]
        lambda m: manifest(m, lambda f: f.update(id="../../evil")),
        lambda m: manifest(m, lambda f: f.update(amendments=[])),
        lambda m: manifest(m, lambda f: f.update(surprise=1)),
        lambda m: m.update({layout.MANIFEST: b"[" * 100_000}),
        lambda m: m.update({layout.MANIFEST: b"\xff\xfe"}),
    ]
    for number, change in enumerate(changes):
        refused(changed(file, tmp_path / f"b{number}.zip", change), empty)


def test_numbers_that_were_improved_are_found_by_verify(file: Path, tmp_path: Path) -> None:
    def improve(members: Members) -> None:
        found = json.loads(members[layout.ANALYSIS])
        found["win_rate"]["value"] = 0.99
        members[layout.ANALYSIS] = json.dumps(found).encode()

    _, findings = check_file(changed(file, tmp_path / "b.zip", improve))
    broken = [f.what for f in findings if not f.holds]
    assert any("win_rate.value" in what for what in broken)
    assert any("report says something else" in what for what in broken)


def test_a_report_of_a_stranger_is_never_written(file: Path, empty: Project, tmp_path: Path) -> None:
    evil = b"<script>alert(1)</script>"
    odd = changed(file, tmp_path / "b.zip", lambda m: m.update({"report/index.html": evil}))
    unbundle(odd, empty)
    assert not any(evil in path.read_bytes() for path in empty.root.rglob("*") if path.is_file())
    _, findings = check_file(odd)
    assert any("report says something else" in f.what for f in findings if not f.holds)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table[:-3] + b"q\r\n",
        lambda table: table[:-2],
        lambda table: table + b" ",
    ],
    ids=["its last cell", "its end cut off", "something added"],
)
def test_every_byte_of_a_table_of_verdicts_is_held_against_the_rows(
    file: Path, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    name = "report/verdicts.csv"
    odd = changed(file, tmp_path / "b.zip", lambda m: m.update({name: change(m[name])}))
    _, findings = check_file(odd)
    assert [f.what for f in findings if not f.holds] == ["its report says something else"]


def test_only_answers_are_taken_where_answers_were_asked_for(
    made: Project, file: Path, empty: Project
) -> None:
    manifest = find_evaluation(None, made).manifest.model_copy(update={"amendments": ()})
    folder = empty.runs / manifest.id
    folder.mkdir(parents=True)
    write_manifest(folder, manifest)
    merge_answers(file, empty)
    taken = rows(empty)
    assert taken["completions"] == rows(made)["completions"]
    assert {table for table, stored in taken.items() if stored} == {"completions"}
    assert read_manifest(folder) == manifest
    assert {path.name for path in folder.iterdir()} == {"manifest.json"}
