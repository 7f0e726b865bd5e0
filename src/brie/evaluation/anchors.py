"""Anchors: verdicts of a judge that are sealed, to be asked for again and tell whether it has changed.

One document a judge, `runs/drift-*/anchors.json`: the presentations, what was said of them, how much of
that changes by itself, and a chain of the checks since. After a check that found a change the judge
counts as another one (`JudgeSpec.after`): its digest is new, and no stored verdict is its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from brie import versions
from brie.analyse.drift import (
    FLIPPED_CHANGE,
    STEADY_CHANGE,
    Anchors,
    DriftLimits,
    Noise,
    limits_of,
    power,
)
from brie.blinding import Choice, Presentation
from brie.digest import digest, short
from brie.errors import SealBroken
from brie.lines import command as command_line
from brie.project import Project, read_json, write_text
from brie.records import Digest, Document, JudgeSpec, Message, PanelJudge, Prompt, Record, schema_field

FILE = "anchors.json"
LOCK = ".anchors.lock"
ROUNDS = 5
"""How often each anchor is asked again to measure the judge's own noise."""


class AnchorShown(Record):
    """One presentation, and what the judge says of it: most often, once that was measured; of a judge
    that gives numbers, the outcome of the comparison."""

    presentation: Presentation
    letter: Choice


class AnchorPair(Record):
    """A comparison, with everything a judge has to be shown of it."""

    prompt: Prompt
    messages: tuple[Message, ...]
    candidate: str
    """The candidate's answer."""
    baseline: str
    flipped: bool
    """Whether its two presentations have different winners."""
    shown: tuple[AnchorShown, ...] = Field(min_length=1, max_length=2)


class Asked(Record):
    """What came of asking anchors again."""

    asked: int
    """Verdicts that came back, every time counted."""
    changed: int
    """How many are other than the stored ones."""
    both: int = 0
    """Times that both presentations of a comparison had changed."""
    unusable: int = 0
    """Of the changed ones, those without a usable verdict."""
    served: dict[str, int] = Field(default_factory=dict)
    """What the provider said answered, and how often."""
    at: str
    """When the last of them came."""
    newest: int
    """Its number among the store's attempts."""


class DriftCheck(Record):
    """All anchors asked again, and a second time where that was an alarm; chained to the one before."""

    first: Asked
    second: Asked | None = None
    outcome: Literal["same", "not_confirmed", "changed"]
    previous: Digest
    digest: Digest

    @property
    def last(self) -> Asked:
        """The last asking."""
        return self.second or self.first


class AnchorsDocument(Document):
    """`runs/drift-*/anchors.json` (`brie.anchors/1`)."""

    schema_: str = schema_field("anchors")
    id: str
    created: str
    judge: PanelJudge
    origin: str
    """The evaluation whose verdicts they are, or "known pairs"."""
    pairs: tuple[AnchorPair, ...] = Field(min_length=1)
    noise: Asked
    rounds: int = ROUNDS
    moved: int = 0
    """Presentations of which it said most often otherwise than the verdict they were chosen by."""
    seal: Digest
    """Over everything above."""
    checks: tuple[DriftCheck, ...] = ()

    @property
    def name(self) -> str:
        """The judge's id."""
        return self.judge.judge.id

    @property
    def anchors(self) -> Anchors:
        """How many there are, and how they belong together."""
        return counted(self.pairs)

    @property
    def measured(self) -> Noise:
        """The judge's own noise."""
        return Noise(self.noise.asked, self.noise.changed, self.noise.both, joint=self._joint)

    @property
    def _joint(self) -> bool:
        return self.judge.margins is not None

    @property
    def flipped(self) -> Anchors:
        """Those of comparisons that the judge flipped on."""
        return counted([pair for pair in self.pairs if pair.flipped])

    @property
    def limits(self) -> DriftLimits:
        """When a number of changes is an alarm."""
        return limits_of(self.measured, self.anchors)

    @property
    def power(self) -> tuple[float, float]:
        """How surely another prompt's worth of change is found: by one asking, and confirmed."""
        steady = counted([pair for pair in self.pairs if not pair.flipped])
        kinds = [(steady, STEADY_CHANGE), (self.flipped, FLIPPED_CHANGE)]
        return power(kinds, self.limits, together=1.0 if self._joint else 0.0)

    @property
    def identity(self) -> str:
        """Digest over who is asked what; the keys of its verdicts come from it."""
        return identity_of(self.judge, self.pairs)

    @property
    def last(self) -> Asked:
        """The last time that it was asked."""
        return self.checks[-1].last if self.checks else self.noise

    def before(self, check: DriftCheck) -> Asked:
        """The asking before a check."""
        earlier = self.checks[: self.checks.index(check)]
        return earlier[-1].last if earlier else self.noise

    @property
    def found(self) -> DriftCheck | None:
        """The check that found the judge changed; none follows it."""
        check = self.checks[-1] if self.checks else None
        return check if check and check.outcome == "changed" else None

    @property
    def askings(self) -> int:
        """How often all anchors were asked, the sealing's repeats included."""
        return self.rounds + sum(2 if check.second else 1 for check in self.checks)

    @property
    def days(self) -> float | None:
        """Days between two checks so far, on average; None where all were within a day."""
        whole = age_days(self.noise.at, self.last.at)
        return whole / len(self.checks) if self.checks and whole >= 1 else None

    def sealed(self) -> str:
        """The digest that `seal` should be."""
        return digest(self.model_dump(mode="json", exclude={"seal", "checks"}))

    def checked(self, first: Asked, second: Asked | None) -> AnchorsDocument:
        """The document with one check more."""
        alarm = first.changed > self.limits.alarm
        confirmed = alarm and second is not None and second.changed > self.limits.confirm
        link = {
            "first": first,
            "second": second,
            "outcome": "changed" if confirmed else "not_confirmed" if alarm else "same",
            "previous": self.checks[-1].digest if self.checks else self.seal,
        }
        check = DriftCheck.model_validate({**link, "digest": digest(link)})
        return self.model_copy(update={"checks": (*self.checks, check)})

    def broken(self) -> bool:
        """Whether the seal or the chain of checks does not hold."""
        previous = self.seal
        for check in self.checks:
            link = {name: getattr(check, name) for name in ("first", "second", "outcome", "previous")}
            if check.previous != previous or check.digest != digest(link):
                return True
            previous = check.digest
        return self.seal != self.sealed()


