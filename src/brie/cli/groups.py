"""Groups of commands: loaded when they are used, listed by a table, and helpful about a wrong word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import ClassVar

import click

from brie.cli.help_pages import Command, Context

ALL = "brie.all"
"""Key of a context's `meta`: the help lists the plumbing too."""


class Group(click.Group):
    """A group that names the near matches of a misspelt word, and what a moved one is called now."""

    context_class = Context
    command_class = Command
    moved: ClassVar[Mapping[str, str]] = {}
    """A word that was a command -> what does its work now."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command.

        Raises:
            UsageError: there is none of that name.
        """
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from brie.errors import UsageError, unknown

            word = args[0]
            if word in self.moved:
                raise UsageError(f"{word} is now: brie {self.moved[word]}")
            raise unknown("command", word, self.list_commands(ctx))
        return super().resolve_command(ctx, args)


class Verbs(Group):
    """A group whose commands are modules of a package, imported on use."""

    package: ClassVar[str]
    """Where the modules are; each has a `command`."""
    sections: ClassVar[Mapping[str, Mapping[str, str]]]
    """Heading -> command -> the line that help shows, in the order of the work."""
    plumbing: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """The same for what help shows only when all is asked for."""
    unlisted: ClassVar[tuple[str, ...]] = ()

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command that is listed somewhere."""
        return [name for _, table in self._tables(every=True) for name in table]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in (*self.list_commands(ctx), *self.unlisted):
            return None
        command: click.Command = import_module(f"{self.package}.{cmd_name}").command
        command.context_class = Context
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the tables, without importing them."""
        tables = list(self._tables(every=ctx.meta.get(ALL, False)))
        width = max(len(name) for _, table in tables for name in table)
        for heading, table in tables:
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), line) for name, line in table.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `--all` out of what stands before the command: it belongs to `--help`."""
        before = next((n for n, word in enumerate(args) if not word.startswith("-")), len(args))
        if self.plumbing and "--all" in args[:before]:
            ctx.meta[ALL] = True
            args = [word for word in args[:before] if word != "--all"] + args[before:]
        return super().parse_args(ctx, args)

    def _tables(self, *, every: bool) -> Iterator[tuple[str, Mapping[str, str]]]:
        yield from self.sections.items()
        if every:
            yield from self.plumbing.items()
