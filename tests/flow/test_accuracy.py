"""Right and wrong in a whole evaluation: graded, reported, verified, harmless whatever labels say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from brie.records import MachineCheck, Message, Prompt, Side, Suite
from brie.records.accuracy import Accuracy
from brie.records.analysis import Analysis
from brie.report import build_report
from brie.report.terminal import summarise
from tests.flow.test_answers import code_of, pairs, write_table
from tests.flow.world import Text, World, rules
from tests.present import present

HEAD = ("prompt", "mine", "theirs", "reference", "source")
HOSTILE = "<b>@x</b>|`y`"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path)


def asked(number: int, *, check: MachineCheck | None = None, reference: str | None = None) -> Prompt:
    return Prompt(
        id=f"p{number:03}", messages=(Message(role="user", content=f"Question {number}?"),),
        source=f"s{number % 3}", check=check, reference=reference,
    )  # fmt: skip


def graded(world: World, prompts: list[Prompt], text: Text, samples: int = 1) -> Analysis:
    analysis, _ = world.evaluate(
        text, made=Suite(name="made", prompts=tuple(prompts)), samples=samples,
        panel_judges=rules("longer"),
    )  # fmt: skip
    return analysis


def test_a_table_of_labels_is_graded_reported_and_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = ["yes" if n % 3 else "no" for n in range(24)]
    rows = [
        (f"Q {n}?", label if n % 8 else "maybe", f"The answer:\n**{labels[0]}.**", label, f"s{n % 2}")
        for n, label in enumerate(labels)
    ]
    write_table(tmp_path / "answers.csv", rows, HEAD)
    monkeypatch.chdir(tmp_path)
    choice = ("--judge", "longer", "--hold-out-source", "s1")
    assert code_of("eval", *pairs("mine", "theirs"), *choice) == 0
    assert code_of("verify") == 0
    (path,) = tmp_path.glob("runs/eval-*/analysis.json")
    document = json.loads(path.read_text("utf-8"))
    numbers = Accuracy.model_validate(document["accuracy"])
    assert document["methods"]["accuracy"] == 1
    assert numbers.kinds == {"label": 24}
    assert numbers.labels == ("no", "yes")
    assert numbers.candidate.accuracy.value == pytest.approx(21 / 24)
    assert numbers.candidate.outside == 3
    assert numbers.baseline.accuracy.value == pytest.approx(8 / 24)
    assert (numbers.difference.candidate_only, numbers.difference.baseline_only) == (14, 1)
    assert set(numbers.by_training) == {"seen sources", "unseen sources"}
    for name in ("index.html", "report.md"):
        text = next(tmp_path.glob(f"reports/*/{name}")).read_text("utf-8")
        for said in ("Right and wrong", "Any other answer, candidate", "Unseen sources"):
            assert said in text
    document["accuracy"]["candidate"]["macro_f1"]["value"] += 1e-6
    path.write_text(json.dumps(document), encoding="utf-8")
    capsys.readouterr()
    assert code_of("verify") == 2
    assert "accuracy.candidate.macro_f1.value" in capsys.readouterr().out


def test_every_kind_of_check_is_graded_and_counted(world: World) -> None:
    checks = [
        MachineCheck(kind="contains", value="right"),
        MachineCheck(kind="length", max=3),
        MachineCheck(kind="numeric", value="7"),
        MachineCheck.model_validate({"kind": "json_schema", "value": {"type": "integer"}}),
    ]
    prompts = [asked(n, check=checks[n % 4]) for n in range(12)] + [asked(12)]

    def text(side: Side, number: int, sample: int) -> str:
        good = ["It is right, and long", "two words", "so 7", "7"][number % 4]
        return good if side == "candidate" else "It may be that I do not know"

    numbers = present(graded(world, prompts, text).accuracy)
    assert numbers.kinds == {"contains": 3, "length": 3, "numeric": 3, "json_schema": 3}
    assert (numbers.prompts, numbers.unchecked, numbers.labels) == (12, 1, ())
    assert (numbers.candidate.accuracy.value, numbers.baseline.accuracy.value) == (1, 0)
    assert numbers.candidate.macro_f1 is None


def test_labels_are_told_apart_by_their_own_checks(world: World) -> None:
    checks = {name: MachineCheck(kind="regex", value=rf"(?i)\b{name}\b") for name in ("spam", "ham")}
    names = ["spam" if n % 2 else "ham" for n in range(16)]
    prompts = [asked(n, check=checks[name], reference=name) for n, name in enumerate(names)]

    def text(side: Side, number: int, sample: int) -> str:
        if side == "baseline":
            return "This is spam, surely."
        return {0: "No idea.", 1: "Ham it is."}.get(number, f"I say {names[number]}!")

    numbers = present(graded(world, prompts, text).accuracy)
    assert numbers.labels == ("ham", "spam")
    assert numbers.candidate.outside == 1
    assert numbers.candidate.by_label["ham"].answers == 8
    assert numbers.baseline.by_label["spam"].precision == 0.5
    assert numbers.baseline.by_label["ham"].precision is None
    assert numbers.baseline.by_label["ham"].recall == 0


def test_one_label_alone_has_recall_and_no_f1(world: World) -> None:
    prompts = [asked(n, reference="yes") for n in range(10)]
    analysis = graded(world, prompts, lambda side, n, k: "yes" if side == "baseline" or n else "no")
    numbers = present(analysis.accuracy)
    assert numbers.labels == ("yes",)
    assert numbers.candidate.by_label["yes"].recall == pytest.approx(0.9)
    assert numbers.candidate.macro_f1 is None
    assert present(numbers.always).macro_f1 is None
    assert "F1 is not defined" in summarise(analysis, full=True, colour=False).replace("\n", " ")


def test_references_that_are_no_labels_are_no_answer_key(world: World) -> None:
    prompts = [asked(n, reference=f"A reference of its own, number {n}.") for n in range(10)]
    assert graded(world, prompts, lambda side, n, k: f"{side} {n}").accuracy is None


def test_several_answers_are_compared_by_prompt(world: World) -> None:
    prompts = [asked(n, check=MachineCheck(kind="exact", value="7")) for n in range(10)]
    analysis = graded(
        world, prompts, lambda side, n, k: "7" if side == "candidate" or k else "8", samples=2
    )
    compared = present(analysis.accuracy).difference
    assert (compared.method, compared.candidate_only) == ("sign-flip", 10)
    assert compared.accuracy.value == 0.5
    assert compared.p_value == pytest.approx(2 / 2**10)


def test_labels_that_are_markup_stay_text(world: World, tmp_path: Path) -> None:
    prompts = [asked(n, reference=HOSTILE if n % 2 else "<script>alert(1)</script>") for n in range(12)]
    analysis = graded(world, prompts, lambda side, n, k: HOSTILE if side == "candidate" else "x" * n)
    assert present(analysis.accuracy).labels
    folder = tmp_path / "report"
    build_report(analysis, None, (), folder)
    for width in (60, 80):
        told = summarise(analysis, full=True, colour=False, width=width)
        assert "Macro-F1, candidate" in " ".join(told.split())
        assert all(cell_len(line) <= width for line in told.splitlines())
    page, markdown = ((folder / name).read_text("utf-8") for name in ("index.html", "report.md"))
    assert "<script>alert" not in page
    assert "<b>@x" not in page
    section = markdown.split("## Right and wrong")[1].split("\n## ")[0]
    for live in ("<script>", "<b>", "@x", "`y`"):
        assert live not in section


def test_an_analysis_without_such_prompts_has_no_such_key(world: World) -> None:
    analysis, _ = world.evaluate(lambda side, n, k: f"{side} {n}", prompts=8)
    assert "accuracy" not in analysis.written()
