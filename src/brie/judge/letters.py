"""A verdict from two probabilities: those that a model gives the two letters as its next token.

Nothing is sampled or written. What each letter's log-probability is, and the mass of both together,
is kept as it is; which answer wins is decided later, from both presentations of a comparison
(`brie.blinding.weigh`). The letter in the verdict is what this presentation alone would say.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from brie.judge.interface import Reply
from brie.judge.readings import Letter, Unreadable
from brie.records import Measured, Status, Usage
from brie.records.base import Letter as Carried

OFFERED = 20
"""Tokens whose log-probabilities are asked for: the most that servers of the protocol give."""
_LETTERS: tuple[Carried, Carried] = ("A", "B")
_BLANKS = " \t\r\n▁ĠĊ"
"""What tokenizers write for blanks in front of a letter."""
_LONGEST = 8
"""Characters of a letter's token with its blanks."""
_ABSENT = -9000.0
"""From here down a server means that it gives none."""
_CERTAIN = 0.01
"""The largest that a log-probability can be, with the rounding of a server."""


def offered(tokens: Sequence[JsonValue]) -> Measured:
    """What a server offered for the first token of its reply.

    A letter's tokens are those that are the letter, with or without blanks around it; their
    probabilities are summed.

    Args:
        tokens: entries of `top_logprobs`: objects with `token` and `logprob`.

    Raises:
        Unreadable: a letter is not among them, or they cannot be log-probabilities.
    """
    given: dict[str, float] = {}
    for entry in tokens:
        token, value = _entry(entry)
        if token:
            given[token] = value
    by_letter = {letter: _together(given, letter) for letter in _LETTERS}
    absent = [letter for letter, value in by_letter.items() if value is None]
    if absent:
        likeliest = max(given, key=given.__getitem__, default="")
        among = f"the {len(given)} tokens it names" if given else "no tokens: it names none"
        first = f"; the likeliest is {likeliest[:20]!r}" if likeliest else ""
        raise Unreadable(f"missing letter: {' and '.join(absent)} not among {among}{first}")
    return measured({letter: value for letter, value in by_letter.items() if value is not None})


def token_ids(vocabulary: Mapping[str, int]) -> dict[Carried, list[int]]:
    """The tokens of a local model that are a letter, with or without blanks around it.

    Args:
        vocabulary: token -> its id.

    Raises:
        ValueError: a letter has none.
    """
    by_letter: dict[Carried, list[int]] = {letter: [] for letter in _LETTERS}
    for token, number in vocabulary.items():
        for letter, numbers in by_letter.items():
            if len(token) < _LONGEST and token.strip(_BLANKS) == letter:
                numbers.append(number)
    for letter, numbers in by_letter.items():
        if not numbers:
            raise ValueError(f"its tokenizer has no token that is the letter {letter}")
    return {letter: sorted(numbers) for letter, numbers in by_letter.items()}


def measured(by_letter: Mapping[Carried, float]) -> Measured:
    """Both letters' log-probabilities with their mass.

    Raises:
        Unreadable: they cannot be log-probabilities.
    """
    if not all(math.isfinite(value) for value in by_letter.values()):
        raise Unreadable("the model's log-probabilities of the letters are no numbers")
    mass = math.fsum(math.exp(value) for value in by_letter.values())
    if mass > 1 + _CERTAIN:
        raise Unreadable(f"the two letters have a probability of {mass:.3g} together, which cannot be")
    return Measured(by_letter=dict(by_letter), mass=mass)


def likelier(values: Measured) -> Letter:
    """The letter that has more; a tie only where both have the same."""
    most = max(values.by_letter.values())
    best = [letter for letter, value in values.by_letter.items() if value == most]
    return best[0] if len(best) == 1 else "tie"


def reply_of(values: Measured, usage: Usage, served: str) -> Reply:
    """The reply with what was measured: its reason for people, its text with every digit."""
    told = ", ".join(f"{letter} {value:.4g}" for letter, value in sorted(values.by_letter.items()))
    if values.mass is not None:
        told = f"log-probabilities: {told}; both together {values.mass:.1%}"
    else:
        told = f"rewards: {told}"
    return Reply(
        Status.OK, likelier(values), told, text=written(values), measured=values, usage=usage,
        served=served,
    )  # fmt: skip


def written(values: Measured) -> str:
    """What was measured as the text of a reply, every digit of it."""
    return json.dumps(values.model_dump(mode="json"), sort_keys=True)


def _entry(entry: JsonValue) -> tuple[str, float]:
    """Token without blanks, and its log-probability; "" where there is none to be used."""
    if not isinstance(entry, dict):
        return "", 0.0
    token, value = entry.get("token"), entry.get("logprob")
    if not isinstance(token, str) or isinstance(value, bool) or not isinstance(value, int | float):
        return "", 0.0
    usable = _ABSENT < value <= _CERTAIN  # what is not a number fails both
    return (token, float(value)) if usable else ("", 0.0)


def _together(given: Mapping[str, float], letter: Carried) -> float | None:
    """Log-probability of a letter, however its token is written; None where it is not among them."""
    values = [value for token, value in given.items() if token.strip(_BLANKS) == letter]
    if not values:
        return None
    if len(values) == 1:
        return values[0]
    most = max(values)
    return most + math.log(math.fsum(math.exp(value - most) for value in values))
