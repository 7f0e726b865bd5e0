"""The last look at what leaves: keys and folders are found, wherever the project lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.project import Project
from brie.wire.watch import Watch

KEY = "hf_abcdefghijklmnop"


def test_a_project_whose_folder_has_a_short_name_is_watched_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch = Watch(Project(Path("/app")))
    watch.look(b"a text about /app", "readme")
    monkeypatch.setenv("HF_TOKEN", KEY)
    watch = Watch(Project(Path("/app")))
    watch.look(KEY[:9].encode(), "readme")
    with pytest.raises(UsageError, match="a key of this environment stands in readme"):
        watch.look(KEY[9:].encode(), "readme")
