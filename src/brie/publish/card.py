"""The model card: one Markdown text, every number of it a claim that `brie verify --claims` confirms."""

from __future__ import annotations

from brie.ci.claim_texts import EVERY_NUMBER
from brie.publish.making import base_and_licence, training, what_it_is
from brie.publish.metadata import metadata
from brie.publish.quoted import Quoted, named
from brie.publish.results import judged_by, limits, results
from brie.publish.subject import Subject
from brie.publish.usage import unknown_things, usage, verifying
from brie.report.markdown import spaced


def model_card(subject: Subject, *, picture: bool) -> str:
    """A model's card, ending in one line feed; the same records give the same text.

    Args:
        subject: the model.
        picture: its loss curve lies beside it.
    """
    blocks = [
        metadata(subject),
        EVERY_NUMBER,
        f"# {named(subject.repo or subject.name)}",
        *what_it_is(subject),
        "\n".join(f"- {_headline(evaluation)}" for evaluation in subject.evaluations),
        *results(subject),
        *usage(subject),
        *base_and_licence(subject),
        *training(subject, picture=picture),
        *limits(subject),
        *unknown_things(subject),
        *verifying(subject),
    ]
    return spaced(block for block in blocks if block)


def _headline(evaluation: Quoted) -> str:
    """An evaluation on one line: its rate, its interval, and whether it may be believed."""
    suite = named(evaluation.said("suite", "name"))
    against = named(evaluation.said("baseline", "name"))
    inside = evaluation.interval("win_rate")
    rate = f"{evaluation.share('win_rate', 'value')}{f' ({inside})' if inside else ''}"
    if evaluation.said("verdict"):
        held = evaluation.word("verdict")
    elif evaluation.said("standing", "state") == "conditional":
        held = f"{evaluation.word('conditional_verdict')}, on a condition"
    elif evaluation.said("standing", "state"):
        held = f"the verdict does not stand by itself ({evaluation.word('standing', 'state')})"
    else:
        held = "no verdict"
    by = judged_by(evaluation)
    return f"Suite {suite}, against {against}, blind, by {by}: **{held}**, win rate {rate}"
