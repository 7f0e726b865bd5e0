"""Preference pairs as other tools write them, under TRL's names: `prompt`, `chosen` and `rejected`.

OpenAI          {"input": {"messages": […]}, "preferred_output": […], "non_preferred_output": […]}
LLaMA-Factory   {"conversations": […], "chosen": {"from": "gpt", "value": …}, "rejected": {…}}
                {"instruction": …, "input": …, "chosen": …, "rejected": …}
ms-swift        {"messages": [… the better answer], "rejected_response": …}
columns         {"question": …, "system": …, "chosen": …, "rejected": …}
Anthropic       {"chosen": "\\n\\nHuman: …\\n\\nAssistant: …", "rejected": …}
"""

from __future__ import annotations

import re

from pydantic import JsonValue

from brie.data.forms import QUESTIONS, with_system
from brie.data.mapping import joined
from brie.data.talks import Row, as_list, chat_key, read_talk
from brie.errors import InputError

_SPOKEN = re.compile(r"\n\n(Human|Assistant): ?")


def as_pair(row: Row) -> Row:
    """A row under TRL's names; what cannot be told stays as it is.

    Raises:
        InputError: turns in it do not say who speaks, or a text stands beside the question.
    """
    made, _ = with_system(row, {})
    for theirs, name in (("preferred_output", "chosen"), ("non_preferred_output", "rejected")):
        if theirs in made and name not in made:
            made[name] = made.pop(theirs)
    asked = made.get("input")
    if "prompt" not in made and isinstance(asked, dict) and isinstance(asked.get("messages"), list):
        rest = {key: value for key, value in made.items() if key != "input"}
        made = {**{key: value for key, value in asked.items() if key == "tools"}, **rest}
        made["prompt"] = asked["messages"]
    for key in ("chosen", "rejected", "prompt"):
        if key in made:
            made[key] = _turns(made[key], key)
    return made if "prompt" in made or _is_whole(made.get("chosen")) else _asking(made)


def _turns(value: JsonValue, key: str) -> JsonValue:
    """Turns with `role` and `content`; one turn as a list of it, and a text as it is."""
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list) and value:
        return read_talk(value, key, {}, {})
    parts = _SPOKEN.split(value) if isinstance(value, str) else []
    open_end = key == "prompt" and bool(parts) and not parts[-1].strip()
    parts = parts[:-2] if open_end else parts
    if len(parts) < 3 or parts[0].strip() or not (open_end or parts[-2] == "Assistant"):
        return value
    roles = {"Human": "user", "Assistant": "assistant"}
    return [
        {"role": roles[who], "content": text.strip()}
        for who, text in zip(parts[1::2], parts[2::2], strict=True)
    ]


def _is_whole(answer: JsonValue) -> bool:
    return isinstance(answer, list) and len(answer) > 1


def _asking(row: Row) -> Row:
    """A row whose prompt stands as turns, as an instruction or in a column of questions."""
    if not row.keys() & {"chosen", "rejected", "rejected_response"}:
        return row
    if (key := chat_key(row)) is not None:
        turns = read_talk(as_list(row[key]), key, {}, {})
        rest = {name: value for name, value in row.items() if name != key}
        last = turns[-1]
        answered = isinstance(last, dict) and last.get("role") == "assistant"
        worse = next(
            (rest.pop(name) for name in ("rejected_response", "rejected") if name in rest), None
        )
        if answered and worse is not None and "chosen" not in row:
            return {**rest, "prompt": turns[:-1], "chosen": [last], "rejected": worse}
        if worse is not None:
            rest["rejected"] = worse
        return {**rest, "prompt": turns}
    columns = [key for key in QUESTIONS if isinstance(row.get(key), str) and row[key]]
    if not columns:
        return row
    if len(columns) > 1 and columns != ["instruction", "input"]:
        raise InputError(
            f"{' and '.join(f'`{key}`' for key in columns)} may be the question; call it `prompt`"
        )
    if beside := next((key for key in ("context", "passage", "document") if row.get(key)), None):
        raise InputError(f"has `{beside}` beside `{columns[0]}`; write both into `prompt`")
    rest = {key: value for key, value in row.items() if key not in columns}
    return {**rest, "prompt": joined(row, columns)}
