"""What an audit found, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator

from brie.number_format import interval, listed, p_equals, percent, plural, signed, signed_span
from brie.records.analysis import Analysis
from brie.records.audit import AuditClaim, AuditFacts, ModelTable, Paired
from brie.records.estimates import Effect

_EVEN = 0.5
_NAMED = 6


def sentences(facts: AuditFacts, analysis: Analysis | None = None) -> Iterator[str]:
    """One sentence a finding: the claim, whose rates these are, then what the files are.

    Args:
        facts: what it knows.
        analysis: the numbers, where a sentence is about them.
    """
    if facts.claim:
        yield _claimed(facts.claim, analysis)
    if analysis is not None and facts.table is None:
        yield from _rates(facts, analysis)
    if facts.table is not None:
        yield from _ranked(facts.table)
    if facts.paired is not None and analysis is not None:
        yield _right(facts.paired, analysis)
    yield f"Read as {facts.format}: {facts.reason}."
    yield from _units(facts)
    yield f"What the design identifies: {facts.identifies}."
    if facts.place_and_letter is not None:
        yield _together(facts.place_and_letter)
    if facts.restated:
        yield _restated(facts)
    if facts.cut_pairs:
        yield f"In {facts.cut_pairs:,} of {facts.pairs:,} pairs an answer may be cut off, by its ending."
    if facts.confound:
        yield f"The verdict is conditional: {facts.confound.why}."
    yield from _accounts(facts, analysis)


def _rates(facts: AuditFacts, analysis: Analysis) -> Iterator[str]:
    rate = analysis.win_rate
    one, two = analysis.candidate.name, analysis.baseline.name
    if rate is not None:
        text = f"{one} wins {percent(rate.value)}, {two} {percent(1 - rate.value)}, ties counting half"
        if rate.ends is not None:
            low, high = rate.ends
            text = (
                f"{one} wins {percent(rate.value)} ({interval(low, high)}), {two} "
                f"{percent(1 - rate.value)} ({interval(1 - high, 1 - low)}), ties counting half"
            )
        yield f"{text}."
    if not facts.sides_defined:
        yield (
            f"The file does not say which is the candidate: {one} is the first by name; "
            f"--candidate {two} turns it round."
        )
    if facts.other_rows:
        others = plural(facts.other_rows, "row")
        yield f"{others} of other pairs of models {_are(facts.other_rows)} left out."


def _ranked(table: ModelTable) -> Iterator[str]:
    yield (
        f"{len(table.models)} models are ranked by {plural(table.prompts, 'prompt')} "
        f"(Davidson's model; {table.resamples:,} resamples of the prompts)."
    )
    for place in table.models[:_NAMED]:
        low, high = place.expected.low, place.expected.high
        ends = f" ({interval(low, high)})" if low is not None and high is not None else ""
        ranks = _ranks(place.rank_low, place.rank_high)
        yield f"{place.name}: {percent(place.expected.value)} against the others{ends}, {ranks}."
    if len(table.models) > _NAMED:
        yield f"{len(table.models) - _NAMED} more models are in the report and in the JSON."
    if table.unresolved:
        yield (
            f"{table.unresolved:,} of {plural(table.pairs, 'pair')} of models {_are(table.unresolved)} "
            "not resolved: these prompts do not say who is ahead."
        )
    open_gaps = [gap for gap in table.neighbours if not gap.resolved][:_NAMED]
    for gap in open_gaps:
        needed = (
            "more prompts than can be had" if gap.prompts_needed is None else f"{gap.prompts_needed:,}"
        )
        yield (
            f"{gap.ahead} over {gap.behind}: {gap.resolution:.2f} of the prompts needed "
            f"({table.prompts:,} of about {needed})."
        )
    if table.apart:
        yield f"{listed(table.apart)} met none of the others and have no rank."
    if not table.finite:
        yield (
            "A model won or lost everything: how far it is from the others is set by one imagined win "
            "and one imagined loss of each model."
        )


def _ranks(low: int, high: int) -> str:
    return f"rank {low}" if low == high else f"rank {low} to {high}"


def _right(paired: Paired, analysis: Analysis) -> str:
    how = "exact McNemar" if paired.test == "mcnemar-exact" else "sign-flip on prompt means"
    return (
        f"{analysis.candidate.name} alone is right {paired.candidate_only} times, "
        f"{analysis.baseline.name} alone {paired.baseline_only} times, both {paired.both_right}, "
        f"neither {paired.both_wrong} ({how}, p {p_equals(paired.p_value)})."
    )


def _units(facts: AuditFacts) -> Iterator[str]:
    rows, pairs, prompts = facts.rows, facts.pairs, facts.prompts
    if rows == prompts:
        yield f"{plural(rows, 'row')}, each on a prompt of its own."
    else:
        what = "different pairs of answers" if facts.table is None else "comparisons"
        yield (
            f"{rows:,} rows are {pairs:,} {what} to {plural(prompts, 'prompt')}; "
            f"the interval counts the {prompts:,}."
        )
    mean, error = facts.row_mean, facts.row_standard_error
    if mean is not None and error is not None:
        yield (
            f"Mean over rows {100 * mean:.4f} %, standard error {100 * error:.4f} % if rows were "
            "independent."
        )
    if facts.both_orders:
        yield "Comparisons were judged in both orders; those judged in one only leave the rate."


def _together(effect: Effect) -> str:
    if effect.effect is None or effect.low is None or effect.high is None:
        return "Place and letter cannot be told apart."
    return (
        f"Place and letter together: {signed(effect.effect)} points "
        f"[{signed_span(effect.low, effect.high)}] for the answer shown first."
    )


def _restated(facts: AuditFacts) -> str:
    wrong, of = facts.contradictions, facts.restated
    if not wrong:
        return f"All {of} stored winners are what the judge's own text says."
    return f"{wrong:,} of {of:,} stored winners contradict the judge's own text; the text was believed."


def _claimed(claim: AuditClaim, analysis: Analysis | None) -> str:
    said = f"Claimed {100 * claim.value:.1f} %"
    if claim.interval is None:
        return f"{said}: it cannot be compared, as there is no interval."
    low, high = claim.interval
    rate = analysis.win_rate if analysis is not None else None
    prompts = f"These {rate.prompts:,} prompts" if rate is not None else "The prompts"
    where = "inside" if claim.inside_interval else "outside"
    even = "; so is an even 50 %" if low <= _EVEN <= high and claim.inside_interval else ""
    return f"{said}. {prompts} support {interval(low, high)}: the claim is {where}{even}."


def _accounts(facts: AuditFacts, analysis: Analysis | None) -> Iterator[str]:
    """What was not used, and why; nothing is left out in silence."""
    if facts.crowd:
        yield (
            "The judges shared the work: each judged less than half of the comparisons, and what they "
            "left to each other is not counted as missing."
        )
    missing = analysis.counts.missing if analysis is not None else 0
    if missing:
        yield (
            f"{plural(missing, 'verdict')} {_are(missing)} missing: comparisons, or orders of one, that "
            "a judge has no row for."
        )
    unread = sum(reason.rows for reason in facts.unread)
    if unread:
        first = facts.unread[0]
        yield (
            f"{plural(unread, 'verdict')} could not be read and {'counts' if unread == 1 else 'count'} "
            f"as invalid; the first is line {first.line}: {first.why}."
        )
    if facts.passed_over:
        yield f"Columns that were passed over: {listed(facts.passed_over[:12])}."
    first_skipped = facts.first_skipped
    if first_skipped is not None:
        rows = "1 row was" if facts.skipped == 1 else f"{facts.skipped:,} rows were"
        yield f"{rows} skipped; the first is line {first_skipped.line}: {first_skipped.why}."


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
