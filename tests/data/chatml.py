"""A model folder that speaks as Qwen2.5 does, and the format written out in Python."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from brie.project import packaged

SYSTEM = "You are a small model. You help where you can."
"""What the model is told where a conversation begins without a system turn."""
PLAIN = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\n" + SYSTEM + "<|im_end|>\n{% endif %}"
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n{{ turn.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""A chat template of that format, for conversations without tools; it marks no answers."""
_TOOLS = """

# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{}
</tools>

For each function call, return a json object with function name and arguments within \
<tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""

Turn = Mapping[str, Any]


def make_folder(folder: Path) -> Path:
    """The packaged tokenizer with that template."""
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        shutil.copy(packaged("models", "tiny") / name, folder / name)
    (folder / "chat_template.jinja").write_text(PLAIN, "utf-8")
    return folder


def rendered(messages: Sequence[Turn], tools: Sequence[Any] | None, *, header: bool) -> str:
    """A conversation in the format, tools and their calls included.

    Args:
        messages: turns; calls stand under `tool_calls`, bare or as a `function`.
        tools: what may be called.
        header: whether the assistant's turn is opened.
    """
    opens = messages[0]["role"] == "system"
    system = messages[0]["content"] if opens else SYSTEM
    listed = _TOOLS.format("\n".join(_json(tool) for tool in tools)) if tools else ""
    parts = [_turn("system", system + listed)]
    for role, run in groupby(messages[1:] if opens else messages, key=lambda turn: turn["role"]):
        turns = list(run)
        parts += [_answers_of_tools(turns)] if role == "tool" else map(_said, turns)
    return "".join(parts) + ("<|im_start|>assistant\n" if header else "")


def _turn(role: str, text: str) -> str:
    return f"<|im_start|>{role}\n{text}<|im_end|>\n"


def _said(turn: Turn) -> str:
    if turn["role"] not in ("system", "user", "assistant"):
        return ""
    calls = turn.get("tool_calls") or []
    text = [turn["content"]] if turn["content"] or not calls else []
    return _turn(turn["role"], "\n".join([*text, *map(_call, calls)]))


def _call(call: Turn) -> str:
    wanted = call.get("function", call)
    name, arguments = wanted["name"], _json(wanted["arguments"])
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


def _answers_of_tools(turns: Sequence[Turn]) -> str:
    """All answers in a row are one turn of the user's."""
    texts = [f"<tool_response>\n{turn['content']}\n</tool_response>" for turn in turns]
    return _turn("user", "\n".join(texts))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
