"""How a chat template writes the assistant's turn: what comes before an answer, and what ends it.

A model is asked with `asked(...)`, in training and in evaluation alike. That is what its template
writes for a generation, and behind it whatever the template writes before every answer without
naming it in the generation prompt (a channel such as `<|channel|>final<|message|>`): it says nothing
about the answer, so it belongs to the question. Thoughts do not: a model that thinks is left to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from pydantic import JsonValue

from brie.errors import PinError
from brie.pin.template import render_chat

_ASKED = {"role": "user", "content": "Ask"}
_AGAIN = {"role": "user", "content": "Again"}
_ANSWERS = ("First answer.", "Zweite Antwort.")
_OPEN = re.compile(r"(<think>|<thought>|\[THINK\]|<\|START_THINKING\|>)\s*$")
_CLOSES = {
    "<think>": "</think>",
    "<thought>": "</thought>",
    "[THINK]": "[/THINK]",
    "<|START_THINKING|>": "<|END_THINKING|>",
}
_THOUGHT = re.compile(r"think|thought", re.IGNORECASE)


class Turn(NamedTuple):
    """An assistant's turn as a template writes it, apart from the answer."""

    gap: str
    """What stands between the generation prompt and the answer; "" where a finished turn does not
    go on from the generation prompt."""
    lead: str
    """The gap, where it belongs to the prompt; else ""."""
    foot: str
    """What follows the last answer of a conversation."""
    next: str
    """What follows an answer when the conversation goes on."""


def asked(
    template: str,
    messages: Sequence[Mapping[str, JsonValue]],
    special: Mapping[str, str],
    *,
    thinking: bool = False,
    tools: Sequence[JsonValue] | None = None,
) -> str:
    """What a model reads before it answers: a conversation up to where the answer begins.

    Args:
        template: Jinja source.
        messages: turns, the last of them not the assistant's.
        special: special tokens by name.
        thinking: thinking mode, for templates that have one.
        tools: tool schemas, for templates that show them.

    Raises:
        PinError: the template cannot render the conversation.
    """
    text = render_chat(template, messages, special, thinking=thinking, tools=tools)
    try:
        return text + turn(template, special, thinking=thinking).lead
    except PinError:  # a template for questions alone: there is no turn to learn about
        return text


def turn(template: str, special: Mapping[str, str], *, thinking: bool = False) -> Turn:
    """How a template writes the assistant's turn, read off a small conversation.

    Raises:
        PinError: the template cannot render it, or leaves its answer out.
    """
    return _turn(template, tuple(sorted(special.items())), thinking)


@lru_cache(maxsize=64)
def _turn(template: str, tokens: tuple[tuple[str, str], ...], thinking: bool) -> Turn:
    special = dict(tokens)

    def rendered(*turns: Mapping[str, JsonValue], header: bool = False) -> str:
        return render_chat(template, turns, special, thinking=thinking, add_generation_prompt=header)

    prompt = rendered(_ASKED, header=True)
    first, second = ({"role": "assistant", "content": text} for text in _ANSWERS)
    finished = [rendered(_ASKED, answer) for answer in (first, second)]
    head, found, foot = finished[0].rpartition(_ANSWERS[0])
    if not found:
        raise PinError("the chat template leaves the assistant's answer out")
    goes_on = rendered(_ASKED, first, _AGAIN).rpartition(_ANSWERS[0])[2]
    gap = ""
    if all(text.startswith(prompt) for text in finished):
        other = finished[1].rpartition(_ANSWERS[1])[0]
        gap = head[len(prompt) :] if other == head else ""
    lead = gap if gap.strip() and not _THOUGHT.search(gap) and not thinking else ""
    return Turn(gap, lead, foot, goes_on.partition(_AGAIN["content"])[0])


def ending(written: Turn, added: Collection[str]) -> tuple[str, ...]:
    """The tokens that end an answer, in order: the first stops a model that generates.

    Args:
        written: how the template writes a turn.
        added: tokens that are no product of merges.

    Returns:
        Nothing where the template ends turns with ordinary text.
    """
    last, more = _run(written.foot, added), _run(written.next, added)
    if not last:
        # Nothing follows the last answer: the next speaker's token is what ends one.
        return () if written.foot.strip() else more[:1]
    shared = [a for a, b in zip(last, more, strict=False) if a == b]
    return tuple(shared) if last[:1] == more[:1] else last[:1]


def _run(text: str, added: Collection[str]) -> tuple[str, ...]:
    """The added tokens that a text begins with, blanks before the first one aside."""
    tokens: list[str] = []
    rest = text.lstrip()
    longest_first = sorted((token for token in added if token.strip()), key=len, reverse=True)
    while token := next((token for token in longest_first if rest.startswith(token)), ""):
        tokens.append(token)
        rest = rest[len(token) :]
    return tuple(tokens)


def open_thought(prompt: str) -> str:
    """What closes the thought that a prompt ends by opening; "" where it opens none."""
    opened = _OPEN.search(prompt)
    return _CLOSES[opened[1]] if opened else ""


def thought(answer: str) -> tuple[str, str]:
    """A thought at the head of an answer, and what comes after it; the thought is "" without one."""
    for begin, end in _CLOSES.items():
        if answer.lstrip().startswith(begin) and end in answer:
            inside, _, after = answer.lstrip()[len(begin) :].partition(end)
            return inside.strip("\n"), after.lstrip("\n")
    return "", answer


_FOLD = (
    "{%- if messages and messages[0].role == 'system' and messages | length > 1 "
    "and messages[1].role == 'user' -%}"
    "{%- set messages = [{'role': 'user', 'content': "
    "messages[0].content + '\n\n' + messages[1].content}] + messages[2:] -%}"
    "{%- endif -%}"
)


def folded(template: str) -> str:
    """A template that writes a system turn into the first question, as `fold_system` does."""
    return _FOLD + template


def fold_system(messages: Sequence[Mapping[str, JsonValue]]) -> list[Mapping[str, JsonValue]]:
    """A conversation whose system turn stands at the head of its first question."""
    if len(messages) < 2 or messages[0]["role"] != "system" or messages[1]["role"] != "user":
        return list(messages)
    text = f"{messages[0]['content']}\n\n{messages[1]['content']}"
    return [{**messages[1], "content": text}, *messages[2:]]


@lru_cache(maxsize=64)
def _takes_system(template: str, tokens: tuple[tuple[str, str], ...]) -> bool:
    turns = [{"role": "system", "content": "Rule."}, _ASKED]
    try:
        return "Rule." in render_chat(template, turns, dict(tokens))
    except PinError:
        return False


def placed(
    template: str,
    messages: Sequence[Mapping[str, JsonValue]],
    special: Mapping[str, str],
    *,
    fold: bool,
) -> list[Mapping[str, JsonValue]]:
    """A conversation whose system turn the template has a place for.

    Args:
        template: Jinja source.
        messages: turns.
        special: special tokens by name.
        fold: write a system turn that has no place into the first question.

    Raises:
        PinError: it has none, and is not to be folded.
    """
    if not messages or messages[0]["role"] != "system" or takes_system(template, special):
        return list(messages)
    if fold:
        return fold_system(messages)
    raise PinError(NO_PLACE)


NO_PLACE = (
    "the chat template has no place for a system turn; --system fold writes it into the first question"
)


def takes_system(template: str, special: Mapping[str, str]) -> bool:
    """Whether a template has a place for a system turn, rather than refusing or dropping it."""
    return _takes_system(template, tuple(sorted(special.items())))
