"""The viewer's pages: evaluations and runs, comparisons, one comparison, a run's curves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from brie.evaluation.views import views_of
from brie.pin import find_run, training_runs
from brie.records.analysis import ComparisonView
from brie.report.clean import clip
from brie.report.diff import word_diff
from brie.report.facts import checks_worst_first
from brie.report.opening import opening
from brie.report.panel import panel_judges, roll
from brie.report.sentence import tone, verdict_sentence, verdict_word
from brie.report.shown import judges_said
from brie.web.charts import loss_chart
from brie.web.index_keeper import Listing
from brie.web.pages import Pages
from brie.web.project_cache import ProjectCache, training_run
from brie.web.report_pages import ReportPages, report_policy
from brie.web.search import SHOWS, SORTS, Comparisons, Filter, Found

LONGEST = 100_000
"""Characters of one answer on a page; the rest stays in the store."""
_DIGITS = 10
"""More name no comparison."""
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Place:
    """A comparison's neighbours in the list it was opened from."""

    here: int
    previous: int | None
    next: int | None
    total: int


class Viewer:
    """Routes over the cached project. Handlers are plain functions: each runs in a thread of its own."""

    def __init__(self, cache: ProjectCache, pages: Pages) -> None:
        self._cache = cache
        self._pages = pages
        self._reports = ReportPages(cache)

    def routes(self) -> list[Route]:
        """Every page of the viewer."""
        return [
            Route("/", self.home),
            Route("/eval/{evaluation}", self.evaluation),
            Route("/eval/{evaluation}/report", self.report),
            Route("/eval/{evaluation}/comparison/{number}", self.comparison),
            Route("/run/{run}", self.run),
        ]

    def home(self, request: Request) -> Response:
        """Evaluations, newest first, and training runs."""
        runs = [training_run(run.folder, run.manifest) for run in training_runs(self._cache.project)]
        entries = self._cache.entries()
        words = {e.id: verdict_word(e.analysis) for e in entries if e.analysis}
        rolls = {e.id: roll(e.analysis) for e in entries if e.analysis}
        tones = {e.id: tone(e.analysis) for e in entries if e.analysis}
        return self._pages.render(
            "home.html", entries=entries, words=words, rolls=rolls, tones=tones, runs=runs[::-1]
        )

    def evaluation(self, request: Request) -> Response:
        """One evaluation: its headline, and its comparisons, filtered."""
        name = request.path_params["evaluation"]
        listing = self._cache.comparisons(name)
        if not isinstance(listing, Listing):
            return self._pages.render("indexing.html", name=name, progress=listing)
        comparisons, wanted = listing.comparisons, Filter.of(request.query_params)
        analysis, manifest = self._cache.analysis(name), self._cache.open(name).manifest
        return self._pages.render(
            "evaluation.html",
            name=name,
            manifest=manifest,
            analysis=analysis,
            top=opening(analysis, manifest) if analysis else None,
            tone=tone(analysis) if analysis else "open",
            sentence=verdict_sentence(analysis, manifest) if analysis else "",
            checks=checks_worst_first(analysis) if analysis else [],
            wanted=wanted,
            results=comparisons.search(wanted),
            behind=listing.behind,
            choices=comparisons.choices(),
            shows=SHOWS,
            sorts=SORTS,
        )

    def report(self, request: Request) -> Response:
        """The full report of an evaluation, with its own strict policy."""
        name = request.path_params["evaluation"]
        html = self._reports.of(name)
        if html is None:
            return self._pages.render("building.html", name=name)
        policy = f"{report_policy()}; frame-ancestors 'none'"
        return Response(html, media_type="text/html", headers={"Content-Security-Policy": policy})

    def comparison(self, request: Request) -> Response:
        """One comparison with both answers and every verdict; neighbours from the same list."""
        name, number = request.path_params["evaluation"], request.path_params["number"]
        if not (number.isascii() and number.isdigit() and len(number) < _DIGITS):
            raise HTTPException(404)
        listing = self._cache.comparisons(name)
        wanted = Filter.of(request.query_params)
        if not isinstance(listing, Listing):
            return RedirectResponse(f"/eval/{name}", status_code=303)
        index = listing.comparisons
        row = index.get(int(number))
        view = self._view(name, row, index.counting) if row else None
        if row is None or view is None:
            raise HTTPException(404)
        heard, panel = judges_said(view, LONGEST), panel_judges(self._cache.open(name).manifest)
        candidate, cut_candidate = clip(view.candidate_text, LONGEST)
        baseline, cut_baseline = clip(view.baseline_text, LONGEST)
        return self._pages.render(
            "comparison.html",
            name=name,
            row=row,
            view=view,
            prompt=clip(view.messages[-1].content, LONGEST),
            answers=word_diff(candidate, baseline),
            cuts={"candidate": cut_candidate, "baseline": cut_baseline},
            judges=[said for judge, said in heard.items() if judge in panel],
            beside=[said for judge, said in heard.items() if judge not in panel],
            names=self._cache.open(name).manifest.names,
            wanted=wanted,
            place=_place(index, wanted, request.query_params.get("at", "")),
        )

    def run(self, request: Request) -> Response:
        """A training run: what it was, and its losses over steps."""
        if len(request.path_params["run"]) > _LONGEST_NAME:
            raise HTTPException(404)
        record = find_run(request.path_params["run"], self._cache.project)
        run = training_run(record.folder, record.manifest)
        return self._pages.render("run.html", run=run, chart=loss_chart(run.curves, run.pins))

    def _view(self, name: str, row: Found, counting: Collection[str]) -> ComparisonView | None:
        opened = self._cache.open(name)
        tasks = opened.tasks(row.prompt, [row.sample])
        with self._cache.store() as store:
            views = views_of(opened.work, opened.manifest, store, tasks, counting=counting)
        return views[0] if views else None


def _place(index: Comparisons, wanted: Filter, at: str) -> Place | None:
    if not (at.isascii() and at.isdigit() and len(at) < 9):
        return None
    before, after = index.neighbours(wanted, int(at))
    return Place(int(at), before, after, index.total(wanted))
