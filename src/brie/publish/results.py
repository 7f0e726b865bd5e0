"""The part of a card that says how the model was judged, with what speaks against each number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brie.conventions import ANCHORED
from brie.number_format import listed
from brie.publish.quoted import UNKNOWN, Quoted, named
from brie.publish.subject import Subject
from brie.records import WORST_FIRST, Provider, kind_of
from brie.report.clean import one_line
from brie.report.facts import STATUS_MARKS
from brie.report.markdown import code_span, escape, table
from brie.report.sentence import SCOPE

_WORDS = {
    "better": "it is better than what it was compared with, on new prompts like these.",
    "worse": "it is worse than what it was compared with, on new prompts like these.",
    "equivalent": "no difference of a size that matters was found, and one would have been.",
    "undecided": "this evaluation cannot tell which is better. That is no sign that they are alike.",
}
"""Verdict -> what it says, after its word."""
_KINDS = {"rule": "a rule, no model", "model": "a model", "person": "a person"}
_KEPT = {
    "not worse": "outside: not worse",
    "not shown": "outside: not shown to be as good",
    "worse": "outside: worse",
}


def results(subject: Subject) -> Iterator[str]:
    """How it was judged, one block a piece; what was not asked is said."""
    yield "## How it was judged"
    if not subject.evaluations:
        yield (
            "**Not judged.** No finished evaluation of this checkpoint is known here, so nothing says "
            "that it is better than its base, or as good."
        )
    if len(subject.evaluations) > 1:
        yield (
            "Every finished evaluation of this checkpoint is listed, oldest first; none was chosen for "
            "its number."
        )
    suites = [evaluation.said("suite", "name") for evaluation in subject.evaluations]
    for evaluation in subject.evaluations:
        alone = suites.count(evaluation.said("suite", "name")) == 1
        yield from _evaluation(evaluation, alone=alone)
    if subject.unfinished:
        names = listed([*map(code_span, subject.unfinished)])
        yield f"Begun and not finished, so nothing is quoted: {names}."
    yield from _domains(subject)


def limits(subject: Subject) -> Iterator[str]:
    """What the numbers do not say."""
    yield "## Limits"
    lines = [
        *([SCOPE] if subject.evaluations else []),
        "Nothing was measured of safety, bias, truthfulness outside these prompts, or other languages "
        "than theirs.",
        "What its base cannot do or gets wrong, this model may inherit.",
    ]
    yield "\n".join(f"- {escape(line)}" for line in lines)


def judged_by(quoted: Quoted) -> str:
    """The judges of the win rate, each with what it is: "the rule `reference` and the model `opus`"."""
    judges = [seat.under("judge") for seat in counting_seats(quoted)]
    told = listed([f"the {_kind(judge)} {named(judge.said('id'))}" for judge in judges])
    return told or "no judge that counts"


def counting_seats(quoted: Quoted) -> list[Quoted]:
    """The judges whose mean is the win rate; where none is, there is no win rate."""
    return [seat for seat in quoted.rows("plan", "seats") if not _beside(quoted, seat)]


def _beside(quoted: Quoted, seat: Quoted) -> str:
    """Why a judge is outside the win rate; "" where it is not."""
    if seat.value("instrument"):
        return "an instrument"
    judge = quoted.under("by_judge", seat.said("judge", "id"))
    if judge.value("stopped") is not None:
        return "stopped"
    return "not shown able to tell" if judge.value("margins", "counts") is False else ""


def _kind(judge: Quoted) -> str:
    return kind_of(Provider(judge.said("provider")))


def _evaluation(quoted: Quoted, *, alone: bool) -> Iterator[str]:
    """One evaluation; its id stands in the heading where it is not alone on its suite."""
    suite, baseline = quoted.under("suite"), quoted.under("baseline")
    which = "" if alone else f", {code_span(quoted.name)}"
    yield f"### Suite {named(suite.said('name')) or 'without a name'}{which}"
    yield _verdict(quoted)
    yield "\n".join(_reasons(quoted))
    yield table(("", ""), list(_figures(quoted, baseline, suite)))
    yield from _judges(quoted)
    yield from _slices(quoted)
    yield from _checks(quoted)


def _verdict(quoted: Quoted) -> str:
    rate = quoted.share("win_rate", "value")
    if rate == UNKNOWN:
        why = quoted.text("notes", "win_rate")
        return f"**No win rate.** Reason: {why}."
    inside = quoted.interval("win_rate")
    ends = (
        f" ({quoted.share('win_rate', 'level')} interval {inside})"
        if inside
        else ", without an interval"
    )
    people = quoted.said("win_rate", "method") == ANCHORED
    lead = "By people's votes it would have won" if people else "It won"
    told = f"{lead} **{rate}** of comparisons, ties counting half{ends}."
    verdict, state = quoted.said("verdict"), quoted.said("standing", "state")
    if verdict:
        return f"{told} Verdict: **{quoted.word('verdict')}**; {_WORDS[verdict]}"
    if state == "conditional":
        word, held = quoted.word("conditional_verdict"), quoted.word("standing", "state")
        return f"{told} Verdict: **{word}, on a condition** (it is {held}), and no more without it:"
    if state == "withheld":
        held = quoted.word("standing", "state")
        return f"{told} **The verdict does not stand by itself** (it is {held})."
    return f"{told} No verdict: {quoted.text('notes', 'verdict')}."


def _reasons(quoted: Quoted) -> Iterator[str]:
    """Why a verdict does not stand; empty where it does."""
    for reason in quoted.rows("standing", "reasons"):
        yield f"- {reason.code('cause')}: {reason.text('text')}"


def _figures(quoted: Quoted, baseline: Quoted, suite: Quoted) -> Iterator[tuple[str, str]]:
    plan, counts = quoted.under("plan"), quoted.under("counts")
    yield "Compared with", f"{named(baseline.said('name'))}, {baseline.fingerprint('digest')}"
    version = f", version {suite.code('version')}" if suite.said("version") else ""
    yield "Suite", f"{suite.number('prompts')} prompts{version}, {suite.fingerprint('digest')}"
    yield "Judged prompts", quoted.number("win_rate", "prompts")
    yield "Samples a prompt", plan.number("samples")
    orders = "both orders" if plan.said("positions") == "both" else "one order each, balanced"
    yield "Shown in", orders
    yield "Verdicts", f"{counts.number('verdicts')} planned, {counts.number('ok')} usable"
    yield "Won, tied, lost", ", ".join(quoted.number("outcomes", key) for key in ("win", "tie", "loss"))
    yield "Identical answers", counts.number("identical")
    yield "At equal length", _at_equal_length(quoted)
    yield "New sources", _new_sources(quoted)
    sampling = plan.under("sampling")
    yield (
        "Sampling",
        f"temperature {sampling.number('temperature')}, top-p {sampling.number('top_p')}, at most "
        f"{sampling.number('max_new_tokens')} tokens, seed {sampling.number('seed')}",
    )
    yield "Evaluation", f"{quoted.code('id')}, plan sealed as {quoted.fingerprint('seal')}"


def _at_equal_length(quoted: Quoted) -> str:
    controlled = quoted.under("length_controlled")
    rate = controlled.share("value")
    if rate == UNKNOWN:
        return f"{UNKNOWN}: {_note(quoted, 'length_controlled')}"
    inside = controlled.interval()
    beyond = "" if controlled.value("overlap_ok") else "; an extrapolation, the lengths hardly overlap"
    return f"{rate}{f' ({inside})' if inside else ''}{beyond}"


def _new_sources(quoted: Quoted) -> str:
    rate = quoted.under("win_rate")
    ends = [rate.share("by_source_interval", end) for end in ("0", "1")]
    if UNKNOWN in ends:
        return f"{UNKNOWN}: the suite has too few sources to speak for new ones"
    return f"{rate.share('mean_of_sources')} ({ends[0]} to {ends[1]}), {rate.number('sources')} sources"


def _note(quoted: Quoted, key: str) -> str:
    """The stored reason why a number is not there."""
    why = quoted.text("notes", key)
    return why if why != UNKNOWN else "no reason is recorded"


def _judges(quoted: Quoted) -> Iterator[str]:
    rows = []
    for seat in quoted.rows("plan", "seats"):
        name = seat.said("judge", "id")
        rate = quoted.under("by_judge", name, "win_rate")
        who = _kind(seat.under("judge"))
        model = seat.code("judge", "model", in_table=True) if who == "model" else ""
        kind = _KINDS[who]
        beside = _beside(quoted, seat)
        what = f"{kind}; {beside}, outside the win rate" if beside else kind
        rows.append((named(name), what, model, rate.share("value"), rate.interval()))
    yield table(("Judge", "What it is", "Model", "Its win rate", "Interval"), rows, "lllrr")
    if quoted.table("human_anchored"):
        people = quoted.under("human_anchored")
        yield (
            f"People voted too, on prompts drawn at random: {people.number('votes')} votes of "
            f"{people.number('voters')} voters on {people.number('labelled')} prompts."
        )


def _slices(quoted: Quoted) -> Iterator[str]:
    """What training has seen and what not, and the categories."""
    training = list(quoted.table("by_training"))
    if training:
        rows = [_slice(quoted, "by_training", name) for name in training]
        yield table(("Prompts, by the training data", "Win rate", "Interval", "Prompts"), rows, "lrrr")
    else:
        yield (
            "Prompts and sources that training has seen, against those it has not: no comparison. "
            "Either nothing here says which are which, or all of them are on one side."
        )
    categories = list(quoted.table("by_category"))
    if len(categories) > 1:
        rows = [_slice(quoted, "by_category", name) for name in categories]
        yield table(("Category", "Win rate", "Interval", "Prompts"), rows, "lrrr")


def _slice(quoted: Quoted, key: str, name: str) -> tuple[str, ...]:
    rate = quoted.under(key, name, "win_rate")
    return (named(one_line(name, 80)), rate.share("value"), rate.interval(), rate.number("prompts"))


def _checks(quoted: Quoted) -> Iterator[str]:
    statuses = quoted.table("checks")
    counts = quoted.under("check_counts")
    yield (
        f"Checks that fail: {counts.number('fail')}, that warn: {counts.number('warn')}, not run: "
        f"{counts.number('not_run')}, that pass: {counts.number('pass')}."
    )
    shown = [name for name in statuses if statuses[name] in ("fail", "warn", "not_run")]
    shown.sort(key=lambda name: WORST_FIRST[str(statuses[name])])
    rows = [
        (
            f"{STATUS_MARKS[str(statuses[name])].replace('!', '⚠')} {quoted.word('checks', name)}",
            code_span(name),
            quoted.text("check_words", name),
        )
        for name in shown
    ]
    yield table(("", "Check", "What it found"), rows)


def _domains(subject: Subject) -> Iterator[str]:
    """Suites that were judged together: the domain, and what is outside it."""
    if not subject.evaluations:
        return
    yield "### In the domain and outside it"
    if not subject.suites:
        yield "Not known: no suites were sealed and judged together for this checkpoint."
    for quoted in subject.suites:
        yield _together(quoted)
        gap = quoted.under("difference")
        if quoted.table("difference"):
            yield (
                f"Inside minus outside: {gap.share('value')} of comparisons ({gap.interval()}), "
                f"{gap.text('word')}."
            )
        yield "\n".join(f"- {warning.text()}" for warning in quoted.rows("warnings"))


def _together(quoted: Quoted) -> str:
    rows = [_line(line, place) for place, line in enumerate(quoted.rows("suites"))]
    head = ("Suite", "Where", "Win rate", "Interval, holding for all together", "Prompts")
    return table(head, rows, "llrrr")


def _line(line: Quoted, place: int) -> Sequence[str]:
    kept = _KEPT.get(line.said("kept"), "outside")
    where = "the domain" if not place else kept
    return (
        named(line.said("suite")),
        where,
        line.share("value"),
        line.interval(),
        line.number("prompts"),
    )
