"""Programs of others get what they need to run, and nothing that is a key or a setting."""

from __future__ import annotations

import sys

import pytest

from brie.forms.tools import run_tool

KEPT_BACK = (
    "ANTHROPIC_API_KEY",
    "HF_TOKEN",
    "HOST",
    "PORT",
    "CONFIG_FILE",
    "LLAMA_ARG_HOST",
    "PYTHONPATH",
)


def test_a_started_program_sees_no_key_and_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*KEPT_BACK, "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "0")
    seen = run_tool([sys.executable, "-c", "import os; print(*os.environ)"], "looking").split()
    assert {"PATH", "CUDA_VISIBLE_DEVICES", "HF_HUB_OFFLINE"} <= set(seen)
    assert not set(seen) & set(KEPT_BACK)
