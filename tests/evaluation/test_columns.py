"""Rows as columns say what each row says by itself, and rows without texts what rows with them say."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from math import isnan

import numpy as np
import pytest

from brie.evaluation.answers import counted
from brie.evaluation.assemble import assemble
from brie.evaluation.columns import Columns, chosen
from brie.evaluation.gather import gather, nothing_yet
from brie.evaluation.rows import EvaluationData, VerdictRow, row_counts
from brie.evaluation.settled import counts_there
from brie.evaluation.table import table
from brie.evaluation.views import comparison_views
from brie.evaluation.work import Work
from brie.judge.interface import Reply
from brie.records import Manifest, Side, Status
from brie.report.comparisons import comparisons_of
from brie.report.examples import instructive, readable
from brie.report.table import verdict_table
from brie.store import Store
from tests.flow.world import World, rules, sealed

CRITERIA = ("clarity", "depth")
JUDGES = ("longer", "first")


def text(side: Side, prompt: int, sample: int) -> str:
    """Every fourth prompt has equal answers."""
    return "the same" if prompt % 4 == 0 else f"{side} {'word ' * prompt}{sample}"


def reply(rng: random.Random) -> Reply:
    """Any verdict there may be: failed ones, ties, and scores that leave out a letter or a criterion."""
    if rng.random() < 0.2:
        return Reply(rng.choice([Status.INVALID, Status.REFUSED, Status.ERROR]), reason="no", text="?")
    scores = {
        name: {letter: rng.randint(1, 5) for letter in "AB" if rng.random() < 0.9}
        for name in CRITERIA
        if rng.random() < 0.8
    }
    letter = rng.choice(["A", "B", "tie"])
    return Reply(Status.OK, letter, reason=f"for {letter}", text=f"Winner: {letter}", scores=scores)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Manifest, Store]]:
    """Two judges over 48 prompts in both orders: some rows missing, some asked twice."""
    folder, rng = tmp_path_factory.mktemp("columns"), random.Random(5)
    world = World.make(folder / "w")
    manifest = sealed(world.asked(panel_judges=rules(*JUDGES), prompts=48, samples=4, controls=4))
    work = Work.of(manifest)
    with Store.open(folder / "brie.sqlite") as store:
        store.add_completions(world.answers(work, text))
        rows = [(t.verdict(reply(rng)), t.judge) for t in work.tasks() if rng.random() < 0.9]
        rows += [(t.verdict(reply(rng)), t.judge) for t in work.tasks() if rng.random() < 0.2]
        rng.shuffle(rows)
        store.keep(rows, evaluation=manifest.id)
        yield manifest, store


@pytest.fixture(scope="module")
def data(made: tuple[Manifest, Store]) -> EvaluationData:
    return gather(*made)


def by_itself(row: VerdictRow, criterion: str) -> float | None:
    """A criterion's difference, from the one row."""
    given = row.verdict.scores.get(criterion, {}) if row.verdict else {}
    sides = row.task.presentation.by_side(given)
    return sides["candidate"] - sides["baseline"] if len(sides) == 2 else None


def number(value: float) -> float | None:
    return None if isnan(value) else value


def test_columns_say_what_each_row_says(data: EvaluationData) -> None:
    columns = data.columns
    assert {row.status for row in data.facts} == set(columns.status)  # every kind of row is there
    for at, row in enumerate(data.facts):
        shown = row.task.presentation
        assert number(columns.score[at]) == number(row.score)
        assert columns.status[at] == row.status
        assert (columns.position[at], columns.label[at]) == (shown.position, shown.label)
        assert columns.pairs[columns.pair[at]] == (shown.candidate, shown.baseline)
        assert columns.names[columns.judge[at]] == row.task.judge
        assert columns.kinds[columns.kind[at]] == row.task.kind
        assert data.manifest.plan.order[columns.prompt[at]] == row.task.prompt
        for criterion in CRITERIA:
            assert number(columns.criteria[criterion][at]) == by_itself(row, criterion)


