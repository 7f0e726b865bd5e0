"""The demo's model sent to a hub, and what a stranger can do with what arrived there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.commands import brie
from tests.fakes.hub_store import TOKEN, HubStore
from tests.flow.conftest import Demo

SEND = ("export", "demo:best", "--to", "hub", "--repo", "me/toy")


@pytest.mark.slow
def test_whoever_takes_what_was_sent_can_confirm_the_card(demo: Demo, tmp_path: Path) -> None:
    project = demo.copy(tmp_path / "mine")
    with HubStore() as hub:
        keys = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
        for said in ("files sent", "nothing differed"):
            done = subprocess.run(
                [sys.executable, "-m", "brie", *SEND], cwd=project, env=os.environ | keys,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            assert said in done.stdout
        files = hub.repos["me/toy"].files
        assert len(hub.repos["me/toy"].commits) == 2
    listed = {file["path"]: file["digest"] for file in json.loads(files["brie-export.json"])["files"]}
    for name, digest in listed.items():
        assert "sha256:" + sha256(files[name]).hexdigest() == digest
    assert files["loss.png"].startswith(b"\x89PNG")

    theirs = tmp_path / "theirs"
    for name, body in files.items():
        path = theirs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    for bundle in sorted(theirs.glob("brie/*.zip")):
        taken = brie(theirs, "unbundle", str(bundle))
        assert taken.returncode == 0, taken.stderr
    confirmed = brie(theirs, "verify", "--claims", "README.md")
    assert confirmed.returncode == 0, confirmed.stdout + confirmed.stderr
