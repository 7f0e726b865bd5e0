"""What a server says of its models, as far as that can stand in for a pin (invariant I6)."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from brie.digest import digest
from brie.generate.server import Server
from brie.provenance import now
from brie.records import BaseModelRef, Pin
from brie.wire.lookup import json_at

_SECONDS = 10


@dataclass(frozen=True)
class ServedModel:
    """A model behind a server, by what the server reports."""

    endpoint: str
    """The server's label."""
    model: str
    reported: str | None
    """A content digest, where the server gives one (Ollama), else the weights' name (vLLM)."""
    date: str
    """When it was asked, ISO 8601 UTC."""

    def pin(self) -> Pin:
        """A pin of kind `served`: it names what was reported, not content."""
        name = digest(
            {"kind": "served", "endpoint": self.endpoint, "model": self.model, "reported": self.reported}
        )
        return Pin.model_validate(
            {
                "kind": "served",
                "name": f"{self.endpoint}#{self.model}",
                "digest": name,
                "files": {},
                "config": digest(None),
                "base": BaseModelRef(repo=self.model, revision=self.reported, digest=name),
                "template_digest": digest({"template": "served", "endpoint": self.endpoint}),
            }
        )


def describe(server: Server, model: str) -> ServedModel:
    """Ask a server what it serves under a name; what it does not tell stays None.

    Raises:
        UsageError: the address is none.
    """
    server.check_address()
    root = server.base_url.rstrip("/").removesuffix("/v1")
    base_url = server.base_url.rstrip("/")
    reported = _ollama_digest(root, model=model) or _weights_name(base_url, model=model)
    return ServedModel(server.label, model, reported, now())


def _ollama_digest(root: str, *, model: str) -> str | None:
    listed = _get(f"{root}/api/tags").get("models")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and model in (entry.get("name"), entry.get("model")):
            value = entry.get("digest")
            return f"sha256:{value.removeprefix('sha256:')}" if isinstance(value, str) else None
    return None


def _weights_name(base_url: str, *, model: str) -> str | None:
    listed = _get(f"{base_url}/models").get("data")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and entry.get("id") == model:
            root = entry.get("root")
            return root if isinstance(root, str) else None
    return None


def _get(url: str) -> dict[str, JsonValue]:
    """A JSON object from an address, or an empty one: servers differ in what they offer."""
    try:
        loaded = json_at(url, seconds=_SECONDS)
    except (OSError, ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}
