"""Model cards, as `brie report` and `brie export` write and name them."""

from __future__ import annotations

import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from brie.cli import screen
from brie.errors import UsageError

if TYPE_CHECKING:
    from brie.project import Project
    from brie.publish.write import Written


def report_card(name: str | None, tags: tuple[str, ...], project: Project, *, opens: bool) -> None:
    """Write the card of a run's or an evaluation's model into the folder of reports."""
    from brie.publish.metadata import checked_tags
    from brie.publish.subject import of_reference
    from brie.publish.write import write_card

    checked_tags(tags)
    subject = of_reference(name, project, command=screen.typed(project))
    held = subject.run.name if subject.quoted.name.startswith("train-") and subject.run else ""
    folder = project.reports / (held or subject.quoted.name) / "model-card"
    written = write_card(replace(subject, tags=tags), folder, project, keep=False)
    say(written, project)
    if opens and not webbrowser.open(written.card.resolve().as_uri()):
        raise UsageError(f"no browser could be opened here; open {written.card} yourself.")


def export_card(
    folder: Path, name: str, tags: tuple[str, ...], project: Project, *, quiet: bool = False
) -> None:
    """Write the card of an export into its folder."""
    from brie.publish.metadata import checked_tags
    from brie.publish.subject import of_export
    from brie.publish.write import write_card

    checked_tags(tags)
    written = write_card(replace(of_export(folder, name, project), tags=tags), folder, project)
    if not quiet:
        say(written, project)


def say(written: Written, project: Project) -> None:
    """Name what was written, and what was left as it was."""
    for path in written.files:
        screen.out(project.relative(path))
    if written.kept:
        screen.say(
            f"{project.relative(written.card)} was there, is not what brie would write now, and every "
            "claim of it holds: it stays. For a new one, delete it."
        )
    card = project.relative(written.card)
    screen.say(f"{written.claims} claims, all confirmed: brie verify --claims {card}")
