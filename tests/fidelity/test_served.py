"""A model behind a server against its checkpoint: answers are compared, and nothing else is claimed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from brie.fidelity.check import report
from brie.fidelity.reference import Reference
from brie.fidelity.served import check_served
from brie.generate.served import describe
from brie.generate.server import Server
from brie.progress import Silent
from brie.records.shipping import CheckReport
from tests.fakes.openai_server import Body, FakeServer, Reply, answer
from tests.fidelity import planted
from tests.fidelity.planted import Checkpoint


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    folder = tmp_path_factory.mktemp("checkpoint")
    side = planted.side_of(planted.build_adapter(folder / "adapter"))
    return Checkpoint(side, planted.reference_of(side, folder / "reference", 12), {})


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer(models=("shipped",)) as server:
        yield server


def checked(reference: Reference, fake: FakeServer, more: str = "") -> CheckReport:
    """What is found of a server that has the checkpoint's answers, with something behind each."""
    texts = {}
    for row, prompt in zip(
        (r for r in reference.rows if r.answer), reference.suite.prompts, strict=True
    ):
        texts[prompt.messages[-1].content] = reference.encoder.decode(row.ids[row.start :])

    def behave(body: Body) -> Reply:
        message = {"role": "assistant", "content": texts[body["messages"][-1]["content"]] + more}
        return answer(body, choices=[{"index": 0, "finish_reason": "stop", "message": message}])

    fake.behave = behave
    server = Server(label="lab", base_url=fake.base_url)
    pin = describe(server, "shipped").pin()
    found = check_served(reference, server, "shipped", pin, Silent(), tokens=16)
    assert all(body["temperature"] == 0 for body in fake.requests)
    return report(reference, found, "0")


def test_the_checkpoints_own_answers_are_sound(tiny: Checkpoint, fake: FakeServer) -> None:
    found = checked(tiny.reference, fake)
    assert (found.verdict, found.file.form) == ("sound", "served")
    assert "identical answers: 12 of 12" in found.sentence


def test_what_a_server_does_not_show_is_null_with_the_reason(tiny: Checkpoint, fake: FakeServer) -> None:
    (figures,) = checked(tiny.reference, fake).figures
    assert (figures.kl, figures.max_logit_difference, figures.same_ids) == (None, None, None)
    assert set(figures.notes) == {"kl", "max_logit_difference", "same_argmax", "same_ids"}


def test_other_answers_leave_it_open(tiny: Checkpoint, fake: FakeServer) -> None:
    ended = replace(tiny.reference, encoder=replace(tiny.reference.encoder, stop=frozenset()))
    found = checked(ended, fake, more=" and so on")
    assert (found.verdict, found.figures[0].identical) == ("open", 0)


def test_answers_that_go_on_behind_their_end_have_lost_the_end_token(
    tiny: Checkpoint, fake: FakeServer
) -> None:
    last = frozenset(row.ids[-1] for row in tiny.reference.rows if row.answer)
    ended = replace(tiny.reference, encoder=replace(tiny.reference.encoder, stop=last))
    found = checked(ended, fake, more=" and so on")
    assert found.verdict == "fault"
    assert found.faults[0].kind == "end token"
