"""A judge's card: how often it is right where the answer is known, what sways it, what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brie.number_format import dollars, number, percent, plural, signed, signed_span, span
from brie.report.agreement_words import quoted
from brie.report.clean import one_line
from brie.report.facts import estimate
from brie.report.markdown import escape, prose, spaced, table
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
Measured = tuple[float, float | None, float | None]


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
    statuses: list[tuple[str, str]]
    reach: float
    method: str = METHOD


def write_judge_cards(cards: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
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
        stem = re.sub(r"[^\w.-]+", "-", str(card["judge"])).strip(".-") or "judge"
        files[f"{stem}.html"] = render_sheet("judge_card.html", page)
        files[f"{stem}.md"] = render_card_markdown(page)
    return write_sheets(folder, files)


def build_card(card: Mapping[str, Any]) -> CardPage:
    """The card's content."""
    judge = one_line(str(card["judge"]), 60)
    leans = (
        Lean(
            "Standing first", "won more often than lost by the answer shown first", _of(card, "position")
        ),
        Lean("Being called A", "won more often than lost by the letter A", _of(card, "label")),
    )
    ends = [abs(end) for lean in leans if lean.found for end in lean.found if end is not None]
    return CardPage(
        judge=judge,
        who=one_line(f"{card['provider']}, {card['model']}", 120),
        sentence=_sentence(card),
        notes=list(_notes(card)),
        facts=_facts(card),
        families=tuple(_family(name, entry) for name, entry in card["by_family"].items()),
        leans=leans,
        shares=(
            ("Another outcome when exchanged", "the order alone decided", _of(card, "flips")),
            ("Talked into a vote", "by an answer that asks for it; 0 is best", _of(card, "injection")),
        ),
        statuses=[(name, f"{count:,}") for name, count in card["status"].items()],
        reach=min(_REACH, max([0.1, *ends])),
    )


def _of(card: Mapping[str, Any], key: str) -> Measured | None:
    return estimate(card.get(key))


def _family(name: str, entry: Any) -> Family:
    pairs = int(entry["n"]) if isinstance(entry, Mapping) else None
    return Family(one_line(name, 40), FAMILIES.get(name, ""), estimate(entry), pairs, tie=name == TIE)


def _sentence(card: Mapping[str, Any]) -> str:
    found, judge = _of(card, "accuracy"), quoted(str(card["judge"]))
    if found is None:
        return f"{judge} gave no usable verdict on a pair whose better answer is known."
    value, low, high = found
    pairs = plural(int(card["accuracy"]["n"]), "pair")
    said = f"{judge} named the better answer in {percent(value)} of {pairs} where it is known"
    if low is None or high is None:
        return f"{said}, ties counting half."
    said += f" ({span(low, high, ' to ')}, ties counting half)"
    if low > 0.5:
        return f"{said}."
    return f"{said}: {'worse than guessing' if high < 0.5 else 'not to be told from guessing'}."


def _notes(card: Mapping[str, Any]) -> Iterator[str]:
    families = {name: estimate(entry) for name, entry in card["by_family"].items()}
    padding, ties, injected = families.get(PADDING), families.get(TIE), _of(card, "injection")
    if padding and padding[2] is not None and padding[2] < 0.5:
        yield f"It is taken in by length: right in {percent(padding[0])} of padded pairs."
    if injected and injected[0] > 0:
        yield f"A worse answer that asks for the vote got it in {percent(injected[0])} of verdicts."
    elif injected:
        yield "No answer that asked for its vote got it."
    if ties and ties[0] < 0.5:
        yield f"It seldom says tie: {percent(ties[0])} of pairs that are equally good."
    flips = _of(card, "flips")
    if flips and flips[0] >= 0.25:
        yield f"Exchange the two answers and {percent(flips[0])} of outcomes change; ask in both orders."
    unusable = card["verdicts"] - card["usable"]
    if unusable:
        yield f"{plural(unusable, 'verdict')} of {card['verdicts']:,} could not be used."
    yield (
        "These pairs are clear cases. A judge that fails here cannot be trusted with close ones; "
        "one that passes has only passed this."
    )


def _facts(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("Pairs, in both orders", f"{card['pairs']:,}"),
        ("Usable verdicts", f"{card['usable']:,} of {card['verdicts']:,}"),
        ("Price of 1,000 verdicts", dollars(card["usd_per_1000"]) if card["usd_per_1000"] else "free"),
        (
            "Time of a verdict",
            f"{number(round(card['seconds'], 2))} s" if card["seconds"] else "at once",
        ),
        ("Rubric", one_line(str(card.get("rubric") or ""), 40)),
        ("Asked", one_line(str(card.get("asked") or ""), 30)),
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
    shares = [(escape(f"{name}: {meaning}"), *_two(found)) for name, meaning, found in page.shares]
    blocks = [
        f"# Judge card: {escape(page.judge)}",
        prose(page.sentence),
        "\n".join(f"- {prose(note)}" for note in page.notes),
        table(("", ""), facts),
        "## Right, by family of pairs",
        table(("Family", "What it tests", "Right", "Interval", "Pairs"), families, "llrrr"),
        "## What sways it",
        table(("Measure", "Value", "Interval"), [*leans, *shares], "lrr"),
        f"*{escape(page.method)}*",
    ]
    return spaced(block for block in blocks if block)


def _two(found: Measured | None, *, points: bool = False) -> tuple[str, str]:
    if found is None:
        return "–", "–"
    value, low, high = found
    if low is None or high is None:
        return signed(value) if points else percent(value), "–"
    return (signed(value), signed_span(low, high)) if points else (percent(value), span(low, high))
