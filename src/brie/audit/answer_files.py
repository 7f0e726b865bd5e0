"""A file of answers in, one model's answers out: `answers:FILE#NAME`.

    given, notes = read_answers(Path("answers.csv"), "gpt4o")

What has an id and no question (`model_answer` of FastChat, the providers' batches) gets its questions
from the file `question.jsonl` beside it, or from the suite it is judged with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from itertools import chain, islice
from pathlib import Path

from brie.audit.answer_columns import Asked, Columns, columns_of, read_columns
from brie.audit.answer_forms import FORMS, Form, Object, Read, Said, form_of, questions
from brie.errors import InputError, UsageError, unknown
from brie.generate.thoughts import opens, split
from brie.number_format import plural
from brie.pin import GivenAnswers, GivenPrompt, GivenText
from brie.reading.skipped import Skipped
from brie.reading.stream import content
from brie.records import AnswerFile, Message, whole_text

_QUESTIONS = "question.jsonl"
_LOOKED_AT = 20
_NONE = "no file of answers"
Key = tuple[str, tuple[Message, ...]]


def read_answers(
    path: Path, name: str = "", *, prompt: str | None = None
) -> tuple[GivenAnswers, list[str]]:
    """One model's answers, and what was noticed on the way, to be said.

    Args:
        path: the file.
        name: a column or a model; "" where the file has one alone.
        prompt: the column of the prompt, for tables.

    Raises:
        InputError: the file cannot be read, a row is broken, or an id stands for two prompts.
        UsageError: the name is not in it, or none was said and there are several.
    """
    rows = _rows(path)
    form = form_of([row for _, row in islice(rows.numbered, _LOOKED_AT)])
    if form is None:
        read, label, known = _of_table(path, rows, name, prompt)
    else:
        read, label, known = _of_form(path, rows.numbered, form, name, prompt)
    notes = _left_out([item for item in read if isinstance(item, Skipped)], path, label)
    said = [item for item in read if isinstance(item, Said)]
    if not said:
        raise InputError(
            f"{path} has no answer of {label!r} that can be read. {' '.join(notes)}".strip()
        )
    if not all(item.messages for item in said):
        notes += _with_questions(said, path)
    prompts = _gathered(said, path)
    origin = AnswerFile(
        label=label, file=path.name, form=known, date=_changed(path), prompts=len(prompts),
        answers=sum(len(p.texts) for p in prompts),
        empty=sum(not given.text.strip() for p in prompts for given in p.texts),
    )  # fmt: skip
    if origin.empty:
        notes.append(f"{label}: {origin.empty:,} of {plural(origin.answers, 'answer')} empty; kept.")
    thoughts = sum(
        opens(given.text) and bool(split(given.text).thought)
        for prompt in prompts
        for given in prompt.texts
    )
    if thoughts:
        notes.append(
            f"{label}: {thoughts:,} of {plural(origin.answers, 'answer')} begin with a thought "
            "(`<think>`, say), which judges see as part of the answer; kept."
        )
    return GivenAnswers(origin, prompts), notes


def names_in(path: Path, prompt: str | None = None) -> list[str]:
    """The columns or models of a file that may be a side.

    Raises:
        InputError, UsageError: see `read_answers`.
    """
    rows = _rows(path)
    form = form_of([row for _, row in islice(rows.numbered, _LOOKED_AT)])
    if form is None:
        return columns_of(rows.names, prompt=prompt, file=path.name).models(rows.numbered)
    return _models([form.read(number, row) for number, row in rows.numbered])


@dataclass(frozen=True)
class _Rows:
    """A file's rows; both sides are often columns of one, and share its conversations."""

    numbered: list[tuple[int, Object]]
    asked: Asked = field(default_factory=dict)

    @cached_property
    def names(self) -> list[str]:
        """Of all columns, as they are met."""
        return list(dict.fromkeys(chain.from_iterable(row for _, row in self.numbered)))


def _rows(path: Path) -> _Rows:
    """All rows; one that is broken would be an answer less on one side, so none may be."""
    try:
        state = path.stat()
    except OSError:
        return _Rows(_read(path))
    return _unchanged(path, state.st_ino, state.st_size, state.st_mtime_ns)


@contextmanager
def rows_kept() -> Iterator[None]:
    """Read a file once however often it is asked for inside: both sides are often columns of one. Its
    rows, which take more memory than the answers, are let go afterwards."""
    try:
        yield
    finally:
        _unchanged.cache_clear()


@lru_cache(maxsize=1)
def _unchanged(path: Path, file: int, size: int, changed: int) -> _Rows:
    return _Rows(_read(path))


def _read(path: Path) -> list[tuple[int, Object]]:
    rows: list[tuple[int, Object]] = []
    for item in content(path, lambda row: any(form.fits(row) for form in FORMS), _NONE).rows:
        if isinstance(item, Skipped):
            raise InputError(f"{path}: line {item.line}: {item.why}.")
        number, value = item
        if not isinstance(value, dict):
            raise InputError(f"{path}: line {number} is no row with keys, so it holds no answers.")
        rows.append((number, value))
    if not rows:
        raise InputError(f"{path} has no rows.")
    return rows


