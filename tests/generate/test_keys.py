from __future__ import annotations

import pytest

from brie.digest import digest
from brie.generate import completion_key
from brie.records import Environment, Message, Sampling

PIN, TEMPLATE = digest("pin"), digest("template")
MESSAGES = (Message(role="user", content="Hello"),)
CPU = Environment(dtype="float32", device="cpu", sampler="1")
KEY = completion_key(PIN, TEMPLATE, MESSAGES, Sampling(), 0, CPU)


def test_the_same_content_has_the_same_key() -> None:
    assert completion_key(PIN, TEMPLATE, list(MESSAGES), Sampling(), 0, CPU) == KEY


@pytest.mark.parametrize(
    "other",
    [
        completion_key(digest("other"), TEMPLATE, MESSAGES, Sampling(), 0, CPU),
        completion_key(PIN, digest("other"), MESSAGES, Sampling(), 0, CPU),
        completion_key(PIN, TEMPLATE, (Message(role="user", content="Hello "),), Sampling(), 0, CPU),
        completion_key(PIN, TEMPLATE, (Message(role="assistant", content="Hello"),), Sampling(), 0, CPU),
        completion_key(PIN, TEMPLATE, MESSAGES, Sampling(seed=1), 0, CPU),
        completion_key(PIN, TEMPLATE, MESSAGES, Sampling(max_new_tokens=8), 0, CPU),
        completion_key(PIN, TEMPLATE, MESSAGES, Sampling(thinking=True), 0, CPU),
        completion_key(PIN, TEMPLATE, MESSAGES, Sampling(), 1, CPU),
        *(
            completion_key(PIN, TEMPLATE, MESSAGES, Sampling(), 0, CPU.model_copy(update=change))
            for change in ({"dtype": "bfloat16"}, {"device": "cuda"}, {"sampler": "2"})
        ),
    ],
)
def test_everything_that_decides_a_text_changes_the_key(other: str) -> None:
    assert other != KEY
