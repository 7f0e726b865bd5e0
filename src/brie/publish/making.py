"""The part of a card that says how the model was made: base, data, recipe, loss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from brie.pin.bases import PACKAGED_PREFIX
from brie.publish.quoted import UNKNOWN, Quoted, named
from brie.publish.subject import Subject
from brie.records import BaseModelRef
from brie.report.clean import one_line, without_paths
from brie.report.markdown import code_span, escape, fenced, table
from brie.train.recipes import DESCRIPTIVE_KEYS

LOSS = "loss.png"
"""File of the loss curve, beside the card."""
_NAMED_ELSEWHERE = {"r", "alpha", "dropout", "target_modules"}
"""Keys of the recipe that are said as the adapter's own files have them."""


def what_it_is(subject: Subject) -> Iterator[str]:
    """One paragraph: what was made of what."""
    pin, base = subject.quoted, named(subject.base.repo)
    if not subject.is_trained:
        yield f"A language model, {pin.fingerprint('digest')}. What it was made from is not recorded."
        return
    rank = f"LoRA (r {pin.number('lora', 'r')}, alpha {pin.number('lora', 'alpha')})"
    told = f"{base}, fine-tuned with {rank}: {pin.number('lora', 'parameters')} parameters were trained"
    if subject.run is not None:
        rows, prompts = (subject.run.number("config", "train", key) for key in ("rows", "prompts"))
        kind = "preference pairs" if _is_of_pairs(subject.run) else "conversations"
        told += f", on {rows} {kind} of {prompts} distinct prompts"
    if subject.pin.step is not None:
        step = f"{pin.number('step')} of {pin.number('planned_steps')}"
        told += f". This is the checkpoint of step {step} planned"
    yield f"{told}."


def base_and_licence(subject: Subject) -> Iterator[str]:
    """The base by content, and what is known of its licence."""
    pin, licence = subject.quoted, subject.licence
    yield "## Base and licence"
    revision = pin.code("base", "revision") if subject.base.revision else "not a commit on the Hub"
    rows = [
        ("Base" if subject.is_trained else "The model itself", _base(subject.base)),
        ("Revision", revision),
        ("Fingerprint of its files", pin.fingerprint("base", "digest")),
        ("Its licence", _licence(subject)),
    ]
    yield table(("", ""), rows)
    if licence.note:
        yield f"**Licence:** {escape(licence.note)}"
    if subject.is_trained:
        yield (
            "What is trained from a base is bound by the base's licence. No other licence was given "
            "for this model, and the licence of its training data is not recorded."
        )


def _base(base: BaseModelRef) -> str:
    """What the base is called, and whose name that is."""
    name = named(base.repo)
    if base.revision is not None:
        return f"{name} on the Hub"
    packaged = base.repo.startswith(PACKAGED_PREFIX)
    return f"{name}, which comes with brie" if packaged else f"{name}: the name of a folder, no more"


def _licence(subject: Subject) -> str:
    licence = subject.licence
    if licence.name:
        return f"{code_span(licence.name)}, {escape(licence.source)}"
    held = f" ({escape(licence.source)})" if licence.source else ""
    return f"**not known**{held}: read the base's own card before you use or share this model"


def training(subject: Subject, *, picture: bool) -> Iterator[str]:
    """Data, recipe and loss; without a run, that they are not known.

    Args:
        subject: the model.
        picture: the loss curve lies beside the card.
    """
    yield "## How it was trained"
    run = subject.run
    if run is None:
        yield "Not known: no training run of this project made it. Data, recipe and loss are not here."
        yield from _adapter(subject)
        return
    yield from _pairs(run)
    yield from _data(run)
    yield from _adapter(subject)
    yield from _recipe(run)
    yield from _loss(subject, run, picture=picture)
    yield from _circumstances(run)


def _is_of_pairs(run: Quoted) -> bool:
    """Whether it learned which of two answers is the better one."""
    return run.said("config", "recipe", "method") not in ("", "sft")


def _pairs(run: Quoted) -> Iterator[str]:
    """What a run went on from, and whose verdicts taught it."""
    if run.table("config", "start"):
        start = run.under("config", "start")
        yield f"It goes on from {start.code('name')}, {start.fingerprint('digest')}."
    if not _is_of_pairs(run):
        return
    judges = run.rows("config", "pairs", "teachers")
    teachers = ", ".join(f"{judge.code('id')} (model {judge.code('model')})" for judge in judges)
    yield (
        "It learned which of two answers is the better one, by "
        f"{run.code('config', 'recipe', 'method')}. The verdicts were those of: {teachers or UNKNOWN}. "
        "What these judges say of it is no measure by itself."
    )


