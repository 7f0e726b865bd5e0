"""How a recipe would turn rows into tokens, without a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from brie.data.encode import Encoder
from brie.data.families import set_template
from brie.data.template import choose
from brie.data.tokenizer import find_tokenizer
from brie.project import Project
from brie.train.recipes import load_recipe

SIZE = "0.5b"
"""The recipe where only a base is named."""


@dataclass(frozen=True)
class EncoderRequest:
    """Whose tokens, as asked for; None means "the recipe decides"."""

    size: str | None = None
    """The recipe."""
    base: str | None = None
    """Another model's tokenizer and template."""
    max_length: int | None = None
    """Tokens a row may have."""
    chat_template: str | None = None
    """A family's or a file, instead of the model's own."""
    system: Literal["refuse", "fold"] | None = None
    """Where the template has no place for a system turn."""


def encoder_of(project: Project, asked: EncoderRequest) -> tuple[Encoder, str]:
    """The encoder a run would use, and what its tokenizer is called.

    Args:
        project: where recipes are looked for.
        asked: the recipe, and what to change of it.

    Raises:
        UsageError: no such recipe, the tokenizer is not on this machine, or its template shows no
            answers.
    """
    recipe = load_recipe(asked.size or SIZE, project)
    reference = asked.base or recipe.base
    tokenizer = find_tokenizer(reference)
    fold = (asked.system or recipe.system) == "fold"
    set_template(tokenizer, asked.chat_template or recipe.chat_template, fold=fold)
    template = choose(tokenizer, thinking=recipe.thinking, located=recipe.loss == "assistant")
    length = asked.max_length or recipe.max_length
    return Encoder(tokenizer, template, length, recipe.loss), reference
