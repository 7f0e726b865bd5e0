"""The report's files: complete, harmless, the same every time."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import time
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.records import Manifest
from brie.records.analysis import Analysis, ComparisonView, VerdictWord
from brie.report import build_report
from brie.report.build import report_files
from brie.report.clean import is_clean
from brie.report.curve import Curve, read_curve
from brie.report.examples import outcome
from brie.report.html import content_policy, script, stylesheet
from brie.report.page import build_page
from tests.report import sample
from tests.report.hostile import HOSTILE

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Reader(HTMLParser):
    """Collects elements, attributes and text; fails on tags that do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        found = dict(attrs)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def build(
    out: Path,
    analysis: Analysis | None = None,
    manifest: Manifest | None = None,
    views: list[ComparisonView] | None = None,
) -> tuple[str, str]:
    """Page and Markdown of a report."""
    page = build_report(
        analysis or sample.analysis(), manifest, sample.comparisons() if views is None else views, out
    )
    return page.read_text(encoding="utf-8"), (out / "report.md").read_text(encoding="utf-8")


def hostile_view(text: str) -> ComparisonView:
    view = sample.comparisons(1, 1)[0]
    spoken = tuple(
        v.model_copy(update={"reason": text, "judge": text or "judge", "winner": "candidate"})
        for v in view.verdicts
    )
    return view.model_copy(
        update={
            "candidate_text": text,
            "baseline_text": text + " x",
            "reference": text or None,
            "prompt_id": text or "p",
            "verdicts": spoken,
            "score": 1.0,
        }
    )


def hostile_analysis(text: str) -> Analysis:
    base = sample.analysis()
    name = text or "empty"
    return sample.analysis(
        candidate=base.candidate.model_copy(update={"name": name}),
        baseline=base.baseline.model_copy(update={"name": name}),
        suite=base.suite.model_copy(update={"name": name}),
        by_category={name: {"win_rate": sample.rate(0.5, 0.4, 0.6, 9)}, "b": {"win_rate": None}},
        checks=tuple(
            check.model_copy(update={"summary": name, "remedy": name, "evidence": {name: name}})
            for check in base.checks
        ),
        notes={name: name},
    )


def test_the_page_is_one_self_contained_file(tmp_path: Path) -> None:
    page, _ = build(tmp_path, manifest=sample.manifest())
    reader = read(page)
    assert all(link.startswith("#") for link in reader.links)
    assert {link[1:] for link in reader.links} <= set(reader.ids)
    assert not {"iframe", "object", "embed", "link", "base"} & reader.tags
    assert page.count("<script") == 1, "one script, the one that the policy names"
    assert f"<script>{script()}</script>" in page
    assert not {"action", "method", "src", "href"} & set(re.findall(r"<form[^>]* (\w+)=", page))
    assert not {name for name in reader.attributes if name.startswith("on") or name == "style"}
    assert "url(" not in page
    assert len(reader.ids) == len(set(reader.ids))


