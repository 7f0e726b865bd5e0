"""Numbers are read into records and written again byte for byte, whoever judged or imported them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from pydantic import JsonValue

from brie.audit import read_files
from brie.audit.assess import assess
from brie.ci.documents import compare
from brie.evaluation.assemble import assemble
from brie.evaluation.gather import gather
from brie.records.analysis import Analysis
from brie.store import Store
from tests.present import present
from tests.test_versions import opened

GOLDEN = Path(__file__).parents[1] / "golden" / "analyses.zip"
"""Documents of 0.1.0: votes, early stopping, an interim one, repeats, a stopped judge, four audits with
the files they are of, and what `few-made-by-0.1.0.zip` says when it is computed again."""

with zipfile.ZipFile(GOLDEN) as _archive:
    FILES = {name: _archive.read(name).decode() for name in _archive.namelist()}
DOCUMENTS = sorted(name for name in FILES if name.endswith(".json"))


def shape(value: JsonValue, path: str = "") -> list[str]:
    """Every key of a document by its path, in the order in which it is written."""
    if isinstance(value, dict):
        return [
            p for key, inner in value.items() for p in (f"{path}.{key}", *shape(inner, f"{path}.{key}"))
        ]
    if isinstance(value, list):
        return [p for number, inner in enumerate(value) for p in shape(inner, f"{path}[{number}]")]
    return []


def assert_same(golden: str, again: str) -> None:
    """The same keys in the same order, and the same numbers; words and new keys may differ.

    Evidence of the checks and notes come and go with their reasons: they are compared where both have
    them.
    """
    before, after = json.loads(golden), json.loads(again)
    assert compare(before, after, same_build=False).differ == []
    for key in ("checks", "notes"):
        del before[key], after[key]
    keys = shape(before)
    assert [path for path in shape(after) if path in set(keys)] == keys


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_is_read_is_written_byte_for_byte(name: str) -> None:
    assert Analysis.read(FILES[name]).to_json() == FILES[name]


def test_what_a_newer_build_adds_anywhere_is_left_out() -> None:
    document = json.loads(FILES["votes.json"])
    document["new"] = 1
    document["win_rate"]["new"] = 1
    document["by_judge"]["reference"]["position"]["new"] = {"deep": 1}
    assert Analysis.read(json.dumps(document)).to_json() == FILES["votes.json"]


def test_what_an_older_build_did_not_write_stays_absent() -> None:
    document = json.loads(FILES["votes.json"])
    for key in ("layout", "majority", "ranges", "controls", "categories"):
        del document[key]
    again = json.loads(Analysis.read(json.dumps(document)).to_json())
    assert shape(again) == shape(document)


@pytest.mark.parametrize("name", [n for n in DOCUMENTS if n.startswith("audit-")])
def test_an_audit_of_the_same_file_has_the_same_rate_and_interval(name: str, tmp_path: Path) -> None:
    """Names of prompts, notes and draws may differ: rows are no longer known by their lines."""
    path = tmp_path / name.removeprefix("audit-").replace(".json", ".jsonl")
    path.write_text(FILES[name.replace(".json", ".jsonl")], encoding="utf-8")
    candidate = "mine" if "mt_bench" in name else None
    again = assess(read_files([path]), name=path.name, claim=0.7, candidate=candidate)
    before = Analysis.read(FILES[name])
    assert present(again.win_rate).value == pytest.approx(present(before.win_rate).value, abs=1e-9)
    for end in ("low", "high"):
        ends = [getattr(present(found.win_rate), end) for found in (again, before)]
        assert ends[0] == pytest.approx(ends[1], abs=0.005)
    for outcome in ("win", "tie", "loss"):
        assert getattr(again.outcomes, outcome) == getattr(before.outcomes, outcome)
    assert again.counts.ok == before.counts.ok
    assert present(again.audit).row_mean == pytest.approx(present(before.audit).row_mean, abs=1e-9)


def test_an_evaluation_computed_again_is_the_same_document(tmp_path: Path) -> None:
    evaluation, project = opened(tmp_path)
    with Store.open(project.store) as store:
        again = assemble(gather(evaluation.manifest, store), store).to_json()
    assert_same(FILES["few-again.json"], again)