def counted(pairs: Sequence[AnchorPair]) -> Anchors:
    """How many presentations some comparisons have."""
    both = sum(len(pair.shown) == 2 for pair in pairs)
    return Anchors(both, len(pairs) - both)


def identity_of(judge: PanelJudge, pairs: Sequence[AnchorPair]) -> str:
    """Digest over a judge, its rubric, and what it is shown."""
    shown = [shown.presentation.digest() for pair in pairs for shown in pair.shown]
    return digest([judge.digest, judge.rubric_digest, shown])


def age_days(at: str, until: str = "") -> float:
    """Days from a moment to another one, or to now."""
    end = datetime.fromisoformat(until) if until else datetime.now(UTC)
    return (end - datetime.fromisoformat(at)).total_seconds() / 86_400


# --- on disk ---------------------------------------------------------------------------


def folder_of(judge: PanelJudge, pairs: Sequence[AnchorPair], project: Project) -> Path:
    """Where the anchors of a judge are kept."""
    slug = re.sub(r"[^a-z0-9]+", "-", judge.judge.id.lower()).strip("-") or "judge"
    return project.runs / f"drift-{slug}-{short(identity_of(judge, pairs))}"


def write_anchors(document: AnchorsDocument, project: Project) -> Path:
    """Write the document whole or not at all."""
    folder = folder_of(document.judge, document.pairs, project)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / FILE, document.model_dump_json(indent=1) + "\n")
    return folder / FILE


def read_anchors(path: Path) -> AnchorsDocument:
    """Read anchors.

    Raises:
        InputError: the file is damaged.
        SealBroken: it was changed after it was sealed.
    """
    document = read_json(path, AnchorsDocument, "is damaged")
    if document.broken():
        again = command_line("judges", "drift", "seal", "--judge", document.name)
        raise SealBroken(
            f"{path} was changed after it was sealed, so it says nothing of the judge. Move its folder "
            f"away and seal others: {again}"
        )
    return document


def all_anchors(project: Project) -> list[AnchorsDocument]:
    """Every judge's, oldest first.

    Raises:
        InputError, SealBroken: see `read_anchors`.
    """
    read = [read_anchors(path) for path in sorted(project.runs.glob(f"drift-*/{FILE}"))]
    return sorted(read, key=lambda document: (document.noise.at, document.id))


def as_now(judge: JudgeSpec, project: Project) -> JudgeSpec:
    """The judge as it counts now: another one since the last check that found it changed."""
    changes = [
        (check.last.at, check.digest)
        for document in all_anchors(project)
        if (check := document.found) and of_one_file(document.judge.judge, judge)
    ]
    after = max(changes)[1] if changes else ""
    return judge if judge.after == after else judge.model_copy(update={"after": after})


def of_one_file(left: JudgeSpec, right: JudgeSpec) -> bool:
    """Whether two are one judge but for what was found of it since."""
    plain = (judge.model_copy(update={"after": ""}) for judge in (left, right))
    first, second = (judge.digest(versions.PROMPT_FORMAT) for judge in plain)
    return first == second


def anchors_of(digest_of_judge: str, project: Project) -> AnchorsDocument | None:
    """The newest anchors of a judge as it is; None where none were sealed.

    Args:
        digest_of_judge: the judge's digest.
        project: where they are kept.
    """
    fitting = [d for d in all_anchors(project) if d.judge.digest == digest_of_judge]
    return fitting[-1] if fitting else None
