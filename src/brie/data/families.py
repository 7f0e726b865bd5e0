"""Chat templates by family, for bases that have none: `--chat-template chatml`, or a file.

Each is written from the form its family publishes, for conversations of text (and tools, where the
family's form for them is simple). `docs/training.md` has the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from brie.data.template import NO_TEMPLATE
from brie.data.tokenizer import Tokenizer, special_tokens
from brie.errors import UsageError, unknown
from brie.pin import folded, render_chat, takes_system

_FOLDER = Path(__file__).with_name("chat_templates")


@dataclass(frozen=True)
class Family:
    """A way of writing conversations."""

    about: str
    """Whose it is."""
    tokens: tuple[str, ...]
    """Tokens that its turns are made of: without them in the vocabulary it says nothing to a model."""
    special: Mapping[str, str]
    """Its models' special tokens, where the template reads them."""


_CHATML = ("<|im_start|>", "<|im_end|>")
_GEMMA = ("<start_of_turn>", "<end_of_turn>")
FAMILIES: Mapping[str, Family] = {
    "chatml": Family("ChatML, no system turn of its own", _CHATML, {}),
    "qwen2.5": Family("Qwen2.5", _CHATML, {}),
    "qwen3": Family("Qwen3, thinking and not", (*_CHATML, "<think>", "</think>"), {}),
    "phi": Family(
        "Phi-3, Phi-3.5, Phi-4-mini",
        ("<|user|>", "<|assistant|>", "<|end|>"),
        {"eos_token": "<|endoftext|>"},
    ),
    "deepseek-r1": Family(
        "DeepSeek-R1 and its distilled models",
        ("<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>", "<think>", "</think>"),
        {"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>"},
    ),
    "gpt-oss": Family(
        "gpt-oss (harmony)",
        ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>"),
        {"eos_token": "<|return|>"},
    ),
    "gemma2": Family("Gemma 1 and 2", _GEMMA, {"bos_token": "<bos>", "eos_token": "<eos>"}),
    "gemma3": Family("Gemma 3", _GEMMA, {"bos_token": "<bos>", "eos_token": "<eos>"}),
    "mistral": Family(
        "Mistral 7B v0.3, Nemo", ("[INST]", "[/INST]", "</s>"), {"bos_token": "<s>", "eos_token": "</s>"}
    ),
    "llama3": Family(
        "Llama 3, 3.1, 3.2, 3.3",
        ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
    ),
    "glm4": Family("GLM-4", ("<|system|>", "<|user|>", "<|assistant|>"), {"eos_token": "<|endoftext|>"}),
    "glm4.5": Family(
        "GLM-4.5, thinking and not",
        ("<|system|>", "<|user|>", "<|assistant|>", "<think>", "</think>"),
        {"eos_token": "<|endoftext|>"},
    ),
    "cohere": Family(
        "Command R7B, Command A",
        (
            "<|START_OF_TURN_TOKEN|>",
            "<|END_OF_TURN_TOKEN|>",
            "<|USER_TOKEN|>",
            "<|CHATBOT_TOKEN|>",
            "<|SYSTEM_TOKEN|>",
            "<|START_RESPONSE|>",
            "<|END_RESPONSE|>",
        ),
        {"bos_token": "<BOS_TOKEN>", "eos_token": "<|END_OF_TURN_TOKEN|>"},
    ),
    "smollm3": Family("SmolLM3, thinking and not", (*_CHATML, "<think>", "</think>"), {}),
    "granite": Family(
        "Granite 3",
        ("<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"),
        {"eos_token": "<|end_of_text|>"},
    ),
}


def family_template(name: str) -> str:
    """A family's template.

    Raises:
        UsageError: there is none of that name; names those there are.
    """
    if name not in FAMILIES:
        raise unknown("chat template", name, FAMILIES, "A file works too: --chat-template my.jinja")
    return (_FOLDER / f"{name}.jinja").read_text("utf-8")


def set_template(tokenizer: Tokenizer, named: str | None, *, fold: bool = False) -> str | None:
    """Give a tokenizer the chat template a user named, and let it take system turns.

    Args:
        tokenizer: changed in place.
        named: a family, or a file; None: the tokenizer's own.
        fold: where its template has no system role, write a system turn into the first question.

    Returns:
        What to tell the user about the change; None where nothing changed.

    Raises:
        UsageError: no such family or file, or the tokenizer lacks the family's tokens.
    """
    notes = []
    if named is not None:
        tokenizer.chat_template, note = _named(tokenizer, named)
        notes.append(note)
    if tokenizer.chat_template is None:
        raise UsageError(NO_TEMPLATE)
    if fold and not takes_system(tokenizer.chat_template, special_tokens(tokenizer)):
        tokenizer.chat_template = folded(tokenizer.chat_template)
        notes.append("a system turn is written into the first question")
    if not notes:
        return None
    render_chat(tokenizer.chat_template, [{"role": "user", "content": "Hi"}], special_tokens(tokenizer))
    return "; ".join(notes)


def _named(tokenizer: Tokenizer, named: str) -> tuple[str, str]:
    path = Path(named)
    if path.suffix in (".jinja", ".j2", ".txt") or path.is_file():
        try:
            return path.read_text("utf-8"), f"chat template of {path.name}"
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read the chat template {path}: {error}.") from error
    text, missing = family_template(named), _missing(tokenizer, named)
    if not missing:
        return text, f"chat template {named}"
    if named == "chatml" and tokenizer.eos_token:
        # The marks are ordinary text to this model; what ends a turn has to be a token it knows.
        ended = text.replace("<|im_end|>", tokenizer.eos_token)
        return ended, f"chat template chatml, its turns ended by {tokenizer.eos_token}"
    raise UsageError(
        f"the chat template {named} is made of tokens that this tokenizer does not have: "
        f"{', '.join(missing)}. Name a family of the base's own, or --chat-template chatml"
    )


def _missing(tokenizer: Tokenizer, named: str) -> list[str]:
    known = tokenizer.get_added_vocab()
    return [token for token in FAMILIES[named].tokens if token not in known]
