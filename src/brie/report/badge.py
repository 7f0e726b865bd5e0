"""A badge (SVG) for a README or a model card: verdict and rate, amber where it does not stand.

    [ brie | better: 86 of 100 (79–91) ]      [ brie | better? contamination ]

Drawn in two boxes as such badges are; the widths of letters are those of Verdana at 11 pixels.
"""

from __future__ import annotations

from markupsafe import Markup

from brie.checks.standing import standing_of
from brie.number_format import points, span
from brie.records.analysis import Analysis
from brie.report.clean import one_line
from brie.report.leaderboard import table_of
from brie.report.sentence import interval_of, tone

COLOURS = {
    "better": "#0a5f9e",
    "worse": "#a84308",
    "even": "#4c5a67",
    "open": "#6b675e",
    "conditional": "#8a6100",
    "withheld": "#8a6100",
}
_LABEL = "brie"
_NARROW, _WIDE = "fijlrtI.,:;|!'()[] ", "mwMW@%"
_LONGEST = 60


def badge(analysis: Analysis) -> str:
    """The badge as an SVG document; the same analysis gives the same bytes."""
    return draw_badge(badge_words(analysis), COLOURS[tone(analysis)])


def draw_badge(words: str, colour: str) -> str:
    """A badge of brie's with these words in its right-hand box.

    Args:
        words: one line; what is too long is cut.
        colour: dark enough for white letters.
    """
    text = one_line(words, _LONGEST)
    left, right = _width(_LABEL), _width(text)
    return _SVG.format(
        width=left + right,
        left=left,
        right=right,
        label_at=left / 2,
        text_at=left + right / 2,
        label=_LABEL,
        text=text,
        colour=colour,
    )


def badge_words(analysis: Analysis) -> str:
    """What the right-hand box says."""
    rate, standing = analysis.win_rate, standing_of(analysis)
    table = table_of(analysis)
    if table is not None:
        return f"{len(table.models)} models ranked"
    if rate is None:
        return "no win rate"
    ends = interval_of(rate)
    told = f"{points(rate.value)} of 100" + (f" ({span(*ends)})" if ends else "")
    if analysis.interim:
        return f"interim: {told}"
    if standing is not None and standing.state == "withheld":
        causes = dict.fromkeys(reason.cause.replace("_", " ") for reason in standing.reasons)
        return f"{analysis.verdict or 'withheld'}? {', '.join(causes)}"
    mark = "conditional: " if standing is not None and standing.state == "conditional" else ""
    return f"{analysis.verdict}, {mark}{told}" if mark else f"{analysis.verdict}: {told}"


def _width(text: str) -> int:
    """Pixels of a box: its letters, and a margin of 6 on either side."""
    return round(sum(_letter(letter) for letter in text)) + 12


def _letter(letter: str) -> float:
    if letter in _NARROW:
        return 3.9
    return 10.2 if letter in _WIDE else 7.0 if letter.isascii() else 9.0


_SVG = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" '
    'aria-label="{label}: {text}"><title>{label}: {text}</title>'
    '<clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>'
    '<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#444"/>'
    '<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
    '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
    '<text x="{label_at:.1f}" y="14">{label}</text><text x="{text_at:.1f}" y="14">{text}</text>'
    "</g></svg>\n"
)
