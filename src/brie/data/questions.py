"""A suite of one's own: what the rows of any file ask, with their answers as references.

    made = suite_of(read_questions(Path("val.jsonl")))
    write_suite(made.prompts, Path("prompt_suites/mine.jsonl"))

Chats and columns are read as training files are (`brie.data.forms`); a row may also ask and leave the
answer out, and a file may be a list of texts. Of a conversation the last learned answer is the
reference, and what stands before it is the prompt. Where answers are labels, a prompt has the label as
its machine check: an answer is right or wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from brie.data.forms import ANSWER_KEYS, Shaped, Tally, shaped
from brie.data.labels import labels_of
from brie.data.load import Problem, read_row, stored_rows
from brie.data.near import Entry, search
from brie.data.overlap import texts_to_find
from brie.data.rendered import turns_of
from brie.data.rows import to_conversation
from brie.data.talks import CHATS
from brie.data.turns import Remarks
from brie.errors import InputError
from brie.project import write_text
from brie.records import Conversation, MachineCheck, Message, Prompt, Turn, prompt_id

_BLANK = "\ue000"
"""Stands where a row leaves its answer out."""


@dataclass(frozen=True)
class Asked:
    """Rows that ask something."""

    conversations: tuple[Conversation, ...]
    read_as: tuple[str, ...] = ()
    """What rows of other tools' forms were read as, a line a form."""


@dataclass(frozen=True)
class Made:
    """Prompts made of rows, and what became of the other rows."""

    prompts: tuple[Prompt, ...]
    rows: int
    repeated: int = 0
    """Rows that ask what an earlier one asks; the first one's answer is the reference."""
    unfit: int = 0
    """Rows with tools, or whose last answer follows no question: no suite can ask with them."""
    left_out: Mapping[str, int] | None = None
    """How prompts stand in a training file (exact, contained, near) -> how many were left out."""
    drawn_from: int = 0
    """How many prompts there were before some were drawn; 0: all were taken."""


def read_questions(path: Path, mapping: Mapping[str, str] | None = None) -> Asked:
    """What a file asks; a row's last turn may be a question.

    Args:
        path: chats, columns, or a list of texts.
        mapping: key of a row -> where in the row it stands.

    Raises:
        InputError: a row says nothing that can be asked, or can be read in several ways.
    """
    mapping = mapping or {}
    remarks, tally = Remarks(), Tally()
    conversations = []
    for item in _rows(path, mapping, remarks):
        if isinstance(item, Problem):
            raise InputError(f"{path}:{item.line}: {item.text}.")
        number, value = item
        try:
            conversations.append(_question(value, number, mapping, remarks, tally))
        except InputError as error:
            raise InputError(f"{path}:{number}: {error}.") from error
    if not conversations:
        raise InputError(f"{path} holds no rows.")
    return Asked(tuple(conversations), tally.sentences())


def suite_of(rows: Sequence[Conversation], *, labelled: bool | None = None) -> Made:
    """Prompts of rows, by content: rows that ask the same are one prompt.

    Args:
        rows: conversations that end with an answer, or with a question left open.
        labelled: whether answers are labels, so that one is right or wrong; None: as the rows say.
    """
    if labelled is None:
        labelled = labels_of(rows, {}, fewest=1) is not None
    prompts: dict[str, Prompt] = {}
    repeated = unfit = 0
    for row in rows:
        prompt = _prompt(row, labelled=labelled)
        if prompt is None:
            unfit += 1
        elif prompt.id in prompts:
            repeated += 1
        else:
            prompts[prompt.id] = prompt
    return Made(tuple(prompts.values()), len(rows), repeated, unfit)


def without(made: Made, trained: Iterable[Entry]) -> Made:
    """The prompts that do not stand in a training file: exactly, in a longer text, or nearly.

    Args:
        made: the prompts.
        trained: what the training file holds (`brie.data.overlap.entries`).
    """
    matches = search({p.id: texts_to_find(p.messages) for p in made.prompts}, trained)
    ways = [match.way for match in matches.values()]
    kept = tuple(p for p in made.prompts if p.id not in matches)
    return replace(made, prompts=kept, left_out={way: ways.count(way) for way in dict.fromkeys(ways)})


