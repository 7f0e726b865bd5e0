"""What an audit says: each sentence where its fact holds, and only there."""

from __future__ import annotations

from brie.audit.words import sentences
from brie.records.audit import AuditClaim, AuditFacts

PLAIN = AuditFacts(
    format="table",
    reason="asked for",
    identifies="what its columns allow",
    rows=4,
    skipped=0,
    first_skipped=None,
    pairs=4,
    prompts=4,
    row_mean=None,
    row_standard_error=None,
    restated=0,
    contradictions=0,
    cut_pairs=0,
    confound=None,
    claim=None,
)
"""An audit without anything odd."""


def facts(**changes: object) -> AuditFacts:
    """The same, and what is changed of it."""
    return AuditFacts.model_validate(PLAIN.model_dump() | changes)


def claimed(low: float, high: float, value: float) -> str:
    claim = AuditClaim(value=value, inside_interval=low <= value <= high, interval=(low, high))
    return next(sentences(facts(claim=claim)))


def test_an_audit_without_findings_says_how_it_read_what() -> None:
    assert list(sentences(facts())) == [
        "Read as table: asked for.",
        "4 rows, each on a prompt of its own.",
        "What the design identifies: what its columns allow.",
    ]


def test_rows_that_share_prompts_are_counted_as_what_they_are() -> None:
    shared = facts(rows=8, pairs=4, prompts=2, row_mean=0.625, row_standard_error=0.125)
    assert list(sentences(shared))[1:3] == [
        "8 rows are 4 different pairs of answers to 2 prompts; the interval counts the 2.",
        "Mean over rows 62.5000 %, standard error 12.5000 % if rows were independent.",
    ]


def test_pairs_of_one_prompt_each_judged_once_still_share_it() -> None:
    assert list(sentences(facts(rows=4, pairs=4, prompts=2)))[1] == (
        "4 rows are 4 different pairs of answers to 2 prompts; the interval counts the 2."
    )


def test_each_finding_has_its_sentence() -> None:
    odd = facts(
        restated=3,
        contradictions=1,
        cut_pairs=2,
        confound={"letter": "A", "undone_by": 0.5, "why": "the candidate is always A"},
        skipped=2,
        first_skipped={"line": 7, "why": "not JSON"},
    )
    assert list(sentences(odd))[3:] == [
        "1 of 3 stored winners contradict the judge's own text; the text was believed.",
        "In 2 of 4 pairs an answer may be cut off, by its ending.",
        "The verdict is conditional: the candidate is always A.",
        "2 rows were skipped; the first is line 7: not JSON.",
    ]


def test_stored_winners_that_agree_are_said_to() -> None:
    agreeing = list(sentences(facts(restated=3)))
    assert "All 3 stored winners are what the judge's own text says." in agreeing


def test_a_claim_stands_against_the_interval_and_an_even_result() -> None:
    assert claimed(0.4, 0.8, 0.77) == (
        "Claimed 77.0 %. The prompts support 40 to 80 %: the claim is inside; so is an even 50 %."
    )
    assert claimed(0.6, 0.8, 0.77).endswith("support 60 to 80 %: the claim is inside.")
    assert claimed(0.4, 0.6, 0.77).endswith("support 40 to 60 %: the claim is outside.")
    assert "even" not in claimed(0.6, 0.8, 0.77) + claimed(0.4, 0.6, 0.77)


def test_a_claim_without_an_interval_cannot_be_compared() -> None:
    claim = AuditClaim(value=0.77, inside_interval=None, interval=None)
    assert next(sentences(facts(claim=claim))) == (
        "Claimed 77.0 %: it cannot be compared, as there is no interval."
    )
