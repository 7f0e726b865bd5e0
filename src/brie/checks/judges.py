"""Who judged: how many, how independent, how much alike, and who is missing."""

from __future__ import annotations

from collections.abc import Iterator

from brie.checks.evidence import Evidence
from brie.checks.families import family_of
from brie.checks.findings import Figure, Finding, conclude, not_run
from brie.data.preferences import Teacher
from brie.number_format import drifted, listed, percent, plural, points, quoted, span, two_digits
from brie.records import Check, PanelJudge
from brie.records.agreement import PanelAgreement
from brie.records.estimates import Estimate
from brie.records.judges import Drift

ID = "judges"
LOW_ALPHA = 0.4
"""Krippendorff's alpha below which judges agree little beyond chance; .667 is the usual least for
tentative conclusions about single items, and a mean over many needs less."""
UNUSABLE = 0.02
"""Share of verdicts that could not be used from which it matters which ones they were."""
CONTRADICTS = 0.05
"""Share of a judge's scored verdicts from which a winner with the lower scores is no slip."""
MANY_UNUSABLE = 0.2
"""Share from which the judges were not able to do the work: the rate could move by 20 points."""


def check(evidence: Evidence) -> Check:
    """Size and families of the panel, agreement, unusable verdicts, judges left out."""
    judges = list(evidence.table.judges)
    if not judges:
        return _nobody(evidence)
    seats = [s for s in evidence.plan.seats if s.judge.id in judges] if evidence.plan else []
    families = {name: family_of(name) for name in judges}
    families |= {seat.judge.id: seat.judge.family or family_of(seat.judge.model) for seat in seats}
    agreement = evidence.analysis.agreement
    panel = agreement.panel if agreement else None
    alpha = panel.alpha if panel else None
    figures: dict[str, Figure] = {
        "judges": judges,
        "families": families,
        "alpha": alpha,
        "unanimous": panel.unanimous if panel else None,
        "unusable": _unusable(evidence),
        "contradictions": {
            name: numbers.contradictions
            for name, numbers in evidence.analysis.by_judge.items()
            if numbers.contradictions is not None
        },
        "stopped": dict(evidence.stopped),
        "left_out": list(evidence.plan.left_out) if evidence.plan else [],
        **_teaching(judges, seats, evidence),
        **_lean(evidence),
        **_drift(evidence),
    }
    findings = [
        *_alone(judges, seats),
        *_one_family(families),
        *_kin(families, evidence),
        *_taught(judges, seats, evidence),
        *_disagree(panel),
        *_contradicts(evidence, judges),
        *_against_people(evidence),
        *_changed(evidence),
        *_failed(evidence),
        *_stopped(evidence),
        *_not_counted(evidence),
        *_left_out(evidence),
    ]
    return conclude(ID, findings, figures, _passed(len(judges), alpha, families))


def _lean(evidence: Evidence) -> dict[str, Figure]:
    people = evidence.analysis.human_anchored
    return {"lean": people.lean} if people is not None and people.lean is not None else {}


def _drift(evidence: Evidence) -> dict[str, Figure]:
    notes = {name: judge.drift for name, judge in evidence.analysis.by_judge.items() if judge.drift}
    return {"drift": notes} if notes else {}


def _changed(evidence: Evidence) -> list[Finding]:
    """Judges of whose verdicts nobody knows whether they were given before or after a change."""
    remedy = "Evaluate again with the same command: verdicts stored before the change are not used."
    return [
        Finding("warn", doubt_words(name, judge.drift), remedy)
        for name, judge in evidence.analysis.by_judge.items()
        if judge.drift is not None and judge.drift.doubt and not judge.outside
    ]


def doubt_words(name: str, drift: Drift) -> str:
    """That a judge changed, perhaps before it gave these verdicts."""
    return (
        f"`{name}` changed between {drift.since[:10]} and {drift.at[:10]} ({drifted(drift)}), and gave "
        "verdicts here in that time: of which judge they are, nobody knows."
    )


def _against_people(evidence: Evidence) -> list[Finding]:
    """Judges that lean, or say the opposite of people."""
    people = evidence.analysis.human_anchored
    lean = people.lean if people else None
    if people is None or lean is None or lean.low is None or lean.high is None:
        return []
    remedy = "Read the pairs on which people and judges differ; then change the rubric or the judges."
    if {people.verdict, evidence.analysis.verdict} == {"better", "worse"}:
        text = (
            f"People say {people.verdict}, the judges {evidence.analysis.verdict}: people's word counts."
        )
        return [Finding("fail", text, remedy)]
    if lean.low <= 0 <= lean.high:
        return []
    return [Finding("warn", f"Where people voted, {lean_words(lean)}.", remedy)]


