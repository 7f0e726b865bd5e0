"""Inline SVG for the page: intervals on a scale, and bars of wins, ties and losses.

Coordinates are percentages of the width, so a chart fills its place on a phone and on paper
without its text shrinking. Colours come from the page's style sheet by class, which is how
they follow dark mode. Every chart has a text alternative; the numbers also stand beside it.
"""

from __future__ import annotations

from markupsafe import Markup

from brie.number_format import percent, points, signed, signed_span, span, two_digits
from brie.records.analysis import Outcomes

TICKS = (0, 25, 50, 75, 100)


def scale(
    value: float, low: float | None, high: float | None, sources: tuple[float, float, float] | None
) -> Markup:
    """The headline's scale from 0 to 100: the win rate, its interval, and 50 as a line.

    `sources`: the mean of source means with its interval, drawn as a second, thinner line.
    """
    label = f"Win rate {percent(value)} on a scale from 0 to 100 with a line at 50"
    parts = [_rect("band-loss", 0, 50, 34, 26), _rect("band-win", 50, 100, 34, 26)]
    parts += [_line("tick", x / 100, 30, 64) for x in TICKS if x != 50]
    parts.append(_line("half", 0.5, 22, 74))
    drop = 0
    if low is not None and high is not None:
        label += f"; interval {span(low, high, ' to ')}"
        parts += [_bar("interval", low, high, 47), _line("cap", low, 38, 56), _line("cap", high, 38, 56)]
        parts += [_end(low, "end"), _end(high, "start")]
        drop = 16 if sources is not None and (_at_edge(low, "end") or _at_edge(high, "start")) else 0
    if sources is not None:
        mean, least, most = sources
        label += f"; mean of source means {points(mean)}, interval {span(least, most, ' to ')}"
        middle = min(0.7, max(0.3, (least + most) / 2))
        words = f"new sources: {points(mean)} ({span(least, most)})"
        parts += [
            _bar("interval thin", least, most, 71 + drop),
            _dot("point", mean, 71 + drop, 4),
            _text("note", middle, 90 + drop, words, "middle"),
        ]
    parts.append(_dot("point", value, 47, 8))
    parts.append(_text("value", value, 24, points(value), _anchor(round(100 * value))))
    foot = 110 + drop if sources is not None else 92
    parts += [_text("axis", x / 100, foot, str(x), _anchor(x)) for x in TICKS]
    return _svg("scale", foot + 6, label, parts)


def interval(value: float | None, low: float | None, high: float | None) -> Markup:
    """One row of a forest plot on the scale from 0 to 100."""
    if value is None:
        return _svg("row", 28, "not available", [_line("half", 0.5, 0, 28)])
    label = percent(value)
    parts = [_line("tick", x / 100, 0, 28) for x in (0, 25, 75, 100)] + [_line("half", 0.5, 0, 28)]
    if low is not None and high is not None:
        label += f", interval {span(low, high, ' to ')}"
        parts.append(_bar("interval", low, high, 14))
    parts.append(_dot("point", value, 14, 5))
    return _svg("row", 28, label, parts)


def axis() -> Markup:
    """The scale's numbers under a column of rows; hidden from screen readers, rows have labels."""
    parts = [_text("axis", x / 100, 12, str(x), _anchor(x)) for x in TICKS]
    return Markup('<svg class="row" height="16" aria-hidden="true" focusable="false">{}</svg>').format(
        Markup("").join(parts)
    )


def effect(value: float | None, low: float | None, high: float | None, reach: float) -> Markup:
    """An effect around zero, from -`reach` to +`reach`."""
    if value is None:
        return _svg("row", 28, "not identified", [_line("half", 0.5, 0, 28)])
    label = f"{signed(value)} points"
    parts = [_line("half", 0.5, 0, 28)]
    if low is not None and high is not None:
        label += f", interval {signed_span(low, high)}"
        parts.append(_bar("interval", _centred(low, reach), _centred(high, reach), 14))
    parts.append(_dot("point", _centred(value, reach), 14, 5))
    return _svg("row", 28, label, parts)


