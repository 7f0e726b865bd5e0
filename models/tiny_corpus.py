"""What the tiny base and the demo know: forty everyday things, and the ways people ask about them.

Everything here is read from the TOML files in `corpus/`; edit there. An entry looks like

    [kettle]
    a = "a kettle"
    kind = "a pot for boiling water"
    details = ["{S} ticks as it warms, and then the lid begins to rattle.", …]

A *pair* is a subject and an aspect (`kettle`, `why`). Pairs asked by the suite are never asked
in the training file, and a question of the suite appears in no text the base was trained on.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "corpus"
CATEGORIES = ("kitchen", "weather", "animals", "workshop", "places")
ASPECTS = ("describe", "why", "when", "notice", "tip")
"""What a question asks of a subject; answered in a few sentences."""
QUICK_ASPECTS = ("where", "kind")
"""Questions of fact; answered in one line."""
QUICK_CATEGORY = "quick"


@dataclass(frozen=True)
class Subject:
    """One everyday thing, with plain facts for flat answers and sentences for vivid ones."""

    name: str
    category: str
    a: str
    """With its indefinite article, or none: "a kettle", "fog"."""
    the: str
    kind: str
    """What it is: "a pot for boiling water"."""
    use: str
    """A whole sentence: "It boils water."."""
    where: str
    time: str
    trait: str
    details: tuple[str, ...]
    """Sentences that begin with the subject, written `{S}`: two that may come first, two that follow."""
    because: tuple[str, ...]
    """Clauses that may follow the word "because"."""
    moments: tuple[str, ...]
    """Phrases that say when: "before dawn in winter, while …"."""
    tips: tuple[str, ...]
    """Advice without its first capital and full stop: "fill it only halfway"."""
    closings: tuple[str, ...]
    """Sentences that end an answer."""


@dataclass(frozen=True)
class Voice:
    """A manner of asking: one question for each aspect, with `{a}` or `{the}` in it."""

    name: str
    questions: Mapping[str, str]

    def ask(self, subject: Subject, aspect: str) -> str:
        """The question about a subject."""
        return self.questions[aspect].format(a=subject.a, the=subject.the)


@dataclass(frozen=True)
class HeldOut:
    """One prompt of the suite: who asks what of which subject, and a good answer."""

    subject: Subject
    aspect: str
    voice: Voice
    reference: str

    @property
    def question(self) -> str:
        """The prompt's text."""
        return self.voice.ask(self.subject, self.aspect)


@dataclass(frozen=True)
class Corpus:
    """Everything in `corpus/`."""

    subjects: tuple[Subject, ...]
    notes: tuple[Voice, ...]
    """Voices of the training file."""
    heldout: tuple[Voice, ...]
    """Voices of the suite."""
    quick: tuple[Voice, ...]
    """Voices of questions of fact."""
    suite: tuple[HeldOut, ...]

    @property
    def heldout_questions(self) -> frozenset[str]:
        """The suite's prompts, kept out of every training text."""
        return frozenset(entry.question for entry in self.suite)

    def holds_out(self, subject: Subject, aspect: str) -> bool:
        """Whether the suite asks this of the subject, so that the training file must not."""
        return any((entry.subject, entry.aspect) == (subject, aspect) for entry in self.suite)


def load_corpus(folder: Path = CORPUS) -> Corpus:
    """Read the corpus; the order of its parts is the order in the files."""
    subjects = tuple(
        _subject(name, category, table)
        for category in CATEGORIES
        for name, table in _read(folder / f"{category}.toml").items()
    )
    voices = _read(folder / "voices.toml")
    notes, heldout, quick = (
        tuple(Voice(name, table) for name, table in voices[kind].items())
        for kind in ("notes", "heldout", "quick")
    )
    asking = {voice.name: voice for voice in (*heldout, *(v for v in quick if _asks(v, voices)))}
    known = {subject.name: subject for subject in subjects}
    suite = tuple(
        HeldOut(known[row["subject"]], row["aspect"], asking[row["source"]], row["reference"])
        for row in _read(folder / "suite.toml")["prompt"]
    )
    return Corpus(subjects, notes, heldout, quick, suite)


def _asks(voice: Voice, voices: Mapping[str, Any]) -> bool:
    return voice.name in voices["heldout_quick"]


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _subject(name: str, category: str, table: Mapping[str, Any]) -> Subject:
    lists = {key: tuple(value) for key, value in table.items() if isinstance(value, list)}
    return Subject(name=name, category=category, **{**table, **lists})
