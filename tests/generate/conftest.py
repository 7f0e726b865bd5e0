from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from brie.digest import digest
from brie.generate import Request, completion_key, detect_environment
from brie.records import Environment, Message, Sampling
from tests.generate.tinymodel import build_adapter, build_base

Ask = Callable[..., list[Request]]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def adapter(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    return build_adapter(tmp_path_factory.mktemp("adapter"), base)


@pytest.fixture(scope="session")
def cpu() -> Environment:
    return detect_environment("cpu")[0]


@pytest.fixture(scope="session")
def ask(cpu: Environment) -> Ask:
    """Requests for the first `n` of a list of prompts whose lengths differ."""

    def make(
        n: int, adapter: str | None = None, sample: int = 0, limit: int = 12, **sampling: float
    ) -> list[Request]:
        chosen = Sampling.model_validate({"max_new_tokens": limit, **sampling})
        requests = []
        for i in range(n):
            messages = (Message(role="user", content=f"{'word ' * (i * 5 % 13)}{i}"),)
            key = completion_key(
                pin_digest=digest(adapter),
                template_digest=digest("t"),
                messages=messages,
                sampling=chosen,
                sample=sample,
                environment=cpu,
            )
            requests.append(
                Request(key, digest(adapter), adapter, messages, digest(list(messages)), sample, chosen)
            )
        return requests

    return make