def coefficient(
    value: float | None, low: float | None, high: float | None, floor: float, *, share: bool = False
) -> Markup:
    """An agreement coefficient on a scale from `floor` to 1, with a line at 0: chance.

    A plain `share` has no such line.
    """
    if value is None:
        return _svg("row", 28, "not available", [])

    def place(x: float) -> float:
        return min(1.0, max(0.0, (x - floor) / (1 - floor)))

    label = two_digits(value)
    parts = [_line("tick", 1, 0, 28), _line("tick" if share else "half", place(0), 0, 28)]
    if low is not None and high is not None:
        label += f", interval {two_digits(low)} to {two_digits(high)}"
        parts.append(_bar("interval", place(low), place(high), 14))
    parts.append(_dot("point", place(value), 14, 5))
    return _svg("row", 28, label, parts)


def coefficient_axis(floor: float) -> Markup:
    """The numbers under a column of coefficients."""
    ends = [(floor, f"{floor:g}".replace("-", "\u2212")), (0.0, "0")] if floor < 0 else [(0.0, "0")]
    parts = [
        _text("axis", (x - floor) / (1 - floor), 12, text, "start" if x == floor else "middle")
        for x, text in ends
    ]
    parts.append(_text("axis", 1.0, 12, "1", "end"))
    return Markup('<svg class="row" height="16" aria-hidden="true" focusable="false">{}</svg>').format(
        Markup("").join(parts)
    )


def outcome_bar(outcomes: Outcomes) -> Markup:
    """Wins, ties and losses as one bar; the counts stand beside it in the table."""
    total = outcomes.win + outcomes.tie + outcomes.loss
    if not total:
        label = "no usable verdict" if not outcomes.identical else "every answer is identical"
        return _svg("row", 22, label, [])
    first, second = outcomes.win / total, (outcomes.win + outcomes.tie) / total
    label = f"{outcomes.win} wins, {outcomes.tie} ties, {outcomes.loss} losses of {total}"
    parts = [
        _rect("win", 0, 100 * first, 3, 16),
        _rect("tie", 100 * first, 100 * second, 3, 16),
        _rect("loss", 100 * second, 100, 3, 16),
    ]
    return _svg("row bars", 22, label, parts)


def reach_of(bounds: list[float]) -> float:
    """Half the width of an effects axis: the widest interval, at least 10 points, rounded up."""
    widest = max([0.1, *map(abs, bounds)])
    return min(1.0, -(-widest // 0.05) * 0.05)


def _svg(kind: str, height: int, label: str, parts: list[Markup]) -> Markup:
    return Markup('<svg class="{}" height="{}" role="img" aria-label="{}">{}</svg>').format(
        kind, height, label, Markup("").join(parts)
    )


def _centred(effect_value: float, reach: float) -> float:
    return min(1.0, max(0.0, 0.5 + effect_value / (2 * reach)))


def _x(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def _line(kind: str, x: float, top: int, bottom: int) -> Markup:
    return Markup('<line class="{0}" x1="{1}" x2="{1}" y1="{2}" y2="{3}"/>').format(
        kind, _x(x), top, bottom
    )


def _bar(kind: str, low: float, high: float, y: int) -> Markup:
    return Markup('<line class="{0}" x1="{1}" x2="{2}" y1="{3}" y2="{3}"/>').format(
        kind, _x(low), _x(high), y
    )


def _rect(kind: str, start: float, end: float, y: int, height: int) -> Markup:
    return Markup('<rect class="{}" x="{}" width="{}" y="{}" height="{}"/>').format(
        kind, _x(start / 100), _x((end - start) / 100), y, height
    )


def _dot(kind: str, x: float, y: int, radius: int) -> Markup:
    return Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>').format(kind, _x(x), y, radius)


def _text(kind: str, x: float, y: int, text: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, _x(x), y, anchor, text
    )


def _end(share: float, anchor: str) -> Markup:
    """An interval's end, written outside the interval; where the scale ends there, under it."""
    if _at_edge(share, anchor):
        inner = "start" if anchor == "end" else "end"
        return _text("end", share, 74, points(share), inner)
    shift = -8 if anchor == "end" else 8
    return Markup('<text class="end" x="{}" dx="{}" y="52" text-anchor="{}">{}</text>').format(
        _x(share), shift, anchor, points(share)
    )


def _at_edge(share: float, anchor: str) -> bool:
    return share < 0.06 if anchor == "end" else share > 0.94


def _anchor(tick: int) -> str:
    return {0: "start", 100: "end"}.get(tick, "middle")
