"""What a machine has: run there by its Python, before anything of brie is there, and prints JSON.

    python - PACKAGES BASE < look.py

PACKAGES are names with commas between, BASE a model of the Hub or `-`. The standard library alone;
nothing is written.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def main(packages: str, base: str) -> None:
    """Print what is here."""
    home = Path.home()
    print(
        json.dumps(
            {
                "python": platform.python_version(),
                "system": f"{platform.system()} {platform.machine()}",
                "cores": os.cpu_count(),
                "memory": _memory(),
                "disk": shutil.disk_usage(home).free,
                "gpus": _gpus(),
                "mps": platform.system() == "Darwin" and platform.machine() == "arm64",
                "rsync": shutil.which("rsync") is not None,
                "packages": {name: _version(name) for name in packages.split(",")},
                "base": _base(base) if base != "-" else None,
            }
        )
    )


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _gpus() -> list[tuple[str, float | None, float | None]]:
    query = ["nvidia-smi", "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits"]
    try:
        out = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [line.split(",") for line in out.splitlines() if line.count(",") == 2]
    return [(name.strip(), _number(memory), _number(of)) for name, memory, of in rows]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # [N/A]
        return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _base(base: str) -> str:
    """Whether a base is here, and whether the Hub would hand it out."""
    repo, _, revision = base.partition("@")
    cache = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    if (cache / "hub" / f"models--{repo.replace('/', '--')}" / "snapshots").is_dir():
        return "cached"
    token = os.environ.get("HF_TOKEN") or _read(cache / "token")
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    request = urllib.request.Request(  # noqa: S310
        f"{endpoint}/{repo}/resolve/{revision or 'main'}/config.json",
        method="HEAD",
        headers={"Authorization": f"Bearer {token}"} if token else {},
    )
    try:
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - https, or as the Hub is set here
    except urllib.error.HTTPError as error:
        return "refused" if error.code in (401, 403, 404) else "unknown"
    except (OSError, ValueError):
        return "unknown"
    return "reachable"


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8").strip()
    except OSError:
        return None


if __name__ == "__main__":
    main(*sys.argv[1:])
