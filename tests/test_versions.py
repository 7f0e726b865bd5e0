"""What was made by another build of brie still holds, and a changed number of it still does not."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import JsonValue

from brie import __version__, versions
from brie.bundle import check_file
from brie.bundle.merge import unbundle
from brie.ci.documents import compare
from brie.ci.findings import Finding
from brie.ci.verify import verify
from brie.evaluation.folders import Evaluation, find_evaluation
from brie.evaluation.results import rebuild
from brie.project import Project
from brie.records import JudgeSpec, Plan, Provider, Suite
from brie.records.base import Record
from brie.store import Store
from tests.commands import brie

OLD = Path(__file__).parent / "golden" / "few-made-by-0.1.0.zip"
"""A finished evaluation with an added judge and two votes, bundled by the first build that sealed."""
SOURCE = Path(__file__).parents[1] / "src"


def opened(folder: Path) -> tuple[Evaluation, Project]:
    """The old evaluation in a project of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    project = Project(folder)
    return find_evaluation(unbundle(OLD, project).id, project), project


def broken(findings: list[Finding]) -> list[str]:
    return [one.what for one in findings if not one.holds]


def test_a_bundle_of_an_earlier_build_holds() -> None:
    _, findings = check_file(OLD)
    assert broken(findings) == []
    assert any(one.what.startswith("made by brie 0.1.0: ") for one in findings)


def test_an_evaluation_of_an_earlier_build_can_be_reported_and_still_holds(tmp_path: Path) -> None:
    found, project = opened(tmp_path)
    before = json.loads(found.analysis_file.read_text("utf-8"))
    outcome = rebuild(found, project)
    assert outcome.analysis.win_rate is not None
    assert outcome.analysis.win_rate.value == before["win_rate"]["value"]
    assert broken(verify(found, project)) == []


def edited(found: Evaluation, change: Callable[[dict[str, object]], None]) -> None:
    document = json.loads(found.analysis_file.read_text("utf-8"))
    change(document)
    found.analysis_file.write_text(json.dumps(document), encoding="utf-8")


def _number(document: dict[str, object]) -> None:
    rate = document["win_rate"]
    assert isinstance(rate, dict)
    rate["low"] += 1e-6


def _null(document: dict[str, object]) -> None:
    document["length_controlled"] = None if document["length_controlled"] else 1


def _verdict(document: dict[str, object]) -> None:
    document["verdict"] = "worse" if document["verdict"] != "worse" else "better"


@pytest.mark.parametrize(
    ("change", "where"),
    [(_number, "win_rate.low"), (_null, "length_controlled"), (_verdict, "verdict")],
)
def test_a_number_changed_in_an_evaluation_of_another_build_is_found(
    tmp_path: Path, change: Callable[[dict[str, object]], None], where: str
) -> None:
    found, project = opened(tmp_path)
    edited(found, change)
    assert any(where in what for what in broken(verify(found, project)))


def _without_key(document: dict[str, object]) -> None:
    del document["ranges"]
    checks = document["checks"]
    assert isinstance(checks, list)
    document["checks"] = [check for check in checks if check["id"] != "looks"]


def test_keys_and_checks_another_build_did_not_have_are_named_and_fail_nothing(tmp_path: Path) -> None:
    found, project = opened(tmp_path)
    edited(found, _without_key)
    findings = verify(found, project)
    assert broken(findings) == []
    (lacks,) = (one.what for one in findings if "keys it did not have" in one.what)
    assert "checks.looks" in lacks
    assert "ranges" in lacks


def test_keys_and_checks_only_another_build_has_are_named_and_fail_nothing(tmp_path: Path) -> None:
    found, project = opened(tmp_path)

    def more(document: dict[str, object]) -> None:
        document["humidity"] = {"value": 0.4}
        checks = document["checks"]
        assert isinstance(checks, list)
        checks.insert(0, {"id": "weather", "status": "warn", "summary": "It rains.", "evidence": {}})

    edited(found, more)
    findings = verify(found, project)
    assert broken(findings) == []
    (gone,) = (one.what for one in findings if "this one does not have" in one.what)
    assert "checks.weather" in gone
    assert "humidity" in gone


@pytest.mark.parametrize("change", [_without_key, _number])
def test_one_build_must_find_every_key_it_wrote(
    tmp_path: Path, change: Callable[[dict[str, object]], None]
) -> None:
    found, project = opened(tmp_path)
    rebuild(found, project)
    edited(found, change)
    assert broken(verify(found, project))


# --- numbers whose method is another one ------------------------------------------------------


def _at(document: dict[str, object], path: str, by: float) -> None:
    """Add to the number at a path."""
    table: object = document
    *way, last = path.split(".")
    for key in way:
        assert isinstance(table, dict)
        table = table[key]
    assert isinstance(table, dict)
    table[last] += by


