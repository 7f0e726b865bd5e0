"""Finding comparisons: every filter against a plain computation on the same data."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest

from brie.evaluation.gather import gather
from brie.evaluation.views import comparison_views
from brie.records import Manifest, Status
from brie.records.analysis import ComparisonView
from brie.report.judged import flipped, judge_scores, spread
from brie.store import Store
from brie.web.index import build_index
from brie.web.opened import Opened
from brie.web.search import PAGE, Comparisons, Filter
from tests.web import sample

Views = list[ComparisonView]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparisons, Views, Manifest]:
    folder = tmp_path_factory.mktemp("project")
    project, manifest = sample.project(folder, prompts=40, samples=2)
    path = folder / "index.sqlite"
    with Store.open(project.store, read_only=True) as store:
        build_index(path, Opened.of(manifest), store, store.newest())
        views = list(comparison_views(gather(manifest, store)))
    return Comparisons(path), views, manifest


def found(world: tuple[Comparisons, Views, Manifest], **query: str) -> set[tuple[str, int]]:
    index, wanted = world[0], Filter.of(query)
    rows = []
    for page in range(1, index.search(wanted).pages + 1):
        rows += index.search(Filter.of({**query, "page": str(page)})).rows
    assert len(rows) == index.search(wanted).total
    return {(row.prompt, row.sample) for row in rows}


def expected(views: Views, keep: Callable[[ComparisonView], bool]) -> set[tuple[str, int]]:
    return {(view.prompt_id, view.sample) for view in views if keep(view)}


def usable(view: ComparisonView, judge: str) -> list[float]:
    return judge_scores(view).get(judge, [])


CASES: list[tuple[dict[str, str], Callable[[ComparisonView], bool]]] = [
    ({}, lambda v: True),
    ({"category": "letters"}, lambda v: v.category == "letters"),
    ({"source": "survey"}, lambda v: v.source == "survey"),
    ({"winner": "candidate"}, lambda v: v.score is not None and v.score > 0.5),
    ({"winner": "baseline"}, lambda v: v.score is not None and v.score < 0.5),
    ({"winner": "tie"}, lambda v: v.score == 0.5),
    ({"show": "disagree"}, lambda v: spread(v) >= 0.5),
    ({"show": "flipped"}, lambda v: bool(flipped(v))),
    ({"show": "unusable"}, lambda v: any(d.status is not Status.OK for d in v.verdicts)),
    ({"judge": "gpt-mini", "show": "flipped"}, lambda v: "gpt-mini" in flipped(v)),
    ({"judge": "gpt-mini", "winner": "baseline"},
     lambda v: len(usable(v, "gpt-mini")) == 2 and sum(usable(v, "gpt-mini")) < 1),
    ({"q": "rainbow"}, lambda v: "rainbow" in v.messages[-1].content),
    ({"q": "RAINB"}, lambda v: "rainbow" in v.messages[-1].content),
    ({"q": "rainbow letter"}, lambda v: all(w in v.messages[-1].content for w in ("rainbow", "letter"))),
    ({"q": "zzzzz"}, lambda v: False),
    ({"q": "\"') OR 1=1 --"}, lambda v: False),
    ({"q": "***"}, lambda v: False),
    ({"category": "no such"}, lambda v: False),
    ({"winner": "' OR 1=1"}, lambda v: True),
]  # fmt: skip


@pytest.mark.parametrize(("query", "keep"), CASES, ids=lambda c: str(c) if isinstance(c, dict) else "")
def test_a_filter_finds_what_a_plain_scan_finds(
    world: tuple[Comparisons, Views, Manifest],
    query: dict[str, str],
    keep: Callable[[ComparisonView], bool],
) -> None:
    assert found(world, **query) == expected(world[1], keep)


@pytest.mark.parametrize("text", ["{}", "{}_", "{}_2", "_{}", "{}_\u19b0x"])
def test_words_are_parted_where_the_index_parts_them(
    world: tuple[Comparisons, Views, Manifest], text: str
) -> None:
    view = world[1][0]
    assert (view.prompt_id, view.sample) in found(world, q=view.prompt_id)
    found(world, q=text.format(view.prompt_id))  # whatever it holds, it can be looked for


def test_the_sample_has_something_of_every_kind(world: tuple[Comparisons, Views, Manifest]) -> None:
    for query, _ in CASES[:12]:
        assert found(world, **query), query


def test_sorting(world: tuple[Comparisons, Views, Manifest]) -> None:
    best = world[0].search(Filter(sort="won")).rows
    scores = [row.score for row in best if row.score is not None]
    assert scores == sorted(scores, reverse=True)
    worst = world[0].search(Filter(sort="lost")).rows
    assert [r.score for r in worst] == sorted(r.score for r in worst if r.score is not None)


def test_pages_do_not_overlap_and_the_last_one_ends(world: tuple[Comparisons, Views, Manifest]) -> None:
    first, last = (world[0].search(Filter(page=page)) for page in (1, 9999))
    assert len(first.rows) == PAGE
    assert last.page == last.pages
    assert not {r.id for r in first.rows} & {r.id for r in last.rows}


def test_neighbours_are_those_of_the_list(world: tuple[Comparisons, Views, Manifest]) -> None:
    wanted = Filter(category="letters", sort="spread")
    ids = [row.id for row in world[0].search(wanted).rows]
    assert len(ids) == 20
    expected_pairs = list(zip([None, *ids], [*ids[1:], None], strict=False))
    assert [world[0].neighbours(wanted, n) for n in range(20)] == expected_pairs
    assert world[0].neighbours(wanted, 10_000) == (None, None)


@pytest.mark.parametrize("page", ["", "-1", "0", "abc", "1e9", "²", "9" * 40])
def test_a_page_number_that_is_none_is_the_first(page: str) -> None:
    assert Filter.of({"page": page}).page == 1


def test_a_filter_survives_its_address() -> None:
    wanted = Filter(category="a&b=c", q="x y", winner="tie", page=3)
    assert Filter.of(dict(parse_qsl(wanted.query()))) == wanted
    assert Filter().query() == ""
