"""What `--workers` says."""

from __future__ import annotations

import re

from brie.errors import UsageError
from brie.workers.interface import Workers

_FORM = re.compile(
    r"local:(?P<local>[1-9]\d*)"
    r"|ray(?::(?P<actors>[1-9]\d*))?"
    r"|(?P<address>ray://[^/\s]+:\d+)(?:/(?P<there>[1-9]\d*))?"
)


def workers_of(asked: str, *, gpu: bool = False) -> Workers:
    """The workers that were asked for.

    Args:
        asked: `local:N`, `ray`, `ray:N`, `ray://HOST:PORT` or `ray://HOST:PORT/N`.
        gpu: whether each needs a GPU of its own.

    Raises:
        UsageError: it says something else, or the cluster cannot be reached.
    """
    form = _FORM.fullmatch(asked)
    if form is None:
        raise UsageError(
            f"--workers takes local:N (N processes here), ray (the cluster of this machine), ray:N, or "
            f"ray://HOST:PORT; not {asked!r}."
        )
    if form["local"]:
        from brie.workers.local import LocalWorkers

        return LocalWorkers(int(form["local"]))
    from brie.workers.cluster import connect

    count = form["actors"] or form["there"]
    return connect(form["address"] or "", count=int(count) if count else None, gpu=gpu)
