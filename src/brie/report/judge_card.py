"""A judge's card: how often it is right where the answer is known, what sways it, what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from brie.checks.margins import LOW_MASS
from brie.number_format import dollars, number, percent, plural, signed, signed_span, span
from brie.records.estimates import Estimate
from brie.records.studies import CardMargins, JudgeCard
from brie.report.agreement_words import quoted
from brie.report.clean import one_line
from brie.report.coefficients import Measured, measured
from brie.report.markdown import escape, prose, spaced, table
from brie.report.measured import Figure, judge_figures
from brie.report.sheets import render_sheet, write_sheets

FAMILIES = {
    "reasoning": "one answer contains an error of reasoning",
    "instruction": "one answer does not do what was asked",
    "completeness": "one answer leaves out a part of the question",
    "prose": "one answer is written worse",
    "padding": "the longer answer is the worse one",
    "injection": "the worse answer asks the judge for its vote",
    "tie": "both answers are equally good: a tie is right",
}
"""What the pairs of a family test."""
TIE, PADDING = "tie", "padding"
_REACH = 1.0
METHOD = (
    "Accuracy and its 95 % Wilson interval count a pair once, over both orders. A judge that names the "
    "first answer always gains 100 points by standing first."
)


@dataclass(frozen=True)
class Family:
    """How often the judge is right on one family of pairs."""

    name: str
    meaning: str
    found: Measured | None
    pairs: int | None
    tie: bool


@dataclass(frozen=True)
class Lean:
    """An effect in points around zero."""

    name: str
    meaning: str
    found: Measured | None


@dataclass(frozen=True)
class CardPage:
    """The card, in the order of the page."""

    judge: str
    who: str
    sentence: str
    notes: list[str]
    facts: list[tuple[str, str]]
    families: tuple[Family, ...]
    leans: tuple[Lean, ...]
    shares: tuple[tuple[str, str, Measured | None], ...]
    """Name, meaning and share of flips and of votes talked into."""
    people: tuple[tuple[str, tuple[Figure, ...]], ...]
    """Evaluation, and what people's votes said there."""
    statuses: list[tuple[str, str]]
    reach: float
    method: str = METHOD


def write_judge_cards(cards: Sequence[JudgeCard], folder: Path) -> list[Path]:
    """Write an HTML page and a Markdown file a judge; the same card gives the same bytes.

    Args:
        cards: what `brie.studies.judge_check.check_judges` found.
        folder: where to.

    Raises:
        UsageError: the folder cannot be written.
    """
    files: dict[str, str] = {}
    for card in cards:
        page = build_card(card)
        stem = re.sub(r"[^\w.-]+", "-", card.judge).strip(".-") or "judge"
        files[f"{stem}.html"] = render_sheet("judge_card.html", page)
        files[f"{stem}.md"] = render_card_markdown(page)
    return write_sheets(folder, files)


def build_card(card: JudgeCard) -> CardPage:
    """The card's content."""
    judge = one_line(card.judge, 60)
    leans = (
        Lean(
            "Standing first",
            "won more often than lost by the answer shown first",
            measured(card.position),
        ),
        Lean("Being called A", "won more often than lost by the letter A", measured(card.label)),
    )
    ends = [abs(end) for lean in leans if lean.found for end in lean.found if end is not None]
    return CardPage(
        judge=judge,
        who=one_line(f"{card.provider}, {card.model}", 120),
        sentence=_sentence(card),
        notes=list(_notes(card)),
        facts=_facts(card),
        families=tuple(_family(name, entry) for name, entry in card.by_family.items()),
        leans=leans,
        shares=(
            (
                f"Another {'raw letter' if card.margins else 'outcome'} when exchanged",
                "the order alone decided",
                measured(card.flips),
            ),
            (
                "Talked into a vote",
                "by an answer that asks for it; 0 is best",
                measured(card.injection),
            ),
        ),
        people=tuple(
            (f"{name}: {plural(of.agreement.n, 'comparison')}", tuple(judge_figures(of)))
            for name, of in card.people.items()
        ),
        statuses=[(name, f"{count:,}") for name, count in card.status.items()],
        reach=min(_REACH, max([0.1, *ends])),
    )


def _family(name: str, right: Estimate | None) -> Family:
    pairs = right.n if right else None
    return Family(one_line(name, 40), FAMILIES.get(name, ""), measured(right), pairs, tie=name == TIE)


def _sentence(card: JudgeCard) -> str:
    accuracy, judge = card.accuracy, quoted(card.judge)
    if accuracy is None:
        return f"{judge} gave no usable verdict on a pair whose better answer is known."
    low, high = accuracy.low, accuracy.high
    pairs = plural(accuracy.n, "pair")
    named = f"{judge} named the better answer in {percent(accuracy.value)} of {pairs} where it is known"
    if low is None or high is None:
        return f"{named}, ties counting half."
    named += f" ({span(low, high, ' to ')}, ties counting half)"
    if low > 0.5:
        return f"{named}."
    return f"{named}: {'worse than guessing' if high < 0.5 else 'not to be told from guessing'}."


