"""Loss curves of a training run as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10

from markupsafe import Markup

from brie.web.project_cache import Curve

WIDTH, HEIGHT = 720, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 34, 34
_POINTS = 400
"""Points drawn of one curve; longer ones are thinned."""


def loss_chart(curves: Sequence[Curve], pins: Mapping[str, int]) -> Markup:
    """Training and validation loss over steps, with the pinned steps marked; "" without points."""
    points = [point for curve in curves for point in curve.points if _finite(point)]
    if not points:
        return Markup("")
    last = max(step for step, _ in points) or 1.0
    high, low = max(loss for _, loss in points), min(loss for _, loss in points)
    losses = _ticks(0.0 if 0 <= low < 0.3 * high else low, high)
    frame = _Frame(last, losses, [step for step in _ticks(0.0, last) if step <= last])
    parts = [frame.grid(), *(frame.pin(name, step) for name, step in pins.items() if step <= last)]
    parts += [frame.curve(curve, number) for number, curve in enumerate(curves)]
    words = "; ".join(f"{c.name} {c.points[0][1]:.3f} to {c.points[-1][1]:.3f}" for c in curves)
    label = f"Loss over {last:.0f} steps: {words}"
    return Markup('<svg class="curve" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, label, Markup("").join(parts)
    )


class _Frame:
    """Maps steps and losses to places in the drawing."""

    def __init__(self, last: float, losses: Sequence[float], steps: Sequence[float]) -> None:
        self._last, self._low, self._high = last, losses[0], losses[-1]
        self._losses, self._steps = losses, steps

    def x(self, step: float) -> float:
        """Distance of a step from the left edge, in units of the drawing."""
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * step / self._last

    def y(self, loss: float) -> float:
        """Distance of a loss from the top edge, in units of the drawing; low losses lie low."""
        share = (loss - self._low) / (self._high - self._low)
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * share

    def grid(self) -> Markup:
        """Lines across at round losses, and round steps below."""
        lines = [Markup("")]
        digits = _digits(self._losses[1] - self._losses[0])
        for loss in self._losses:
            y = self.y(loss)
            lines.append(_line("tick", _LEFT, y, WIDTH - _RIGHT, y))
            lines.append(_label(f"{loss:.{digits}f}", _LEFT - 6, y + 4, "end"))
        for step in self._steps:
            anchor = "end" if self.x(step) > WIDTH - 3 * _RIGHT else "middle"
            lines.append(_label(f"{step:,.0f}", self.x(step), HEIGHT - 12, anchor))
        return Markup("").join(lines)

    def pin(self, name: str, step: int) -> Markup:
        """A line down at a pinned step, with the pin's name."""
        x = self.x(step)
        return _line("half", x, _TOP, x, HEIGHT - _BOTTOM) + _label(name, x - 4, _TOP + 10, "end")

    def curve(self, curve: Curve, number: int) -> Markup:
        """One curve, its name above the frame; dots where points are few, thinned where they are many.

        Args:
            curve: steps and losses; points that are not finite are left out.
            number: the colour, as the style sheet counts them.
        """
        points = [point for point in curve.points if _finite(point)]
        stride = max(1, -(-len(points) // _POINTS))
        thinned = points[::stride] + ([points[-1]] if points and (len(points) - 1) % stride else [])
        path = " ".join(f"{self.x(step):.1f},{self.y(loss):.1f}" for step, loss in thinned)
        line = Markup('<polyline class="line line{}" points="{}"/>').format(number, path)
        if not thinned:
            return line
        dots = Markup("").join(
            Markup('<circle class="dot line{}" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(
                number, self.x(s), self.y(v)
            )
            for s, v in thinned
            if len(thinned) <= 40
        )
        return line + dots + _name(curve.name, number)


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        kind, x1, y1, x2, y2
    )


def _label(text: str, x: float, y: float, anchor: str) -> Markup:
    return Markup('<text class="axis" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        x, y, anchor, text
    )


def _name(name: str, number: int) -> Markup:
    """A curve's colour and name, above the frame."""
    x, y = _LEFT + 170 * number, 12
    stroke = Markup('<polyline class="line line{}" points="{},{} {},{}"/>').format(
        number, x, y, x + 20, y
    )
    return stroke + _label(name, x + 27, y + 4, "start")


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from below `low` to above `high`, four to eight of them."""
    span = high - low or abs(high) or 1.0
    power = 10.0 ** floor(log10(span / 4))
    step = next(power * size for size in (1, 2, 5, 10) if span / (power * size) <= 5)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _digits(step: float) -> int:
    """Digits behind the point that a multiple of a step needs."""
    return max(0, -floor(log10(step) + 1e-9))


def _finite(point: tuple[float, float]) -> bool:
    return all(abs(value) < 1e12 for value in point)
