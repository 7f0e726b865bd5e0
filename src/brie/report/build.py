"""Writes a report folder: `index.html`, `report.md` for pull requests, `verdicts.csv`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from brie.errors import UsageError
from brie.project import write_pieces
from brie.records import Manifest
from brie.records.analysis import Analysis, ComparisonView
from brie.report.comparisons import Comparisons
from brie.report.curve import Curve
from brie.report.html import render_html
from brie.report.markdown import render_markdown
from brie.report.page import build_page
from brie.report.table import table_pieces


def build_report(
    analysis: Analysis,
    manifest: Manifest | None,
    comparisons: Comparisons | Sequence[ComparisonView],
    out: Path,
    curve: Curve | None = None,
) -> Path:
    """Write `index.html`, `report.md` and `verdicts.csv` to `out`; returns the path of the page.

    A pure function of its inputs: a second build writes the same bytes. Each file appears
    whole or not at all.

    Raises:
        UsageError: the folder cannot be written.
    """
    files = report_files(analysis, manifest, comparisons, curve)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {out}: {error.strerror or error}.") from error
    for name, pieces in files.items():
        write_pieces(out / name, pieces)
    return out / "index.html"


def report_files(
    analysis: Analysis,
    manifest: Manifest | None,
    comparisons: Comparisons | Sequence[ComparisonView],
    curve: Curve | None = None,
) -> dict[str, Iterable[str]]:
    """The report's files by name, the page last, in pieces; those of the table are made as they come."""
    page = build_page(analysis, manifest, comparisons, curve)
    return {
        "report.md": [render_markdown(page)],
        "verdicts.csv": table_pieces(comparisons),
        "index.html": [render_html(page)],
    }
