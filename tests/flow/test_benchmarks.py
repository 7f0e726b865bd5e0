"""`brie eval --tasks`: what both models did with the same documents, beside the win rate."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from brie.benchmarks.loading import load_tasks
from brie.digest import digest
from brie.errors import UsageError
from brie.evaluation.assemble import assemble
from brie.evaluation.benchmarks import load_sealed, missing_tasks, refuse_sides, task_rows
from brie.evaluation.gather import gather
from brie.pin import GivenAnswers, Resolved
from brie.project import Project
from brie.records import AnswerFile, Completion, Manifest, Plan, Side, TaskSpec
from brie.store import Store
from tests.benchmarks.files import write_repeats, write_sums
from tests.commands import brie
from tests.flow.conftest import Demo
from tests.flow.world import World, sealed
from tests.present import present

SPEC = TaskSpec(
    name="sums", digest=digest("sums"), program="0.4.13", output="multiple_choice", chat=False,
    fewshot=0, documents=40, metric="acc",
)  # fmt: skip
FILE = AnswerFile(
    label="mine", file="answers.csv", form="table", date="2026-01-01", prompts=1, answers=1, empty=0
)
Right = Callable[[Side, int], float]


def rows(plan: Plan, side: Side, spec: TaskSpec, right: Right) -> list[Completion]:
    return [
        Completion(
            key=row.key, pin=row.pin, prompt=row.prompt, sample=0, text="", finish_reason="stop",
            tokens=0, seconds=0.0, measures={spec.measure: right(side, at)},
        )
        for at, row in enumerate(task_rows(plan, side, spec))
    ]  # fmt: skip


def with_tasks(world: World, *specs: TaskSpec) -> Manifest:
    manifest = sealed(world.asked(prompts=8))
    plan = manifest.plan.model_copy(update={"tasks": specs})
    return manifest.model_copy(update={"plan": plan, "seal": plan.seal()})


def forgets(side: Side, document: int) -> float:
    """The candidate has lost every fourth document; both know the others but for the last five."""
    return float(document < 35 and (side == "baseline" or document % 4 > 0))


def test_results_by_document_become_a_difference_and_a_missing_one_is_said(tmp_path: Path) -> None:
    manifest = with_tasks(World.make(tmp_path), SPEC)
    plan = manifest.plan
    with Store.open(tmp_path / "brie.sqlite") as store:
        store.add_completions(rows(plan, "baseline", SPEC, forgets))
        assert [(side, len(keys)) for side, _, keys in missing_tasks(plan, store)] == [("candidate", 40)]
        half = assemble(gather(manifest, store), store)
        store.add_completions(rows(plan, "candidate", SPEC, forgets))
        whole = gather(manifest, store)
        numbers = present(assemble(whole, store).tasks).by_task["sums"]
        assert missing_tasks(plan, store) == []
    assert present(half.tasks).by_task["sums"].verdict is None
    assert half.notes["tasks.sums"] == "40 documents without a result on both sides"
    assert present(numbers.difference).value == pytest.approx(-9 / 40)
    assert (numbers.verdict, numbers.candidate_better, numbers.baseline_better) == ("worse", 0, 9)
    assert replace(whole, tasks={}).digest != whole.digest


def test_where_lower_is_better_more_is_worse(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"higher_is_better": False})
    manifest = with_tasks(World.make(tmp_path), spec)
    with Store.open(tmp_path / "brie.sqlite") as store:
        for side in ("candidate", "baseline"):
            store.add_completions(rows(manifest.plan, side, spec, forgets))
        numbers = present(assemble(gather(manifest, store), store).tasks).by_task["sums"]
    assert (numbers.verdict, numbers.candidate_better) == ("better", 9)


def test_fewer_documents_are_a_part_of_more_and_are_not_done_again(tmp_path: Path) -> None:
    few, more = (SPEC.model_copy(update={"documents": n, "of": 400}) for n in (40, 100))
    assert set(few.chosen) < set(more.chosen) < set(range(400))
    assert digest(SPEC) == digest(SPEC.model_copy(update={"of": 0}))
    world = World.make(tmp_path)
    manifest, larger = with_tasks(world, few), with_tasks(world, more)
    with Store.open(tmp_path / "brie.sqlite") as store:
        for side in ("candidate", "baseline"):
            store.add_completions(rows(manifest.plan, side, few, forgets))
        numbers = present(assemble(gather(manifest, store), store).tasks).by_task["sums"]
        missing = missing_tasks(larger.plan, store)
    assert (numbers.documents, numbers.of) == (40, 400)
    assert [len(keys) for _, _, keys in missing] == [60, 60]


def test_a_group_is_one_task_of_all_its_documents(tmp_path: Path) -> None:
    parts = [
        SPEC.model_copy(update={"name": name, "group": "all", "digest": digest(name), "documents": n})
        for name, n in (("one", 10), ("two", 30))
    ]
    manifest = with_tasks(World.make(tmp_path), *parts)
    with Store.open(tmp_path / "brie.sqlite") as store:
        for side in ("candidate", "baseline"):
            for spec in parts:
                store.add_completions(rows(manifest.plan, side, spec, lambda side, at: float(at % 2)))
        tasks = present(assemble(gather(manifest, store), store).tasks)
    assert list(tasks.by_task) == ["all"]
    assert tasks.by_task["all"].parts == {"one": 10, "two": 30}
    assert present(tasks.by_task["all"].candidate).n == 40


@pytest.mark.slow
def test_a_folder_that_has_other_tasks_by_now_is_refused_in_a_sentence(tmp_path: Path) -> None:
    world, project = World.make(tmp_path), Project(tmp_path)
    write_sums(tmp_path)
    asked = [task.spec for task in load_tasks(
        ["sums.yaml"], tmp_path, asked_as="auto", allow_code=False, say=lambda _: None
    )]  # fmt: skip
    manifest = with_tasks(world, *asked).model_copy(update={"tasks": (".",)})

    def again() -> list[str]:
        loaded = load_sealed(manifest, project, allow_code=False, say=lambda _: None)
        return [task.spec.name for task in loaded]

    assert again() == ["sums"]
    write_repeats(tmp_path, {"Why?": "Because."})
    with pytest.raises(UsageError, match="task repeats is another one now than in the plan"):
        again()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (lambda side: replace(side, served=("lab", "gpt")), "is asked through a server"),
        (lambda side: replace(side, started=Path("model.gguf")), "is asked through a server"),
        (lambda side: replace(side, given=GivenAnswers(FILE, ())), "is a file of answers"),
    ],
)
def test_sides_that_are_no_models_here_are_refused_in_a_sentence(
    tmp_path: Path, changed: Callable[[Resolved], Resolved], why: str
) -> None:
    world = World.make(tmp_path)
    refuse_sides([world.candidate, world.baseline])
    with pytest.raises(UsageError, match=f"--tasks needs two models .* me/base {why}"):
        refuse_sides([world.candidate, changed(world.baseline)])


# --- the whole way, with lm-eval ----------------------------------------------------------------

SAID = "You should remember that rain is wet."


@pytest.fixture(scope="module")
def forgot(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A project whose fine-tune has lost an answer that its base always gives; the evaluation's id."""
    folder = demo.copy(tmp_path_factory.mktemp("forgot") / "project")
    write_repeats(folder, {f"What is {n % 9 + 1} + {n}?": SAID for n in range(1, 21)})
    write_sums(folder)
    done = brie(folder, *command())
    assert done.returncode == 0, done.stderr
    (name,) = {path.parent.name for path in folder.glob("runs/eval-*/analysis.json")} - {
        path.name for path in demo.folder.glob("runs/eval-*")
    }
    return folder, name


