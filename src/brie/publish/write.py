"""A card with what lies beside it, written only where every claim of it holds."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from brie.ci.claim_texts import find_claims, says_every_number
from brie.ci.claims import Answer, check_claims, check_text
from brie.digest import short, text_digest
from brie.errors import UsageError
from brie.project import Project, write_text
from brie.publish.card import model_card
from brie.publish.making import LOSS
from brie.publish.record import eval_records
from brie.publish.subject import Subject
from brie.report.loss_figure import write_loss_figure
from brie.train.runs import read_manifest

_DOUBT = re.compile(r"(?:verdict|conditional_verdict|standing|checks|check_words|check_counts)(?:\.|$)")
"""Paths of claims that are no number's own, and without which a number says too much."""
_SEAL = "<!-- as written by brie: "
CARD = "README.md"
"""What the Hub calls a card."""


@dataclass(frozen=True, slots=True)
class Written:
    """What lies in a folder now."""

    card: Path
    files: tuple[Path, ...]
    """The card first, then what lies beside it."""
    kept: bool
    """The card was there, was edited, and holds: it stays as it is."""
    claims: int


def write_card(subject: Subject, folder: Path, project: Project, *, keep: bool = True) -> Written:
    """Write a model's card into a folder.

    Args:
        subject: the model.
        folder: where to.
        project: where its records are.
        keep: a card that is there, was edited, and says what the records say stays as it is.

    Raises:
        UsageError: a claim of the card does not hold; each is named. Or another text is there.
        InputError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    picture = _draw(subject, folder, project)
    text, card = _sealed(model_card(subject, picture=picture)), folder / CARD
    before = card.read_text("utf-8") if keep and card.is_file() else None
    kept = before is not None and not _is_as_written(before)
    if before is not None and not says_every_number(before):
        raise UsageError(
            f"{card} is there and is no card that can be confirmed; move it away, and one is written."
        )
    if before is not None and kept:
        answers = [*check_claims(card, project), *_taken_out(before, text)]
    else:
        answers = check_text(text, project, card)
    refuse_unconfirmed(card, answers, kept=kept)
    if not kept:
        write_text(card, text)
    beside = [folder / LOSS] if picture else []
    for name, record in eval_records(subject).items():
        path = folder / name
        write_text(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
        beside.append(path)
    return Written(card, (card, *beside), kept, len(answers))


def refuse_unconfirmed(card: Path, answers: list[Answer], *, kept: bool = True) -> None:
    """Refuse a card of which the records do not say every number.

    Raises:
        UsageError: names each number that is another one.
    """
    wrong = [answer for answer in answers if not answer.holds]
    if not wrong:
        return
    listing = "\n  ".join(f"line {answer.line}: {answer.what}" for answer in wrong[:20])
    again = "; delete it, and it is written anew" if kept else ""
    raise UsageError(
        f"{card}: {len(wrong):,} of {len(answers):,} claims do not hold, so nothing is written or sent"
        f"{again}. Each by itself: brie verify --claims {card}\n  {listing}"
    )


def _taken_out(card: str, whole: str) -> list[Answer]:
    """What an edited card must not leave out: verdicts, how they stand, and what checks say of them.

    Args:
        card: as it is.
        whole: as brie writes it.
    """
    there = {(claim.path, claim.evaluation) for claim in find_claims(card)}
    wanted = dict.fromkeys((c.path, c.evaluation) for c in find_claims(whole) if _DOUBT.match(c.path))
    return [
        Answer(1, f"{path} of {name} is not in it: no result goes without its doubts", False)
        for path, name in wanted
        if (path, name) not in there
    ]


def _sealed(text: str) -> str:
    """A card with a last line by which brie knows it again, as long as nobody has edited it."""
    return f"{text}\n{_SEAL}{short(text_digest(text), 32)} -->\n"


def _is_as_written(card: str) -> bool:
    """Whether a card is as brie wrote it, be it by other records."""
    text, there, _ = card.rpartition(f"\n{_SEAL}")
    return bool(there) and card == _sealed(text)


def _draw(subject: Subject, folder: Path, project: Project) -> bool:
    if subject.run is None:
        return False
    run = read_manifest(project.runs / subject.run.name)
    return write_loss_figure(run, subject.name, folder / LOSS, subject.pin.step) is not None
