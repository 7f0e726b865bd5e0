"""Requests a server refuses, put in another way that means the same.

A refusal is held against the request it answers: with many in flight, the others of that kind come
back refused too, after the first one has changed how requests are put.
"""

from __future__ import annotations

import re
from dataclasses import replace

from pydantic import JsonValue

from brie.judge.faults import Fault
from brie.judge.prompt import JudgePrompt
from brie.judge.providers.adapter import Shape
from brie.records import Status

LIMITS = ("max_tokens", "max_completion_tokens")
"""Names of a reply's limit in chat completions."""
_REFUSALS = frozenset({400, 404, 405, 415, 422, 500, 501})
_OTHER_CAUSES = (
    "credit", "quota", "key", "memory", "region", "reply", "protocol", "passing", "unreachable",
)  # fmt: skip
_UNKNOWN = re.compile(
    r"unsupported|not support|unrecognized|unknown|not permitted|not allowed|unexpected|invalid param"
    r"|extra_forbidden|extra inputs|instead|no longer|deprecated|not compatible"
)
_SYSTEM = re.compile(
    r"system[^.]{0,40}(?:role|prompt|message|instruction|turn)s?[^.]{0,60}(?:not|n't|un|only|must)"
    r"|roles?[^.]{0,90}\bsystem\b"
    r"|(?:not|n't|un)[^.]{0,40}system[ _]?(?:role|prompt|message|instruction)"
    r"|developer instructions? (?:is|are) not|roles must alternate|only user and assistant roles"
    r"|(?:first|initial) (?:message|turn)[^.]{0,40}\buser\b"
)
_FORM = re.compile(
    r"response_?format|json[ _]?schema|structured[ _]output|json mode|response_?schema|\bx?grammar\b"
    r"|guided|additionalproperties|\btools?\b|tool_?choice|function[ _]call"
    r"|no endpoints found that can handle|\bschema (?:is too|produces|has too)\b"
)


def relaxed(fault: Fault, sent: Shape, *, usual: str, text: bool) -> Shape | None:
    """Another way to put a request that was refused; None where the refusal is about something else.

    Args:
        fault: what came back.
        sent: how that request was put.
        usual: the name its limit has at first; it is changed once and not back.
        text: whether plain text may take the place of a schema or a tool.
    """
    told = fault.words.all
    if fault.http not in _REFUSALS or fault.cause in _OTHER_CAUSES or fault.status is not Status.ERROR:
        return None
    if fault.http < 500 and sent.limit == usual and _names(told, usual) and _UNKNOWN.search(told):
        return replace(sent, limit=next(name for name in LIMITS if name != usual))
    if sent.system and _SYSTEM.search(told):
        return replace(sent, system=False)
    if text and sent.form in ("tool", "json_schema") and _FORM.search(told):
        return replace(sent, form="text")
    return None


def turns(prompt: JudgePrompt, *, system: bool) -> list[JsonValue]:
    """The messages of a request; without a system's turn the constant part opens the user's."""
    if not system:
        return [{"role": "user", "content": f"{prompt.system}\n\n{prompt.user}"}]
    return [
        {"role": "system", "content": prompt.system},
        {"role": "user", "content": prompt.user},
    ]


def _names(told: str, setting: str) -> bool:
    return re.search(rf"(?<![\w-]){setting}(?![\w-])", told) is not None
