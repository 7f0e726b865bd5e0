"""What an audit found, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator

from brie.number_format import interval
from brie.records.audit import AuditClaim, AuditFacts

_EVEN = 0.5


def sentences(facts: AuditFacts) -> Iterator[str]:
    """One sentence a finding, most basic first.

    Args:
        facts: what it knows.
    """
    yield f"Read as {facts.format}: {facts.reason}."
    yield from _units(facts)
    yield f"What the design identifies: {facts.identifies}."
    if facts.restated:
        yield _restated(facts)
    if facts.cut_pairs:
        yield f"In {facts.cut_pairs} of {facts.pairs} pairs an answer is cut off."
    if facts.confound:
        yield f"The verdict is conditional: {facts.confound.why}."
    if facts.claim:
        yield _claimed(facts.claim)
    first = facts.first_skipped
    if first is not None:
        rows = "1 row was" if facts.skipped == 1 else f"{facts.skipped} rows were"
        yield f"{rows} skipped; the first is line {first.line}: {first.why}."


def _units(facts: AuditFacts) -> Iterator[str]:
    rows, pairs, prompts = facts.rows, facts.pairs, facts.prompts
    if rows == prompts:
        yield f"{rows} rows, each on a prompt of its own."
    else:
        yield (
            f"{rows} rows are {pairs} different pairs of answers to {prompts} prompts; "
            f"the interval counts the {prompts}."
        )
    mean, error = facts.row_mean, facts.row_standard_error
    if mean is not None and error is not None:
        yield (
            f"Mean over rows {100 * mean:.4f} %, standard error {100 * error:.4f} % if rows were "
            "independent."
        )


def _restated(facts: AuditFacts) -> str:
    wrong, of = facts.contradictions, facts.restated
    if not wrong:
        return f"All {of} stored winners are what the judge's own text says."
    return f"{wrong} of {of} stored winners contradict the judge's own text; the text was believed."


def _claimed(claim: AuditClaim) -> str:
    if claim.interval is None:
        return f"The claimed {100 * claim.value:.1f} % cannot be compared: there is no interval."
    low, high = claim.interval
    where = "inside" if claim.inside_interval else "outside"
    sentence = f"The claimed {100 * claim.value:.1f} % is {where} the interval, {interval(low, high)}"
    even = low <= _EVEN <= high
    return sentence + ("; so is an even 50 %." if even and claim.inside_interval else ".")
