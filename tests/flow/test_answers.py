"""Two sets of answers that exist already, judged as any two sides are."""

from __future__ import annotations

import csv
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import brie
from brie.ci.documents import differences
from brie.cli import main
from brie.evaluation.folders import find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.work import Work
from brie.project import Project
from brie.records import Side
from brie.records.analysis import Analysis
from brie.store import Store
from tests.flow.bench import Bench, requests_are_blind

HEAD = ("prompt", "mine", "theirs")


def write_table(path: Path, rows: Sequence[Sequence[str]], head: Sequence[str] = HEAD) -> None:
    """A CSV file."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([head, *rows])


def plain_rows(count: int) -> list[tuple[str, str, str]]:
    """Prompts with two answers of unlike and varying length."""
    return [
        (
            f"What is thing {n}?",
            f"It is {'very ' * (n % 5)}good, number {n}.",
            f"It is {n * n}, so be it.",
        )
        for n in range(count)
    ]


def analysis_of(folder: Path) -> Analysis:
    """The numbers of the only evaluation of a folder."""
    (path,) = folder.glob("runs/eval-*/analysis.json")
    return Analysis.model_validate_json(path.read_text("utf-8"))


def code_of(*arguments: str) -> int:
    """How a command ends."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def judged(folder: Path, *arguments: str) -> Analysis:
    """`brie eval` with the rule that prefers the longer answer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert code_of("eval", "--judge", "longer", *arguments) == 0
    return analysis_of(folder)


def pairs(candidate: str, baseline: str) -> list[str]:
    """The short form for one file."""
    return ["--pairs", "answers.csv", "--candidate", candidate, "--baseline", baseline]


def test_two_columns_are_judged_blind_by_an_api_and_a_rule_and_hold(bench: Bench) -> None:
    write_table(bench.folder / "answers.csv", plain_rows(10))
    said = bench.call("eval", *pairs("mine", "theirs"), "--judge", "gpt", "--judge", "longer", "--yes")
    assert said.code == 0, said.err
    numbers = bench.analysis()
    assert set(numbers["by_judge"]) == {"gpt", "longer"}
    assert (numbers["candidate"]["name"], numbers["baseline"]["name"]) == ("mine", "theirs")
    assert bench.openai.seen
    requests_are_blind(bench)
    held = bench.call("verify")
    assert held.code == 0
    assert "mine of answers.csv" in held.out
    again = bench.call("eval", *pairs("mine", "theirs"), "--judge", "gpt", "--judge", "longer", "--yes")
    assert "0 completions and 0 verdicts" in again.err


def test_columns_exchanged_turn_the_rate_round(tmp_path: Path) -> None:
    rates = []
    for name, sides in (("one", ("mine", "theirs")), ("other", ("theirs", "mine"))):
        (tmp_path / name).mkdir()
        write_table(tmp_path / name / "answers.csv", plain_rows(12))
        rate = judged(tmp_path / name, *pairs(*sides)).win_rate
        assert rate is not None
        rates.append(rate)
    assert rates[0].value + rates[1].value == pytest.approx(1, abs=1e-12)
    assert rates[0].value != 0.5
    assert rates[0].ends is not None
    assert rates[1].ends is not None
    assert rates[0].ends[0] + rates[1].ends[1] == pytest.approx(1, abs=1e-12)


def test_nothing_heavy_is_loaded_and_it_is_quick(tmp_path: Path) -> None:
    write_table(tmp_path / "answers.csv", plain_rows(30))
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('HEAVY', [m for m in ('torch', 'transformers', 'peft') "
        "if m in sys.modules]))\n"
        "from brie.cli import main\n"
        f"sys.exit(main({['eval', *pairs('mine', 'theirs'), '--judge', 'longer']!r}))"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert "HEAVY []" in done.stdout
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 6  # 1.8 s alone


def test_what_is_not_known_of_answers_is_said_and_has_not_failed(tmp_path: Path) -> None:
    write_table(tmp_path / "answers.csv", plain_rows(10))
    checks = {check.id: check for check in judged(tmp_path, *pairs("mine", "theirs")).checks}
    for name in ("conditions", "checkpoint"):
        assert checks[name].status == "not_run"
        assert checks[name].summary.startswith("Not known: both sides")
    page = next(tmp_path.glob("reports/*/index.html")).read_text("utf-8")
    assert "not known: both sides are files of answers" in page
    assert "answers.csv, last changed" in page
    manifest = json.loads(next(tmp_path.glob("runs/eval-*/manifest.json")).read_text("utf-8"))
    assert manifest["plan"]["environment"]["engine"] == "answers"
    assert manifest["given"]["candidate"]["file"] == "answers.csv"


def test_a_bundle_of_it_unbundles_and_holds_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    write_table(here / "answers.csv", plain_rows(8))
    judged(here, *pairs("mine", "theirs"))
    monkeypatch.chdir(here)
    (folder,) = here.glob("runs/eval-*")
    assert code_of("bundle", folder.name, "-o", str(tmp_path / "it.zip")) == 0
    monkeypatch.chdir(there)
    assert code_of("unbundle", str(tmp_path / "it.zip")) == 0
    assert code_of("verify", folder.name) == 0


def test_answers_that_were_changed_since_do_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = plain_rows(8)
    write_table(tmp_path / "answers.csv", rows)
    judged(tmp_path, *pairs("mine", "theirs"))
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "answers.csv", list(reversed(rows)))
    assert code_of("verify") == 0  # the order of rows says nothing
    write_table(tmp_path / "answers.csv", [(rows[0][0], "another", rows[0][2]), *rows[1:]])
    capsys.readouterr()
    assert code_of("verify") == 2
    assert "not those that were judged" in capsys.readouterr().out


def test_the_answers_of_an_own_evaluation_give_the_same_as_answers(bench: Bench) -> None:
    judges = ("gpt", "longer")
    assert bench.eval("--yes", judges=judges).code == 0
    project = Project(bench.folder)
    own, before = bench.analysis(), _outcomes(project)
    _export(project, bench.folder / "answers.csv")
    elsewhere = bench.folder / "runs-before"
    shutil.move(bench.folder / "runs", elsewhere)
    said = bench.call(
        "eval", "--suite", "small.toml", *pairs("candidate", "baseline"), "--controls", "2",
        "--judge", "gpt", "--judge", "longer", "--yes",
    )  # fmt: skip
    assert said.code == 0, said.err
    given = bench.analysis()
    assert _outcomes(project) == before
    assert len(before) == 8 * 2 * 2
    assert given["win_rate"]["value"] == own["win_rate"]["value"]
    for name in judges:
        mine, theirs = given["by_judge"][name]["win_rate"], own["by_judge"][name]["win_rate"]
        assert (mine["value"], mine["low"], mine["high"]) == (
            theirs["value"], theirs["low"], theirs["high"],
        )  # fmt: skip


def _outcomes(project: Project) -> dict[tuple[str, ...], str | None]:
    """Judge, kind, prompt, letter and order of every verdict of the only evaluation -> who won."""
    with Store.open(project.store) as store:
        rows = gather(find_evaluation(None, project).manifest, store).of("main")
    return {
        (
            row.task.judge, row.task.prompt, row.task.presentation.order,
            row.task.presentation.candidate_letter,
        ): row.winner
        for row in rows
    }  # fmt: skip


def _export(project: Project, path: Path) -> None:
    evaluation = find_evaluation(None, project)
    work = Work.of(evaluation.manifest)
    sides: tuple[Side, Side] = ("candidate", "baseline")
    with Store.open(project.store) as store:
        rows = []
        for prompt in work.plan.suite.prompts:
            keys = [work.key(side, prompt.id, 0) for side in sides]
            texts = store.completions(keys)
            rows.append((prompt.id, prompt.messages[-1].content, *(texts[key].text for key in keys)))
    write_table(path, rows, ("id", "prompt", *sides))


@pytest.mark.slow
def test_a_file_meets_a_model(bench: Bench) -> None:
    assert bench.eval("--yes", judges=("longer",)).code == 0
    _export(Project(bench.folder), bench.folder / "answers.csv")
    shutil.move(bench.folder / "runs", bench.folder / "runs-before")
    said = bench.eval("--baseline", "answers:answers.csv#baseline", judges=("longer",))
    assert said.code == 0, said.err
    checks = {check["id"]: check for check in bench.analysis()["checks"]}
    assert "Not known: the baseline" in checks["conditions"]["summary"]
    assert bench.call("verify").code == 0


def test_answers_that_a_judge_here_cannot_read_whole_are_refused(bench: Bench) -> None:
    rows = plain_rows(4)
    write_table(bench.folder / "answers.csv", [(rows[0][0], "word, " * 20_000, "b"), *rows[1:]])
    assert bench.score("here").code == 0
    said = bench.call("eval", *pairs("mine", "theirs"), "--judge", "here")
    assert (said.code, "take a judge with a longer context" in said.err) == (2, True)
    assert not list(bench.folder.glob("runs/eval-*"))


def test_several_answers_to_a_prompt_are_samples(tmp_path: Path) -> None:
    rows = [row for row in plain_rows(8) for row in (row, (row[0], row[1] + " And more.", row[2]))]
    write_table(tmp_path / "answers.csv", rows)
    found = judged(tmp_path, *pairs("mine", "theirs"))
    assert found.counts.ok == 8 * 2 * 2
    assert found.win_rate is not None
    assert found.win_rate.prompts == 8


def test_with_a_suite_what_is_missing_is_counted_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = plain_rows(9)
    (tmp_path / "mine.txt").write_text("\n".join([row[0] for row in rows[:8]] + ["What else?"]), "utf-8")
    write_table(tmp_path / "answers.csv", rows)
    found = judged(tmp_path, "--suite", "mine.txt", *pairs("mine", "theirs"))
    assert found.counts.ok == 8 * 2
    told = capsys.readouterr().err
    assert "mine: 1 of 9 prompts of suite 'mine' without an answer; left out." in told
    assert "mine: 1 more prompt than suite 'mine' has." in told


def test_prompts_of_two_files_are_the_same_where_exports_changed_their_blanks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        (f"What is thing {n}?\nBriefly.", mine, theirs)
        for n, (_, mine, theirs) in enumerate(plain_rows(5))
    ]
    changed = [(prompt.replace("\n", "\r\n").replace(" ", "\u00a0"), *rest) for prompt, *rest in rows]
    write_table(tmp_path / "one.csv", rows)
    write_table(tmp_path / "two.csv", changed)
    monkeypatch.chdir(tmp_path)
    sides = ["--candidate", "answers:one.csv#mine", "--baseline", "answers:two.csv#theirs"]
    assert code_of("eval", *sides, "--judge", "longer", "--dry-run") == 0
    assert "5 prompts" in capsys.readouterr().out


BAD = {
    "no column": (pairs("mien", "theirs"), "did you mean 'mine'"),
    "no side named": (["--pairs", "answers.csv"], "it has: mine, theirs"),
    "no file": (["--pairs", "nowhere.csv", "--candidate", "a", "--baseline", "b"], "there is no file"),
    "no base": (["--candidate", "answers:answers.csv#mine"], "has no base"),
    "nothing asked": ([], "option '--suite'. Say what is asked: a suite, or answers"),
    "not plain": (["--candidate", "answers:answers.csv", "--baseline", "answers:odd.csv"], "say which"),
    "no prompt column": (
        ["--candidate", "answers:odd.csv#text", "--baseline", "answers:answers.csv#mine"],
        "--prompt COLUMN",
    ),
    "unlike prompts": (
        ["--candidate", "answers:answers.csv#mine", "--baseline", "answers:fewer.csv#mine"],
        "the prompts of both sides differ: 3 prompts",
    ),
    "unlike samples": (
        ["--candidate", "answers:answers.csv#mine", "--baseline", "answers:more.csv#mine"],
        "--samples 1",
    ),
    "an id twice": (
        ["--candidate", "answers:twice.csv#mine", "--baseline", "answers:twice.csv#theirs"],
        "lines 2 and 3 have the id '1' and different prompts",
    ),
    "neither": (["--pairs", "odd.bin", "--candidate", "a", "--baseline", "b"], "no file of answers"),
    "a setting": ([*pairs("mine", "theirs"), "--temperature", "0.5"], "leave it out"),
    "a broken row": (
        ["--pairs", "broken.jsonl", "--candidate", "a", "--baseline", "b"], "broken.jsonl: line 2",
    ),
    "another suite": (["--suite", "demo", *pairs("mine", "theirs")], "answers none of the"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_used_is_one_sentence_and_nothing_is_sealed(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, expected = BAD[what]
    rows = plain_rows(5)
    write_table(tmp_path / "answers.csv", rows)
    write_table(tmp_path / "fewer.csv", rows[:2])
    write_table(tmp_path / "more.csv", [*rows, *rows])
    write_table(tmp_path / "odd.csv", [("a", "b")], ("title", "text"))
    twice = [("1", *rows[0]), ("1", *rows[1])]
    write_table(tmp_path / "twice.csv", twice, ("id", *HEAD))
    (tmp_path / "odd.bin").write_bytes(b"\xff\xfe\x00\xd8\x00\xd8\xff\xff")
    (tmp_path / "broken.jsonl").write_text('{"prompt": "p", "a": "x", "b": "y"}\n{"prompt": \n', "utf-8")
    monkeypatch.chdir(tmp_path)
    assert code_of("eval", "--judge", "longer", *arguments) == 2
    assert expected in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.glob("runs/eval-*"))


def test_a_judge_behind_an_api_is_asked_once_whoever_asks(bench: Bench) -> None:
    write_table(bench.folder / "answers.csv", plain_rows(8))
    said = bench.call("eval", *pairs("mine", "theirs"), "--judge", "gpt", "--yes")
    assert said.code == 0, said.err
    asked = len(bench.openai.seen)
    again = brie.evaluate(
        pairs="answers.csv", candidate="mine", baseline="theirs", judges=["gpt"], yes=True
    )  # fmt: skip
    assert again.verdicts == 0
    assert len(bench.openai.seen) == asked
    assert differences(bench.analysis(), json.loads(again.analysis.to_json())) == []