def _data(run: Quoted) -> Iterator[str]:
    halves = [run.under("config", half) for half in ("train", "val")]
    rows = [
        ("File", *(_file(half) for half in halves)),
        ("Rows", *(half.number("rows") for half in halves)),
        ("Distinct prompts", *(half.number("prompts") for half in halves)),
        ("Tokens", *(half.number("tokens") for half in halves)),
        ("Tokens learned from", *(half.number("learned_tokens") for half in halves)),
        ("Answers cut at the end", *(half.number("cut") for half in halves)),
        ("Fingerprint of the rows", *(half.fingerprint("rows_digest") for half in halves)),
        ("Fingerprint of the file", *(half.fingerprint("file") for half in halves)),
    ]
    yield table(("Data", "Training", "Validation"), rows)
    split = run.under("config", "split")
    held = ", ".join(source.code() for source in split.rows("held_out"))
    if held:
        yield f"The validation half is of these sources, held out: {held}."
    elif run.table("config", "split"):
        yield f"The validation half was set aside by {split.word('by')}: none of it was trained on."


def _file(half: Quoted) -> str:
    """The name of a data file, without its folder; a dataset of the Hub whole."""
    path = half.said("path")
    return named(one_line(path if path.startswith("hf:") else Path(path).name, 120)) or UNKNOWN


def _adapter(subject: Subject) -> Iterator[str]:
    if subject.pin.lora is None:
        return
    lora = subject.quoted.under("lora")
    rows = [
        ("r", lora.number("r")),
        ("alpha", lora.number("alpha")),
        ("dropout", lora.number("dropout")),
        ("modules", lora.any("target_modules")),
        ("trained parameters", lora.number("parameters")),
        ("DoRA", lora.any("dora") if "dora" in lora.table() else "no"),
        ("rsLoRA", lora.any("rslora") if "rslora" in lora.table() else "no"),
    ]
    yield table(("Adapter, as its own files say", ""), rows)


def _recipe(run: Quoted) -> Iterator[str]:
    recipe = run.under("config", "recipe")
    keys = [key for key in recipe.table() if key not in DESCRIPTIVE_KEYS | _NAMED_ELSEWHERE]
    rows = [(code_span(key), recipe.any(key)) for key in keys]
    rows += [
        ("planned steps", run.number("config", "planned_steps")),
        ("number format", run.code("config", "dtype", "value")),
        ("end of an answer", run.code("config", "template", "end", in_table=True)),
        ("fingerprint of the chat template", run.fingerprint("config", "template", "digest")),
    ]
    yield "<details><summary>The whole recipe</summary>"
    yield table(("Recipe", ""), rows)
    yield "</details>"


def _loss(subject: Subject, run: Quoted, *, picture: bool) -> Iterator[str]:
    if picture:
        yield f"![Training and validation loss over the steps]({LOSS})"
    points = run.rows("evaluations")
    pairs = _is_of_pairs(run)
    also = ("accuracy", "kl") if pairs else ()
    rows = [
        (
            ("before training" if point.value("step") == 0 else f"step {point.number('step')}")
            + (", this checkpoint" if point.value("step") == subject.pin.step else ""),
            *(point.number(key, digits=4) for key in ("loss", "perplexity", *also)),
        )
        for point in points
    ]
    loss = ("Loss of pairs" if pairs else "Loss, nats a token", "Perplexity")
    more = ("Pairs told right", "KL, nats a token") if pairs else ()
    head = ("Validation", *loss, *more)
    yield table(head, rows, "l".ljust(len(head), "r"))
    yield ("A run's best checkpoint is the one with the lowest validation loss: judges choose none.")
    if run.said("stopped_early"):
        yield f"Training stopped early: {run.text('stopped_early')}"


def _packages(run: Quoted) -> list[str]:
    """What it was made with; the machine's own system is left out."""
    return sorted(name for name in run.table("versions") if name != "system")


def _circumstances(run: Quoted) -> Iterator[str]:
    rows = [
        ("Run", f"{run.code('id')}, {run.word('state')}"),
        ("Begun", run.code("created")),
        ("Tokens seen", run.number("tokens")),
        ("Seconds", run.number("wall_seconds", digits=4)),
        ("Device", run.word("config", "device", "type")),
        *((escape(name), run.code("versions", name)) for name in _packages(run)),
    ]
    yield table(("Training", ""), rows)
    command = without_paths(run.said("command"))
    if command:
        yield f"Command, without folders:\n\n{fenced(one_line(command, 500), 'sh')}"
