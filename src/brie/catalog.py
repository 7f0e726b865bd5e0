"""Suites, judges, rubrics and panels: human-written files in, records out.

The project's own files win over the ones brie ships. Every mistake is named by file and key.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError

from brie.errors import InputError, UsageError, unknown
from brie.project import Project
from brie.reading.names import no_prompt
from brie.reading.texts import Plain, json_lines, read_text, read_toml
from brie.records import (
    JudgeSpec,
    LocalEngine,
    Message,
    Prompt,
    Provider,
    Record,
    Rubric,
    Suite,
    prompt_id,
)
from brie.records.providers import LOCAL_SERVERS
from brie.suite_code import with_code
from brie.wire import keys
from brie.wire.files import remember_keys

R = TypeVar("R", bound=Record)
_PANELS = "panels.toml"
_SUITE_FILES = {".toml", ".jsonl", ".txt", ".csv"}
_COLUMNS = ("prompt", "id", "system", "category", "source", "difficulty", "reference")


# --- suites ----------------------------------------------------------------------------


def load_suite(name: str, project: Project) -> Suite:
    """A suite by name (`demo`) or by file (`my_prompts.toml`, `.jsonl`, `.csv`, `.txt`).

    Raises:
        UsageError: no suite of that name; near matches are listed.
        InputError: the file is wrong; the message names the file and the line or key.
    """
    path = Path(name)
    if path.suffix in _SUITE_FILES:
        if not path.is_file():
            raise UsageError(f"there is no suite file {path}.")
        return read_suite(path)
    files = suite_files(project)
    if name not in files:
        if path.is_file():
            raise UsageError(f"{path} is no suite file; make a suite of it: brie suite from {path}")
        raise unknown("suite", name, files, "A file works too: --suite my_prompts.toml")
    return read_suite(files[name])


def suite_files(project: Project) -> dict[str, Path]:
    """Suites by name, the project's own files first."""
    return project.named("prompt_suites", "*.toml", "*.jsonl")


def suite_file(name: str, project: Project) -> Path:
    """The file of a suite, by name, or the file itself.

    Raises:
        UsageError: no suite of that name; near matches are listed.
    """
    path = Path(name)
    if path.suffix in {".toml", ".jsonl"}:
        return path
    files = suite_files(project)
    if name not in files:
        raise unknown("suite", name, files)
    return files[name]


def read_suite(path: Path) -> Suite:
    """Read one suite file.

    A TOML suite has its own keys on top and one `[[prompt]]` table a prompt. The others are named
    after their file: in JSONL every line is a prompt with its keys, in CSV every row under a line
    of column names, in plain text every line that is not empty. A prompt without an id gets one
    from its text, in CSV and plain text.

    Raises:
        InputError: unreadable, malformed, an unknown key, a duplicate id, or no prompt at all.
    """
    head, rows = _READERS.get(path.suffix, _toml_rows)(path)
    prompts = [_prompt(row, path, where) for where, row in rows]
    if not prompts:
        raise InputError(f"{path} has no prompts.")
    seen: dict[str, str] = {}
    for (where, _), prompt in zip(rows, prompts, strict=True):
        if prompt.id in seen:
            raise InputError(_twice(path, where=where, before=seen[prompt.id], name=prompt.id))
        seen[prompt.id] = where
    return with_code(build(Suite, {**head, "prompts": prompts}, str(path)), path)


_Rows = tuple[dict[str, Plain], list[tuple[str, Plain]]]
"""A suite's own keys, and its prompts, each with the place it stands at."""


def _toml_rows(path: Path) -> _Rows:
    head = read_toml(path)
    tables = head.pop("prompt", [])
    if not isinstance(tables, list):
        raise InputError(f"{path}: write each prompt as a [[prompt]] table.")
    rows = [(f"[[prompt]] {number}", row) for number, row in enumerate(tables, 1)]
    return {"name": path.stem, **head}, rows


def _jsonl_rows(path: Path) -> _Rows:
    return {"name": path.stem}, [(f"line {number}", row) for number, row in json_lines(path)]


def _txt_rows(path: Path) -> _Rows:
    lines = enumerate(read_text(path).splitlines(), 1)
    filled = [(number, line.strip()) for number, line in lines if line.strip()]
    rows = [(f"line {n}", {"prompt": t, "id": _id_of(t)}) for n, t in filled]
    return {"name": path.stem}, list(rows)