def command(*more: str) -> tuple[str, ...]:
    return (
        "eval", "--suite", "demo", "--candidate", "demo:best", "--judge", "reference", "--controls",
        "0", "--tasks", "repeats.yaml", "--tasks", "sums.yaml", *more,
    )  # fmt: skip


def tasks_of(folder: Path, name: str) -> dict[str, dict[str, object]]:
    document = json.loads((folder / "runs" / name / "analysis.json").read_text("utf-8"))
    by_task: dict[str, dict[str, object]] = document["tasks"]["by_task"]
    return by_task


@pytest.mark.slow
def test_what_was_forgotten_stands_beside_the_win_rate(forgot: tuple[Path, str]) -> None:
    folder, name = forgot
    assert tasks_of(folder, name)["repeats"]["verdict"] == "worse"
    shown = brie(folder, "analyse", name).stdout
    assert "Tasks     repeats 100 points worse (" in shown
    assert brie(folder, "report", name).returncode == 0
    for file in ("report.md", "index.html"):
        text = (folder / "reports" / name / file).read_text("utf-8")
        assert "On benchmarks: " in text
        assert "points worse" in text
    assert "points worse" in brie(folder, "report", name, "--pr").stdout


@pytest.mark.slow
def test_nothing_is_run_twice_and_a_lost_side_is_run_alone(
    forgot: tuple[Path, str], tmp_path: Path
) -> None:
    folder = tmp_path / "again"
    shutil.copytree(forgot[0], folder, symlinks=True)
    before = tasks_of(folder, forgot[1])
    again = brie(folder, *command())
    assert "nothing was missing" in again.stderr
    with sqlite3.connect(folder / "runs" / "brie.sqlite") as db:
        keys = [
            key
            for key, body in db.execute("SELECT key, body FROM completions")
            if "exact_match,none" in json.loads(body)["measures"]
        ]
        db.executemany("DELETE FROM completions WHERE key = ?", [(key,) for key in keys[:5]])
    done = brie(folder, *command())
    assert done.returncode == 0, done.stderr
    assert "nothing was missing" not in done.stderr
    assert tasks_of(folder, forgot[1]) == before


