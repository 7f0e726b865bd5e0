"""`brie help`: the verbs, all of them on request, or one verb's own help."""

from __future__ import annotations

import click

from brie.cli.groups import ALL


@click.command(
    epilog="""\b
Examples:
  brie help --all        the stages and the plumbing too
  brie help data check   the same as brie data check --help
"""
)
@click.argument("words", metavar="[VERB]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="List the stages and the plumbing too.")
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...], everything: bool) -> None:
    """Show what brie can do, or what one VERB can."""
    shown = ctx.find_root()
    ctx.meta[ALL] = everything
    for word in words:
        if not isinstance(shown.command, click.Group):
            break
        name, verb, _ = shown.command.resolve_command(shown, [word])
        if verb is None:
            break
        shown = verb.context_class(verb, info_name=name, parent=shown)
    click.echo(shown.get_help())
