"""Who can answer for a judge. Adding a provider is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable

from brie.errors import UsageError
from brie.judge.providers import anthropic, openai, rules, transformers
from brie.judge.seam import Judge
from brie.records import JudgeSpec, Provider, Rubric, Seat

PROVIDERS: dict[Provider, Callable[[JudgeSpec, Rubric | None], Judge]] = {
    Provider.ANTHROPIC: anthropic.open_judge,
    Provider.OPENAI: openai.open_judge,
    Provider.OPENAI_COMPATIBLE: openai.open_judge,
    Provider.RULES: rules.open_judge,
    Provider.TRANSFORMERS: transformers.open_judge,
}


def open_judge(seat: Seat) -> Judge:
    """The judge of a seat, ready to be asked.

    Raises:
        UsageError: the provider cannot answer by itself, or its settings are wrong.
    """
    opener = PROVIDERS.get(seat.judge.provider)
    if opener is None:
        raise UsageError(
            f"judge {seat.judge.id!r}: provider {seat.judge.provider} is not available here; "
            f"available: {', '.join(PROVIDERS)}."
        )
    return opener(seat.judge, seat.rubric)
