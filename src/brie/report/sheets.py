"""Pages beside the evaluation report, agreement and judge cards: same style, same strict policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from brie.errors import UsageError
from brie.number_format import two_digits
from brie.project import write_text
from brie.records.analysis import ComparisonView
from brie.records.studies import AgreementDocument
from brie.report.agreement import AgreementPage, build_agreement_page
from brie.report.agreement_markdown import render_agreement_markdown
from brie.report.html import content_policy, environment, stylesheet

if TYPE_CHECKING:
    from brie.report.judge_card import CardPage
    from brie.report.suites import SuitesPage

_OWN = Path(__file__).parent / "templates" / "sheets.css"


def write_agreement(
    document: AgreementDocument, disagreements: Sequence[ComparisonView], folder: Path
) -> list[Path]:
    """Write `agreement.html` and `agreement.md`; returns their paths. A second build is the same bytes.

    Args:
        document: how the judges agree.
        disagreements: the comparisons judges disagree on most, to be read.
        folder: where to.

    Raises:
        UsageError: the folder cannot be written.
    """
    page = build_agreement_page(document, disagreements)
    html, text = render_sheet("agreement.html", page), render_agreement_markdown(page)
    return write_sheets(folder, {"agreement.html": html, "agreement.md": text})


def render_sheet(template: str, page: AgreementPage | CardPage | SuitesPage) -> str:
    """A page as HTML text: no script, no request; the same page gives the same bytes.

    Args:
        template: a file of the report's templates that extends `layout.html`.
        page: what it prints, under the name `page`.
    """
    css = sheet_styles()
    env = environment()
    env.filters.setdefault("coefficient", two_digits)
    return env.get_template(template).render(
        page=page,
        css=Markup(css),  # noqa: S704 (our own files)
        csp=content_policy(css),
    )


@cache
def sheet_styles() -> str:
    """The report's style sheet with what these pages need besides."""
    return stylesheet() + _OWN.read_text(encoding="utf-8")


def write_sheets(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write files into a folder, each whole or not at all.

    Raises:
        UsageError: the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror or error}.") from error
    for name, text in files.items():
        write_text(folder / name, text)
    return [folder / name for name in files]