def _csv_rows(path: Path) -> _Rows:
    text = read_text(path)
    first = text.partition("\n")[0]
    separator = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[tuple[str, Plain]] = []
    try:
        columns = _csv_columns(path, next(reader, []))
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"line {reader.line_num}"
            if len(cells) != len(columns):
                raise InputError(
                    f"{path}: {where} has {len(cells)} cells and the first line names {len(columns)} "
                    "columns; a text that holds the separator must stand in double quotes."
                )
            row = {name: cell for name, cell in zip(columns, cells, strict=True) if cell.strip()}
            rows.append((where, {"id": _id_of(row.get("prompt", "")), "prompt": "", **row}))
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num} is not CSV: {error}.") from error
    return {"name": path.stem}, rows


def _csv_columns(path: Path, cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    if "prompt" not in columns:
        raise InputError(
            f"{path}: the first line must name the columns, one of them `prompt`; "
            f"it reads {', '.join(cells)[:80]!r}. Of other columns make a suite: brie suite from {path}"
        )
    for name in columns:
        if name not in _COLUMNS:
            raise unknown(f"column in {path}:", name, _COLUMNS)
        if columns.count(name) > 1:
            raise InputError(f"{path}: the column {name!r} is named twice.")
    return columns


def _id_of(text: str) -> str:
    return prompt_id([Message(role="user", content=text)])


def _twice(path: Path, *, where: str, before: str, name: str) -> str:
    if path.suffix in {".txt", ".csv"}:
        return f"{path}: {where} repeats the prompt or the id of {before}; leave one of them out."
    return f"{path}: {where} has the id {name!r} of {before}."


_READERS = {".jsonl": _jsonl_rows, ".txt": _txt_rows, ".csv": _csv_rows}


def _prompt(row: Plain, path: Path, where: str) -> Prompt:
    if not isinstance(row, dict):
        raise InputError(f"{path}: {where} is not a table of keys.")
    values: dict[str, Plain] = dict(row)
    if why := no_prompt(values):
        raise InputError(f"{path}: {where} {why}; make a suite of the file: brie suite from {path}")
    text, system = values.pop("prompt", None), values.pop("system", None)
    if (text is None) == ("messages" not in values):
        raise InputError(f"{path}: {where} needs exactly one of `prompt` and `messages`.")
    if text is not None:
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{path}: {where}: `prompt` must be a text that is not empty.")
        values["messages"] = [{"role": "user", "content": text}]
    turns = values.get("messages")
    if system is not None and isinstance(turns, list):
        values["messages"] = [{"role": "system", "content": system}, *turns]
    return build(Prompt, values, f"{path}: {where}")


def with_system(prompt: Prompt, suite: Suite) -> tuple[Message, ...]:
    """The prompt's messages with the suite's system prompt where the prompt has none."""
    if suite.system is None or prompt.messages[0].role == "system":
        return prompt.messages
    return (Message(role="system", content=suite.system), *prompt.messages)


# --- judges ----------------------------------------------------------------------------


def judge_files(project: Project) -> dict[str, Path]:
    """Judges by id, the project's own files first."""
    files = project.named("judges", "*.toml")
    return {name: path for name, path in files.items() if path.name != _PANELS}


def load_judge(name: str, project: Project) -> JudgeSpec:
    """One judge by id, or LABEL:MODEL for a model that a server on this machine serves.

    Raises:
        UsageError: no judge of that id; near matches are listed.
        InputError: its file is wrong.
    """
    files = judge_files(project)
    if name not in files:
        if (served := _served_here(name)) is not None:
            return served
        raise unknown("judge", name, files, "Add one as judges/NAME.toml.")
    spec = build(JudgeSpec, {"id": name, **read_toml(files[name])}, str(files[name]))
    keys.remember(keys.named_in(read_text(files[name])))
    return spec


def _served_here(name: str) -> JudgeSpec | None:
    """The judge LABEL:MODEL, which a server on this machine serves; None for another label."""
    label, _, model = name.partition(":")
    server = next((server for server in LOCAL_SERVERS if server.label == label), None)
    if server is None or not model:
        return None
    family = re.match(r"(?:.*/)?([a-z]+)", model.lower())
    return JudgeSpec(
        id=name,
        provider=Provider.OPENAI_COMPATIBLE,
        model=model,
        description=f"{model}, served by {server.name} on this machine. No key, no cost.",
        base_url=server.address,
        endpoint=label,
        family=family[1] if family else None,
        temperature=0.0,
        output="json_schema",
        max_concurrency=server.concurrency,
        timeout=600.0,
    )


class Panel(Record):
    """Judges named in advance: those whose mean is the headline, and instruments beside it."""

    judges: tuple[str, ...] = Field(min_length=1)
    instruments: tuple[str, ...] = ()


def panels(project: Project) -> dict[str, Panel]:
    """Panels by name, the project's own over the shipped ones."""
    by_name: dict[str, Panel] = {}
    for folder in reversed(project.files("judges")):
        path = folder / _PANELS
        if path.is_file():
            for name, values in read_toml(path).items():
                by_name[name] = build(Panel, values, f"{path}: [{name}]")
    return by_name


def load_panel(name: str, project: Project) -> Panel:
    """A panel by name.

    Raises:
        UsageError: no panel of that name; near matches are listed.
    """
    by_name = panels(project)
    if name not in by_name:
        raise unknown("panel", name, by_name)
    return by_name[name]


def load_rubric(name: str, project: Project) -> Rubric:
    """A rubric: `judges/rubrics/NAME.md`; its criteria are the items of its `## Criteria` list.

    Raises:
        UsageError: no rubric of that name.
    """
    files = project.named("judges", "rubrics/*.md")
    if name not in files:
        raise unknown("rubric", name, files, "Add one as judges/rubrics/NAME.md.")
    text = read_text(files[name])
    return Rubric(name=name, text=text, criteria=tuple(_criteria(text)))


def _criteria(text: str) -> Iterator[str]:
    """Names in bold at the start of list items under `## Criteria`."""
    _, _, section = text.partition(CRITERIA)
    for line in section.split("\n## ")[0].splitlines():
        if (name := criterion(line)) is not None:
            yield name


CRITERIA = "## Criteria"
"""The heading of a rubric's list of criteria."""


def criterion(line: str) -> str | None:
    """The criterion that a line of a rubric begins; None where it begins none."""
    if not line.startswith("- **") or "**" not in line[4:]:
        return None
    return line[4:].split("**")[0].strip(" :.")


# --- defaults --------------------------------------------------------------------------


class ServerSettings(Record):
    """A server models can be asked from: `[servers.LABEL]` in `brie.toml`."""

    base_url: str
    """For example http://localhost:8000/v1."""
    api_key_env: str | None = None
    """Variable that holds the key; None: the server wants none."""
    proxy_env: str | None = None
    """Variable that holds the proxy on the way; None: none is used but to the vendor's own host."""
    concurrency: int = Field(default=32, ge=1)
    """Requests in flight."""


class Defaults(Record):
    """`brie.toml`: what commands use where nothing is said."""

    panel: str | None = None
    """None: the judges that can be reached, as `brie eval` says."""
    samples: int = 3
    budget: float = 5.0
    """US dollars an evaluation may cost at most."""
    drift_days: float = Field(default=7.0, gt=0)
    """Days after which an evaluation asks a judge its sealed anchors again."""
    engine: LocalEngine = "transformers"
    """What makes the answers of models in folders."""
    servers: dict[str, ServerSettings] = Field(default_factory=dict)
    """Endpoint label -> where it is."""


def load_defaults(project: Project) -> Defaults:
    """The project's `brie.toml`, or the built-in defaults."""
    remember_keys(project)
    path = project.root / "brie.toml"
    return build(Defaults, read_toml(path), str(path)) if path.is_file() else Defaults()


# --- reading ---------------------------------------------------------------------------


def build(record: type[R], values: Plain, where: str) -> R:
    """A record from a file's values; the first mistake becomes one sentence.

    Raises:
        InputError: names `where`, the key, what is wrong and, for a closed set, what is allowed.
    """
    try:
        return record.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise unknown(f"key in {where}:", key, record.model_fields) from error
        raise InputError(f"{where}: {key}: {first['msg']}.") from error
