"""Which judges and panels a project has, and what asking each of them takes; nobody is asked."""

from __future__ import annotations

from typing import Literal, TypedDict
from urllib.parse import urlsplit, urlunsplit

from brie.catalog import judge_files, load_defaults, load_judge, panels
from brie.errors import InputError
from brie.judge.prices import address_of, host_of, is_paid, price_of
from brie.judge.settings import key_variable, missing_key
from brie.project import Project
from brie.records import JudgeSpec
from brie.records.providers import Kind
from brie.versions import schema_id


class JudgePrice(TypedDict):
    """US dollars per million tokens, and who says so."""

    input: float
    output: float
    source: str
    read_on: str


class JudgeRow(TypedDict):
    """One judge."""

    id: str
    provider: str
    model: str
    kind: Kind
    description: str
    key_variable: str | None
    """The variable that holds its key, never the key; None: it needs none."""
    key_set: bool | None
    """Whether that variable is set; None: it needs none."""
    paid: bool
    """Whether somebody may charge for asking."""
    price: JudgePrice | None
    """None: not known, or there is none; `paid` tells these apart."""
    address: str | None
    """Where its requests go, without any login in it; None: nowhere."""
    host: str | None
    """Who receives prompts and answers; None: they stay on this machine or in this network."""


class UnreadableJudge(TypedDict):
    """A judge whose file is wrong."""

    id: str
    kind: Literal["unreadable"]
    why: str


class PanelRow(TypedDict):
    """Judges named in advance."""

    name: str
    judges: list[str]
    instruments: list[str]
    """Shown beside the headline, not in it."""
    default: bool
    """Whether an evaluation takes it where nothing is said."""


class JudgeList(TypedDict):
    """Everything that can judge here (schema `brie.judges/1`)."""

    schema: str
    judges: list[JudgeRow | UnreadableJudge]
    panels: list[PanelRow]


def list_judges(project: Project) -> JudgeList:
    """The judges and panels of a project: its own files, and those brie ships.

    Raises:
        InputError: `brie.toml` or a file of panels is wrong.
    """
    default = load_defaults(project).panel
    return {
        "schema": schema_id("judges"),
        "judges": [_row(name, project) for name in sorted(judge_files(project))],
        "panels": [
            {
                "name": name,
                "judges": list(panel.judges),
                "instruments": list(panel.instruments),
                "default": name == default,
            }
            for name, panel in sorted(panels(project).items())
        ],
    }


def _row(name: str, project: Project) -> JudgeRow | UnreadableJudge:
    try:
        spec = load_judge(name, project)
    except InputError as error:
        return {"id": name, "kind": "unreadable", "why": str(error)}
    variable = key_variable(spec)
    return {
        "id": spec.id,
        "provider": str(spec.provider),
        "model": spec.model,
        "kind": spec.provided.kind,
        "description": spec.description,
        "key_variable": variable,
        "key_set": missing_key(spec) is None if variable else None,
        "paid": is_paid(spec),
        "price": _price(spec),
        "address": _without_login(address_of(spec)),
        "host": host_of(spec),
    }


def _without_login(address: str | None) -> str | None:
    if address is None:
        return None
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _price(spec: JudgeSpec) -> JudgePrice | None:
    price = price_of(spec)
    if price is None:
        return None
    return {
        "input": price.input,
        "output": price.output,
        "source": price.source,
        "read_on": price.read_on,
    }
