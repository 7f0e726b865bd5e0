"""`brie pin`: explain, verify or write the pin of a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import options, screen
from brie.errors import UsageError

if TYPE_CHECKING:
    from brie.pin import Resolved


@click.command(
    epilog="""\b
Examples:
  brie pin 3f9a:best                      what is this, and does it still verify?
  brie pin runs/old-run                   a run root is explained, not followed
  brie pin checkpoints/checkpoint-290 --write my-model.json
"""
)
@click.argument("model")
@options.BASE
@click.option("--write", "target", type=click.Path(path_type=Path), help="Write the pin to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print the pin as JSON.")
def command(model: str, base: str | None, target: Path | None, as_json: bool) -> None:
    """Say what MODEL is, check it against its pin, and print (or write) the pin."""
    from brie.pin import adapter_fact, duplicates, explain, resolve, write_pin

    path = Path(model)
    told: tuple[str, ...] = ()
    if path.is_dir():
        explained = explain(path)
        told = (*explained.facts, *duplicates(path.resolve()), *adapter_fact(path))
        for fact in told:
            screen.out(screen.labelled("- ", fact, 2), err=as_json)
        if explained.choices:
            listing = "\n".join(explained.choices)
            raise UsageError(f"{model} is not one checkpoint. Pin the one you mean:\n{listing}")
    resolved = resolve(model, screen.project(), base=base)
    for note in resolved.notes:
        if note not in told:
            screen.say(note)
    pin = resolved.pin
    if target is not None:
        folder = resolved.adapter or resolved.base_folder
        pin = write_pin(pin, target, checkpoint=folder)
        screen.say(f"wrote {target}")
    if as_json:
        click.echo(pin.model_dump_json(indent=2, exclude_none=True))
        return
    rows = {
        "digest": pin.digest,
        "kind": pin.kind,
        "base": str(pin.base),
        "step": _step(pin.step, pin.planned_steps, pin.epoch),
        "eval loss": f"{pin.eval_loss:.4f}" if pin.eval_loss is not None else None,
        "LoRA": f"{pin.lora.words()} on {', '.join(pin.lora.target_modules)}"
        f" ({pin.lora.parameters:,} parameters)"
        if pin.lora
        else None,
        "template": pin.template_digest,
        "date": f"the template asks for it, and is told {pin.date}" if pin.date else None,
        "thinking": {True: "on", False: "off", None: None}[pin.thinking],
    }
    for name, value in rows.items():
        if value is not None:
            screen.out(screen.labelled(name, value, 11))
    screen.show(_compared(resolved))


def _compared(resolved: Resolved) -> str:
    """What the files were held against."""
    from brie.pin.hashing import UNCOVERED

    if not resolved.compared:
        return "pinned now: nothing recorded earlier says what the files should be."
    if resolved.pin.version == 1:
        return f"the files are what the pin says; of version 1, it does not cover {UNCOVERED}."
    return "the files are what the pin says."


def _step(step: int | None, planned: int | None, epoch: float | None) -> str | None:
    if step is None:
        return None
    of = f" of {planned} planned" if planned else ""
    return f"{step}{of}" + (f" (epoch {epoch:.2f})" if epoch is not None else "")
