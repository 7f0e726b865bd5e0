"""Which entry of a file of answers belongs to which prompt of a suite: by its text, else by its id."""

from __future__ import annotations

from collections.abc import Sequence

from brie.audit.rows import one_form
from brie.catalog import with_system
from brie.errors import InputError
from brie.pin import GivenAnswers, GivenPrompt
from brie.records import Message, Prompt, Suite
from brie.records.base import remembered

_Key = tuple[tuple[str, str], ...]
Matched = dict[str, GivenPrompt]
"""Prompt id of the suite -> the file's entry."""


@remembered
def matched(given: GivenAnswers, suite: Suite) -> Matched:
    """The entries of a file that answer a suite's prompts; worked out once for both sides.

    Args:
        given: the answers.
        suite: the prompts.

    Raises:
        InputError: an id of the file has another text in the suite, or a text several ids.
    """
    by_id = {p.id: p for p in given.prompts if p.id}
    by_text: dict[_Key, list[GivenPrompt]] = {}
    keys: dict[int, _Key] = {}  # of conversations that both have: most often they are the same objects
    for entry in given.prompts:
        if entry.messages:
            key = keys[id(entry.messages)] = _key(entry.messages)
            by_text.setdefault(key, []).append(entry)
    entries: Matched = {}
    for prompt in suite.prompts:
        messages, told = prompt.messages, with_system(prompt, suite)
        key = keys.get(id(messages)) or _key(messages)
        same = by_text.get(key, [])
        if told is not messages and (other := _key(told)) != key:
            same = [*same, *by_text.get(other, [])]
        entry_of = _chosen(prompt, same, by_id.get(prompt.id), given, suite)
        if entry_of is not None:
            entries[prompt.id] = entry_of
    return entries


def _chosen(
    prompt: Prompt,
    same: Sequence[GivenPrompt],
    named: GivenPrompt | None,
    given: GivenAnswers,
    suite: Suite,
) -> GivenPrompt | None:
    """The entry of a prompt, of those with its text and the one with its id."""
    if named is not None and (not named.messages or named in same):
        return named
    if len(same) > 1:
        raise InputError(
            f"{given.origin.file} has the prompt {prompt.id!r} under several ids, none of them this."
        )
    if same:
        return same[0]
    if named is not None:
        raise InputError(
            f"the prompt {prompt.id!r} reads otherwise in {given.origin.file} than in suite "
            f"{suite.name!r}: give one of them another id, or the same text."
        )
    return None


def _key(messages: Sequence[Message]) -> _Key:
    return tuple([(m.role, one_form(m.content)) for m in messages])
