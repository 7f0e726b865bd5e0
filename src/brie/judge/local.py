"""Servers of models on this machine: who answers on its usual port, and what it serves."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass

from brie.records.providers import LOCAL_SERVERS, LocalServer

_CONNECT = 0.3
_LISTING = 3.0
"""Seconds a server may take to list its models."""
_LONGEST = 2**20
_NO_JUDGE = re.compile(
    r"embed|rerank|\bbge\b|\be5\b|\bgte\b|minilm|whisper|\btts\b|\bclip\b|\bocr\b|moderation|guard|reward"
    r"|(?:^|[-_:/])(?:base|pt|draft)(?:$|[-_:.])|diffusion|\bflux\b|stable-|kokoro|parler|speech|audio",
    re.IGNORECASE,
)
"""Names of models that answer no questions, or not in words."""


@dataclass(frozen=True, slots=True)
class Answering:
    """A server that answers."""

    server: LocalServer
    models: tuple[str, ...]
    """Models it lists that may judge."""

    @property
    def judges(self) -> tuple[str, ...]:
        """Ids of the judges these are."""
        return tuple(f"{self.server.label}:{model}" for model in self.models)


def answering(servers: Sequence[LocalServer] = LOCAL_SERVERS) -> list[Answering]:
    """The servers that answer on this machine now and list models.

    Args:
        servers: who is looked for, each at its port.
    """
    listings = ((server, _models(server)) for server in servers)
    return [Answering(server, models) for server, models in listings if models is not None]


def _models(server: LocalServer) -> tuple[str, ...] | None:
    """What a server lists; None where nobody answers, or something else does."""
    try:
        with socket.create_connection(("localhost", server.port), timeout=_CONNECT):
            pass
        # A proxy for the outer world must not be asked about this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{server.address}/models", timeout=_LISTING) as reply:
            document = json.loads(reply.read(_LONGEST))
        rows = document["data"]
        names = [row["id"] for row in rows if isinstance(row.get("id"), str)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return tuple(sorted({name for name in names if name.strip() and not _NO_JUDGE.search(name)}))