def test_the_policy_names_the_digests_of_the_very_style_and_script(tmp_path: Path) -> None:
    page, _ = build(tmp_path)
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', page)[0])
    assert policy == content_policy(stylesheet(), script())
    for text, kind in ((stylesheet(), "style-src"), (script(), "script-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")


def test_every_comparison_has_an_address_and_says_what_became_of_it(tmp_path: Path) -> None:
    views = sample.comparisons(12)
    page, _ = build(tmp_path, views=views)
    items = re.findall(r'<details class="example[^"]*" id="([^"]+)"[^>]*data-outcome="(\w+)"', page)
    assert len(items) == len({name for name, _ in items}) == len(views)
    assert Counter(word for _, word in items) == Counter(outcome(view) for view in views)
    assert 'id="c-letters-01-2"' in page, "an id that an address can hold is kept"


def test_where_there_is_no_room_for_all_the_losses_come_first(tmp_path: Path) -> None:
    views = sample.comparisons(120)
    page, _ = build(tmp_path, views=views)
    outcomes = re.findall(r'<details class="example[^"]*" id="[^"]+"[^>]*data-outcome="(\w+)"', page)
    assert outcomes.count("lost") == sum(outcome(view) == "lost" for view in views)
    assert "comparisons are on this page, losses first" in page
    assert f"{len(outcomes)} of {len(views)} comparisons" in page


def test_the_page_has_its_landmarks_and_headings_in_order(tmp_path: Path) -> None:
    page, _ = build(tmp_path, manifest=sample.manifest())
    assert {"header", "main", "nav", "footer", "h1"} <= read(page).tags
    assert page.count("<h1") == 1
    places = [
        page.index(f'id="{name}"')
        for name in (
            "verdict",
            "checks",
            "results",
            "habits",
            "examples",
            "provenance",
            "cite",
            "glossary",
        )
    ]
    assert places == sorted(places)


def test_checks_stand_worst_first(tmp_path: Path) -> None:
    page, markdown = build(tmp_path)
    for text in (page, markdown):
        assert text.index("Fails") < text.index("Warning") < text.index("Not run") < text.index("Passes")


def test_a_second_build_is_byte_identical(tmp_path: Path) -> None:
    analysis = sample.analysis()
    again = Analysis.model_validate(
        json.loads(analysis.model_dump_json(exclude_unset=True, by_alias=True))
    )
    first = build(tmp_path / "a", analysis, sample.manifest(), sample.comparisons())
    second = build(tmp_path / "b", again, sample.manifest(), sample.comparisons()[::-1])
    assert first == second


def test_every_status_is_counted_on_the_page(tmp_path: Path) -> None:
    page, markdown = build(tmp_path)
    for word in ("usable", "invalid", "refused", "errors", "missing", "identical", "one order only"):
        assert word in page
        assert word in markdown


def test_provenance_carries_pins_plan_seed_versions_and_command(tmp_path: Path) -> None:
    manifest = sample.manifest()
    page, markdown = build(tmp_path, manifest=manifest)
    for text in (page, markdown):
        for needed in (
            manifest.plan.candidate.digest,
            manifest.plan.baseline.digest,
            manifest.seal,
            manifest.plan.suite.version,
            "7ae557604adf67be50417f59c2c2f167def9a775",
            "5.23.0",
            "brie eval --suite in_domain",
        ):
            assert needed in text.replace("\\", "")


def test_the_scope_sentence_is_always_there(tmp_path: Path) -> None:
    for number, analysis in enumerate((sample.analysis(), sample.analysis(interim=True, verdict=None))):
        for text in build(tmp_path / str(number), analysis):
            assert "another training seed could give another answer" in text


def test_what_the_analysis_lacks_is_left_out(tmp_path: Path) -> None:
    document = sample.analysis().model_dump(mode="json", exclude_unset=True)
    lean = {
        key: value
        for key, value in document.items()
        if key
        not in {
            "position",
            "label",
            "agreement",
            "length_controlled",
            "checks",
            "by_judge",
            "by_source",
            "cost",
        }
    }
    page, _ = build(tmp_path, Analysis.model_validate(lean), None, [])
    for absent in ('id="habits"', 'id="checks"', 'id="examples"', "By source", "Cost"):
        assert absent not in page
    read(page)


def test_a_quantity_that_is_not_identified_shows_its_reason_and_no_number(tmp_path: Path) -> None:
    analysis = sample.analysis(position=None, notes={"position": "every pair was shown in one order"})
    page, _ = build(tmp_path, analysis)
    assert "every pair was shown in one order" in page


def test_an_interim_report_carries_no_verdict(tmp_path: Path) -> None:
    page, markdown = build(tmp_path, sample.analysis(interim=True, verdict=None), sample.manifest())
    assert "INTERIM" in page
    assert markdown.startswith("# INTERIM")
    assert "How to cite" not in page


def test_no_folder_of_the_machine_is_printed(tmp_path: Path) -> None:
    manifest = sample.manifest().model_copy(
        update={"command": "brie eval --suite /home/ann/secret/s.jsonl --candidate ~/runs/x"}
    )
    for text in build(tmp_path, manifest=manifest):
        assert "/home" not in text
        assert "secret" not in text


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_text_is_harmless_in_the_page(name: str, tmp_path: Path) -> None:
    text = HOSTILE[name]
    page, _ = build(tmp_path, hostile_analysis(text), sample.manifest(), [hostile_view(text)])
    reader = read(page)
    assert not {"img", "iframe", "textarea"} & reader.tags
    assert page.count("<script") == 1
    assert not {name for name in reader.attributes if name.startswith("on")}
    assert all(link.startswith("#") for link in reader.links)
    assert is_clean(page)
    assert page.count("<style>") == 1
    assert page.count("<h1") == 1


def outside_fences(markdown: str) -> str:
    """Markdown without its fenced blocks, found as CommonMark finds them."""
    kept: list[str] = []
    fence = ""
    for line in markdown.splitlines():
        run = re.match(r"(`{3,})(.*)$", line)
        if not fence and run:
            fence = run[1]
        elif fence and run and len(run[1]) >= len(fence) and not run[2].strip():
            fence = ""
        elif not fence:
            kept.append(line)
    assert not fence, "a fence was left open"
    return "\n".join(kept)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_text_is_harmless_in_markdown(name: str, tmp_path: Path) -> None:
    text = HOSTILE[name]
    _, markdown = build(tmp_path, hostile_analysis(text), sample.manifest(), [hostile_view(text)])
    assert is_clean(markdown)
    prose = re.sub(r"(?<!\\)`[^`]*`", "", outside_fences(markdown)).replace("<!-- -->", "\0")
    tags = set(re.findall(r"<[^>]*>", prose))
    assert tags <= {"<details>", "<summary>", "</summary>", "</details>"}
    assert not re.search(r"(?<!\\)!\[|(?<!\\)\]\(|(?i:javascript:)|https?:|www\.|(?<!\w)@\w", prose)
    headings = [line for line in prose.splitlines() if line.startswith("#")]
    assert headings.count("# heading") == 0
    for line in prose.splitlines():
        if line.startswith("| ") and "| --- |" not in line:
            assert len(re.findall(r"(?<!\\)\|", line)) in (3, 4, 5)


def test_ten_megabytes_are_cut_and_said(tmp_path: Path) -> None:
    view = hostile_view("word " * 2_000_000)
    started = time.process_time()
    page, markdown = build(tmp_path, views=[view])
    assert "the first 6,000 of 10,000,000 characters are shown" in page
    assert len(page) < 500_000
    assert len(markdown) < 500_000
    assert time.process_time() - started < 5


def test_sixty_prompts_stay_below_two_megabytes(tmp_path: Path) -> None:
    page, _ = build(tmp_path, manifest=sample.manifest(count=60), views=sample.comparisons(60))
    assert len(page.encode()) < 2_000_000


def test_five_hundred_prompts_build_in_time(tmp_path: Path) -> None:
    views = sample.comparisons(500)
    started = time.process_time()
    build(tmp_path, manifest=sample.manifest(count=500), views=views)
    assert time.process_time() - started < 10


def test_fifty_judges_and_one_prompt(tmp_path: Path) -> None:
    judges = {f"judge-{i}": {"win_rate": None, "provider": "openai"} for i in range(50)}
    page, _ = build(tmp_path, sample.analysis(by_judge=judges), None, sample.comparisons(1, 1))
    assert "judge-49" in page
    read(page)


def test_right_to_left_answers_keep_their_direction(tmp_path: Path) -> None:
    page, _ = build(tmp_path, views=[hostile_view(HOSTILE["persian"])])
    assert 'dir="auto"' in page
    assert HOSTILE["persian"] in page


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "reports"
    blocked.write_text("a file stands where the folder should be")
    with pytest.raises(UsageError, match="cannot make the folder"):
        build(blocked / "eval")


def test_a_curve_stands_with_the_results_step_by_step() -> None:
    own = sample.analysis().candidate.step
    assert own is not None
    ends = {"value": 0.6, "low": 0.4, "high": 0.8, "prompts": 40}
    rungs = [{"name": str(step), "step": step, **ends} for step in (own + 50, 50, own)]
    found = Curve.model_validate(
        {
            "schema": "brie.curve/1", "prompts": "the whole suite", "checkpoints": rungs,
            "best_by_validation_loss": str(own), "evaluations": {"50": "eval-x"},
        }
    )  # fmt: skip
    files = report_files(sample.analysis(), sample.manifest(), sample.comparisons(), found)
    for text in ("".join(files["index.html"]), "".join(files["report.md"])):
        places = [text.index(f"Step {step}") for step in (50, own, own + 50)]
        assert places == sorted(places)
        assert "report's checkpoint, lowest validation loss" in html.unescape(text)
        assert "hold together" in text
    without = report_files(sample.analysis(), sample.manifest(), sample.comparisons())
    assert "Over training steps" not in "".join(without["index.html"])


@pytest.mark.parametrize("change", [{"schema": "brie.curve/2"}, {"checkpoints": [{"step": 1}]}])
def test_a_curve_that_cannot_be_read_is_none(tmp_path: Path, change: dict[str, object]) -> None:
    good = {"schema": "brie.curve/1", "prompts": "all", "checkpoints": [], "evaluations": {}}
    (tmp_path / "curve.json").write_text(json.dumps(good))
    assert read_curve(tmp_path) is not None
    (tmp_path / "curve.json").write_text(json.dumps({**good, **change}))
    assert read_curve(tmp_path) is None
    assert read_curve(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("verdict", "tone"),
    [
        ("better", "better"),
        ("worse", "worse"),
        ("equivalent", "even"),
        ("undecided", "open"),
        (None, "withheld"),
    ],
)
def test_the_verdict_picks_the_pages_tone_and_an_interim_page_has_none(
    verdict: VerdictWord | None, tone: str
) -> None:
    assert build_page(sample.analysis(verdict=verdict), sample.manifest(), []).tone == tone
    interim = sample.analysis(verdict=verdict, interim=True)
    assert build_page(interim, sample.manifest(), []).tone == "open"
