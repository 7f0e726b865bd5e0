"""What can be measured of an answer without knowing the question."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MARKER = re.compile(
    r"<[|｜][^|｜<>\s]{1,40}[|｜]>|<\|turn>|<turn\|>|<(?:start|end)_of_turn>|<(?:eos|bos|pad|unk)>"
    r"|\[/?INST\]|</?s>"
)
_REFUSAL = re.compile(
    r"^\W*(?:(?:i(?:'|’)?m|i am) (?:(?:really |very |so )?sorry\b|(?:unable|not able) to\b)"
    r"|(?:i )?(?:apologi[sz]e|can(?:not|'t|’t| not)|won(?:'t|’t)) (?:but|help|assist|comply|provide|do)"
    r"|sorry, (?:but )?i\b"
    r"|as an? (?:ai|artificial intelligence|language model)\b)",
    re.IGNORECASE,
)


def measures(text: str, leaked: int = 0) -> dict[str, float]:
    """Measures of one answer.

    Args:
        text: the answer as people read it.
        leaked: special tokens among its tokens that decoding removed.

    Returns:
        `repetition`: share of repeated 4-grams; `special_tokens`: how many markers leaked;
        `refusal`: 1 where it opens like a refusal, else 0.
    """
    return {
        "repetition": repetition(text.split()),
        "special_tokens": float(leaked + len(_MARKER.findall(text))),
        "refusal": float(_REFUSAL.search(text) is not None),
    }


def repetition(items: Sequence[str], n: int = 4) -> float:
    """1 - distinct n-grams / n-grams: 0 where none repeats, and for texts shorter than `n`."""
    grams = [tuple(items[i : i + n]) for i in range(len(items) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0
