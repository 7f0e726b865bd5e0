"""A training run on the Hub, killed at its time limit and gone on with: the same weights as at home."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.commands import brie
from tests.fakes.jobs_hub import TOKEN, JobsHub

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600)]
RUN = ("train", "--size", "tiny", "--set", "max_steps=40")


def test_a_run_that_ran_out_of_time_on_the_hub_ends_with_the_weights_it_has_at_home(
    tmp_path: Path,
) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    for folder in (home, away):
        folder.mkdir()
        (folder / "brie.toml").write_text("", "utf-8")
    assert brie(home, *RUN, timeout=1_000).returncode == 0

    with JobsHub(tmp_path / "there") as hub:

        def time_is_up(repo: str, paths: list[str]) -> None:
            """When the first checkpoint is there; nothing else had come by then."""
            if len(hub.jobs) == 1 and "outbox/checkpoint-000025.zip" in paths:
                for path in [name for name in hub.repos[repo].files if name.startswith("outbox/")]:
                    if path != "outbox/checkpoint-000025.zip":
                        del hub.repos[repo].files[path]
                hub.expire(hub.jobs["job1"])

        hub.at_commit = time_is_up
        keys = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
        env = {**os.environ, **keys}
        where = ("--on", "hf-jobs:cpu-basic", "--timeout", "30", "--yes")
        first = brie(away, *RUN, *where, env=env, timeout=1_000)
        assert first.returncode == 3, first.stderr
        assert "ended without a word (out of time); step 25 came" in first.stderr
        (job,) = (away / "runs").glob("job-*")
        again = brie(away, "jobs", "attach", job.name, "--yes", env=env, timeout=1_000)
        assert again.returncode == 0, again.stderr
        assert "brie train --resume" in hub.jobs["job2"].log()
        assert not hub.repos
        sent = bytes(hub.received)

    assert _pins(away) == _pins(home)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for block in (*files, sent, (first.stderr + again.stderr).encode()):
        assert TOKEN.encode() not in block


def _pins(project: Path) -> dict[str, str]:
    (run,) = (project / "runs").glob("train-*")
    return {path.name: json.loads(path.read_text())["digest"] for path in (run / "pins").iterdir()}
