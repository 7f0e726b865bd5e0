"""How numbers are written: one place, so that checks, pages, tables and terminals agree.

Rates, shares and the ends of their intervals are per cents: whole ones, with one or two digits
more where fewer would read 0, 50 or 100 and none of these is meant. So 0 % and 100 % are said
only of none and of all, and 50 only of an even rate.

P-values follow the style of the American Psychological Association, with no zero before the
point, but keep enough digits to be multiplied by a number of tests: two significant ones, down
to .0001; what lies below is "< .0001". More digits, up to five, where fewer would read .05.
"""

from __future__ import annotations

from collections.abc import Sequence

from brie.records.analysis import WinRate
from brie.records.judges import Drift

_LANDMARKS = (0.0, 50.0, 100.0)
_LEAST_P = 0.0001
_LEVEL = 0.05


def points(rate: float) -> str:
    """A share as a number from 0 to 100, without sign or unit.

    Whole numbers, except that 0, 50 and 100 are only printed where they are meant: .503 is
    50.3, because "50" would say that the interval touches the middle. What no two digits can
    tell from one of the three is moved away from it by the last digit: .99999 is 99.99.
    """
    value = 100 * rate
    for digits in (0, 1, 2):
        text = f"{value:.{digits}f}"
        if float(text) not in _LANDMARKS or abs(value - float(text)) < 1e-9:
            return text
    return f"{float(text) + (0.01 if value > float(text) else -0.01):.2f}"


def percent(rate: float) -> str:
    """A share with its unit."""
    return f"{points(rate)} %"


def span(low: float, high: float, between: str = "–") -> str:
    """The two ends of an interval on the scale 0 to 100."""
    return f"{points(low)}{between}{points(high)}"


def interval(low: float, high: float) -> str:
    """An interval of a share in a sentence: `62 to 79 %`."""
    return f"{span(low, high, ' to ')} %"


def rated(rate: WinRate | None) -> str:
    """A rate with its interval and prompts: `71 % (62 to 79 %, 40 prompts)`."""
    if rate is None:
        return "nothing"
    low, high = (rate.low, rate.high) if rate.low is not None else rate.betting_interval or (None, None)
    inside = f"{interval(low, high)}, " if low is not None and high is not None else ""
    return f"{percent(rate.value)} ({inside}{plural(rate.prompts, 'prompt')})"


def difference(effect: float) -> str:
    """The size of a difference of shares, in a sentence: `22 points`."""
    size = round(100 * abs(effect), 1)
    text = f"{size:.0f}" if size >= 2 or size == int(size) else f"{size:.1f}"
    return f"{text} point{'' if text == '1' else 's'}"


def signed(effect: float) -> str:
    """A difference in points, with its sign; a true minus."""
    value = 100 * effect
    text = f"{abs(value):.1f}"
    return "0.0" if float(text) == 0 else ("+" if value > 0 else "\u2212") + text


def signed_span(low: float, high: float) -> str:
    """An interval of a difference in points."""
    return f"{signed(low)} to {signed(high)}"


def p_value(p: float, *, at_most: bool = False) -> str:
    """A p-value: two significant digits, never "0": `.50`, `.031`, `.0040`, `< .0001`, `> .99`.

    Args:
        p: the p-value.
        at_most: it is the least that its test can give, so the true one may be smaller: `≤ .0002`.
    """
    if p < _LEAST_P:
        return f"< {_after_the_point(_LEAST_P, 4)}"
    if at_most:
        return f"\u2264 {p_value(p)}"
    if p >= 0.995:
        return "1" if p >= 1 else "> .99"
    fewest = 2 if p >= 0.1 else 3 if p >= 0.01 else 4 if p >= 0.001 else 5
    for digits in range(fewest, 6):
        text = _after_the_point(p, digits)
        if float(text) != _LEVEL or abs(p - _LEVEL) < 1e-12:
            return text
    return ".05001" if p > _LEVEL else ".04999"


def p_equals(p: float, *, at_most: bool = False) -> str:
    """A p-value with its sign: "= .031", "< .0001", or "≤ .0002" where it is a test's least."""
    text = p_value(p, at_most=at_most)
    return text if text.startswith(("<", ">", "\u2264")) else f"= {text}"


def _after_the_point(p: float, digits: int) -> str:
    return f"{p:.{digits}f}".removeprefix("0")


def number(value: float) -> str:
    """Any other figure: thousands separated, at most three significant digits behind."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"


def two_digits(value: float) -> str:
    """An agreement coefficient: two digits behind the point, a true minus, and no "-0.00"."""
    text = f"{abs(value):.2f}"
    return f"\u2212{text}" if value < 0 and float(text) else text


def counted(count: int) -> str:
    """A small number as a word, as prose has it."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[count] if count < len(words) else f"{count:,}"


def plural(count: int, singular: str, several: str = "") -> str:
    """ "1 prompt", "2 prompts"."""
    return f"{count:,} {singular if count == 1 else several or singular + 's'}"


def changed_verdicts(*, changed: int, asked: int, expected: float) -> str:
    """ "12 of 60 stored verdicts changed (2 expected)"."""
    return f"{changed:,} of {plural(asked, 'stored verdict')} changed ({expected:.0f} expected)"


def drifted(drift: Drift) -> str:
    """The same of what an evaluation keeps of a judge's check."""
    return changed_verdicts(changed=drift.changed, asked=drift.asked, expected=drift.expected)


def listed(names: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def quoted(names: Sequence[str], most: int = 3) -> str:
    """Names between backticks, listed; beyond `most` the rest is counted."""
    shown = [f"`{name.replace('`', '')}`" for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return listed(shown)


def dollars(usd: float) -> str:
    """Money as people write it."""
    return f"${usd:,.2f}" if usd >= 0.01 or usd == 0 else f"${usd:.4f}"


def duration(seconds: float) -> str:
    """Seconds for people: `48 s`, `6 min 00 s`, `11 h 06 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def size(many: int) -> str:
    """Bytes for people: `840 B`, `36 kB`, `4.3 MB`, `1.2 GB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if many >= scale:
            amount = many / scale
            return f"{amount:,.1f} {unit}" if amount < 10 else f"{amount:,.0f} {unit}"
    return f"{many} B"
