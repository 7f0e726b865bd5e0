"""The two sides of an evaluation: what a reference means, and where its answers come from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from brie.audit.answer_files import rows_kept
from brie.catalog import load_defaults
from brie.errors import UsageError, unknown
from brie.evaluation.given import PREFIX, resolve_given, texts_of, told_apart
from brie.evaluation.side_prompts import parts_of, with_prompt
from brie.forms.sides import names_shipped_form, resolve_form, started
from brie.generate.served import describe
from brie.generate.server import Server, check_server
from brie.generate.turns import Given, Local, Served, Source
from brie.pin import Resolved, resolve, resolve_pair
from brie.pin.resolve import as_base
from brie.project import Project
from brie.records import Pin, Suite
from brie.records.providers import LOCAL_SERVERS

SERVER = "server:"


@rows_kept()
def resolve_sides(
    candidate: str, baseline: str, project: Project, base: str | None = None
) -> tuple[Resolved, Resolved]:
    """Both sides, models behind servers and prompts of sides included.

    Args:
        candidate: as it was named.
        baseline: as it was named.
        project: where they are looked for.
        base: what the adapters' base is, where their own files do not lead to it.

    Raises:
        UsageError, PinError: a reference is unknown, a file is not what its pin says, or a server
            does not answer or has not the model.
    """
    named = (parts_of(candidate, project), parts_of(baseline, project))
    first, second = _models(named[0].model, named[1].model, project, base)
    return with_prompt(first, named[0], project), with_prompt(second, named[1], project)


def _models(
    candidate: str, baseline: str, project: Project, base: str | None
) -> tuple[Resolved, Resolved]:
    """Both models by themselves; see `resolve_sides`."""
    names = (candidate, baseline)
    shipped = any(names_shipped_form(name, project) for name in names)
    if not shipped and not any(name.startswith((SERVER, PREFIX)) for name in names):
        return resolve_pair(project, candidate=candidate, baseline=baseline, base=base)
    if baseline == "base" and candidate.startswith(PREFIX):
        raise UsageError(
            "a file of answers has no base; name the other side: --baseline answers:FILE#COLUMN, or a "
            "model"
        )
    if baseline == "base" and not candidate.startswith(SERVER):
        side = resolve_side(candidate, project, base=base)
        if side.adapter is None:
            raise UsageError(
                f"{candidate} is a whole model, and nothing here says what it was made from; name the "
                "other side: --baseline MODEL"
            )
        return side, as_base(side)
    if baseline == "base":
        raise UsageError(
            "a model behind a server has no base that brie knows; name the other side: "
            "--baseline server:LABEL#MODEL"
        )
    baseline_side = resolve_side(baseline, project, base=base)
    if candidate == "baseline":
        return baseline_side, baseline_side
    return told_apart(resolve_side(candidate, project, base=base), baseline_side)


def resolve_side(
    reference: str, project: Project, sealed: Pin | None = None, *, base: str | None = None
) -> Resolved:
    """One side by its reference, without a prompt of its own.

    Args:
        reference: what was named.
        project: where it is looked for.
        sealed: the pin it had before (see `pin.resolve`).
        base: what an adapter's base is, where its own files do not lead to it.

    Raises:
        UsageError, PinError: see `resolve_sides`.
    """
    if reference.startswith(PREFIX):
        return resolve_given(reference, project, sealed)
    if not reference.startswith(SERVER):
        if names_shipped_form(reference, project):
            return resolve_form(reference, project, sealed, base=base)
        return resolve(reference, project, sealed, base=base)
    label, hash_sign, model = reference.removeprefix(SERVER).partition("#")
    if not hash_sign or not model:
        raise UsageError(f"a served model is named server:LABEL#MODEL, not {reference!r}.")
    server = find_server(label, project)
    check_server(server, [model])
    pin = describe(server, model).pin()
    messages = (f"{label}#{model} is served: it is recorded by what the server reports, not pinned.",)
    return Resolved(pin, pin.name, reference, Path(), pin, None, messages, (label, model))


def find_server(label: str, project: Project) -> Server:
    """A server of the project's `brie.toml`, or one that is known by its label on this machine.

    Raises:
        UsageError: none of that label.
    """
    servers = load_defaults(project).servers
    here = {server.label: server for server in LOCAL_SERVERS}
    if label in here and label not in servers:
        return Server(label, here[label].address, concurrency=here[label].concurrency)
    if label not in servers:
        known = [*servers, *here]
        raise unknown("server", label, known, 'Add it to brie.toml: [servers.LABEL] base_url = "…"')
    server = servers[label]
    proxy = os.environ.get(server.proxy_env, "").strip() if server.proxy_env else None
    if proxy == "":
        raise UsageError(f"the server {label} is asked through a proxy: set {server.proxy_env}.")
    return Server(label, server.base_url, server.api_key_env, server.concurrency, proxy)


def sources(
    sides: Iterable[Resolved], project: Project, suite: Suite | None = None
) -> dict[str, Source]:
    """Pin digest -> where its answers come from.

    Args:
        sides: the models, or files of answers.
        project: whose servers count.
        suite: the prompts that files of answers are matched with; needed for those alone.
    """
    return {side.pin.digest: _source(side, project, suite) for side in sides}


def _source(side: Resolved, project: Project, suite: Suite | None) -> Source:
    if side.given is not None and suite is not None:
        return Given(partial(texts_of, side.given, suite))
    if side.started is not None:
        return started(side.started)
    if side.served is not None:
        label, model = side.served
        return Served(find_server(label, project), model)
    return Local(side.base_folder, side.adapter, side.template)
