"""llama.cpp's server for a GGUF file: which one is installed, its version, and what starts it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from brie.errors import UsageError
from brie.forms.header import GgufHeader
from brie.forms.tools import LLAMA, program
from brie.generate.started import LLAMA_CPP, NAME, PORT, Started
from brie.wire.started import environment

_CONTEXT = 8192
"""Tokens of a conversation, where the model has room for more: its memory is taken at once."""
_SERVER_NEEDS = ("fastapi", "uvicorn", "sse_starlette", "starlette_context", "pydantic_settings")
_VERSION = re.compile(r"version:\s*(.{1,100})")


@dataclass(frozen=True, slots=True)
class LlamaServer:
    """A server that is installed here."""

    version: str
    """Which program, and its version."""
    python: Path | None
    """The Python that has llama-cpp-python; None: it is `llama-server` on the path."""
    binary: Path | None

    def started(self, file: Path, header: GgufHeader) -> Started:
        """What starts it for a file."""
        room = header.number(f"{header.architecture}.context_length") or _CONTEXT
        context = str(int(min(room, _CONTEXT)))
        at = ("--host", "127.0.0.1", "--port", PORT)
        command: tuple[str, ...]
        if self.binary is not None:
            command = (
                *(str(self.binary), "-m", str(file), *at, "--alias", NAME, "-c", context),
                *("--parallel", "1", "--jinja"),
            )
        else:
            command = (
                *(str(self.python), "-m", "llama_cpp.server", "--model", str(file), *at),
                *("--model_alias", NAME, "--n_ctx", context),
            )
        return Started(file, command, f"{LLAMA_CPP} {file.name}")


def find_llama_server() -> LlamaServer | None:
    """llama.cpp's own server on the path, else that of llama-cpp-python; None: neither is here."""
    binary = program("llama-server")
    if binary is not None:
        return LlamaServer(f"llama-server {_version(binary)}", None, binary)
    python = LLAMA.python()
    if python is None or not LLAMA.has(python, _SERVER_NEEDS):
        return None
    return LlamaServer(f"{LLAMA.package} {LLAMA.version(python)}", python, None)


def required_llama_server() -> LlamaServer:
    """llama.cpp's server.

    Raises:
        UsageError: none is installed; says how to install one.
    """
    server = find_llama_server()
    if server is None:
        raise UsageError(
            "this needs llama.cpp's server, which is not installed: put llama-server on the path (brew "
            f"install llama.cpp), or {replace(LLAMA, requirement='llama-cpp-python[server]').install}"
        )
    return server


def _version(binary: Path) -> str:
    done = subprocess.run(
        [binary, "--version"], capture_output=True, text=True, errors="replace", check=False, timeout=60,
        env=environment(),
    )  # fmt: skip
    said = f"{done.stderr}\n{done.stdout}"
    named = _VERSION.search(said)
    return named.group(1).strip() if named else "of an unknown version"
