"""`brie export`: the file people ship, checked before it is called done."""

from __future__ import annotations

from pathlib import Path

import click

from brie.cli import cards, options, screen
from brie.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  brie export first:best --to merged                          a folder for vLLM or transformers
  brie export first:best --to merged --quantize nf4           the same in 4 bits of bitsandbytes
  brie export first:best --to gguf --quantize q8_0            one file for llama.cpp
  brie export first:best --to ollama --quantize q4_k_m        the file and a Modelfile
  brie export first:best --to mlx --quantize mlx-4bit         a folder for mlx-lm
  brie export hf:ORG/ADAPTER@SHA --to gguf --out shipped
  brie export first:best --to hub --repo ME/NAME --dry-run    what would be sent
  brie export first:best --to hub --repo ME/NAME              weights, card, records; private
"""
)
@click.argument("model")
@click.option(
    "--to", "target", required=True, metavar="TARGET", help="merged, gguf, mlx, ollama or hub."
)
@click.option(
    "--quantize",
    metavar="FORMAT",
    help="q8_0, q6_k, q5_k_m, q4_k_m, … of GGUF; mlx-8bit or mlx-4bit; nf4 or int8 of a merged folder. "
    "Default: none.",
)
@click.option(
    "--dtype", metavar="FORMAT", help="float32, float16 or bfloat16; default: that of the base's files."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder; default: exports/NAME-TARGET-FORMAT."
)
@click.option("--suite", default="demo", show_default=True, help="Prompts the file is compared on.")
@options.TAGS
@click.option("--repo", metavar="ME/NAME", help="With --to hub: the repository; HF_TOKEN is the token.")
@click.option("--public", is_flag=True, help="With --to hub: everybody sees it; default: private.")
@click.option("--dry-run", is_flag=True, help="With --to hub: put together, list, send nothing.")
@options.BASE
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def command(
    model: str,
    target: str,
    quantize: str | None,
    dtype: str | None,
    out: Path | None,
    suite: str,
    tags: tuple[str, ...],
    repo: str | None,
    public: bool,
    dry_run: bool,
    base: str | None,
    as_json: bool,
) -> None:
    """Merge MODEL, convert it, load the file again and hold it against its checkpoint.

    A file that is not what its checkpoint is fails by the name of the difference (exit code 4).
    """
    from brie import __version__
    from brie.catalog import load_suite
    from brie.export.options import sent_form, wanted
    from brie.export.run import default_folder, export
    from brie.forms.sides import resolve_source
    from brie.report.shipped import check_lines

    if as_json and target == "hub":
        raise UsageError("--json prints an export's manifest; of --to hub it is in the repository.")
    hub = cards.hub_wish(target, repo, public=public, dry_run=dry_run)
    project = screen.project()
    side = resolve_source(model, project, base=base)
    for note in side.notes:
        screen.say(note)
    wish = wanted(side, target if hub is None else sent_form(quantize), quantize, dtype)
    folder = out or default_folder(side, wish, project)
    prompts = load_suite(suite, project)
    made = export(side, wish, folder, prompts, screen.Terminal(), version=__version__)
    manifest = made.manifest
    if hub is not None:
        cards.to_hub(made.folder, side, tags, hub, project)
        return
    if as_json:
        cards.export_card(made.folder, side.name, tags, project, quiet=True)
        click.echo(manifest.model_dump_json(indent=2))
        return
    state = "wrote" if made.made else "is there already, unchanged:"
    size = sum(file.bytes for file in manifest.files)
    click.echo(f"{state} {screen.named(made.model, project)} ({size / 1e6:,.1f} MB)")
    if manifest.check is not None:
        for line in check_lines(manifest.check):
            screen.show(line)
        screen.show(manifest.check.sentence)
    if manifest.not_checked:
        screen.show(f"Not checked: {manifest.not_checked}.")
    cards.export_card(made.folder, side.name, tags, project)
    click.echo("\nServe it, and ask it:")
    for line in manifest.serve:
        click.echo(f"  {line}")