@pytest.mark.slow
def test_results_are_verified_travel_and_a_changed_one_is_found(
    forgot: tuple[Path, str], tmp_path: Path
) -> None:
    folder, name = tmp_path / "copy", forgot[1]
    shutil.copytree(forgot[0], folder, symlinks=True)
    assert brie(folder, "verify", name).returncode == 0
    assert brie(folder, "bundle", name, "-o", "it.zip").returncode == 0
    held = brie(tmp_path, "verify", str(folder / "it.zip"))
    assert held.returncode == 0, held.stdout + held.stderr
    with sqlite3.connect(folder / "runs" / "brie.sqlite") as db:
        changed = db.execute(
            "UPDATE completions SET body = replace(body, '\"acc,none\":0.0', '\"acc,none\":1.0') "
            "WHERE body LIKE '%acc,none\":0.0%'"
        ).rowcount
    assert changed
    broken = brie(folder, "verify", name)
    assert broken.returncode != 0
    assert "FAIL" in broken.stdout.upper() or "differ" in broken.stdout


@pytest.mark.slow
def test_a_gate_asks_about_tasks_where_it_is_told_to(forgot: tuple[Path, str]) -> None:
    folder, name = forgot
    assert brie(folder, "gate", name, "--require", "better").returncode == 0
    fell = brie(folder, "gate", name, "--require", "better", "--max-task-drop", "5")
    assert fell.returncode == 4
    assert "a task fell by more than 5 points: repeats" in fell.stderr
    assert brie(folder, "gate", name, "--require", "better", "--max-task-drop", "100").returncode == 5


@pytest.mark.slow
def test_a_dry_run_counts_documents_and_a_task_that_changed_is_another_evaluation(
    forgot: tuple[Path, str], tmp_path: Path
) -> None:
    folder, name = tmp_path / "changed", forgot[1]
    shutil.copytree(forgot[0], folder, symlinks=True)
    told = brie(folder, *command("--dry-run")).stdout
    assert "repeats (20 documents) and sums (12 documents): 64 results, 64 of them" in " ".join(
        told.split()
    )
    assert name in told
    write_sums(folder, documents=13)
    other = brie(folder, *command("--dry-run")).stdout
    assert name not in other
    assert "sums (13 documents)" in other
    assert "26 results" not in other


@pytest.mark.slow
def test_tasks_run_where_answers_are_made_and_judging_goes_on_elsewhere(
    demo: Demo, tmp_path: Path
) -> None:
    folder = demo.copy(tmp_path / "project")
    write_sums(folder)
    asked = ("eval", "--suite", "demo", "--candidate", "demo:best", "--judge", "longer", "--controls",
             "0", "--tasks", "sums.yaml")  # fmt: skip
    name = brie(folder, *asked, "--stop-after", "seal").stdout.split()[-1]
    made = brie(folder, "generate", name)
    assert made.returncode == 0, made.stderr
    (folder / "sums.yaml").unlink()
    judged = brie(folder, "judge", name)
    assert judged.returncode == 0, judged.stderr
    assert tasks_of(folder, name)["sums"]["verdict"] is not None