def _of_table(path: Path, rows: _Rows, name: str, prompt: str | None) -> tuple[list[Read], str, str]:
    columns = columns_of(rows.names, prompt=prompt, file=path.name)
    models = columns.models(rows.numbered)
    taken = {columns.prompt, columns.id} - {""}
    if name in taken:
        raise UsageError(
            f"the column {name!r} of {path.name} is its prompt or id, not a side's answers."
        )
    every = dict.fromkeys((*models, *columns.answers, *columns.about.values()))
    label = _chosen(name, models, every, path)
    wide = label not in models or not columns.model
    if wide and label not in columns.answers:  # what would be the reference is a side here
        columns = _with_side(columns, label)
    kind = "a table with a column a model" if wide else "a table with a row an answer"
    read = read_columns(rows.numbered, columns, label, path.name, rows.asked)
    return list(read), label, kind


def _with_side(columns: Columns, name: str) -> Columns:
    """The same columns, one of those about the prompt being a side."""
    about = {key: column for key, column in columns.about.items() if column != name}
    return Columns(columns.prompt, columns.id, about, (*columns.answers, name))


def _of_form(
    path: Path, rows: Sequence[tuple[int, Object]], form: Form, name: str, prompt: str | None
) -> tuple[list[Read], str, str]:
    if prompt is not None:
        raise UsageError(
            f"{path.name} is {form.name}, which says itself what the prompt is: no --prompt."
        )
    odd = next((number for number, row in rows if not form.fits(row)), None)
    if odd is not None:
        raise InputError(f"{path}: line {odd} is not what the others are, {form.name}.")
    read = [form.read(number, row) for number, row in rows]
    models = _models(read)
    if not models:
        lost = next(item for item in read if isinstance(item, Skipped))
        raise InputError(f"{path}: no row of it has an answer; line {lost.line}: {lost.why}.")
    label = (
        _chosen(name, models, models, path) if models != [""] else name or path.name.split(".json")[0]
    )
    mine = [item for item in read if isinstance(item, Skipped) or item.model in ("", label)]
    return _first_filter(mine, rows), label, form.name


def _first_filter(read: Sequence[Read], rows: Sequence[tuple[int, Object]]) -> list[Read]:
    """Of readings of one answer by several filters, the first: the answer is the same."""
    filters = {number: str(row.get("filter", "")) for number, row in rows}
    first = next((filters[item.line] for item in read), "")
    return [item for item in read if filters[item.line] == first]


def _models(read: Iterable[Read]) -> list[str]:
    return list(dict.fromkeys(item.model for item in read if isinstance(item, Said)))


def _chosen(name: str, models: Sequence[str], every: Iterable[str], path: Path) -> str:
    """The name that was said, or the only one.

    Raises:
        UsageError: it is not there, or there are several.
    """
    if name:
        if name not in every:
            raise unknown(f"column or model of {path.name}:", name, models)
        return name
    if len(models) != 1:
        choices = "".join(f"\n  answers:{path}#{model}" for model in models)
        raise UsageError(f"{path.name} has {len(models)} columns or models; say which:{choices}")
    return models[0]


def _left_out(skipped: Sequence[Skipped], path: Path, label: str) -> list[str]:
    if not skipped:
        return []
    first = skipped[0]
    return [
        f"{label}: {plural(len(skipped), 'row')} of {path.name} without an answer, the first in line "
        f"{first.line}: {first.why}."
    ]


def _with_questions(said: list[Said], path: Path) -> list[str]:
    """Fill in the questions from the file that lies with such answers, where it does."""
    folders = (path.resolve().parent, path.resolve().parent.parent)
    beside = next((f / _QUESTIONS for f in folders if (f / _QUESTIONS).is_file()), None)
    if beside is None or beside == path.resolve():
        return []
    asked = {question.id: question for question in questions(row for _, row in _rows(beside).numbered)}
    for at, item in enumerate(said):
        if not item.messages and item.id in asked:
            question = asked[item.id]
            said[at] = Said(
                item.line, item.model, item.id, question.messages, item.texts, question.category
            )
    return [f"questions of {path.name}: the first turns in {beside.name} beside it."]


def _gathered(said: Iterable[Said], path: Path) -> tuple[GivenPrompt, ...]:
    """One entry a prompt; several answers to one are its samples.

    Raises:
        InputError: an id stands for two prompts.
    """
    groups: dict[Key, tuple[Said, list[GivenText]]] = {}
    lines: dict[str, Said] = {}
    last: tuple[Said, list[GivenText]] | None = None
    for item in said:
        before = lines.setdefault(item.id, item) if item.id else item
        if before.messages != item.messages:
            raise InputError(
                f"{path}: lines {before.line} and {item.line} have the id {item.id!r} and different "
                "prompts; give each prompt an id of its own."
            )
        # Most often the samples of a prompt stand together, and share its messages.
        if last is None or item.messages is not last[0].messages or item.id != last[0].id:
            last = groups.setdefault((item.id, item.messages), (item, []))
        last[1].extend(GivenText(whole_text(text), finish) for text, finish in item.texts)
    return tuple(
        GivenPrompt(s.id, s.messages, tuple(texts), s.category, s.source, s.reference)
        for s, texts in groups.values()
    )


def _changed(path: Path) -> str:
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
