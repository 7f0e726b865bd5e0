"""What a run was made with: package versions, and the state of the folder it was started in."""

from __future__ import annotations

import platform
import subprocess

from brie.provenance import package_versions

_PACKAGES = (
    "brie-eval",
    "torch",
    "transformers",
    "trl",
    "peft",
    "accelerate",
    "datasets",
    "tokenizers",
    "safetensors",
)


def versions() -> dict[str, str]:
    """Versions of Python, the system and every package that touches the weights."""
    here = {"python": platform.python_version(), "system": platform.platform(terse=True)}
    return {**here, **package_versions(_PACKAGES)}


def git_state() -> dict[str, str | bool] | None:
    """Commit and dirtiness of the working folder, None outside a repository."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "dirty": bool(_git("status", "--porcelain", "--untracked-files=no"))}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
