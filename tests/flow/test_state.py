"""What an evaluation has is not lost: by two commands at once, by a store that is gone, by damage."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from brie.ci.verify import verify
from brie.evaluation.added_votes import add_votes
from brie.evaluation.extend import More, judge_more
from brie.evaluation.folders import find_evaluation
from brie.progress import Silent
from brie.project import Project
from brie.web.project_cache import ProjectCache
from brie.web.voting_session import VotingSession
from tests.flow.bench import Bench
from tests.flow.test_answers import pairs, plain_rows, write_table

RULES = ("first", "distinct", "reference")


@pytest.fixture
def made(bench: Bench) -> Bench:
    """An evaluation of two columns by a rule."""
    write_table(bench.folder / "answers.csv", plain_rows(8))
    said = bench.call("eval", *pairs("mine", "theirs"), "--judge", "longer")
    assert said.code == 0, said.err
    return bench


def name_of(bench: Bench) -> str:
    (path,) = bench.folder.glob("runs/eval-*/manifest.json")
    return path.parent.name


def store_of(bench: Bench) -> Path:
    return bench.folder / "runs" / "brie.sqlite"


def changed(bench: Bench, statement: str) -> None:
    """Something done to the store by hand."""
    with closing(sqlite3.connect(store_of(bench))) as db:
        db.execute(statement)
        db.commit()


def numbers(bench: Bench) -> bytes:
    (path,) = bench.folder.glob("runs/eval-*/analysis.json")
    return path.read_bytes()


# --- several at once ---------------------------------------------------------------------


def voted(project: Project, evaluation: str, voter: str) -> None:
    session = VotingSession(ProjectCache(project), evaluation=evaluation, name=voter)
    item = session.current()
    assert item is not None
    assert session.vote(item.number, "A")


def imported(project: Project, evaluation: str, voter: str) -> None:
    file = project.root / f"{voter}.csv"
    prompt = find_evaluation(evaluation, project).manifest.plan.order[0]
    file.write_text(f"voter,prompt,sample,winner\n{voter},{prompt},0,tie\n", "utf-8")
    add_votes(file, find_evaluation(evaluation, project), project)


def joined(project: Project, evaluation: str, judge: str) -> None:
    judge_more(
        find_evaluation(evaluation, project), More((judge,)), project, Silent(), command="brie judge"
    )


def held(project: Project, evaluation: str) -> None:
    findings = verify(find_evaluation(evaluation, project), project)
    assert all(finding.holds for finding in findings), findings


def test_judges_viewers_and_vote_files_at_once_lose_nobody(made: Bench) -> None:
    project, name = Project(made.folder), name_of(made)
    with ThreadPoolExecutor(6) as pool:
        work = [pool.submit(joined, project, name, rule) for rule in RULES]
        work += [pool.submit(voted, project, name, voter) for voter in ("Ann", "Bob")]
        work.append(pool.submit(imported, project, name, "Cem"))
        for done in work:
            done.result()
    links = find_evaluation(name, project).manifest.amendments
    voters = {link.judge for link in links if link.kind == "voter"}
    assert voters == {"human:Ann", "human:Bob", "human:Cem"}
    assert sum(link.kind == "judge" for link in links) == len(RULES)
    assert made.call("report").code == 0
    judges = made.analysis()["by_judge"]
    assert {*RULES, *voters} <= set(judges)
    held(project, name)


# --- rows that are gone ------------------------------------------------------------------


def test_numbers_survive_a_store_that_was_deleted(made: Bench) -> None:
    before = numbers(made)
    for path in store_of(made).parent.glob("brie.sqlite*"):
        path.unlink()
    for command in ("report", "analyse", "verify", "judge"):
        said = made.call(command)
        assert said.code == 2, command
        assert "there is no store at" in said.err
    assert not store_of(made).exists()
    assert numbers(made) == before
    listing = made.call("ls")
    assert listing.code == 0
    assert name_of(made) in listing.out


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM verdicts", "32 of longer"),
        ("DELETE FROM verdicts WHERE id = 3", "1 of longer"),
        ("DELETE FROM completions", "24 of answers"),
    ],
)
def test_numbers_are_not_made_anew_from_fewer_rows(made: Bench, statement: str, what: str) -> None:
    before = numbers(made)
    changed(made, statement)
    asked = ["eval", *pairs("mine", "theirs"), "--judge", "longer"]
    for command in (["report"], ["analyse"], ["judge"], ["judge", "--judge", "first"], asked):
        said = made.call(*command)
        assert said.code == 2, command
        assert what in said.err
        assert "Put the store back from a copy" in said.err
    assert numbers(made) == before
    assert made.call("verify").code == 2


def test_what_the_message_says_can_be_done(made: Bench) -> None:
    changed(made, "DELETE FROM verdicts")
    shutil.move(made.folder / "runs" / name_of(made), made.folder / "away")
    assert made.call("eval", *pairs("mine", "theirs"), "--judge", "longer").code == 0
    assert made.call("verify").code == 0


def test_a_withdrawn_vote_is_no_row_that_is_gone(made: Bench) -> None:
    project, name = Project(made.folder), name_of(made)
    voted(project, name, "Ann")
    assert made.call("report").code == 0
    session = VotingSession(ProjectCache(project), evaluation=name, name="Ann")
    session.undo()
    item = session.current()
    assert item is not None
    session.skip(item.number)
    assert made.call("report").code == 0
    assert "human:Ann" not in made.analysis()["by_judge"]
    held(project, name)


def test_finished_numbers_are_not_replaced_by_an_empty_store(made: Bench) -> None:
    before = numbers(made)
    for path in store_of(made).parent.glob("brie.sqlite*"):
        path.unlink()
    from brie.store import Store

    Store.open(store_of(made)).close()
    assert made.call("report").code == 2
    assert numbers(made) == before
    failed = made.call("verify")
    assert failed.code == 2
    assert "changed since the numbers were made, or is gone" in failed.out


def test_a_store_deleted_under_a_running_command_stops_it(bench: Bench) -> None:
    write_table(bench.folder / "answers.csv", plain_rows(8))
    mind, asked = bench.openai.mind, []

    def deletes(*values: object) -> object:
        asked.append(1)
        if len(asked) == 4:
            store_of(bench).unlink()
        return mind(*values)  # type: ignore[arg-type]

    bench.openai.mind = deletes  # type: ignore[assignment]
    said = bench.call("eval", *pairs("mine", "theirs"), "--judge", "gpt", "--yes")
    assert said.code == 2
    assert "was deleted or replaced while brie was at work" in said.err
    assert len(asked) < 16 + 8
    assert not list(bench.folder.glob("runs/eval-*/analysis.json"))


# --- damage ------------------------------------------------------------------------------


@pytest.fixture
def two(made: Bench) -> Bench:
    """Two evaluations that share no verdict."""
    assert made.call("eval", *pairs("mine", "theirs"), "--judge", "distinct").code == 0
    return made


def other_than(bench: Bench, damaged: str) -> str:
    (name,) = [p.name for p in bench.folder.glob("runs/eval-*") if p.name != damaged]
    return name


DEEP = '{"key":' + "[" * 100_000
DAMAGE = {"cut": "substr(body, 1, 40)", "number": "'7'", "deep": f"'{DEEP}'", "null": "'null'"}


@pytest.mark.parametrize("body", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("table", ["verdicts", "completions"])
def test_a_damaged_row_is_named_and_stops_only_what_needs_it(made: Bench, table: str, body: str) -> None:
    where = (
        "WHERE key = (SELECT min(key) FROM completions)" if table == "completions" else "WHERE id = 2"
    )
    changed(made, f"UPDATE {table} SET body = {body} {where}")
    for command in (["report"], ["judge", "--judge", "first"], ["agreement"], ["bundle", name_of(made)]):
        said = made.call(*command)
        assert said.code == 2, command
        assert "is damaged" in said.err, said.err
        assert "sha256:" in said.err
    failed = made.call("verify")
    assert failed.code == 2
    assert "FAIL" in failed.out
    assert "is damaged" in failed.out


def test_a_damaged_verdict_does_not_stop_another_evaluation(two: Bench) -> None:
    by_longer = next(
        path.parent.name
        for path in two.folder.glob("runs/eval-*/manifest.json")
        if json.loads(path.read_text())["plan"]["seats"][0]["judge"]["id"] == "longer"
    )
    changed(two, "UPDATE verdicts SET body = '{' WHERE id = 2")  # of the first one
    assert two.call("verify", by_longer).code == 2
    for command in ("verify", "report"):
        assert two.call(command, other_than(two, by_longer)).code == 0


@pytest.mark.parametrize("text", ["", "{", '{"plan": 3}', "\x00\xff", DEEP])
def test_a_damaged_manifest_stops_only_its_own_evaluation(two: Bench, text: str) -> None:
    damaged = name_of_first(two)
    other = other_than(two, damaged)
    (two.folder / "runs" / damaged / "manifest.json").write_text(text, "latin-1")
    listing = two.call("ls")
    assert listing.code == 0
    assert "unreadable" in listing.out
    assert other in listing.out
    rows = json.loads(two.call("ls", "--json").out)["evaluations"]
    assert {row["state"] for row in rows} == {"complete", "unreadable"}
    for command in ("verify", "report", "gate"):
        extra = ["--require", "not-worse"] if command == "gate" else []
        assert two.call(command, other, *extra).code in (0, 4, 5), command
        said = two.call(command, damaged, *extra)
        assert said.code == 2
        assert "manifest.json" in said.err
    assert two.call("eval", *pairs("theirs", "mine"), "--judge", "longer").code == 0
    unnamed = two.call("verify")
    assert unnamed.code == 2
    assert other in unnamed.err
    assert damaged in unnamed.err
    assert two.call("bundle", damaged).code == 2


def name_of_first(bench: Bench) -> str:
    return min(path.name for path in bench.folder.glob("runs/eval-*"))


def test_damaged_numbers_are_made_again(made: Bench) -> None:
    (path,) = made.folder.glob("runs/eval-*/analysis.json")
    path.write_text(DEEP, "utf-8")
    assert made.call("verify").code == 2
    assert made.call("report").code == 0
    assert made.call("verify").code == 0


# --- broken seals ------------------------------------------------------------------------


def edited(bench: Bench, change: str) -> None:
    """The manifest with one thing in it changed by hand."""
    (path,) = bench.folder.glob("runs/eval-*/manifest.json")
    manifest = json.loads(path.read_text("utf-8"))
    plan = manifest["plan"]
    if change == "level":
        plan["level"] = 0.5
    elif change == "prompt":
        del plan["suite"]["prompts"][0]
    elif change == "samples":
        plan["samples"] = 10**12
    elif change == "assignment":
        plan["assignments"] = {}
    elif change == "side":
        del manifest["locations"]["candidate"]
    path.write_text(json.dumps(manifest), "utf-8")


@pytest.mark.parametrize("change", ["level", "prompt", "samples", "assignment", "side"])
def test_every_verb_that_computes_numbers_refuses_a_broken_seal(made: Bench, change: str) -> None:
    votes = made.folder / "votes.csv"
    votes.write_text("voter,prompt,winner\nAnn,1,tie\n", "utf-8")
    name, before = name_of(made), numbers(made)
    edited(made, change)
    for command in (
        ["report"], ["analyse"], ["judge"], ["judge", "--judge", "first"], ["generate"],
        ["judge", "--votes", str(votes)], ["agreement"], ["bundle", name],
    ):  # fmt: skip
        said = made.call(*command)
        assert said.code == 2, command
        assert "the seal is broken" in said.err, (command, said.err)
        assert f"brie verify {name}" in said.err
    gate = made.call("gate", "--require", "not-worse", "--allow", "controls")
    assert gate.code == 4
    assert "the seal is broken" in gate.err
    failed = made.call("verify")
    assert failed.code == 2
    assert failed.out.count("\n") == 1
    assert failed.out.startswith("FAIL")
    assert numbers(made) == before


def test_a_plan_sealed_anew_that_contradicts_itself_is_refused_in_a_sentence(made: Bench) -> None:
    """Whoever edits a plan can seal it again; that it makes no sense is found all the same."""
    from brie.records import Plan

    for change in ("prompt", "samples", "assignment"):
        (path,) = made.folder.glob("runs/eval-*/manifest.json")
        kept = path.read_text("utf-8")
        edited(made, change)
        manifest = json.loads(path.read_text("utf-8"))
        manifest["seal"] = Plan.model_validate(manifest["plan"]).seal()
        path.write_text(json.dumps(manifest), "utf-8")
        failed = made.call("verify")
        assert failed.code == 2
        assert "the plan contradicts itself" in failed.out
        path.write_text(kept, "utf-8")


# --- votes that came later ---------------------------------------------------------------


def test_votes_newer_than_the_numbers_are_said_to_be_that(made: Bench) -> None:
    project, name = Project(made.folder), name_of(made)
    for voter in ("Ann", "Bob"):
        voted(project, name, voter)
    held_all = made.call("verify")
    assert held_all.code == 0, held_all.out
    assert f"2 votes are newer than the numbers and not in them: brie report {name}" in held_all.out
    changed(made, "UPDATE verdicts SET body = json_set(body, '$.reason', 'another') WHERE id = 1")
    assert made.call("verify").code == 2, "older rows are looked at all the same"


def test_votes_are_in_the_numbers_after_a_report(made: Bench) -> None:
    voted(Project(made.folder), name_of(made), "Ann")
    assert made.call("report").code == 0
    said = made.call("verify")
    assert said.code == 0
    assert "newer" not in said.out


# --- a project that cannot be written ----------------------------------------------------


@pytest.fixture
def sealed_folder(made: Bench) -> Iterator[Path]:
    """The project where another user may read it and nobody but root may write."""
    folder = Path(tempfile.mkdtemp(prefix="brie-read-only-"))
    project = folder / "project"
    shutil.copytree(made.folder, project, symlinks=True)
    for path in (project, *project.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)
    folder.chmod(0o755)
    yield project
    for path in (project, *project.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


def _without_overriding() -> None:
    """Root writes where it likes by a capability; a process can give it away beforehand."""
    ctypes.CDLL(None).prctl(24, 1)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE


def as_reader(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of somebody who may not write here."""
    return subprocess.run(
        [sys.executable, "-m", "brie", *arguments], cwd=folder, capture_output=True, text=True,
        timeout=120, check=False, preexec_fn=_without_overriding if os.getuid() == 0 else None,
    )  # fmt: skip