def at_most(made: Made, number: int) -> Made:
    """So many of the prompts, drawn by their content: the same ones whatever stands beside them."""
    if len(made.prompts) <= number:
        return made
    drawn = {prompt.id for prompt in sorted(made.prompts, key=lambda prompt: prompt.id)[:number]}
    kept = tuple(prompt for prompt in made.prompts if prompt.id in drawn)
    return replace(made, prompts=kept, drawn_from=len(made.prompts))


def write_suite(prompts: Sequence[Prompt], path: Path) -> None:
    """Write prompts as a suite's file: a prompt a line.

    Raises:
        InputError: it cannot be written.
    """
    lines = (prompt.model_dump(mode="json", exclude_defaults=True) for prompt in prompts)
    write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def _rows(
    path: Path, mapping: Mapping[str, str], remarks: Remarks
) -> Iterable[tuple[int, JsonValue] | Problem]:
    if path.suffix.lower() == ".txt" and path.is_file():
        lines = path.read_text("utf-8-sig").splitlines()
        return [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    return stored_rows(path, mapping, remarks).rows


def _question(
    value: JsonValue, number: int, mapping: Mapping[str, str], remarks: Remarks, tally: Tally
) -> Conversation:
    """One row as a conversation; where it leaves the answer out, a blank stands there."""
    if isinstance(value, str):
        value = {"messages": [{"role": "user", "content": value}]}
    made = _completed(value, mapping) if isinstance(value, dict) else read_row(value, mapping)
    tally.add(replace(made, used=tuple(pair for pair in made.used if pair[0] != "completion")))
    return to_conversation(made.row, number, remarks, made.key)


def _completed(row: dict[str, JsonValue], mapping: Mapping[str, str]) -> Shaped:
    """A row in brie's own form, with its `reference` or a blank where an answer would be."""
    reference = row.get("reference")
    answer = reference if isinstance(reference, str) and reference.strip() else _BLANK
    talks = "messages" in mapping or any(isinstance(row.get(key), list) for key in CHATS)
    text = row.get("text")
    talks = talks or (isinstance(text, str) and turns_of(text) is not None)
    if not talks and "completion" not in mapping and not row.keys() & {*ANSWER_KEYS}:
        return shaped({**row, "completion": answer}, {**mapping, "completion": "completion"})
    made = shaped(row, mapping)
    turns = made.row.get("messages")
    last = turns[-1] if isinstance(turns, list) and turns else None
    if isinstance(turns, list) and isinstance(last, dict) and last.get("role") == "user":
        open_end: list[JsonValue] = [*turns, {"role": "assistant", "content": answer}]
        return replace(made, row={**made.row, "messages": open_end})
    return made


def _prompt(row: Conversation, *, labelled: bool) -> Prompt | None:
    """What comes before a row's last learned answer, with that answer; None where tools take part."""
    said = [i for i, turn in enumerate(row.messages) if turn.role == "assistant" and turn.learned]
    before = row.messages[: said[-1]]
    if row.tools or any(turn.role == "tool" or turn.tool_calls for turn in row.messages):
        return None
    if not before or before[-1].role != "user":
        return None
    messages = tuple(Message(role=_role(turn), content=turn.content) for turn in before)
    answer = row.messages[said[-1]].content
    reference = None if answer == _BLANK else answer
    check = MachineCheck(kind="exact", value=answer.strip()) if labelled and reference else None
    return Prompt(
        id=prompt_id(messages),
        messages=messages,
        category=row.category,
        source=row.source,
        reference=reference,
        check=check,
    )


def _role(turn: Turn) -> Literal["system", "user", "assistant"]:
    assert turn.role != "tool"
    return turn.role
