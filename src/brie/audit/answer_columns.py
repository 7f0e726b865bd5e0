"""Answers in the columns of a table: one column a model, or one row a model and prompt.

prompt,gpt4o,my_model              a column a model: `#gpt4o`
prompt,model,answer                a row an answer: `#gpt4o` is what stands under `model`
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from brie.audit.answer_forms import Finish, Object, Read, Said, conversation
from brie.audit.keys import text
from brie.errors import InputError, UsageError, unknown
from brie.reading.names import ABOUT, ANSWERS, IDS, MODELS, PROMPTS, role_of
from brie.records import Message

Asked = dict[tuple[str, str], tuple[Message, ...]]
"""A prompt's text, and what stands under `system` -> the conversation."""
_ABOUT = ("category", "source", "reference")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a table is what; "" where there is none."""

    prompt: str
    id: str
    about: dict[str, str]
    """`category`, `source`, `reference` and `system`, where they are columns."""
    answers: tuple[str, ...]
    """Columns that may be a model's answers."""
    model: str = ""
    text: str = ""
    """Of a table with a row an answer: who says it, and what."""

    def models(self, rows: Iterable[tuple[int, Object]]) -> list[str]:
        """What may be named: models under a column, or else columns."""
        if self.model:
            return list(dict.fromkeys(text(row, self.model) for _, row in rows))
        return list(self.answers)


def columns_of(names: Sequence[str], *, prompt: str | None, file: str) -> Columns:
    """The columns of a table by their names.

    Args:
        names: all of them, in the file's order.
        prompt: the prompt's, where it was said.
        file: for messages.

    Raises:
        UsageError: the prompt's column is not there, or several may be meant.
    """
    lower = {name.lower(): name for name in reversed(names)}

    def known(aliases: Sequence[str]) -> list[str]:
        return [lower[alias] for alias in aliases if alias in lower]

    if prompt is not None and prompt not in names:
        raise unknown(f"column of {file}:", prompt, names)
    asked, ids = [prompt] if prompt else known(PROMPTS), known(IDS)
    if len(asked) > 1:
        raise UsageError(
            f"{file} has several columns that may be the prompt ({', '.join(asked)}): say which with "
            "--prompt COLUMN"
        )
    if not asked and not ids:
        raise UsageError(
            f"{file} has no column that is plainly the prompt: say which with --prompt COLUMN. "
            f"Its columns: {', '.join(names)}."
        )
    about = {alias: lower[alias] for alias in ABOUT if alias in lower}
    used = {*asked, *ids[:1], *about.values()}
    rest = tuple(name for name in names if name not in used)
    models = [name for name in known(MODELS) if name in rest]
    texts = [name for name in known(ANSWERS) if name in rest]
    long = bool(models and texts)
    return Columns(
        asked[0] if asked else "", ids[0] if ids else "", about, rest,
        models[0] if long else "", texts[0] if long else "",
    )  # fmt: skip


def read_columns(
    rows: Iterable[tuple[int, Object]],
    columns: Columns,
    name: str,
    file: str,
    conversations: Asked | None = None,
) -> Iterator[Read]:
    """The answers of one model of a table.

    Args:
        rows: numbered rows.
        columns: which column is what.
        name: a column, or a model of the column of models.
        file: for messages.
        conversations: those of the file that were read before; those that are read join them.

    Raises:
        InputError: a cell is no text, or a row has no prompt.
    """
    wide = name in columns.answers
    known = {} if conversations is None else conversations
    category, source, reference = (columns.about.get(what) for what in _ABOUT)
    for number, row in rows:
        if not wide and text(row, columns.model) != name:
            continue
        where = f"{file}: line {number}"
        asked = _asked(row, columns, where, known) if columns.prompt else ()
        cell = row.get(name if wide else columns.text)
        yield Said(
            number, name, text(row, columns.id) if columns.id else "", asked, _texts(cell, where),
            category=(category and text(row, category)) or "all",
            source=(source and text(row, source)) or "unknown",
            reference=(reference and text(row, reference)) or None if reference != name else None,
        )  # fmt: skip


def _asked(row: Object, columns: Columns, where: str, known: Asked) -> tuple[Message, ...]:
    """A row's prompt; rows with the same one share it."""
    prompt = row.get(columns.prompt)
    system = text(row, columns.about["system"]) if "system" in columns.about else ""
    if not isinstance(prompt, str):
        return _read(prompt, system, columns, where)
    asked = known.get((prompt, system))
    if asked is None:
        asked = known[prompt, system] = _read(prompt, system, columns, where)
    return asked


def _read(prompt: JsonValue, system: str, columns: Columns, where: str) -> tuple[Message, ...]:
    asked = conversation(prompt)
    if not asked:
        raise InputError(
            f"{where}: `{columns.prompt}` is no prompt: a text, or messages that end with the user's."
        )
    if system and asked[0].role != "system":
        asked = (Message(role="system", content=system), *asked)
    return asked


def _texts(cell: JsonValue, where: str) -> tuple[tuple[str, Finish], ...]:
    """A cell's answers: one, or several in a list; nothing is an empty answer.

    Raises:
        InputError: it is something else.
    """
    if isinstance(cell, str):
        return ((cell, "stop"),)
    cells = cell if isinstance(cell, list) else [cell]
    texts: list[tuple[str, Finish]] = []
    for part in cells:
        said = _of_message(part, alone=len(cells) == 1) if isinstance(part, dict) else part
        if isinstance(said, dict | list):
            raise InputError(f"{where}: the answer is no text.")
        nothing = said is None or said != said
        texts.append(("" if nothing else str(said), "stop"))
    return tuple(texts)


def _of_message(part: Object, *, alone: bool) -> JsonValue:
    """The text of a message of the assistant's, or of an object that holds one; else the object."""
    role = text(part, "role")
    if role and not (alone and role_of(role) == "assistant"):
        return part
    told = part.get("content", part.get("text"))
    return told if isinstance(told, str) else part
