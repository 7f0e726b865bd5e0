"""Help as it is laid out: the same folding as all that brie prints, so that no word is cut."""

from __future__ import annotations

from collections.abc import Iterable

import click

from brie.lines import columns, folded

_KEPT = "\b"
"""A paragraph that begins with this keeps its lines, as click has it."""


class Pages(click.HelpFormatter):
    """Help whose paragraphs, lists and examples are folded between words."""

    def write_text(self, text: str) -> None:
        """Write paragraphs; those that keep their lines are folded line by line."""
        indent = " " * self.current_indent
        paragraphs = []
        for paragraph in text.strip("\n").split("\n\n"):
            kept = paragraph.lstrip("\n").startswith(_KEPT)
            lines = paragraph.replace(_KEPT, "").strip("\n").split("\n")
            lines = lines if kept else [" ".join(" ".join(lines).split())]
            paragraphs.append("\n".join(
                part for line in lines for part in folded(line, self.width, first=indent, hanging=indent)
            ))  # fmt: skip
        self.write("\n\n".join(paragraphs) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write names and what they mean in two columns."""
        named = list(rows)
        room = min(max((columns(name) for name, _ in named), default=0), col_max) + col_spacing
        indent, left = " " * self.current_indent, " " * (self.current_indent + room)
        for name, meaning in named:
            start = indent + name
            if not meaning:
                self.write(f"{start}\n")
                continue
            if columns(name) > room - col_spacing:
                self.write(f"{start}\n")
                start = left
            lines = folded(
                " ".join(meaning.split()), self.width, first=start.ljust(len(left)), hanging=left
            )
            self.write("\n".join(lines) + "\n")


class Context(click.Context):
    """A context whose help is laid out so."""

    formatter_class = Pages


class Command(click.Command):
    """A verb whose help is laid out so."""

    context_class = Context
