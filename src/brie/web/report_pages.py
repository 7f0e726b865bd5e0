"""The full report of an evaluation: as it was written, or else built once for its numbers.

A report of a large evaluation takes seconds: it is built in a thread of its own while a page says so,
and kept in memory as long as the numbers are the same.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import escape

from brie.errors import BrieError, UsageError
from brie.evaluation.gather import gather
from brie.evaluation.views import comparison_views
from brie.records.analysis import Analysis
from brie.report.curve import read_curve
from brie.report.html import content_policy, render_html, script, stylesheet
from brie.report.page import build_page
from brie.web.project_cache import ProjectCache

_LARGEST = 20_000
"""Comparisons up to which a report is built here."""
_SMALL = 500
"""Comparisons up to which it is built while the reader waits."""
_KEPT = 4
_HEAD = 2_000
"""Characters of a page that its own policy is looked for in."""


def report_policy() -> str:
    """What a report may do: show itself, with the style and the script of this build."""
    return content_policy(stylesheet(), script())


@dataclass
class _Built:
    """A report, or one in the making."""

    html: str = ""
    error: str = ""
    finished: threading.Event = field(default_factory=threading.Event)


class ReportPages:
    """A project's reports. Safe to use from several threads."""

    def __init__(self, cache: ProjectCache) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._built: OrderedDict[tuple[str, bytes], _Built] = OrderedDict()

    def of(self, evaluation: str) -> str | None:
        """An evaluation's report; None while it is being built.

        Raises:
            UsageError: it has no numbers yet, or is too large to be reported here.
        """
        analysis = self._cache.analysis(evaluation)
        if analysis is None:
            command = self._cache.open(evaluation).manifest.command
            raise UsageError(f"{evaluation} has no numbers yet; go on with it: {command}")
        if analysis.counts.comparisons <= _SMALL:
            return self._build(evaluation, analysis)
        numbers = _bytes(self._cache.folder(evaluation) / "analysis.json")
        written = self._written(evaluation, numbers)
        if written:
            return written
        if analysis.counts.comparisons > _LARGEST:
            raise UsageError(f"{evaluation} is too large to report here; run: brie report {evaluation}")
        return self._once(evaluation, numbers, analysis)

    def _written(self, evaluation: str, numbers: bytes) -> str:
        """The page that `brie report` wrote of these numbers; "" where there is none of this build."""
        folder = self._cache.project.reports / evaluation
        if not numbers or _bytes(folder / "analysis.json") != numbers:
            return ""
        html = _bytes(folder / "index.html").decode("utf-8", "replace")
        return html if f'content="{escape(report_policy())}"' in html[:_HEAD] else ""

    def _once(self, evaluation: str, numbers: bytes, analysis: Analysis) -> str | None:
        key = (evaluation, numbers)
        with self._lock:
            built = self._built.get(key)
            if built is None:
                built = self._built[key] = _Built()
                while len(self._built) > _KEPT:
                    self._built.popitem(last=False)
                threading.Thread(
                    target=self._work, args=(built, evaluation, analysis), daemon=True
                ).start()
            self._built.move_to_end(key)
            if built.error:
                del self._built[key]
                raise UsageError(built.error)
        if not built.finished.is_set():
            return None
        if not built.html:
            raise UsageError(f"the report cannot be built here; run: brie report {evaluation}")
        return built.html

    def _work(self, built: _Built, evaluation: str, analysis: Analysis) -> None:
        try:
            built.html = self._build(evaluation, analysis)
        except BrieError as error:
            built.error = str(error)
        finally:
            built.finished.set()

    def _build(self, evaluation: str, analysis: Analysis) -> str:
        manifest, curve = (
            self._cache.open(evaluation).manifest,
            read_curve(self._cache.folder(evaluation)),
        )
        with self._cache.store() as store:
            views = comparison_views(gather(manifest, store))
            return render_html(build_page(analysis, manifest, views, curve))


def _bytes(path: Path) -> bytes:
    """What a file holds; nothing where it is not there."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