def lean_words(lean: Estimate, candidate: str = "the candidate", baseline: str = "the baseline") -> str:
    """ "the judges lean 6 points to the candidate (1 to 11)", or that no lean is shown."""
    if lean.low is None or lean.high is None:
        return "how far the judges lean is not known"
    if lean.low <= 0 <= lean.high:
        ends = f"{100 * lean.low:+.0f} to {100 * lean.high:+.0f}"
        return f"no lean of the judges is shown ({100 * lean.value:+.0f} points, {ends})"
    low, high = sorted((abs(lean.low), abs(lean.high)))
    side = candidate if lean.value > 0 else baseline
    return f"the judges lean {points(abs(lean.value))} points to {side} ({span(low, high, ' to ')})"


def _alone(judges: list[str], seats: list[PanelJudge]) -> list[Finding]:
    if len(judges) > 1:
        return []
    remedy = "Name several with `--judge`, or a panel with `--panel`; `brie judges score` compares them."
    if seats and seats[0].judge.provided.kind == "rule":
        text = f"One rule, `{judges[0]}`, decided everything: it is a program, and reads nothing."
        return [Finding("warn", text, remedy)]
    text = f"One judge, `{judges[0]}`, decided everything: its taste and the result are one number."
    return [Finding("warn", text, remedy)]


def _one_family(families: dict[str, str | None]) -> list[Finding]:
    known = set(families.values())
    if len(families) < 2 or len(known) != 1 or None in known:
        return []
    text = f"All {len(families)} judges are of one family ({known.pop()}): they share its blind spots."
    return [Finding("warn", text, "Add a judge of another family with `--judge`.")]


def _kin(families: dict[str, str | None], evidence: Evidence) -> list[Finding]:
    """Judges of the models' own family, or of the family that wrote the training data."""
    analysis = evidence.analysis
    sides = {family_of(base) for base in (analysis.candidate.base, analysis.baseline.base) if base} - {
        None
    }
    authors = evidence.training.authors if evidence.training else ()
    writers = {family_of(author) for author in authors} - {None}
    remedy = "Add a judge of another family with `--judge`, and look at each judge's own rate."
    relatives = [name for name, family in families.items() if family in sides]
    findings = []
    if relatives:
        text = f"{quoted(relatives)} is of the models' own family and may like its ways."
        findings.append(Finding("warn", text, remedy))
    wrote = [name for name, family in families.items() if family in writers]
    if wrote:
        text = (
            f"{quoted(wrote)} is of the family that wrote the training data and may like its own style."
        )
        findings.append(Finding("warn", text, remedy))
    return findings


def _teachers(evidence: Evidence) -> tuple[Teacher, ...]:
    """The judges whose verdicts the candidate learned from, in any training of it."""
    chain = evidence.training.chain if evidence.training else ()
    return tuple(teacher for part in chain if part.taught for teacher in part.taught.teachers)


def _who_taught(judges: list[str], seats: list[PanelJudge], evidence: Evidence) -> list[str]:
    """Judges that taught the candidate: the same model, whatever it is called and reads."""
    models = {seat.judge.id: seat.judge.model for seat in seats}
    known = {name for teacher in _teachers(evidence) for name in (teacher.id, teacher.model)}
    return [name for name in judges if name in known or models.get(name) in known]


def _teaching(judges: list[str], seats: list[PanelJudge], evidence: Evidence) -> dict[str, Figure]:
    teachers = _teachers(evidence)
    if not teachers:
        return {}
    both = _who_taught(judges, seats, evidence)
    return {
        "taught_by": list(dict.fromkeys(teacher.id for teacher in teachers)),
        "taught_and_judged": both,
        "taught_alone": both == judges,
    }


def _taught(judges: list[str], seats: list[PanelJudge], evidence: Evidence) -> Iterator[Finding]:
    """A model that learned a judge's taste, asked of that judge."""
    both = _who_taught(judges, seats, evidence)
    remedy = "Add a judge that did not teach it: `--judge`."
    teachers = listed(list(dict.fromkeys(teacher.id for teacher in _teachers(evidence))))
    if both and both == judges:
        text = (
            f"The candidate was {taught_words(teachers, judges)}: that it is preferred may say only "
            "that it has learned this taste."
        )
        yield Finding("fail", text, remedy)
    elif both:
        others = [name for name in judges if name not in both]
        text = (
            f"{quoted(both)} taught the candidate and judged it too: {quoted(others)} did not, and "
            "what they say counts."
        )
        yield Finding("warn", text, "Look at each judge's own rate.")
    chain = evidence.training.chain if evidence.training else ()
    if unsigned := sum(part.taught.unsigned for part in chain if part.taught):
        text = (
            f"Of the pairs the candidate learned from, {unsigned:,} name no judge: whether these judges "
            "taught it is not known."
        )
        yield Finding("warn", text, "`brie data prefs` writes pairs that name their judges.")


