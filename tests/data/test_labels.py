"""Answers that are labels: what sources give away of them, and two baselines."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from brie.cli.data import command
from brie.data.check import CheckReport, check
from brie.data.labels import ANSWER, labels_of, repeats_of
from brie.data.load import parse
from brie.errors import UsageError
from tests.data.rows import row, write
from tests.present import present

SHARES = {"alder": 1.0, "birch": 0.9, "cedar": 0.2}
"""Share of "yes" by source: a book whose every passage was chosen for being a yes, and two others."""
SIZES = {"alder": 30, "birch": 30, "cedar": 240}
WORDS = {"alder": "whereas hereby", "birch": "chapter section", "cedar": "ordered further"}


def laws(seed: int = 1) -> list[dict[str, Any]]:
    """Rows whose label hangs on the source, and on a word of the text by half."""
    draw = random.Random(seed)
    rows = []
    for source, size in SIZES.items():
        for n in range(size):
            yes = draw.random() < SHARES[source]
            told = "separate" if yes and draw.random() < 0.5 else "common"
            text = f"Section {n} of {source}: {WORDS[source]} the {told} road {draw.random():.6f}."
            rows.append(row(text, "yes" if yes else "no", source=source))
    return rows


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> CheckReport:
    return check(write(tmp_path_factory.mktemp("laws") / "laws.jsonl", laws()))


def test_a_source_that_gives_the_label_away_is_named_with_the_shares(report: CheckReport) -> None:
    classes = present(report.classes)
    assert classes.label == ANSWER
    assert sum(classes.classes.values()) == 300
    [found] = classes.shortcuts
    assert (found.by, found.shown, list(found.shares)) == ("source", "yes", ["alder", "birch", "cedar"])
    truth = Counter((r["source"], r["messages"][1]["content"]) for r in laws())
    for source, share in found.shares.items():
        assert share == truth[source, "yes"] / SIZES[source]
    assert found.p_value < 1e-6


def test_the_baselines_do_well_at_random_and_badly_on_a_source_held_out(report: CheckReport) -> None:
    drawn, *held = present(report.classes).baselines
    always, words = drawn.scores
    assert always.name == "always 'no'"
    assert words.accuracy > always.accuracy
    assert [tried.split for tried in held] == [
        f"source {name} held out" for name in ("cedar", "alder", "birch")
    ]
    alone = held[1].scores[0]
    assert (alone.accuracy, alone.macro_f1) == (0.0, None)  # one label alone has no F1
    assert max(tried.scores[1].accuracy for tried in held[1:]) < words.accuracy


def test_the_sentences_name_the_shortcut_and_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path / "laws.jsonl", laws())
    said = " ".join(CliRunner().invoke(command, ["check", str(path)]).output.split())
    assert "source alder: 100 % yes, birch " in said
    assert "a random split would test the source, not the task" in said
    assert "brie train --hold-out-source birch" in said
    assert "brie train --balance label" in said
    assert "without a model, a tenth drawn by prompt, seed 42 (30 rows): always 'no' " in said


def test_labels_that_sources_share_are_no_shortcut(tmp_path: Path) -> None:
    rows = [row(f"{n}?", "yes" if n % 3 else "no", source="ab"[n % 2]) for n in range(120)]
    classes = present(check(write(tmp_path / "even.jsonl", rows)).classes)
    assert classes.shortcuts == ()
    assert classes.classes == {"yes": 80, "no": 40}


def test_a_label_column_is_crossed_where_answers_are_free_text(tmp_path: Path) -> None:
    rows = [
        row(f"{n}?", f"A free answer, number {n}.", category="ab"[n % 2], label=["low", "high"][n % 2])
        for n in range(60)
    ]
    classes = present(check(write(tmp_path / "c.jsonl", rows)).classes)
    assert classes.label == "label"
    [found] = classes.shortcuts
    assert (found.by, sorted(found.shares.values())) == ("category", [0.0, 1.0])


def test_free_answers_and_a_handful_of_rows_have_no_labels(tmp_path: Path) -> None:
    free = [row(f"{n}?", f"Answer {n}.") for n in range(60)]
    few = [row(f"{n}?", "yes" if n % 2 else "no") for n in range(10)]
    assert check(write(tmp_path / "free.jsonl", free)).classes is None
    assert check(write(tmp_path / "few.jsonl", few)).classes is None


def test_weights_show_every_label_equally_often(tmp_path: Path) -> None:
    parsed = parse(write(tmp_path / "laws.jsonl", laws()))
    _, labels = present(labels_of(parsed.conversations, parsed.extras, "label"))
    counts = Counter(labels.values())
    weights = repeats_of(labels)
    assert {counts[name] * weight for name, weight in weights.items()} == {max(counts.values())}
    with pytest.raises(UsageError, match="unknown label 'colour'"):
        labels_of(parsed.conversations, parsed.extras, "colour")
    with pytest.raises(UsageError, match="every row has the label 'x'"):
        repeats_of({1: "x", 2: "x"})
    with pytest.raises(UsageError, match="no classes"):
        repeats_of({1: "x", 2: "y", 3: "z"})
