"""The licence of a base, from brie's own recipes and the base's files; never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from brie.errors import BrieError
from brie.project import Project, packaged
from brie.reading.texts import read_text
from brie.train.recipes import Recipe, load_recipe

_ON_THE_HUB = {
    "apache-2.0": "apache-2.0",
    "mit": "mit",
    "gemma": "gemma",
    "llama3": "llama3",
    "llama3.1": "llama3.1",
    "llama3.2": "llama3.2",
    "llama3.3": "llama3.3",
    "bsd-3-clause": "bsd-3-clause",
    "cc-by-4.0": "cc-by-4.0",
    "cc-by-sa-4.0": "cc-by-sa-4.0",
    "cc-by-nc-4.0": "cc-by-nc-4.0",
    "openrail": "openrail",
}
"""Licences that the Hub knows by name; every other one is `other` with a name of its own."""
_NAMED_THERE = {"Qwen Research License": "qwen-research"}
"""What the makers of a base call its licence in their own metadata."""
_HEADS = (
    (re.compile(r"qwen research license", re.IGNORECASE), "Qwen Research License"),
    (re.compile(r"apache license\s+version 2\.0", re.IGNORECASE), "Apache-2.0"),
    (re.compile(r"^\s*(?:the )?mit license", re.IGNORECASE), "MIT"),
)
"""How the first lines of a licence's text begin."""
_LINES = 400
_DECLARED = re.compile(r"^license:[ ]*['\"]?([\w.+-]+)['\"]?[ ]*$", re.M)
_NAMED = re.compile(r"^license_name:[ ]*['\"]?([\w.+-]+)['\"]?[ ]*$", re.M)


@dataclass(frozen=True, slots=True)
class Licence:
    """What is known of a base's licence."""

    name: str = ""
    """"" where nothing says it."""
    source: str = ""
    """What says it, as the end of a sentence."""
    note: str = ""
    """What a user of the model must know about it."""

    @property
    def identifier(self) -> str:
        """What the Hub calls it: one of its own, `other`, or `unknown`."""
        if not self.name:
            return "unknown"
        return _ON_THE_HUB.get(self.name.lower(), "other")

    @property
    def slug(self) -> str:
        """Its name in the metadata, where the Hub has no identifier for it."""
        if self.name in _NAMED_THERE:
            return _NAMED_THERE[self.name]
        return re.sub(r"[^a-z0-9.]+", "-", self.name.lower()).strip("-")


def licence_of(repo: str, folder: Path | None, project: Project) -> Licence:
    """The licence of a base.

    Args:
        repo: what the base is called; a Hub id, or a label.
        folder: its files, where they are here.
        project: whose recipes are looked at besides brie's own.
    """
    recipe = _recipe_of(repo, project)
    if recipe is not None:
        return Licence(recipe.license, "as brie's recipe has it", recipe.license_note or "")
    if folder is None:
        return Licence()
    declared = _declared(folder / "README.md")
    if declared:
        return Licence(declared, "as the base's own README.md declares it")
    for path in sorted(folder.glob("LICENSE*")):
        head = _head(path)
        for begins, name in _HEADS:
            if begins.search(head):
                return Licence(name, f"as the base's file {path.name} says")
        return Licence("", f"the base's file {path.name} has its text")
    return Licence()


def _recipe_of(repo: str, project: Project) -> Recipe | None:
    """The shipped recipe for this base that says its licence."""
    for path in sorted(packaged("recipes").glob("*.toml")):
        try:
            recipe = load_recipe(str(path), project)
        except BrieError:
            continue
        named = recipe.base.partition("@")[0]
        if recipe.license and repo in (named, f"brie/{named}"):
            return recipe
    return None


def _declared(readme: Path) -> str:
    if not readme.is_file():
        return ""
    text = read_text(readme)
    metadata = text.split("\n---", 1)[0] if text.startswith("---") else ""
    found = _NAMED.search(metadata) or _DECLARED.search(metadata)
    return found[1] if found and found[1] not in ("other", "unknown") else ""


def _head(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as handle:
        return " ".join(handle.read(_LINES).split())
