"""`brie explain`: what a check or a word of the report means, from the documentation that ships."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from brie.cli import options, screen

_ABOUT = 14


@dataclass(frozen=True, slots=True)
class Explained:
    """What a name means."""

    name: str
    kind: str
    """`check` or `word`."""
    text: str
    """What it looks at, or what it means."""
    warns: str = ""
    """When the check warns."""
    fails: str = ""
    """When it fails."""
    withholds: str = ""
    """When its finding withholds the verdict."""
    conditions: str = ""
    """When its finding puts a condition on the verdict."""
    read_on: str = ""
    """Where the documentation has more."""


@click.command(
    epilog="""\b
Examples:
  brie explain                 every check and every word there is
  brie explain length          a check: when it warns, when it fails, what follows
  brie explain win rate        a word of the report
"""
)
@click.argument("words", metavar="[CHECK|WORD]", nargs=-1)
@options.JSON
def command(words: tuple[str, ...], as_json: bool) -> None:
    """Say what a CHECK looks for and what follows from it, or what a WORD of the report means."""
    known = everything()
    if not words:
        if as_json:
            click.echo(json.dumps([asdict(entry) for entry in known.values()], indent=2))
        else:
            _list(known)
        return
    entry = named(" ".join(words), known)
    if as_json:
        click.echo(json.dumps(asdict(entry), indent=2, ensure_ascii=False))
        return
    screen.show(f"{entry.name} ({entry.kind}): {entry.text}", hanging=2)
    for label, text in (
        ("warns", entry.warns),
        ("fails", entry.fails),
        ("withheld", entry.withholds),
        ("conditional", entry.conditions),
        ("read on", entry.read_on),
    ):
        if text:
            click.echo(screen.labelled(label, text, _ABOUT))


def _list(known: dict[str, Explained]) -> None:
    checks = [entry.name for entry in known.values() if entry.kind == "check"]
    others = [entry.name for entry in known.values() if entry.kind == "word"]
    click.echo(screen.labelled("checks", ", ".join(checks), _ABOUT))
    click.echo(screen.labelled("words", "; ".join(others), _ABOUT))
    click.echo(screen.labelled("documentation", str(_docs()), _ABOUT + 2))


def named(wanted: str, known: dict[str, Explained]) -> Explained:
    """The entry of a name; near names and parts of one do, where they mean one entry.

    Raises:
        UsageError: nothing is called so.
    """
    from brie.errors import unknown

    plain = _plain(wanted)
    if plain in known:
        return known[plain]
    parts = [
        entry
        for key, entry in known.items()
        if plain in [_plain(part) for part in entry.name.split(",")] or key.startswith(plain)
    ]
    if len(parts) == 1:
        return parts[0]
    names = [entry.name for entry in known.values()]
    raise unknown("check or word", wanted, names)


def everything() -> dict[str, Explained]:
    """Every check, in the order of the documentation, then every word, by its plain name."""
    from brie.report.glossary import GLOSSARY

    entries = [*_checks(), *(Explained(word, "word", text) for word, text in GLOSSARY)]
    return {_plain(entry.name): entry for entry in entries}


def _checks() -> list[Explained]:
    """The rows of the tables in docs/checks.md, with what each check says of itself."""
    from importlib import import_module

    text = (_docs() / "checks.md").read_text("utf-8")
    rows, bears = _table(text, "| check | warns | fails |"), _table(text, "| cause | withheld |")
    entries = []
    for name, (warns, fails) in rows.items():
        withholds, conditions = bears.get(name, ("", ""))
        about = (import_module(f"brie.checks.{name}").__doc__ or "").split("\n\n")[0]
        entries.append(
            Explained(
                name.replace("_", " "), "check", " ".join(about.split()), warns, fails, withholds,
                conditions, f"{_docs() / 'checks.md'}",
            )
        )  # fmt: skip
    return entries


def _table(text: str, head: str) -> dict[str, tuple[str, str]]:
    """A Markdown table of three columns: names of its first column -> the two others, plain."""
    start = text.index(head)
    lines = text[start:].split("\n\n")[0].splitlines()[2:]
    rows: dict[str, tuple[str, str]] = {}
    for line in lines:
        first, second, third = re.split(r"\s*\|\s*", line.strip()[1:-1].strip(), maxsplit=2)
        for name in first.strip("* ").split(","):
            rows[name.strip("`* ")] = (_bare(second), _bare(third))
    return rows


def _bare(cell: str) -> str:
    return cell.strip(" |").replace("`", "")


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").casefold().split())


def _docs() -> Path:
    from brie.project import packaged

    return packaged("docs")
