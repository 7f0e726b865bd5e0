"""What files call things: columns of questions and answers, and who speaks in a turn."""

from __future__ import annotations

from typing import Literal

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
