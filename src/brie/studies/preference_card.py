"""The card of a file of preference pairs: where they come from, and what was left out and why."""

from __future__ import annotations

from collections.abc import Iterator

from brie.data.preferences import PAIR_KEYS
from brie.number_format import listed, number, percent, plural
from brie.records import Digest, Record
from brie.report.clean import one_line
from brie.report.markdown import escape
from brie.studies.pairing import REASONS, Reason


class Evaluated(Record):
    """An evaluation that pairs were made of."""

    id: str
    seal: Digest
    suite: str
    suite_version: str
    suite_digest: Digest
    suite_prompts: int
    licence: str
    """Of the suite; "" where it says nothing."""
    candidate: str
    """What it was called, and the beginning of its fingerprint."""
    baseline: str
    judges: dict[str, str]
    """Judge -> model."""
    not_counted: dict[str, str]
    """Judge that gives numbers and is not shown able to tell -> why: it has no say."""
    not_blind: int
    """Voters who had seen a result or could: their votes are left out."""


class PrefsCard(Record):
    """What `brie data prefs --json` prints."""

    file: Digest | None = None
    """Over the bytes of the file."""
    evaluations: tuple[Evaluated, ...]
    comparisons: int
    pairs: int
    prompts: int
    """Distinct prompts of the pairs."""
    left_out: dict[Reason, int]
    """Reason -> comparisons that are no pair."""
    chosen: dict[str, int]
    """Side -> how often its answer is the better one."""
    judges: dict[str, int]
    """Judge -> pairs on whose better answer it agrees in both orders."""
    votes: dict[str, int]
    """`chosen`, `rejected`, `tie` -> votes of people on the pairs."""
    voted: int
    """Pairs that people voted on."""
    longer_chosen: float | None
    """Of pairs of unequal length, the share in which the longer answer is the better one."""
    longer_chosen_before: float | None = None
    """The same before pairs were dropped for their lengths."""
    margin: float | None
    """Mean of the pairs' margins."""
    min_agreement: float
    people_weight: float

    def reasons(self) -> str:
        """What was left out, the most first: "12 a tie, 3 an answer is empty"."""
        ordered = sorted(self.left_out.items(), key=lambda item: -item[1])
        return "; ".join(f"{count:,} {REASONS[reason]}" for reason, count in ordered) or "nothing"

    @property
    def suites(self) -> tuple[str, ...]:
        """Names of the suites that were judged."""
        return tuple(dict.fromkeys(evaluated.suite for evaluated in self.evaluations))

    def sentences(self) -> Iterator[str]:
        """The facts of the file, a line each."""
        yield f"left out of {plural(self.comparisons, 'comparison')}: {self.reasons()}"
        yield (
            f"better answer: the candidate's in {self.chosen['candidate']:,}, the baseline's in "
            f"{self.chosen['baseline']:,}; mean margin {number(self.margin or 0.0)}"
        )
        judges = listed([f"{name} {count:,}" for name, count in self.judges.items()])
        yield (
            f"judges that agree in both orders: {judges}; at least {percent(self.min_agreement)} had to"
        )
        if self.voted:
            cast = ", ".join(f"{self.votes[key]} {key}" for key in (*PAIR_KEYS, "tie"))
            yield (
                f"people voted on {plural(self.voted, 'pair')} ({cast}); a vote weighs "
                f"{self.people_weight:g} of a judge"
            )
        if self.longer_chosen is not None:
            before = self.longer_chosen_before
            was = f" (before: {percent(before)})" if before not in (None, self.longer_chosen) else ""
            share = percent(self.longer_chosen)
            yield f"of unequal pairs, the longer answer is the better one in {share}{was}"


def card_text(card: PrefsCard, name: str) -> str:
    """The card as Markdown.

    Args:
        card: the figures.
        name: of the file it describes.
    """
    return "\n".join(_card(card, name)) + "\n"


def _card(card: PrefsCard, name: str) -> Iterator[str]:
    yield f"# {escape(name)}: {plural(card.pairs, 'preference pair')}"
    yield ""
    yield (
        f"{plural(card.pairs, 'pair')} of {plural(card.prompts, 'prompt')}, made by brie from blind "
        "verdicts in both orders. Columns `prompt`, `chosen`, `rejected` as TRL takes them; beside them "
        "`judges`, `people`, `margin`, `agreement` and where a pair came from."
    )
    yield ""
    yield from (f"- {escape(sentence)}." for sentence in card.sentences())
    yield f"- File: `{card.file}`."
    yield ""
    yield "## Not to be evaluated on"
    yield ""
    suites = listed([*map(_name, card.suites)])
    yield (
        f"A model trained on this file has seen the prompts of {suites}, and was taught by the judges "
        "named here. Measure it on other prompts, and let another judge take part."
    )
    yield ""
    yield "## Where it comes from"
    for evaluated in card.evaluations:
        yield ""
        yield f"### {evaluated.id}"
        yield ""
        yield f"- Seal: `{evaluated.seal}`."
        licence = f", licence {_name(evaluated.licence)}" if evaluated.licence else ""
        yield (
            f"- Suite: {_name(evaluated.suite)} {_name(evaluated.suite_version)}, "
            f"{plural(evaluated.suite_prompts, 'prompt')}{licence}, `{evaluated.suite_digest}`."
        )
        yield f"- Candidate: {_name(evaluated.candidate)}."
        yield f"- Baseline: {_name(evaluated.baseline)}."
        judges = [
            name if name == model else f"{name} ({model})" for name, model in evaluated.judges.items()
        ]
        yield f"- Judges: {', '.join(map(_name, judges))}."
        for name, why in evaluated.not_counted.items():
            yield f"- {_name(name)} has no say: {escape(one_line(why, 300))}."
        if evaluated.not_blind:
            voters = plural(evaluated.not_blind, "person", "people")
            yield f"- Votes of {voters} who had seen results: left out."
    yield ""
    yield "## Left out"
    yield ""
    yield "| Why | Comparisons |"
    yield "|---|---:|"
    yield from (f"| {why} | {card.left_out.get(reason, 0):,} |" for reason, why in REASONS.items())


def _name(words: str) -> str:
    """A name that somebody chose: no link, image or mention of it comes alive."""
    return escape(one_line(words, 90))
