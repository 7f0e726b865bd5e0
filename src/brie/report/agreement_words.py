"""The agreement report's sentences: how far judges agree, and what each of them rewards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from brie.analyse.pairs import CONSTANT
from brie.number_format import counted, difference, listed, number, percent, plural, span, two_digits
from brie.records import kind_of
from brie.records.agreement import PairAgreement
from brie.records.estimates import Estimate
from brie.records.studies import AgreementDocument
from brie.report.clean import one_line

KAPPA, ALPHA = "Cohen's kappa", "Krippendorff's alpha"
REASONS = {
    "every verdict is the same, so agreement beyond chance is 0/0": (
        "not defined: every verdict is the same, so there is no agreement beyond chance to measure"
    ),
    CONSTANT: f"not defined: {CONSTANT}",
}
_UNITS = {
    "length": ("an answer {} longer", "token", "tokens"),
    "lists": ("{} more", "list item", "list items"),
    "headings": ("{} more", "heading", "headings"),
    "questions": ("{} more", "question mark", "question marks"),
}
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Tendency:
    """How a judge's verdicts move with one difference between the two answers."""

    judge: str
    difference: str
    own: bool
    """One of the judge's own criterion scores; otherwise countable in the text."""
    step: str
    """What one standard deviation of the difference is."""
    deviation: float
    """The same as a number, in the difference's own unit."""
    effect: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero, and not by rounding alone."""
        return self.low > _ROUNDING or self.high < -_ROUNDING


def lead(document: AgreementDocument) -> str:
    """How often the judges said the same, in one sentence."""
    agreement, unit = document.agreement, _unit(document)
    if agreement.pairs and alone(document):
        name = alone(document)
        word = kind_word(document, name)
        return f"One {word} decided, {quoted(name)}: there is nobody to agree with."
    if len(agreement.pairs) == 1:
        return _pair_lead(agreement.pairs[0], unit)
    if not agreement.pairs and agreement.consistency:
        return f"{_with_itself(document)} There is no second judge to agree with."
    panel = agreement.panel
    if panel is None:
        return "The judges of the headline share no comparison, so only the pairs below can be compared."
    who = f"The {counted(_size(document))} judges"
    if panel.unanimous < 1:
        some = f"{who} were unanimous on {percent(panel.unanimous)} of {_many(panel.n, unit)}"
        same = panel.percent
        return f"{some}, and any two of them agreed on {percent(same.value)}." if same else f"{some}."
    return f"{who} gave the same verdict on every one of {_many(panel.n, unit)}."


def alone(document: AgreementDocument) -> str:
    """The only one who decided the headline, where others stand beside it; "" where several did."""
    return document.panel[0] if len(document.panel) == 1 < len(document.judges) else ""


def kind_word(document: AgreementDocument, name: str) -> str:
    """What somebody who judged is: a rule, a person, or a judge."""
    kind = kind_of(document.who[name].provider)
    return {"rule": "rule", "person": "person"}.get(kind, "judge")


def roll_words(document: AgreementDocument, *, beside: bool) -> str:
    """Those who decided, or those beside them, counted by kind: "2 judges, 1 rule", "3 instruments"."""
    titles = [
        _beside_word(document, name) if beside else kind_word(document, name)
        for name, who in document.who.items()
        if (who.role != "panel") == beside
    ]
    return ", ".join(
        plural(titles.count(title), title, "people" if title == "person" else "")
        for title in dict.fromkeys(titles)
    )


def _beside_word(document: AgreementDocument, name: str) -> str:
    if document.who[name].role == "stopped":
        return "stopped judge"
    # It was added after the seal, or is not shown able to tell.
    words = {"rule": "instrument", "person": "voter", "judge": "further judge"}
    return words[kind_word(document, name)]


def _with_itself(document: AgreementDocument) -> str:
    """How often each judge that was asked again said the same."""
    told = [
        f"{one_line(name, 40)}, asked again {plural(of.n, 'time')}, said the same in "
        f"{percent(of.same.value)}"
        for name, of in document.agreement.consistency.items()
        if of.same
    ]
    return f"{'; '.join(told) or 'The judge was asked again too rarely for a figure'}."


def _size(document: AgreementDocument) -> int:
    """Judges of the headline; where it has one, all that took part."""
    return len(document.panel) if len(document.panel) > 1 else len(document.judges)


def beyond(document: AgreementDocument) -> str:
    """Whether that is more than chance: kappa for one pair, the panel's alpha for more."""
    pairs, panel = document.agreement.pairs, document.agreement.panel
    if pairs and alone(document):
        word = kind_word(document, alone(document))
        return f"What follows shows what the {word} resembles, not how far it can be trusted."
    if len(pairs) == 1:
        return "" if pairs[0].percent is None else _beyond(KAPPA, pairs[0].kappa)
    return "" if panel is None else _beyond(ALPHA, panel.alpha)


def panel_sentences(document: AgreementDocument) -> list[str]:
    """What the panel as a whole is worth, and what that does not mean."""
    panel = document.agreement.panel
    if not document.agreement.pairs or alone(document):
        return []
    gain, sentences = panel.precision_gain if panel else None, []
    if gain:
        ends = f" ({gain.low:.1f} to {gain.high:.1f})" if gain.low is not None else ""
        sentences.append(
            f"Averaging the {counted(_size(document))} judges narrows the interval of the win rate as "
            f"{gain.value:.1f} independent ones would{ends}. That is precision, not validity."
        )
    if document.people:
        return sentences
    sentences.append(
        "How many independent judges the panel is worth cannot be known without human labels: an error "
        "that all judges share looks like the truth."
    )
    return sentences


