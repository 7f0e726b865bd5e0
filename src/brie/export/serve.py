"""The command that serves an export with what is installed here; brie has no server of its own."""

from __future__ import annotations

import importlib.util
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from brie.export.options import PACKED, Wanted
from brie.forms.tools import LLAMA, MLX, program


@dataclass(frozen=True, slots=True)
class _Server:
    command: str
    port: int
    install: str
    """Empty where it is there."""


def serving(wish: Wanted, path: Path, name: str) -> tuple[str, ...]:
    """Commands, the first one that runs here, then one that asks it.

    Args:
        wish: what was exported.
        path: the folder, or the GGUF file.
        name: what Ollama would call it.
    """
    path = _near(path)
    choices = {"merged": _merged, "gguf": _gguf, "mlx": _mlx, "ollama": _ollama}[wish.target](path, name)
    if wish.quantize in PACKED:
        choices = [_with_bitsandbytes(choice) for choice in choices]
    server = next((choice for choice in choices if not choice.install), choices[0])
    head = [f"{server.install}   # not installed here"] if server.install else []
    model = name if wish.target == "ollama" else str(path)
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
    ask = (
        f"curl http://127.0.0.1:{server.port}/v1/chat/completions -H 'Content-Type: application/json' "
        f"-d {shlex.quote(body)}"
    )
    return (*head, server.command, ask)


def _near(path: Path) -> Path:
    """A path from the current folder where it lies inside: a manifest travels, folders stay."""
    here, whole = Path.cwd().resolve(), path.resolve()
    return whole.relative_to(here) if whole.is_relative_to(here) else path


def _home(path: Path | None) -> str:
    """A program's path without the user's name."""
    if path is None:
        return "python"
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def _merged(path: Path, name: str) -> list[_Server]:
    where = shlex.quote(str(path))
    vllm = "" if program("vllm") else "pip install vllm"
    here = importlib.util.find_spec("transformers") is not None
    ready = here and importlib.util.find_spec("fastapi") is not None
    return [
        _Server(f"vllm serve {where} --port 8000", 8000, vllm),
        _Server(
            f"transformers serve {where} --port 8000",
            8000,
            "" if ready else "pip install 'transformers[serving]'",
        ),
    ][:: 1 if not vllm else -1]


def _with_bitsandbytes(server: _Server) -> _Server:
    """A server that is still to be installed gets the package that reads weights in few bits too."""
    return replace(server, install=server.install and f"{server.install} bitsandbytes")


def _gguf(path: Path, name: str) -> list[_Server]:
    where = shlex.quote(str(path))
    python = LLAMA.python()
    bare = "" if program("llama-server") else "brew install llama.cpp"
    return [
        _Server(f"llama-server -m {where} --jinja --port 8080", 8080, bare),
        _Server(
            f"{_home(python)} -m llama_cpp.server --model {where} --port 8080",
            8080,
            "" if python is not None else LLAMA.install,
        ),
    ]


def _mlx(path: Path, name: str) -> list[_Server]:
    python = MLX.python()
    command = f"{_home(python)} -m mlx_lm server --model {shlex.quote(str(path))} --port 8081"
    return [_Server(command, 8081, "" if python is not None else MLX.install)]


def _ollama(path: Path, name: str) -> list[_Server]:
    there = "" if program("ollama") else "curl -fsSL https://ollama.com/install.sh | sh"
    modelfile = shlex.quote(str(path.parent / "Modelfile"))
    return [_Server(f"ollama create {name} -f {modelfile} && ollama run {name}", 11434, there)]