@pytest.mark.parametrize("log", [False, True], ids=["closed", "with-a-log"])
def test_a_project_that_cannot_be_written_can_be_read(sealed_folder: Path, log: bool) -> None:
    runs = sealed_folder / "runs"
    assert not list(runs.glob("brie.sqlite-*")), "SQLite would read it through these"
    if log:  # as a process that was killed leaves it
        runs.chmod(0o755)
        (runs / "brie.sqlite").chmod(0o644)
        code = (
            "import os, sqlite3; db = sqlite3.connect('brie.sqlite'); "
            "db.execute('INSERT INTO meta VALUES (1, 2)'); db.commit(); os._exit(0)"
        )
        subprocess.run([sys.executable, "-c", code], cwd=runs, check=True)
        assert (runs / "brie.sqlite-wal").stat().st_size
        (runs / "brie.sqlite-shm").unlink()
        for path in runs.glob("brie.sqlite*"):
            path.chmod(0o444)
        runs.chmod(0o555)
    done = as_reader(sealed_folder, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    if log:
        return
    done = as_reader(sealed_folder, "ls")
    assert done.returncode == 0, done.stderr
    done = as_reader(sealed_folder, "report")
    assert done.returncode == 2
    assert "cannot" in done.stderr
    assert "Traceback" not in done.stderr
