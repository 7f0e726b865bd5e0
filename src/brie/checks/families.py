"""Families of models: who made a judge, a base, or the author of training data."""

from __future__ import annotations

import re
from collections.abc import Set

from brie.checks.phrases import Phrases, folded

FAMILIES: dict[str, tuple[str, ...]] = {
    "anthropic": ("anthropic", "claude"),
    "cohere": ("cohere", "command-r", "aya"),
    "deepseek": ("deepseek",),
    "glm": ("chatglm", "zhipu", "glm"),
    "google": ("gemini", "gemma", "palm2", "deepmind"),
    "meta": ("llama", "meta ai"),
    "microsoft": ("phi-2", "phi-3", "phi-4", "wizardlm"),
    "mistral": ("mistral", "mixtral", "ministral"),
    "moonshot": ("moonshot", "kimi"),
    "olmo": ("olmo", "tulu"),
    "openai": ("openai", "chatgpt", "gpt"),
    "qwen": ("qwen", "tongyi", "alibaba", "qwq"),
    "smollm": ("smollm",),
    "xai": ("grok", "xai"),
}
"""Family -> words in model ids and in what models say of themselves."""

_WORD = {
    family: re.compile(r"(?<![a-z])(?:" + "|".join(map(re.escape, words)) + r")(?![a-z])")
    for family, words in FAMILIES.items()
}
_NAMES = "|".join(re.escape(word) for words in FAMILIES.values() for word in words)
_SELF = re.compile(
    rf"\b(?:i am|i[’']m|my name is|call me|known as)\s+(?:called |named |the )?(?:{_NAMES})\b"
    rf"|\b(?:i am|i[’']m)\s+an?\s+(?:{_NAMES})[\w. -]{{0,12}}\s(?:model|assistant|ai|chatbot|language)\b"
    rf"|\b(?:created|developed|trained|made|built|designed)\s+by\s+(?:the )?(?:{_NAMES})\b"
    rf"|^\W*as (?:an? )?(?:{_NAMES})\b",
    re.IGNORECASE,
)
NAMES = {"names": tuple(word for words in FAMILIES.values() for word in words)}
"""Every text in which a model names itself has one of these."""
_PHRASES = Phrases(NAMES)


def family_of(name: str) -> str | None:
    """The family a model id or an author's name belongs to; None where no known word is in it.

    Digits may follow a word ("qwen2.5"), letters may not ("graphic" is no GPT).
    """
    lowered = name.lower()
    return next((family for family, pattern in _WORD.items() if pattern.search(lowered)), None)


def names_itself(text: str, own_names: tuple[str, ...] = (), told: Set[str] | None = None) -> bool:
    """Whether an answer says which model wrote it.

    Args:
        text: the answer.
        own_names: the two sides' names, as far as they cannot be ordinary words.
        told: groups of phrases that are in it, where that is known (`wording`).
    """
    if own_names:
        lowered = text.lower()
        if any(name in lowered for name in own_names):
            return True
    known = told if told is not None else _PHRASES.groups_in(folded(text))
    return not NAMES.keys().isdisjoint(known) and _SELF.search(text) is not None


def distinctive(names: list[str]) -> tuple[str, ...]:
    """Of some model names those that no answer contains by chance: five signs, a digit among them."""
    stems = {name.rsplit("/", 1)[-1].split(":")[0].split("@")[0].lower() for name in names}
    return tuple(sorted(s for s in stems if len(s) >= 5 and re.search(r"[a-z][-_.]?[a-z]?\d", s)))