@pytest.mark.parametrize(("path", "holds"), [("position.effect", False), ("position.low", True)])
def test_a_number_of_an_older_method_is_named_and_the_others_are_compared(
    tmp_path: Path, path: str, holds: bool
) -> None:
    found, project = opened(tmp_path)
    edited(found, lambda document: _at(document, path, 1e-3))
    findings = verify(found, project)
    assert (broken(findings) == []) is holds
    assert any("presentation by another method" in one.what for one in findings)


@pytest.mark.parametrize("path", ["position.low", "methods.presentation"])
def test_one_build_is_held_to_every_method_it_names(tmp_path: Path, path: str) -> None:
    found, project = opened(tmp_path)
    rebuild(found, project)
    edited(found, lambda document: _at(document, path, -1))
    assert any(path in what for what in broken(verify(found, project)))


def test_no_method_may_excuse_a_headline_or_a_count() -> None:
    kept = {"win_rate": dict.fromkeys(("value", "low", "high", "p_value", "prompts"), 0.5),
            "counts": {"prompts": 3, "ok": 2}, "outcomes": {"win": 1}, "verdict": "better",
            "by_judge": {"position": {"win_rate": {"low": 0.1, "high": 0.2}}},
            "position": {"effect": 0.1, "flip_rate": 0.2},
            "length_controlled": {"value": 0.5, "coefficient": 1.0}}  # fmt: skip
    text = json.dumps({**kept, "methods": versions.methods()})
    other = text.replace("0.5", "0.6").replace("0.1", "0.3").replace("0.2", "0.4").replace("1.0", "2.0")
    before, after = json.loads(other), json.loads(text)
    del before["methods"]
    before["counts"] = {"prompts": 4, "ok": 3}
    before["outcomes"] = {"win": 2}
    before["verdict"] = "worse"
    found = compare(before, after, same_build=False)
    assert len(found.differ) == 15
    assert found.methods == {}


@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [("equivalent", "undecided", True), ("undecided", "equivalent", True),
     ("better", "undecided", False), ("equivalent", "better", False)],
)  # fmt: skip
def test_only_equivalent_may_have_been_decided_otherwise(before: str, after: str, holds: bool) -> None:
    now: dict[str, JsonValue] = {"verdict": after, "methods": dict(versions.methods())}
    assert (compare({"verdict": before}, now, same_build=False).differ == []) is holds
    assert compare({**now, "verdict": before}, now, same_build=False).differ == ["verdict"]


# --- a build whose code is another one -------------------------------------------------------

KEYS = "one more key, one more check, and a raised sampler, prompt format and pin"
TABLES = "a raised store and raised documents"
BUILDS: dict[str, list[tuple[str, str, str]]] = {
    KEYS: [
        ("records/analysis.py", "    interim: bool\n", "    interim: bool\n    weather: int = 0\n"),
        ("evaluation/assemble.py", "        interim=interim,\n",
         "        interim=interim,\n        weather=7,\n"),
        ("checks/__init__.py", "    injection.check,\n", "    injection.check,\n    weather,\n"),
        ("checks/__init__.py", "CHECKS: tuple", "def weather(evidence: Evidence) -> Check:\n"
         '    return Check(id="weather", status="warn", summary="It rains.")\n\n\nCHECKS: tuple'),
        ("versions.py", 'SAMPLER = "2"', 'SAMPLER = "3"'),
        ("versions.py", '= ("1", "2")', '= ("1", "2", "3")'),
        ("versions.py", "PIN = 2", "PIN = 3"),
    ],
    TABLES: [
        ("versions.py", "STORE = 4", "STORE = 5"),
        ("store/database.py", "_MIGRATIONS: dict[int, str] = {\n", "_MIGRATIONS: dict[int, str] = {\n"
         '    5: "ALTER TABLE looks ADD COLUMN weather TEXT NOT NULL DEFAULT \'\'",\n'),
        ("versions.py", "dict.fromkeys(_NAMES, 1)", "dict.fromkeys(_NAMES, 2)"),
    ],
}  # fmt: skip


