"""Servers of models on this machine: who answers on its usual port, and what it serves."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from brie.records.providers import LOCAL_SERVERS, LocalServer
from brie.wire.lookup import json_at

_CONNECT = 0.3
_LISTING = 3.0
"""Seconds a server may take to list its models."""
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
        document = json_at(f"{server.address}/models", seconds=_LISTING)
    except (OSError, ValueError, RecursionError):
        return None
    rows = document.get("data") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        return None
    ids = (row.get("id") for row in rows if isinstance(row, dict))
    names = [name for name in ids if isinstance(name, str)]
    return tuple(sorted({name for name in names if name.strip() and not _NO_JUDGE.search(name)}))