def tendencies(document: AgreementDocument) -> tuple[Tendency, ...]:
    """Every judge's tendencies: its own criteria first, then the text; the strongest first in each."""
    return tuple(
        tendency
        for name in document.judges
        for own in (True, False)
        for tendency in _sorted(_of(document, name, own=own))
    )


def reward_sentences(document: AgreementDocument) -> list[str]:
    """One sentence a judge for its criteria and one for the text: only what its intervals show."""
    sentences = []
    for name in document.judges:
        judge = quoted(name)
        criteria, text = (_sorted(_of(document, name, own=own)) for own in (True, False))
        reason = document.notes.get(f"by_judge.{name}.rewards")
        if not criteria and not text:
            sentences.append(f"{judge}: nothing can be said ({reason or 'nothing was measured'}).")
            continue
        sentences += [*_criteria(judge, criteria), *_text(judge, text)]
    return sentences


def _criteria(judge: str, measured: Sequence[Tendency]) -> Iterator[str]:
    clear = [t for t in measured if t.clear and t.effect > 0]
    if not measured:
        return
    if not clear:
        yield f"None of its own scores clearly goes with the verdicts of {judge}."
        return
    apart = len(clear) == 1 or clear[0].low > clear[1].effect
    first, rest = (clear[:1], clear[1:]) if apart else (clear[:2], clear[2:])
    preferred = f"{judge} prefers {listed([t.difference for t in first])}: {_worth(first)}"
    others = listed([f"{t.difference} {_points(t)}" for t in rest])
    yield f"{preferred}; then come {others}." if rest else f"{preferred}."


def _worth(leading: Sequence[Tendency]) -> str:
    leads = [f"a lead of {t.deviation:.1f}" for t in leading]
    worth = [_points(t) for t in leading]
    verb = "is worth" if len(leading) == 1 else "are worth"
    return f"{listed(leads)} there in its own scores {verb} {listed(worth)}"


def _text(judge: str, measured: Sequence[Tendency]) -> Iterator[str]:
    clear = [t for t in measured if t.clear]
    for t in clear:
        verb = "rewards" if t.effect > 0 else "marks down"
        yield (
            f"{judge} {verb} {_plain(t.difference)}: {t.step} "
            f"{'gains' if t.effect > 0 else 'loses'} {_points(t)}."
        )
    unclear = [_plain(t.difference) for t in measured if not t.clear]
    if unclear:
        word = "No" if not clear else "No other"
        yield f"{word} clear effect on {judge}: {listed(unclear)}."


def _points(t: Tendency) -> str:
    ends = (t.low, t.high) if t.effect > 0 else (-t.high, -t.low)
    return f"{difference(t.effect)} ({span(*ends, ' to ')})"


def _plain(difference: str) -> str:
    return {"questions": "questions", "distinct words": "varied words"}.get(difference, difference)


def _of(document: AgreementDocument, judge: str, *, own: bool) -> list[Tendency]:
    numbers = document.by_judge.get(judge)
    rewards = numbers.rewards if numbers else None
    if rewards is None:
        return []
    return [
        Tendency(
            judge=one_line(judge, 60),
            difference=one_line(what, 40),
            own=own,
            step=_step(what, reward.deviation, own=own),
            deviation=reward.deviation,
            effect=reward.effect,
            low=reward.low,
            high=reward.high,
        )
        for what, reward in (rewards.criteria if own else rewards.text).items()
    ]


def _sorted(tendencies: Sequence[Tendency]) -> list[Tendency]:
    return sorted(tendencies, key=lambda t: -abs(t.effect))


def _step(what: str, deviation: float, *, own: bool) -> str:
    if own:
        return f"a lead of {deviation:.1f} in its own score"
    if what == "distinct words":
        return f"a share of distinct words {difference(deviation)} larger"
    form, singular, many = _UNITS.get(what, ("{} more", what, what))
    amount = f"{deviation:.0f}" if deviation >= 10 else number(round(deviation, 1))
    return form.format(f"{amount} {singular if amount == '1' else many}")


def _pair_lead(pair: PairAgreement, unit: str) -> str:
    first, second = (quoted(name) for name in pair.judges)
    same, many = pair.percent, _many(pair.n, unit)
    if same is None:
        return f"{first} and {second} share {many}: too few to say how far they agree."
    low, high = same.low, same.high
    ends = f" ({span(low, high, ' to ')})" if low is not None and high is not None else ""
    return f"{first} and {second} gave the same verdict on {percent(same.value)}{ends} of {many}."


def _beyond(name: str, coefficient: Estimate | None) -> str:
    """What a chance-corrected coefficient says, in words."""
    if coefficient is None:
        return f"Whether that is more than chance cannot be said: {name} is not defined here."
    value, low, high = coefficient.value, coefficient.low, coefficient.high
    if low is None or high is None:
        return f"Corrected for chance that is {two_digits(value)} ({name}; 0 is chance, 1 is perfect)."
    ends = f"{name} {two_digits(value)}, {two_digits(low)} to {two_digits(high)}"
    if low > 0:
        return (
            f"That is more than their base rates alone would give ({ends}; 0 is chance, 1 is perfect)."
        )
    if high < 0:
        return f"That is less than their base rates alone would give ({ends}; 0 is chance)."
    return f"That cannot be told from what their base rates alone would give ({ends}; 0 is chance)."


def quoted(name: str) -> str:
    """A judge's name between backticks, which each writer turns into its own kind of emphasis."""
    return "`" + one_line(name, 60).replace("`", "'") + "`"


def _many(count: int, unit: str) -> str:
    return plural(count, unit.removesuffix("s"))


def _unit(document: AgreementDocument) -> str:
    return "shown pairs" if document.agreement.unit == "row" else "comparisons"
