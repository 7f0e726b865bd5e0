"""`brie data prefs`: preference pairs made of verdicts."""

from __future__ import annotations

from pathlib import Path

import click

from brie.cli import options, screen
from brie.lines import command as command_line
from brie.number_format import listed, plural


@click.command(
    short_help="Make preference pairs of verdicts.",
    epilog="""\b
Examples:
  brie data prefs demo -o prefs.jsonl
  brie data prefs a b -o p.jsonl --min-agreement 0.67
  brie data prefs @1 -o prefs.jsonl --drop-length-only
""",
)
@click.argument("evaluations", metavar="EVAL...", nargs=-1, required=True)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="The file; a card beside it."
)
@click.option(
    "--min-agreement",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Share of the judges that must prefer the same answer in both orders.",
)
@click.option(
    "--people-weight",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="What a person's vote weighs against a judge's; 0: votes are only noted.",
)
@click.option(
    "--drop-length-only",
    is_flag=True,
    help="Leave out pairs until length alone predicts no winner.",
)
@options.JSON
def prefs(
    evaluations: tuple[str, ...],
    out: Path,
    min_agreement: float,
    people_weight: float,
    drop_length_only: bool,
    as_json: bool,
) -> None:
    """Write the pairs of answers on which both orders and enough judges agree.

    Chosen and rejected with their prompt, as TRL's trainers read them. Ties and pairs judged in one
    order only are left out; the card says how many and why.
    """
    from brie.studies.preferences import PrefsRequest, write_preferences

    project = screen.project()
    request = PrefsRequest(evaluations, out, min_agreement, people_weight, drop_length_only)
    written = write_preferences(request, project)
    if as_json:
        click.echo(written.card.model_dump_json(indent=2))
        return
    card = written.card
    pairs, prompts = plural(card.pairs, "pair"), plural(card.prompts, "prompt")
    screen.show(f"{screen.named(written.path, project)}  {pairs} of {prompts}")
    for sentence in card.sentences():
        screen.show(f"- {sentence}", hanging=2)
    screen.show(
        f"What is trained on it has seen {listed(list(card.suites))} and cannot be measured there: "
        "brie plan --suite NAME --candidate MODEL says what another suite leaves."
    )
    screen.show(f"card  {screen.named(written.card_path, project)}", hanging=6)
    begin = ("--from", written.start) if written.start else ("--size", "0.5b")
    go_on = command_line(
        "train", "--method", "dpo", "--prefs", screen.named(written.path, project), *begin
    )
    screen.show(f"next  {go_on}", hanging=6)
