"""What a judge thinks before it answers, taken out of a reply.

    <think>At first sight A ...</think>{"winner": "B"}       ->  {"winner": "B"}
    At first sight A ...</think>Winner: B                    ->  Winner: B
    <|channel|>analysis<|message|>...<|end|>
    <|start|>assistant<|channel|>final<|message|>Winner: B   ->  Winner: B

A thought may hold drafts of the verdict, so nothing in it is the judge's word. A thought that has an
end and no beginning began before the reply did: many templates open it in the prompt. One that has no
end is kept apart: a reply may have stopped in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from brie.judge.objects import is_whole_object

_TAGS = (
    r"[\w:.-]{0,20}?(?:think|thought|reasoning|reflect|scratch|monologue|deliberat)[\w:.-]{0,20}"
    r"|analysis|draft|cot"
)
"""Names of marks between which somebody thinks, whichever model family's they are."""
_IN_WORDS = (
    r"here(?: is|['’]s) my thought process:|here are my reasoning steps:|thinking\.\.\.[ \t]*$"
    r"|<details[^<>\n]{0,80}>\s*<summary>[^<>\n]{0,20}(?:think|thought|reason)[^<>\n]{0,40}</summary>"
)
"""How some say that they begin to think."""
_THEN_IN_WORDS = (
    r"here(?: is|['’]s) my response:|\[BEGIN FINAL RESPONSE\]|\.\.\.done thinking\.|</details>"
)
"""How they say that they have done: an end only of a thought that began so."""
_OPEN = (
    rf"<(?:{_TAGS})(?![\w:.-])[^<>\n]{{0,40}}>|\[(?:BEGIN )?(?:THINK|REASON)(?:ING)?\]|◁think▷"
    rf"|<\|(?!end_|\w*_end\|)(?:{_TAGS})\|>"
    rf"|<unused94>(?:thought\b)?|<\|channel>\s*(?:thought|analysis)\b|{_IN_WORDS}"
)
_CLOSE = (
    rf"<\\?/(?:{_TAGS})\s*>|\[(?:/|END )(?:THINK|REASON)(?:ING)?\]|◁/think▷"
    rf"|<\|(?:/|(?=end_|\w*_end\|))(?:{_TAGS})\|>"
    r"|<unused95>|<channel\|>"
)
_MARK = re.compile(
    rf"(?P<open>(?:^|(?<=[\w/]>))[ \t]*(?:{_OPEN}))|(?P<close>{_CLOSE})"
    rf"|^[ \t]*(?P<then>{_THEN_IN_WORDS})",
    re.MULTILINE | re.IGNORECASE,
)
"""A thought opens at a line's beginning or behind a tag; in a sentence its mark is only spoken of."""
_ENDS = re.compile(_CLOSE, re.IGNORECASE)
_CHANNEL = re.compile(
    r"(?:<\|start\|>\s*\w*\s*(?P<first>to=[^<]*)?)?<\|channel\|>\s*(?P<name>\w+)(?P<to>[^<]*)"
    r"(?:<\|constrain\|>\s*\w*\s*)?<\|message\|>(?P<said>.*?)"
    r"(?=<\|(?:end|return|call|start|channel)\|>|\Z)",
    re.DOTALL,
)
_HARMONY = re.compile(r"\s*(?:<\|(?:start|channel|message)\|>|(?:analysis|commentary)[^\n]*<\|)")
_HARMONY_TOKEN = re.compile(r"<\|(?:end|return|call|start|message|channel|constrain)\|>(?:assistant\b)?")
_BARE = re.compile(r"^(?:assistant)?analysis(?=[A-Z\"'{\s])(?=.*assistantfinal|[A-Z\"'])", re.DOTALL)
"""Harmony whose marks were lost when the reply was decoded."""
_BARE_FINAL = re.compile(r"assistant(?:final\s*|commentary\b[^{\n]*?json)")
_WRAPPER = re.compile(
    r"<\|(?:begin_of_solution|end_of_solution|START_RESPONSE|END_RESPONSE|START_TEXT|END_TEXT|"
    r"begin_of_box|end_of_box)\|>|◁/?answer▷"
)
_END = re.compile(
    r"(?:\s*(?:<[|｜][^<>|｜\n]{1,40}[|｜]>|</s>|<eos>|<end_of_turn>|<turn\|>|\[/INST\]|<\|?eot_id\|?>))+\s*$"
)
"""Tokens that end a turn, which some servers leave in the text."""
_LONGEST_END = 300


@dataclass(frozen=True, slots=True)
class Spoken:
    """A reply without its thoughts."""

    text: str
    """What the judge says."""
    unended: str | None = None
    """A thought without an end, in which the reply stopped."""


def spoken(reply: str) -> Spoken:
    """What a reply says, without what it thinks."""
    text = _without_end(reply.strip())
    if is_whole_object(text):
        return Spoken(text)
    if _HARMONY.match(text) or _BARE.match(text):
        return _of_channels(text)
    return _of_marks(_WRAPPER.sub("", text) if "<|" in text or "◁" in text else text)


def _without_end(text: str) -> str:
    if not text.endswith((">", "]")):
        return text
    return text[:-_LONGEST_END] + _END.sub(_unless_it_ends_a_thought, text[-_LONGEST_END:])


def _unless_it_ends_a_thought(tokens: re.Match[str]) -> str:
    return tokens[0] if _ENDS.search(tokens[0]) else ""


def _of_channels(text: str) -> Spoken:
    """Harmony: what stands in the final channel, or calls the tool, is said; the rest is thought."""
    if _BARE.match(text):
        *_, said = _BARE_FINAL.split(text)
        return Spoken("" if said == text else said)
    first = _CHANNEL.search(text)
    lead = text[: first.start()] if first else ""
    # Text before the first channel belongs to one whose mark was lost.
    rest = text[len(lead) :] if first and re.match(r"\s*(?:analysis|commentary)\b", lead) else text
    return Spoken(_HARMONY_TOKEN.sub("", _CHANNEL.sub(_said, rest)).strip())


def _said(section: re.Match[str]) -> str:
    is_final = section["name"] == "final" or "give_verdict" in f"{section['first']}{section['to']}"
    return f"\n{section['said']}\n" if is_final else ""


def _of_marks(text: str) -> Spoken:
    said: list[str] = []
    thought_from: int | None = None
    after = 0
    for mark in _MARK.finditer(text):
        if mark["then"] and thought_from is None:
            continue
        if mark["open"]:
            if thought_from is None:
                said.append(text[after : mark.start()])
                thought_from = mark.end()
            continue
        if thought_from is None:
            said.clear()  # It began before the reply did.
        thought_from, after = None, mark.end()
        if is_whole_object(text[after:]):
            break
    if thought_from is not None:
        return Spoken("".join(said), text[thought_from:])
    return Spoken("".join([*said, text[after:]]))
