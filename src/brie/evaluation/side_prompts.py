"""Sides with a prompt of their own: "does my fine-tune beat the base with a good prompt?"

    MODEL+system:FILE      a text file, as a system message before every prompt
    MODEL+examples:FILE    questions with their answers (rows as in a training file), as earlier turns

MODEL is any model that answers: `base`, RUN:best, a folder, server:LABEL#MODEL. Both may be given. The
judges see the prompt alone, not what one side was told. Where a prompt has a system message of its own,
the model reads one message with the side's text first and the prompt's behind it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from brie.catalog import with_system
from brie.data.load import load
from brie.errors import InputError, PinError, UsageError
from brie.evaluation.given import PREFIX, names_column
from brie.number_format import plural
from brie.pin import Resolved, pin_told
from brie.project import Project
from brie.records import Message, Pin, SidePrompt, Suite

_PART = re.compile(r"\+(system|examples):")


@dataclass(frozen=True, slots=True)
class Named:
    """A reference taken apart."""

    model: str
    system: str | None = None
    """The file of a system prompt."""
    examples: str | None = None
    """The file of examples."""


def parts_of(reference: str, project: Project) -> Named:
    """What a reference names: a model, and files of what it is told.

    Args:
        reference: as it was named.
        project: where a file of answers is looked for.

    Raises:
        UsageError: a part is named twice, or without a file, or belongs to answers that exist.
    """
    if reference.startswith(PREFIX):
        return _of_answers(reference, project)
    model, *rest = _PART.split(reference)
    files: dict[str, str] = {}
    for kind, file in zip(rest[::2], rest[1::2], strict=True):
        if kind in files:
            raise UsageError(f"{reference!r} has +{kind}: twice; put both into one file.")
        if not file or not model:
            raise UsageError(f"a side with a prompt is named MODEL+{kind}:FILE, not {reference!r}.")
        files[kind] = file
    return Named(model, files.get("system"), files.get("examples"))


def _of_answers(reference: str, project: Project) -> Named:
    """Answers that exist cannot be told anything; but a column may have such a name."""
    part = _PART.search(reference)
    column = part is not None and "#" in reference[: part.start()]
    if part is not None and not (column and names_column(reference, project)):
        raise UsageError(
            f"{reference!r}: answers that exist cannot be told anything now. A prompt belongs to a "
            "model that answers, as in base+system:FILE."
        )
    return Named(reference)


def with_prompt(side: Resolved, named: Named, project: Project) -> Resolved:
    """A model with the prompt its reference names; the model itself where it names none.

    Args:
        side: the model.
        named: the reference.
        project: where its files are looked for, after the folder brie was started in.

    Raises:
        UsageError, InputError: a file is not there, is empty, or holds no examples.
    """
    system: str | None = None
    examples: tuple[Message, ...] = ()
    words, suffix = [], ""
    if named.system is not None:
        path = _file(named.system, project)
        system = _text(path)
        words.append(f"system prompt {path.name}")
        suffix += f"+system:{project.place(path)}"
    if named.examples is not None:
        path = _file(named.examples, project)
        examples = _examples(path)
        words.append(f"{plural(len(examples) // 2, 'example')} of {path.name}")
        suffix += f"+examples:{project.place(path)}"
    if not words:
        return side
    name = " + ".join([side.name, *words])
    return replace(
        side,
        pin=pin_told(side.pin, system=system, examples=examples),
        name=name,
        reference=f"{side.reference}{suffix}",
        notes=(*side.notes, f"{name}: it reads that before every prompt, and judges do not see it."),
    )


def told_again(side: Resolved, sealed: Pin) -> Resolved:
    """A model found again, with what its sealed pin says it was told: the files need not be here.

    Raises:
        PinError: the pin contradicts itself.
    """
    told = sealed.told
    if told is None:
        return side
    pin = pin_told(side.pin, system=told.system, examples=told.examples)
    if pin.digest != sealed.digest:
        raise PinError(f"{side.name} with its prompt is another side than the sealed one.")
    return replace(side, pin=pin)


def remarks(sides: Sequence[Resolved], suite: Suite) -> list[str]:
    """What a person should know of prompts of sides on this suite.

    Args:
        sides: both sides.
        suite: the prompts.
    """
    lines = []
    prompted = [side for side in sides if side.pin.told is not None]
    own = sum(with_system(prompt, suite)[0].role == "system" for prompt in suite.prompts)
    count = plural(len(suite.prompts), "prompt")
    for side in prompted:
        if own and side.pin.told is not None and side.pin.told.system is not None:
            lines.append(
                f"{own:,} of {count} of suite {suite.name!r} have a system message of their own: "
                f"{side.name} reads its prompt first and that behind it, in one message."
            )
    return lines


def differ(first: Pin, second: Pin) -> bool:
    """Whether two sides are told different things."""
    return _said(first.told) != _said(second.told)


def _said(told: SidePrompt | None) -> tuple[str | None, tuple[Message, ...]] | None:
    return None if told is None else (told.system, told.examples)


def _file(name: str, project: Project) -> Path:
    for path in (Path(name), project.root / name):
        if path.is_file():
            return path
    raise UsageError(f"there is no file {name!r} (a side's prompt is named MODEL+system:FILE).")


def _text(path: Path) -> str:
    try:
        text = path.read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as UTF-8 text.") from error
    if not text:
        raise InputError(f"{path} is empty; a system prompt has words.")
    return text


def _examples(path: Path) -> tuple[Message, ...]:
    """Every turn of the file's rows, one row after another."""
    turns = []
    for row in load(path):
        for turn in row.messages:
            if turn.role not in ("user", "assistant") or turn.tool_calls or row.tools:
                what = "a system prompt" if turn.role == "system" else "a tool call"
                raise InputError(
                    f"{path}:{row.line}: has {what}; examples are questions and answers alone (a system "
                    "prompt is given as +system:FILE)."
                )
            turns.append(Message(role=turn.role, content=turn.content))
    return tuple(turns)
