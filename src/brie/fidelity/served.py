"""A model behind a server against a checkpoint: its greedy answers, which is all that a server shows."""

from __future__ import annotations

from collections.abc import Mapping

from brie.catalog import with_system
from brie.digest import digest
from brie.fidelity.check import Checked
from brie.fidelity.reference import Reference, Row
from brie.generate import Request
from brie.generate.server import Server, ServerEngine
from brie.progress import Screen
from brie.records import Pin, Sampling
from brie.records.shipping import Fault, Figures, Limits, Shipped

_NO_LOGITS = "a server gives no logits along a prompt"
_SINCE = 0.5
"""Share of finished answers that go on behind their end, from which the end token is lost."""


def check_served(
    reference: Reference, server: Server, model: str, pin: Pin, screen: Screen, *, tokens: int
) -> Checked:
    """Ask a server what the checkpoint was asked, at temperature 0, and compare the texts.

    Args:
        reference: the checkpoint.
        server: where to ask.
        model: its name there.
        pin: what the server says of it.
        screen: progress.
        tokens: most tokens of an answer, as the checkpoint's had.

    Raises:
        Stopped: the server does not answer.
    """
    rows = {row.name: row for row in reference.rows if row.answer}
    sampling = Sampling(temperature=0.0, max_new_tokens=tokens)
    requests = []
    for prompt in reference.suite.prompts:
        if prompt.id in rows:
            messages = with_system(prompt, reference.suite)
            key = digest([pin.digest, list(messages), sampling, "check"])
            requests.append(
                Request(key, pin.digest, None, messages, digest(list(messages)), 0, sampling)
            )
    names = {request.key: name for request, name in zip(requests, rows, strict=True)}
    answers: dict[str, str] = {}
    with (
        ServerEngine(server, {pin.digest: model}) as engine,
        screen.bar(f"{server.label} answers", len(requests), "prompts") as advance,
    ):
        for completion in engine.generate(requests):
            answers[names[completion.key]] = completion.text
            advance(1)
    file = Shipped(
        name=f"{server.label}#{model}", form="served", number_format="unknown", digest=pin.digest,
        bytes=0,
    )  # fmt: skip
    figures = _figures(reference, rows, answers, f"{server.label}, at temperature 0")
    return Checked(file, _lost_end(reference, rows, answers), (figures,), Limits(), {}, {})


def _figures(
    reference: Reference, rows: Mapping[str, Row], answers: Mapping[str, str], engine: str
) -> Figures:
    same = sum(answers[name].strip() == _text(reference, row).strip() for name, row in rows.items())
    fields = ("max_logit_difference", "kl", "same_argmax", "same_ids")
    return Figures(
        engine=engine,
        positions=0,
        max_logit_difference=None,
        kl=None,
        same_argmax=None,
        identical=same,
        answers=len(rows),
        same_ids=None,
        notes=dict.fromkeys(fields, _NO_LOGITS),
    )


def _text(reference: Reference, row: Row) -> str:
    """The checkpoint's answer as people read it."""
    return reference.encoder.decode(row.ids[row.start :])


def _lost_end(
    reference: Reference, rows: Mapping[str, Row], answers: Mapping[str, str]
) -> tuple[Fault, ...]:
    """Answers that begin as the checkpoint's and go on where it had ended."""
    ended = [name for name, row in rows.items() if row.ids[-1] in reference.encoder.stop]
    on = [
        name
        for name in ended
        if (mine := _text(reference, rows[name]).strip())
        and answers[name].strip() != mine
        and answers[name].strip().startswith(mine)
    ]
    if not ended or len(on) <= _SINCE * len(ended):
        return ()
    return (
        Fault(
            kind="end token",
            where=on[0],
            sentence=f"{len(on):,} of {len(ended):,} answers go on where the checkpoint's had ended: "
            "the server does not know its end token.",
        ),
    )