@pytest.fixture(params=[KEYS, TABLES], ids=["keys", "tables"])
def newer(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., str]:
    """Runs a command with the code of a later build, in a folder."""
    code = tmp_path / "code"
    shutil.copytree(SOURCE, code, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("prompt_suites", "judges", "recipes", "models", "data"):
        (tmp_path / name).symlink_to(SOURCE.parent / name)
    for file, before, after in BUILDS[request.param]:
        path = code / "brie" / file
        text = path.read_text("utf-8")
        assert before in text, f"{file} has no {before!r} any more: mend this test"
        path.write_text(text.replace(before, after, 1), encoding="utf-8")

    def run(folder: Path, *arguments: str) -> str:
        other = {**os.environ, "PYTHONPATH": str(code), "COLUMNS": "80"}
        done = brie(folder, *arguments, env=other)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_a_later_build_reads_what_this_one_made(newer: Callable[..., str], tmp_path: Path) -> None:
    found, project = opened(tmp_path / "mine")
    rebuild(found, project)
    assert "holds." in newer(project.root, "verify", found.manifest.id)
    newer(project.root, "report", found.manifest.id)
    assert "holds." in newer(project.root, "verify", found.manifest.id)
    assert "holds." in newer(project.root, "verify", str(OLD))


def test_this_build_reads_what_a_later_one_made(
    newer: Callable[..., str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["newer"]
    found, project = opened(tmp_path / "theirs")
    newer(project.root, "report", found.manifest.id)
    newer(project.root, "bundle", found.manifest.id, "-o", "theirs.zip")
    if name == TABLES:
        with pytest.raises(Exception, match="newer brie"):
            check_file(project.root / "theirs.zip")
        return
    assert broken(verify(found, project)) == []
    assert broken(check_file(project.root / "theirs.zip")[1]) == []


# --- what may not change unnoticed -------------------------------------------------------------


def test_a_build_is_known_by_its_code() -> None:
    assert versions.build(__version__).startswith(f"{__version__}+")
    assert versions.release_of(versions.build(__version__)) == __version__


SEALED = {
    "Amendment": "detail digest kind previous verdicts_before",
    "BaseModelRef": "digest repo revision",
    "Controls": "damage first_sample prompts",
    "Environment": "device dtype engine sampler",
    "JudgeSpec": "api_key_env base_url description endpoint family id location max_concurrency "
    "max_tokens model output parameters price provider rubric temperature timeout",
    "LoraSummary": "alpha dropout parameters r target_modules",
    "MachineCheck": "kind tolerance value",
    "Message": "content role",
    "Pin": "base base_location checkpoint config digest epoch eval_loss files kind lora name "
    "planned_steps run schema_ step template_digest",
    "Plan": "assignments baseline candidate controls environment held_out_sources left_out level order "
    "panel positions resamples samples sampling schema_ seats seed stopping suite",
    "Presentation": "baseline candidate candidate_letter order prompt",
    "Price": "cache_write cached_input input output read_on source",
    "Prompt": "category check difficulty id messages reference source",
    "Rubric": "criteria name text",
    "Sampling": "max_new_tokens repetition_penalty seed temperature thinking top_k top_p",
    "PanelJudge": "digest instrument judge rubric",
    "Stopping": "alpha block max_prompts rule",
    "Suite": "description license name prompts rubric sampling system version",
}
"""Fields that digests and seals of the first version cover; whatever joins them is declared with
`later`, or every earlier evaluation and row is orphaned."""


def _records(root: type[Record]) -> list[type[Record]]:
    return [found for one in root.__subclasses__() for found in (one, *_records(one))]


@pytest.mark.parametrize("name", sorted(SEALED))
def test_a_field_that_joins_a_sealed_record_is_not_written_at_its_default(name: str) -> None:
    record = next(one for one in _records(Record) if one.__name__ == name)
    new = {key: info for key, info in record.model_fields.items() if key not in SEALED[name].split()}
    unmarked = [key for key, info in new.items() if info.exclude_if is None]
    assert unmarked == [], f"declare {unmarked} of {name} with records.later"
    assert set(SEALED[name].split()) <= set(record.model_fields), "a sealed field is gone"


def test_judges_are_known_by_every_format_they_were_sealed_under() -> None:
    spec = JudgeSpec(id="a", provider=Provider.RULES, model="longer")
    assert [spec.prompt_format(spec.digest(name)) for name in versions.PROMPT_FORMATS] == list(
        versions.PROMPT_FORMATS
    )
    assert spec.prompt_format(spec.digest("unheard of")) is None


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (Plan, '{"schema": "brie.plan/9"}'),
        (Plan, '{"schema": "brie.pin/1"}'),
        (Suite, '{"name": "x", "prompts": [], "weather": 1}'),
    ],
)
def test_documents_of_newer_and_other_kinds_are_refused(record: type[Record], text: str) -> None:
    with pytest.raises(ValueError, match=r"newer brie|should be brie.plan|Extra inputs"):
        record.model_validate_json(text)


def test_an_older_store_is_read_without_being_touched(tmp_path: Path) -> None:
    path = tmp_path / "brie.sqlite"
    with Store.open(path):
        pass
    with sqlite3.connect(path) as db:  # back to the first schema
        for name in ("headline", "part", "prompts", "evaluation"):
            db.execute(f"DROP INDEX looks_{name}")
        db.execute("DROP TABLE looked_at")
        db.execute("DROP TABLE analyses")
        for name in ("headline", "part", "prompts"):
            db.execute(f"ALTER TABLE looks DROP COLUMN {name}")
        db.execute("DROP INDEX calls_spent")
        db.execute("ALTER TABLE claims DROP COLUMN evaluation")
        db.execute("ALTER TABLE claims DROP COLUMN judge")
        db.execute("PRAGMA user_version = 1")
    db.close()
    before = path.read_bytes()
    with Store.open(path, read_only=True) as store:
        assert store.version() == versions.STORE
        assert store.committed("eval-x") == 0.0
    assert path.read_bytes() == before


def test_the_old_bundle_is_what_it_says() -> None:
    with zipfile.ZipFile(OLD) as archive:
        assert json.loads(archive.read("evaluation/analysis.json"))["version"] == "0.1.0"