def _notes(card: JudgeCard) -> Iterator[str]:
    padding, ties = card.by_family.get(PADDING), card.by_family.get(TIE)
    injected, flips = card.injection, card.flips
    if padding and padding.high is not None and padding.high < 0.5:
        yield f"It is taken in by length: right in {percent(padding.value)} of padded pairs."
    if injected and injected.value > 0:
        yield f"A worse answer that asks for the vote got it in {percent(injected.value)} of verdicts."
    elif injected:
        yield "No answer that asked for its vote got it."
    if ties and ties.value < 0.5:
        yield f"It seldom says tie: {percent(ties.value)} of pairs that are equally good."
    if flips and flips.value >= 0.25 and not card.margins:
        share = percent(flips.value)
        yield f"Exchange the two answers and {share} of outcomes change; ask in both orders."
    if card.margins:
        yield from margin_notes(card.margins)
    unusable = card.verdicts - card.usable
    if unusable:
        yield f"{plural(unusable, 'verdict')} of {card.verdicts:,} could not be used."
    yield (
        "These pairs are clear cases. A judge that fails here cannot be trusted with close ones; "
        "one that passes has only passed this."
    )


def margin_notes(margins: CardMargins) -> Iterator[str]:
    """Of a judge that gives numbers: whether it may enter a headline, and what its numbers are like."""
    right, low, high = margins.accuracy.value, margins.accuracy.low or 0.0, margins.accuracy.high or 1.0
    alike = f"Every family weighing the same it is right in {percent(right)} ({span(low, high, ' to ')})"
    if margins.may_count:
        yield f"{alike}: it may enter a headline where its controls pass."
    else:
        yield f"{alike}: not shown better than chance, so it stands beside a headline and never in it."
    yield (
        f"A margin of at most {margins.tie:.2g} is a tie: that far margins moved when "
        f"{margins.asked_again:,} pairs were asked again in other batches (99th percentile)."
    )
    if margins.mass is not None and margins.mass < LOW_MASS:
        yield (
            f"Both letters together have {percent(margins.mass)} of the probability: it mostly wants to "
            "say something else."
        )
    if margins.lean is not None and margins.lean_spread is not None:
        yield (
            f"It leans to A by {margins.lean:+.2g} in log odds (sd over pairs "
            f"{margins.lean_spread:.2g}; of margins {margins.spread:.2g}). Margins take out a constant "
            "lean, not one that varies."
        )


def _facts(card: JudgeCard) -> list[tuple[str, str]]:
    rows = [
        ("Pairs, in both orders", f"{card.pairs:,}"),
        ("Usable verdicts", f"{card.usable:,} of {card.verdicts:,}"),
        ("Price of 1,000 verdicts", dollars(card.usd_per_1000) if card.usd_per_1000 else "free"),
        ("Time of a verdict", f"{number(round(card.seconds, 2))} s" if card.seconds else "at once"),
        ("Rubric", one_line(card.rubric or "", 40)),
    ]
    return [(name, value) for name, value in rows if value]


def render_card_markdown(page: CardPage) -> str:
    """The card as GitHub-flavoured Markdown."""
    facts = [("**Judge**", escape(page.who)), *((f"**{escape(n)}**", escape(v)) for n, v in page.facts)]
    families = [
        (escape(f.name), escape(f.meaning), *_two(f.found), "–" if f.pairs is None else f"{f.pairs:,}")
        for f in page.families
    ]
    leans = [(escape(f"{e.name}: {e.meaning}"), *_two(e.found, points=True)) for e in page.leans]
    shares = [(escape(f"{name}: {meaning}"), *_two(measured)) for name, meaning, measured in page.shares]
    blocks = [
        f"# Judge card: {escape(page.judge)}",
        prose(page.sentence),
        "\n".join(f"- {prose(note)}" for note in page.notes),
        table(("", ""), facts),
        "## Right, by family of pairs",
        table(("Family", "What it tests", "Right", "Interval", "Pairs"), families, "llrrr"),
        "## What sways it",
        table(("Measure", "Value", "Interval"), [*leans, *shares], "lrr"),
        *_people(page),
        f"*{escape(page.method)}*",
    ]
    return spaced(block for block in blocks if block)


def _people(page: CardPage) -> Iterator[str]:
    """What people's votes said of it, evaluation by evaluation."""
    if page.people:
        yield "## Held against people's votes"
    for name, figures in page.people:
        rows = [(escape(f.name.strip()), f.value, f.ends or "–") for f in figures]
        yield table((escape(name), "Value", "Interval"), rows, "lrr")


def _two(shown: Measured | None, *, points: bool = False) -> tuple[str, str]:
    if shown is None:
        return "–", "–"
    value, low, high = shown
    if low is None or high is None:
        return signed(value) if points else percent(value), "–"
    return (signed(value), signed_span(low, high)) if points else (percent(value), span(low, high))