@pytest.mark.parametrize("judges", [JUDGES, ("first",), ()])
def test_a_table_is_the_same_from_rows_and_from_their_numbers(
    data: EvaluationData, judges: tuple[str, ...]
) -> None:
    numbers = chosen(data.columns.is_of("main"))
    one, other = table(data, numbers, judges), table(data, data.of("main"), judges)
    assert (one.prompts, one.judges, set(one.criteria)) == (
        other.prompts,
        other.judges,
        set(other.criteria),
    )
    for name in ("prompt", "judge", "sample", "status", "position", "label", "identical", "score"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name, column in one.criteria.items():
        np.testing.assert_array_equal(column, other.criteria[name])


def test_a_criterion_that_none_of_some_rows_names_is_no_column_of_theirs(data: EvaluationData) -> None:
    rows = [row for row in data.facts if not (row.verdict and "depth" in row.verdict.scores)]
    assert set(Columns.of(rows, data.places).criteria) == {"clarity"}
    at = [number for number, row in enumerate(data.facts) if row in rows]
    assert set(data.columns.take(np.array(at)).criteria) == {"clarity"}


def test_without_texts_digest_numbers_and_views_are_the_same(
    made: tuple[Manifest, Store], data: EvaluationData
) -> None:
    manifest, store = made
    bare = gather(manifest, store, texts=False)
    assert all(row.verdict is None or row.verdict.reply == "" for row in bare.facts)
    assert sum(row.verdict is not None for row in data.facts) > 500  # more than are written together
    assert bare.digest == data.digest
    assert row_counts(bare) == row_counts(data) == counts_there(manifest, store)
    for rows in (np.arange(len(data.facts)), np.arange(len(data.facts))[::-3], np.arange(0)):
        assert bare.distinct_keys(rows) == data.distinct_keys(rows) == sorted(set(data.keys(rows)))
    assert list(comparison_views(bare)) == list(comparison_views(data))
    one, other = (assemble(rows, store).model_copy(update={"created": ""}) for rows in (bare, data))
    assert one == other


def test_what_judges_see_is_counted_once_however_many_see_it(
    made: tuple[Manifest, Store], data: EvaluationData
) -> None:
    """Two judges see a comparison in the same order and lettering, or in another."""
    tasks = [task for task in data.work.tasks() if task.kind == "main"]
    seen = {task.presentation_digest for task in tasks}
    assert assemble(data, made[1]).counts.presentations == len(seen) < len(tasks)


def test_items_and_headings_of_a_text_are_those_at_the_beginning_of_its_lines() -> None:
    """Held against the plain patterns, on every mixture of what they are made of."""
    item = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s", re.MULTILINE)
    heading = re.compile(r"^#{1,6}\s|^\*\*[^*]+\*\*\s*$", re.MULTILINE)
    rng = random.Random(7)
    for _ in range(20_000):
        text = "".join(rng.choices("\n\n\n -*•#1.) \ta\r", k=rng.randrange(14)))
        items, headings, _ = counted(text)
        assert (items, headings) == (len(item.findall(text)), len(heading.findall(text)))


@pytest.mark.parametrize("judges", [None, JUDGES, ("first",), ()])
def test_columns_rank_comparisons_as_their_views_do(
    made: tuple[Manifest, Store], judges: tuple[str, ...] | None
) -> None:
    stored = comparison_views(gather(*made, texts=False))
    listed = comparisons_of(list(stored))
    one, other = stored.outline(judges), listed.outline(judges)
    assert one.prompts == other.prompts
    for name in ("sample", "score", "spread", "flips", "length", "empty"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert instructive(stored, judges) == instructive(listed, judges)
    assert readable(stored, judges) == readable(listed, judges) != []


def test_the_table_of_verdicts_is_the_same_from_the_store_and_from_views(
    made: tuple[Manifest, Store],
) -> None:
    stored = comparison_views(gather(*made, texts=False))
    views = list(stored)
    assert stored.criteria() == sorted(CRITERIA)
    assert verdict_table(stored) == verdict_table(views) == verdict_table(views[::-1])
    assert "for A" in verdict_table(stored)  # reasons are read from the store


def test_an_evaluation_without_rows_has_no_comparisons(made: tuple[Manifest, Store]) -> None:
    none = comparison_views(nothing_yet(made[0]))
    assert (len(none), list(none), none.criteria(), instructive(none)) == (0, [], [], [])


def test_no_rows_are_no_columns() -> None:
    columns = Columns.of([], {})
    assert (len(columns.score), columns.criteria, columns.joint) == (0, {}, None)
    assert not columns.is_of("main").any()
