"""How a recipe would turn rows into tokens, without a run."""

from __future__ import annotations

from brie.data.encode import Encoder
from brie.data.template import choose
from brie.data.tokenizer import find_tokenizer
from brie.project import Project
from brie.train.recipes import load_recipe

SIZE = "0.5b"
"""The recipe where only a base is named."""


def encoder_of(
    project: Project,
    *,
    size: str | None = None,
    base: str | None = None,
    max_length: int | None = None,
) -> tuple[Encoder, str]:
    """The encoder a run would use, and what its tokenizer is called.

    Args:
        project: where recipes are looked for.
        size: the recipe.
        base: another model's tokenizer and template.
        max_length: tokens a row may have; the recipe's by default.

    Raises:
        UsageError: no such recipe, or the tokenizer is not on this machine.
    """
    recipe = load_recipe(size or SIZE, project)
    reference = base or recipe.base
    tokenizer = find_tokenizer(reference)
    length = max_length or recipe.max_length
    template = choose(tokenizer, thinking=recipe.thinking)
    return Encoder(tokenizer, template, length, recipe.loss), reference
