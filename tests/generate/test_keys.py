from __future__ import annotations

from collections.abc import Sequence

import pytest

from brie.digest import digest
from brie.generate import completion_key
from brie.records import Environment, Message, Sampling

PIN, TEMPLATE = digest("pin"), digest("template")
MESSAGES = (Message(role="user", content="Hello"),)
CPU = Environment(dtype="float32", device="cpu", sampler="1")


def key(
    *,
    pin: str = PIN,
    template: str = TEMPLATE,
    messages: Sequence[Message] = MESSAGES,
    sampling: Sampling | None = None,
    sample: int = 0,
    environment: Environment = CPU,
) -> str:
    """The key of one completion, with what a test changes."""
    return completion_key(
        pin_digest=pin,
        template_digest=template,
        messages=messages,
        sampling=sampling or Sampling(),
        sample=sample,
        environment=environment,
    )


def test_the_same_content_has_the_same_key() -> None:
    assert key(messages=list(MESSAGES)) == key()


@pytest.mark.parametrize(
    "other",
    [
        key(pin=digest("other")),
        key(template=digest("other")),
        key(pin=TEMPLATE, template=PIN),
        key(messages=(Message(role="user", content="Hello "),)),
        key(messages=(Message(role="assistant", content="Hello"),)),
        key(sampling=Sampling(seed=1)),
        key(sampling=Sampling(max_new_tokens=8)),
        key(sampling=Sampling(thinking=True)),
        key(sample=1),
        *(
            key(environment=CPU.model_copy(update=change))
            for change in ({"dtype": "bfloat16"}, {"device": "cuda"}, {"sampler": "2"})
        ),
    ],
)
def test_everything_that_decides_a_text_changes_the_key(other: str) -> None:
    assert other != key()
