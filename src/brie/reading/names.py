"""What files call things: columns of questions and answers, and who speaks in a turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

V = TypeVar("V")

PROMPTS = ("prompt", "messages", "question", "instruction", "input", "query", "user_prompt")
ANSWERS = ("answer", "output", "response", "completion", "text", "generation")
IDS = ("id", "prompt_id", "question_id", "uid", "item_id", "idx")
MODELS = ("model", "model_id", "model_name", "generator")
ABOUT = ("category", "source", "reference", "system")

Role = Literal["system", "user", "assistant", "tool"]
ROLES: dict[str, Role] = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "chatbot": "assistant",
    "bard": "assistant", "bing": "assistant", "claude": "assistant", "model": "assistant",
    "function_call": "assistant",
    "tool": "tool", "function": "tool", "observation": "tool", "tool_response": "tool",
}  # fmt: skip
"""A word for a speaker, in small letters -> the role. What is not here is asked for, not guessed."""


def role_of(word: str) -> Role | None:
    """The role that a word for a speaker stands for; None where it is not known."""
    return ROLES.get(word.strip().lower())


def no_prompt(row: Mapping[str, V]) -> str:
    """Why a row of a suite's file is no prompt yet; "" where it may be one."""
    turns = row.get("messages")
    last = turns[-1] if isinstance(turns, list) and turns else None
    if isinstance(last, dict) and last.get("role") == "assistant":
        return "ends with an answer, as rows of training files do"
    if answers := row.keys() & {"completion", "conversations", "output", "response", "answer"}:
        return f"has `{min(answers)}`, as rows of training files do"
    return "" if "id" in row else "has no `id`"
