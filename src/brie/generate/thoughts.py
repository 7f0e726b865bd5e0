"""What a model thinks before it answers, kept apart from the answer.

Only a thought that opens a text is taken out: an answer may speak of `<think>` marks. Where the
prompt already opened it, the text begins inside.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MARKS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<seed:think>": "</seed:think>",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|channel>thought": "<channel|>",
    "[THINK]": "[/THINK]",
    "◁think▷": "◁/think▷",
}
"""How families open a thought, and how they end it."""
_OPENINGS = tuple(MARKS)
_END_ALONE = re.compile("|".join(rf"{re.escape(end)}[ \t]*(?:\n|$)" for end in MARKS.values()))


class Answered(NamedTuple):
    """A text in its parts."""

    thought: str
    answer: str
    unfinished: bool
    """The text stopped inside the thought."""


def opened_by(prompt: str) -> str | None:
    """The mark that ends the thought a rendered prompt has opened, None where it has opened none."""
    tail = prompt.rstrip()
    return next((end for mark, end in MARKS.items() if tail.endswith(mark)), None)


def opens(text: str) -> bool:
    """Whether a text begins with a thought, as far as its first mark says."""
    return text.lstrip().startswith(_OPENINGS)


def split(text: str, ends_with: str | None = None) -> Answered:
    """The thought and the answer of a text.

    Args:
        text: what a model wrote.
        ends_with: the mark that ends a thought the prompt has opened.
    """
    start = text.lstrip() if opens(text) else ""
    opening = next((mark for mark in MARKS if start.startswith(mark)), None)
    if opening is not None:
        end, body = MARKS[opening], start.removeprefix(opening)
    elif ends_with is not None:
        end, body = ends_with, text
    else:
        return Answered("", text, False)
    thought, mark, answer = body.partition(end)
    return Answered(thought.strip(), answer.lstrip() if mark else "", not mark)


def split_served(text: str) -> Answered:
    """As `split`, for a text whose prompt a server rendered: it may have opened a thought unseen."""
    apart = split(text)
    if apart.thought or apart.unfinished:
        return apart
    end = _END_ALONE.search(text)
    if end is None:
        return apart
    return Answered(text[: end.start()].strip(), text[end.end() :].lstrip(), False)
