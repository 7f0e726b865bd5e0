"""The table of verdicts is the same from columns and the store, from views, and by `csv`: every byte."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator

import pytest

from brie.evaluation.gather import gather
from brie.evaluation.views import comparison_views
from brie.evaluation.work import Work
from brie.judge.interface import Reply
from brie.records import Manifest, Measured, Side, Status
from brie.records.written import reason_of
from brie.report.table import table_pieces, verdict_table
from brie.store import Store
from tests.flow.world import World, rules, sealed
from tests.report.hostile import HOSTILE

JUDGES = ("longer", "first", "reference")
CRITERIA = ("depth", 'clear, "and" short', "=SUM(A1)", "reason", "über")
REASONS = (
    *HOSTILE.values(),
    'back\\slash \\" quoted","reply":"no',
    'ends with a backslash\\',
    '{"reason":"inside","reply":"too"}',
    "one;=two; -three;four",
    "line\r\nfeed\rand\u2028more",
    "word " * 3_000,
)  # fmt: skip


def text(side: Side, prompt: int, sample: int) -> str:
    """Some equal, one empty, of many lengths."""
    return "the same" if prompt % 5 == 0 else "" if prompt == 1 else f"{side} " * (prompt + sample)


def reply(rng: random.Random) -> Reply:
    """Anything a judge may say."""
    reason = rng.choice(REASONS)
    if rng.random() < 0.2:
        return Reply(rng.choice([Status.INVALID, Status.REFUSED, Status.ERROR]), reason=reason, text="?")
    scores = {
        name: {letter: rng.choice([1, 2.5, 5.0, 1e-7]) for letter in "AB" if rng.random() < 0.9}
        for name in rng.sample(CRITERIA, rng.randint(0, len(CRITERIA)))
    }
    numbers = Measured(by_letter={"A": -0.1, "B": -2.0}, mass=0.9) if rng.random() < 0.2 else None
    return Reply(
        Status.OK, rng.choice(["A", "B", "tie"]), reason=reason, text=f"because {reason}", scores=scores,
        margin=rng.choice([None, "much", "slightly"]), measured=numbers,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Manifest, Store]]:
    """Rows that are missing, failed, asked again and taken back, in any order."""
    folder, rng = tmp_path_factory.mktemp("blocks"), random.Random(11)
    world = World.make(folder / "w")
    manifest = sealed(world.asked(panel_judges=rules(*JUDGES), prompts=20, samples=3, controls=4))
    work = Work.of(manifest)
    with Store.open(folder / "brie.sqlite") as store:
        store.add_completions(world.answers(work, text))
        rows = [(t.verdict(reply(rng)), t.judge) for t in work.tasks() if rng.random() < 0.9]
        rows += [(t.verdict(reply(rng)), t.judge) for t in work.tasks() if rng.random() < 0.3]
        rows += [
            (t.verdict(reply(rng)).model_copy(update={"supersedes": True}), t.judge)
            for t in work.tasks()
            if rng.random() < 0.1
        ]
        rng.shuffle(rows)
        store.keep(rows, evaluation=manifest.id)
        yield manifest, store


def test_from_the_store_and_from_views_the_table_is_the_same(made: tuple[Manifest, Store]) -> None:
    stored = comparison_views(gather(*made, texts=False))
    with_texts = comparison_views(gather(*made))
    views = list(with_texts)
    assert {v.status for view in views for v in view.verdicts} == set(Status)
    assert verdict_table(stored) == verdict_table(with_texts) == verdict_table(views[::-1])


def test_a_spreadsheet_library_writes_the_same_bytes(made: tuple[Manifest, Store]) -> None:
    table = verdict_table(comparison_views(gather(*made, texts=False)))
    again = io.StringIO()
    csv.writer(again).writerows(csv.reader(io.StringIO(table, newline="")))
    assert again.getvalue() == table


def test_every_reason_is_in_the_row_of_its_verdict(made: tuple[Manifest, Store]) -> None:
    manifest, store = made
    data = gather(manifest, store, texts=False)
    wanted = [row.task.key for row in data.of("main") if row.verdict and not row.identical]
    numbers, kept = store.numbers_of(wanted), store.kept(wanted)
    reasons = store.reasons(numbers.values())
    assert {key: reasons[numbers[key]] for key in wanted} == {k: v.reason for k, v in kept.items()}
    assert len(set(reasons.values())) == len(set(REASONS))


def test_few_rows_of_a_large_store_are_looked_up_and_many_are_looked_through(
    made: tuple[Manifest, Store],
) -> None:
    manifest, store = made
    keys = [task.key for task in Work.of(manifest).tasks()]
    every = store.numbers_of(keys)
    assert 0 < sum(number == 0 for number in every.values()) < len(keys) / 4  # some were never asked
    for few in (keys[:7], keys[-1:], []):
        assert store.numbers_of(few) == {key: every[key] for key in few}


def test_verdicts_that_came_later_are_not_read(made: tuple[Manifest, Store]) -> None:
    manifest, store = made
    keys = [task.key for task in Work.of(manifest).tasks()]
    with store.as_of(store.newest() // 2):
        numbers = store.numbers_of(keys)
        assert max(numbers.values()) <= store.newest() // 2


def test_a_row_written_by_another_program_is_read_whole(made: tuple[Manifest, Store]) -> None:
    task = Work.of(made[0]).tasks()[0]
    for reason in REASONS:
        verdict = task.verdict(Reply(Status.OK, "A", reason=reason, text=reason))
        for body in (verdict.model_dump_json(), verdict.model_dump_json(indent=1)):
            assert reason_of(verdict.key, body) == verdict.reason


def test_the_table_comes_in_pieces(made: tuple[Manifest, Store]) -> None:
    pieces = list(table_pieces(list(comparison_views(gather(*made))) * 20))
    assert len(pieces) > 4
    assert max(map(len, pieces)) < sum(map(len, pieces)) / 2
