"""Where prompts go before a judge is asked: to the servers that answer for a side."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from brie.evaluation.budget import Consent, Quote
from brie.evaluation.sides import find_server
from brie.pin import Resolved
from brie.project import Project
from brie.wire.addresses import host_of, is_loopback


def agree_to_servers(
    sides: Iterable[Resolved], project: Project, consent: Consent, say: Callable[[str], None]
) -> None:
    """Name the servers that receive prompts, and have it agreed to; those on this machine need no word.

    Args:
        sides: the models.
        project: whose servers count.
        consent: asks.
        say: where the hosts are named.

    Raises:
        UsageError: nobody agreed, or a server is unknown.
    """
    labels = dict.fromkeys(side.served[0] for side in sides if side.served is not None)
    servers = [find_server(label, project) for label in labels]
    away = [server for server in servers if not is_loopback(server.base_url)]
    if not away:
        return
    for server in away:
        key = ", and the key over plain http, which others can read on the way"
        say(
            f"{server.label}: prompts go to {host_of(server.base_url)}"
            f"{key if server.exposes_key else ''}."
        )
    consent(Quote((), 0.0, 0.0, "", tuple(host_of(server.base_url) for server in away)))
