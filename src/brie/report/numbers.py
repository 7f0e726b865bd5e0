"""How numbers are written: one place, so that a page, a table and a terminal agree."""

from __future__ import annotations

from collections.abc import Sequence

LANDMARKS = (0.0, 50.0, 100.0)


def points(rate: float) -> str:
    """A share as a number from 0 to 100, without sign or unit.

    Whole numbers, except that 0, 50 and 100 are only printed where they are meant: .503 is
    50.3, because "50" would say that the interval touches the middle. What no two digits can
    tell from one of the three is moved away from it by the last digit: .99999 is 99.9.
    """
    value = 100 * rate
    for digits in (0, 1, 2):
        text = f"{value:.{digits}f}"
        if float(text) not in LANDMARKS or abs(value - float(text)) < 1e-9:
            return text if digits < 2 or 49 < value < 51 else _inside(value)
    return ("50.01" if value > 50 else "49.99") if 49 < value < 51 else _inside(value)


def _inside(value: float) -> str:
    return "99.9" if value > 50 else "0.1"


def percent(rate: float) -> str:
    """A share with its unit."""
    return f"{points(rate)} %"


def span(low: float, high: float, between: str = "–") -> str:
    """The two ends of an interval on the scale 0 to 100."""
    return f"{points(low)}{between}{points(high)}"


def signed(effect: float) -> str:
    """A difference in points, with its sign; a true minus."""
    value = 100 * effect
    text = f"{abs(value):.1f}"
    return "0.0" if float(text) == 0 else ("+" if value > 0 else "\u2212") + text


def signed_span(low: float, high: float) -> str:
    """An interval of a difference in points."""
    return f"{signed(low)} to {signed(high)}"


def p_value(p: float) -> str:
    """A p-value: two significant digits, never "0"."""
    if p < 0.0001:
        return "< .0001"
    if p >= 0.9995:
        return "1"
    text = f"{p:.2g}" if p < 0.1 else f"{p:.2f}"
    if "e" in text:
        text = f"{p:.5f}".rstrip("0")
    return text.replace("0.", ".", 1)


def p_equals(p: float) -> str:
    """A p-value with its sign: "= .031" or "< .0001"."""
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def number(value: float) -> str:
    """Any other figure: thousands separated, at most three significant digits behind."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"


def counted(count: int) -> str:
    """A small number as a word, as prose has it."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[count] if count < len(words) else f"{count:,}"


def plural(count: int, one: str, many: str = "") -> str:
    """ "1 prompt", "2 prompts"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def dollars(usd: float) -> str:
    """Money as people write it."""
    return f"${usd:,.2f}" if usd >= 0.01 or usd == 0 else f"${usd:.4f}"
