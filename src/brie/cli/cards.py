"""Model cards, as `brie report` and `brie export` write and name them."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from brie.cli import screen
from brie.errors import UsageError
from brie.lines import command as command_line
from brie.number_format import plural, size

if TYPE_CHECKING:
    from brie.pin import Resolved
    from brie.project import Project
    from brie.publish.write import Written


def report_card(name: str | None, tags: tuple[str, ...], project: Project, *, opens: bool) -> None:
    """Write the card of a run's or an evaluation's model into the folder of reports."""
    from brie.publish.subject import of_reference
    from brie.publish.write import write_card

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
    from brie.publish.subject import of_export
    from brie.publish.write import write_card

    written = write_card(replace(of_export(folder, name, project), tags=tags), folder, project)
    if not quiet:
        say(written, project)


@dataclass(frozen=True, slots=True)
class HubWish:
    """`--to hub` as it was asked for."""

    repo: str
    public: bool
    token: str | None
    """None: nothing is sent."""


def hub_wish(target: str, repo: str | None, *, public: bool, dry_run: bool) -> HubWish | None:
    """What `--to hub` asks for; None for another target.

    Raises:
        UsageError: an option of it stands without it, the repository is missing, or the token.
    """
    from brie.publish.hub import NO_TOKEN, checked_repo
    from brie.wire.keys import hub_token

    if target != "hub":
        if repo is not None or public or dry_run:
            raise UsageError("--repo, --public and --dry-run go with --to hub.")
        return None
    if repo is None:
        raise UsageError("--to hub needs the repository: --repo ME/NAME")
    return HubWish(checked_repo(repo), public, None if dry_run else hub_token(NO_TOKEN))


def to_hub(folder: Path, side: Resolved, tags: tuple[str, ...], wish: HubWish, project: Project) -> None:
    """Send an export with its card and its records, or say what would be sent."""
    from brie.publish.hub import Target, push
    from brie.publish.parcel import pack

    places = tuple(str(place.resolve()) for place in (side.base_folder, side.adapter) if place)
    parcel = pack(folder, side.name, wish.repo, project, tags=tags, places=places)
    for name, path in parcel.files.items():
        screen.out(f"  {size(path.stat().st_size):>8}  {name}")
    if parcel.card.kept:
        screen.say(_kept(parcel.card, project))
    screen.say(f"{parcel.card.claims:,} claims of the card, all confirmed")
    if wish.token is None:
        seen = "public" if wish.public else "private"
        screen.say(f"nothing is sent: this would go to {wish.repo}, {seen}, {size(parcel.bytes)}")
        return
    pushed = push(parcel, Target(wish.repo, wish.public), wish.token, screen.Terminal())
    if pushed.others:
        screen.say(f"there and not of this export, left as they are: {', '.join(pushed.others[:8])}")
    changed = plural(len(pushed.sent), "file") + " sent" if pushed.sent else "nothing differed"
    screen.out(f"{pushed.address} ({'private' if pushed.private else 'public'}): {changed}")
    screen.out(f"commit {pushed.commit}")


def say(written: Written, project: Project) -> None:
    """Name what was written, and what was left as it was."""
    for path in written.files:
        screen.out(screen.named(path, project))
    if written.kept:
        screen.say(_kept(written, project))
    card = screen.named(written.card, project)
    again = command_line("verify", "--claims", card)
    screen.say(f"{written.claims:,} claims, all confirmed: {again}")


def _kept(written: Written, project: Project) -> str:
    return (
        f"{screen.named(written.card, project)} was edited and every claim of it holds, so it stays as "
        "it is. For a new one, delete it."
    )