def taught_words(teachers: str, judges: list[str]) -> str:
    """ "taught by claude-haiku, judged by claude-haiku"."""
    return f"taught by {teachers}, judged by {listed(judges)}"


def _disagree(panel: PanelAgreement | None) -> list[Finding]:
    alpha = panel.alpha if panel else None
    if panel is None or alpha is None or alpha.value >= LOW_ALPHA:
        return []
    text = (
        f"The judges agree little beyond chance: alpha {two_digits(alpha.value)}, unanimous in "
        f"{percent(panel.unanimous)} of comparisons (where one side nearly always wins, alpha is low "
        "by itself)."
    )
    return [Finding("warn", text, "See who differs and where: `brie agreement`.")]


def _contradicts(evidence: Evidence, judges: list[str]) -> list[Finding]:
    """Judges whose winner and scores often say opposite things: one of the two is not what it meant."""
    findings = []
    for name in judges:
        numbers = evidence.analysis.by_judge.get(name)
        if numbers is None or not numbers.contradictions:
            continue
        if numbers.contradictions > CONTRADICTS * numbers.scored:
            text = (
                f"`{name}` gave the winner the lower scores in {numbers.contradictions} of "
                f"{plural(numbers.scored, 'scored verdict')}: its letters and its scores disagree."
            )
            remedy = f"Read some in `brie view`, and try the judge: `brie judges score --judge {name}`."
            findings.append(Finding("warn", text, remedy))
    return findings


def _unusable(evidence: Evidence) -> float:
    counts = evidence.analysis.counts
    asked = counts.ok + counts.invalid + counts.refused + counts.error
    return (asked - counts.ok) / asked if asked else 0.0


def _failed(evidence: Evidence) -> list[Finding]:
    counts, part = evidence.analysis.counts, _unusable(evidence)
    if part <= UNUSABLE:
        return []
    bad = f"{counts.invalid} invalid, {counts.refused} refused, {counts.error} errors"
    hangs = (
        " and the verdict depends on them" if evidence.analysis.verdict_survives_missing is False else ""
    )
    status = "fail" if part > MANY_UNUSABLE or hangs else "warn"
    text = f"{percent(part)} of the verdicts could not be used ({bad}){hangs}."
    remedy = "Errors are asked again by the same command; the others with `--retry`."
    return [Finding("fail" if status == "fail" else "warn", text, remedy)]


def _stopped(evidence: Evidence) -> list[Finding]:
    if not evidence.stopped:
        return []
    reasons = "; ".join(f"`{name}`: {why[:120]}" for name, why in evidence.stopped.items())
    text = (
        f"{plural(len(evidence.stopped), 'judge')} stopped answering and left the headline ({reasons})."
    )
    return [Finding("warn", text, "When it answers again, the same command takes it back in.")]


def _nobody(evidence: Evidence) -> Check:
    aside = _not_counted(evidence)
    if not aside:
        return not_run(ID, "No judge has been asked yet.")
    return not_run(ID, f"No judge counts. {aside[0].text}", aside[0].remedy)


def _not_counted(evidence: Evidence) -> list[Finding]:
    """Judges that give numbers and were not shown able to tell."""
    aside = {
        name: judge.margins.why_not
        for name, judge in evidence.analysis.by_judge.items()
        if judge.margins
        and not (judge.margins.counts or judge.added or judge.instrument or judge.stopped is not None)
    }
    if not aside:
        return []
    text = "; ".join(
        f"`{name}` stands beside the headline, not counted: {why}" for name, why in aside.items()
    )
    remedy = "Take a judge that can tell: compare some with `brie judges score`."
    return [Finding("warn", f"{text}.", remedy)]


def _left_out(evidence: Evidence) -> list[Finding]:
    names = list(evidence.plan.left_out) if evidence.plan else []
    if not names:
        return []
    what = "judge was" if len(names) == 1 else "judges were"
    text = f"{len(names)} {what} left out for a missing key: {quoted(names)}."
    return [Finding("warn", text, "Set the keys (`brie doctor` names them), then run the same command.")]


def _passed(number: int, alpha: Estimate | None, families: dict[str, str | None]) -> str:
    known = len({family for family in families.values() if family})
    of = f" of {plural(known, 'family', 'families')}" if known > 1 else ""
    agree = f" agree with alpha {two_digits(alpha.value)}" if alpha else " judged"
    return f"{plural(number, 'judge')}{of}{agree}, and nearly every verdict could be used."
