"""The report as one self-contained HTML page: no request, no text left unescaped, one script of our own.

The script finds comparisons; everything can be read without it. The page's policy names the digests of
the style sheet and of the script, so that nothing else is applied or run.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from brie import number_format
from brie.digest import short
from brie.report import charts, facts
from brie.report.check_figures import figures
from brie.report.clean import clean
from brie.report.judge_pairs import agreement_square
from brie.report.page import Page
from brie.report.sentence import interval_of, of_sources
from brie.report.shown import OUTCOMES

T = TypeVar("T")
_TEMPLATES = Path(__file__).parent / "templates"
_CODE = re.compile(r"`([^`]*)`")


def render_html(page: Page) -> str:
    """The page as HTML text; the same page gives the same bytes."""
    css = stylesheet()
    template, agreement = environment().get_template("report.html"), page.analysis.agreement
    return template.render(
        page=page,
        css=Markup(css),  # noqa: S704 (our own file)
        csp=content_policy(css, script()),
        script=Markup(script()),  # noqa: S704 (our own file)
        outcomes=OUTCOMES,
        headline=_headline(page),
        thinner=page.analysis.win_rate is not None and of_sources(page.analysis.win_rate) is not None,
        agreement=agreement_square(agreement.pairs if agreement else ()),
        reach=_reach(page),
    )


@cache
def environment(*folders: Path) -> Environment:
    """Jinja with autoescaping on, unknown names an error, and every printed string cleaned.

    Args:
        folders: where templates are looked for before the report's own.
    """
    env = Environment(
        loader=FileSystemLoader([*folders, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "code": code,
        "points": number_format.points,
        "percent": number_format.percent,
        "span": lambda pair: number_format.span(*pair),
        "signed": number_format.signed,
        "p_value": number_format.p_value,
        "number": number_format.number,
        "dollars": number_format.dollars,
        "short": short,
        "figures": figures,
    }
    env.globals |= {
        "charts": charts,
        "status_words": facts.STATUS_WORDS,
        "status_marks": facts.STATUS_MARKS,
    }
    return env


def code(text: str) -> Markup:
    """Plain text with `names` between backticks turned into <code>; everything escaped first.

    "95 %", "fine-tune" and "rule-based" are kept on one line.
    """
    kept = clean(text).replace(" %", "\u00a0%")
    for word in ("fine-tune", "Rule-based", "rule-based"):
        kept = kept.replace(word, word.replace("-", "\u2011"))
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(kept))))  # noqa: S704 (escaped)


@cache
def stylesheet() -> str:
    """The one style sheet, written into the page."""
    return (_TEMPLATES / "style.css").read_text(encoding="utf-8")


@cache
def script() -> str:
    """The report's one script, written into the page."""
    return (_TEMPLATES / "examples.js").read_text(encoding="utf-8")


def content_policy(css: str, code: str = "") -> str:
    """A policy that lets the page do nothing but show itself with this very style sheet and script."""
    scripts = f"script-src '{_fingerprint(code)}'; " if code else ""
    return (
        f"default-src 'none'; {scripts}style-src '{_fingerprint(css)}'; base-uri 'none'; "
        "form-action 'none'"
    )


def _fingerprint(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _headline(page: Page) -> Markup | None:
    rate = page.analysis.win_rate
    if rate is None:
        return None
    low, high = interval_of(rate) or (None, None)
    return charts.scale(rate.value, low, high, of_sources(rate))


def _reach(page: Page) -> float:
    bounds = [b for e in page.effects for b in (e.low, e.high, e.value) if b is not None]
    return charts.reach_of(bounds)


def _finalize(value: T | None) -> T | str:
    if isinstance(value, str) and not isinstance(value, Markup):
        return clean(value)
    return "" if value is None else value
