"""Both sides behind a real server, `transformers serve`, which is killed half-way.

Needs `pip install 'transformers[serving]'`, which brie itself does not need; skipped without it.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pytest

from brie.evaluation.manifest import read_manifest
from brie.project import packaged
from tests.commands import brie

ASK = (
    *("eval", "--suite", "mine.txt", "--judge", "longer", "--samples", "4", "--max-new-tokens", "40"),
    *("--candidate", "server:lab#tuned", "--baseline", "server:lab#base", "--controls", "0"),
)
ANSWERS = 6 * 2 * 4


def _models(folder: Path) -> None:
    """`base`, the packaged one, and `tuned`, the same with its weights shaken a little."""
    from safetensors.numpy import load_file, save_file

    for name in ("base", "tuned"):
        shutil.copytree(packaged("models", "tiny"), folder / name)
    weights, draw = load_file(folder / "base" / "model.safetensors"), np.random.default_rng(0)
    shaken = {
        name: (w * (1 + 0.05 * draw.standard_normal(w.shape))).astype(w.dtype)
        for name, w in weights.items()
    }
    save_file(shaken, folder / "tuned" / "model.safetensors", metadata={"format": "pt"})


@contextmanager
def _serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(Path(sys.executable).with_name("transformers")), "serve", "--port", str(port)]
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--device", "cpu"],
            cwd=folder,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process)
        yield process
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        assert process.poll() is None, "the server ended"
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise AssertionError(f"nothing answers at {url}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _answers(folder: Path) -> dict[str, str]:
    """Key -> when the answer was kept."""
    path = folder / "runs" / "brie.sqlite"
    if not path.is_file():
        return {}
    with sqlite3.connect(path) as store:
        try:
            return dict(store.execute("SELECT key, created FROM completions").fetchall())
        except sqlite3.OperationalError:
            return {}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_real_server_killed_half_way_is_asked_for_the_rest(tmp_path: Path) -> None:
    from transformers.utils.import_utils import is_serve_available

    if not is_serve_available():
        pytest.skip("`transformers serve` is not installed: pip install 'transformers[serving]'")
    _models(tmp_path)
    port = _free_port()
    (tmp_path / "brie.toml").write_text(
        f'[servers.lab]\nbase_url = "http://127.0.0.1:{port}/v1"\nconcurrency = 4\n', "utf-8"
    )
    (tmp_path / "mine.txt").write_text("".join(f"What is thing {n}?\n" for n in range(6)), "utf-8")
    with _serving(tmp_path, port) as server:
        started = subprocess.Popen(
            [sys.executable, "-m", "brie", *ASK], cwd=tmp_path, stderr=subprocess.PIPE, text=True
        )
        while len(_answers(tmp_path)) < ANSWERS // 3 and started.poll() is None:
            time.sleep(0.02)
        server.kill()
        _, said = started.communicate(timeout=200)
    assert started.returncode == 3, said
    assert "the same command asks for the rest" in said
    kept = _answers(tmp_path)
    assert ANSWERS // 3 <= len(kept) < ANSWERS
    with _serving(tmp_path, port):
        done = brie(tmp_path, *ASK)
    assert done.returncode == 0, done.stderr
    now = _answers(tmp_path)
    assert len(now) == ANSWERS
    assert kept.items() <= now.items()
    (folder,) = (tmp_path / "runs").glob("eval-*")
    made = read_manifest(folder).made
    assert made is not None
    assert sum(sum(counts.values()) for counts in made.fingerprints.values()) == ANSWERS
