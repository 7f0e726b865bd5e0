"""The agreement report: complete, harmless, the same every time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from brie.records.analysis import ComparisonView
from brie.records.studies import AgreementDocument
from brie.report.agreement import build_agreement_page
from brie.report.agreement_markdown import render_agreement_markdown
from brie.report.clean import is_clean
from brie.report.sheets import render_sheet, write_agreement
from brie.store import Store
from brie.studies import agreement, disagreement_views
from tests.browser import browser, complaints, violations
from tests.flow.planted import Said, leaning, planted
from tests.flow.test_invariants import texts
from tests.flow.world import World
from tests.report.hostile import HOSTILE
from tests.report.test_browser import OVERLAPS
from tests.report.test_build import read

Found = tuple[AgreementDocument, list[ComparisonView]]
JUDGES = {
    "deep": leaning("depth and insight", noise=0.4),
    "clear": leaning("coherence and structure", noise=0.4),
    "gripped": leaning("engagement", noise=1.0),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return _found(tmp_path_factory.mktemp("w"), JUDGES, instruments=("longer",), repeats={"gripped": 1})


def _found(folder: Path, judges: Any, **kwargs: Any) -> Found:
    world = World.make(folder / "runs")
    manifest = planted(world, texts(1, 0.2), judges, prompts=30, **kwargs)
    with Store.open(world.root / "brie.sqlite", read_only=True) as store:
        document = agreement([manifest], store)
        return document, disagreement_views(document, [manifest], store)


def test_the_page_says_what_was_asked_of_it(found: Found) -> None:
    page = build_agreement_page(*found)
    assert page.sentence.startswith("The three judges were unanimous on")
    assert len(page.pairs) == 6
    assert [c.name for c in page.pairs[0].coefficients] == [
        "Same verdict", "Cohen's kappa", "Krippendorff's alpha", "Alpha, ordinal", "Gwet's AC1",
    ]  # fmt: skip
    assert all(c.low is not None for c in page.pairs[0].coefficients)
    assert page.square is not None
    assert page.square.names == ["deep", "clear", "gripped", "longer"]
    assert {category.name for category in page.categories} == {"c0", "c1"}
    assert [own.asked for own in page.selves] == [0, 0, 60, 0]
    assert 2 <= len(page.examples) <= 12
    assert all("longer" not in {j.judge for j in example.judges} for example in page.examples)


def test_what_each_judge_prefers_is_a_measured_statement(found: Found) -> None:
    said = build_agreement_page(*found).rewards
    assert any(s.startswith("`deep` prefers depth and insight: a lead of") for s in said)
    assert any(s.startswith("`clear` prefers coherence and structure") for s in said)
    assert any(s.startswith("`longer` rewards length: an answer") for s in said)


def test_pairs_with_an_instrument_come_last(found: Found) -> None:
    pairs = build_agreement_page(*found).pairs
    assert ["longer" in (pair.one, pair.two) for pair in pairs] == [False] * 3 + [True] * 3


def test_a_second_build_is_the_same_bytes(found: Found, tmp_path: Path) -> None:
    one = [path.read_bytes() for path in write_agreement(*found, tmp_path / "one")]
    two = [path.read_bytes() for path in write_agreement(*found, tmp_path / "two")]
    assert one == two
    assert str(tmp_path).encode() not in b"".join(one)


def test_two_judges_that_always_say_the_same_have_no_kappa_but_a_reason(tmp_path: Path) -> None:
    document, views = _found(tmp_path, dict.fromkeys(("one", "two"), _won))
    page = build_agreement_page(document, views)
    assert "100 %" in page.sentence
    assert "cannot be said" in page.beyond
    kappa = page.pairs[0].coefficients[1]
    assert kappa.value is None
    assert "every verdict is the same" in kappa.note
    assert page.examples == ()
    for text in (render_sheet("agreement.html", page), render_agreement_markdown(page)):
        assert not re.search(r"\b(nan|None|inf)\b", text)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_names_and_answers_are_harmless(name: str, found: Found) -> None:
    text = HOSTILE[name]
    document, views = found
    bad = [
        view.model_copy(update={"candidate_text": text, "baseline_text": text + " x", "prompt_id": text})
        for view in views
    ]
    page = build_agreement_page(_renamed(document, "deep", f"human:{text}"), bad)
    html = render_sheet("agreement.html", page)
    reader = read(html)
    assert not reader.tags & {"script", "img", "iframe", "object"}
    assert not {a for a in reader.attributes if a.startswith("on")}
    assert all(link.startswith("#") for link in reader.links)
    assert len(reader.ids) == len(set(reader.ids))
    assert is_clean(html)
    written = render_agreement_markdown(page)
    assert is_clean(written)
    outside = re.sub(r"(?s)(`{3,}).*?\1|`[^`\n]*`", "", written)
    assert "<script" not in outside
    assert "](" not in outside


def test_the_page_in_a_browser(found: Found, tmp_path: Path) -> None:
    path, _ = write_agreement(*found, tmp_path)
    with browser() as chromium:
        for width, scheme in ((1280, "light"), (390, "dark")):
            context = chromium.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme,  # type: ignore[arg-type]
            )  # fmt: skip
            window = context.new_page()
            wrong = complaints(window)
            window.goto(path.as_uri())
            assert wrong == []
            assert window.evaluate("performance.getEntriesByType('resource').length") == 0
            assert window.evaluate("document.documentElement.scrollWidth") == width
            assert violations(window) == []
            if width == 390:
                assert window.evaluate(OVERLAPS) == []


def _won(*_: Any) -> Said:
    return Said("candidate", "as always")


def _renamed(value: Any, old: str, new: str) -> Any:
    """A document with a name exchanged wherever it stands alone."""
    if isinstance(value, dict):
        return {_renamed(k, old, new): _renamed(v, old, new) for k, v in value.items()}
    if isinstance(value, list):
        return [_renamed(item, old, new) for item in value]
    return new if value == old else value


def test_one_who_decided_has_nobody_to_agree_with_and_the_page_says_so_first(found: Found) -> None:
    document, views = found
    who = {
        name: entry.model_copy(update={"role": "panel" if number == 0 else "beside"})
        for number, (name, entry) in enumerate(document.who.items())
    }
    page = build_agreement_page(document.model_copy(update={"who": who}), views)
    first = next(iter(who))
    assert page.sentence == f"One judge decided, `{first}`: there is nobody to agree with."
    assert "resembles" in page.beyond
    assert (page.panel, page.panel_said, page.categories) == ((), [], ())
    assert page.facts[0] == ("Decided by", "1 judge")
    assert page.pairs, "what it resembles is shown"
    html = render_sheet("agreement.html", page)
    assert "unanimous" not in html
    assert "The whole panel" not in html
    assert "What it resembles" in html
