"""From a judge's raw reply to a verdict, or to the reason why there is none.

One reader, in this order; what an earlier step finds is never overruled by a later one:

1. What is thought is taken out (`thoughts`); the provider's own field for it is never read.
2. The arguments of a call of the tool.
3. The one JSON object that carries a winner, wherever it stands (`objects`). One that has other text
   around it must name the case: it may be a quotation from an answer.
4. The last line that states a winner (`lines`), where no object was broken or contradictory.

What cannot be read is never guessed: it is `Unreadable`, which is neither a tie nor a loss.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple, get_args

from pydantic import JsonValue

from brie.judge.lines import stated, states_other
from brie.judge.objects import SEARCHED, Located, Objects, arguments, objects_in
from brie.judge.readings import (
    CutOff,
    Letter,
    Parsed,
    Refused,
    Unreadable,
    WrongCase,
    letter_of,
    margin_of,
    names_case,
)
from brie.judge.schema import key_of
from brie.judge.thoughts import spoken

__all__ = [
    "CutOff", "Letter", "Parsed", "Refused", "Unreadable", "WrongCase", "as_asked", "read_fields",
    "read_reply", "read_text",
]  # fmt: skip

_REFUSAL = re.compile(
    r"^\W*(?:i['’]?m\s+(?:really\s+|very\s+)?sorry|sorry|i\s+apologi[sz]e|unfortunately)?\W*(?:but\W+)?"
    r"(?:i\s+(?:can(?:no|['’])?t|could\s*n['’]t|won['’]t|will\s+not|must\s+decline|decline|refuse)"
    r"|i(?:['’]m|\s+am)\s+(?:not\s+able|unable)|as\s+an?\s+(?:ai\b|(?:large\s+)?language\s+model))"
)
_NO_LINE = "the reply had no last line that says `Winner: A`, `Winner: B` or `Winner: tie`"
_BROKEN = "the JSON was cut off or broken"
_TWO = "more than one verdict was given"


def read_reply(
    text: str, calls: Sequence[JsonValue], criteria: Sequence[str], case: str | None
) -> Parsed:
    """A verdict from a whole reply, in any of its forms.

    Args:
        text: its text, thoughts included.
        calls: the arguments of its tool calls as they came, objects or strings of JSON.
        criteria: names of the rubric's criteria.
        case: the request's number; None: not known, as of replies kept without their request.

    Raises:
        Unreadable: it states no verdict, or not without doubt.
        WrongCase: it is to another case.
        Refused: it says that the judge will not judge.
    """
    if not calls:
        return read_text(text, criteria, case)
    given = [fields for call in calls for fields in arguments(call) or [{}]]
    return _agreeing([read_fields(fields, criteria, case) for fields in given])


class AsAsked(NamedTuple):
    """The verdict of a reply that stands exactly as it was asked for."""

    letter: Letter
    scores: dict[str, dict[str, float]]


def as_asked(text: str, criteria: Sequence[str], case: str | None) -> AsAsked | None:
    """What `read_text` reads in a reply that is one plain object with the fields of the schema.

    Most replies are, and to see it takes a fifth of the time of looking for whatever else a reply may
    be. None says nothing: the reply stands otherwise, or names another case, and must be read whole.

    Args:
        text: the reply.
        criteria: names of the rubric's criteria.
        case: the request's number; None: not known.
    """
    match = _AS_A_WHOLE.fullmatch(text)
    if match is None or len(text) > SEARCHED or "</parameter>" in text or "</arg_value>" in text:
        return None
    if case and match["case"] not in (None, case):
        return None
    pairs = _PAIR.findall(match["scores"] or "")
    given: JsonValue = {name.strip().casefold(): {"a": float(a), "b": float(b)} for name, a, b in pairs}
    if not isinstance(given, dict) or len(given) < len(pairs):
        return None
    return AsAsked(_WINNERS[match["winner"]], _scores(given, criteria))


def _as_a_whole() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The object that `schema` asks for, with its fields in their order; and one criterion's scores."""
    gap = r"[ \t\r\n]*"
    text = r"\"[^\"\\]*(?:\\(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4})[^\"\\]*)*\""
    grade, name = r"[0-9](?:\.[0-9]{1,3})?", r"[^\"\\]*"

    def pair(name: str, grade: str) -> str:
        a, b = (f'"{letter}"{gap}:{gap}{grade}' for letter in ("A", "B"))
        return f'"{name}"{gap}:{gap}{{{gap}{a}{gap},{gap}{b}{gap}}}'

    def further(key: str, value: str) -> str:
        return f'{gap},{gap}"{key}"{gap}:{gap}{value}'

    one = pair(name, grade)
    scores = f"(?P<scores>{{{gap}(?:{one}(?:{gap},{gap}{one})*)?{gap}}})"
    return re.compile(
        f'{{{gap}"reasons"{gap}:{gap}{text}(?:{further("scores", scores)})?'
        f"{further('winner', chr(34) + '(?P<winner>A|B|tie)' + chr(34))}"
        f"(?:{further('margin', chr(34) + '(?:much|slightly|none)' + chr(34))})?"
        f"(?:{further('case', chr(34) + '(?P<case>[0-9]{4})' + chr(34))})?{gap}}}"
    ), re.compile(pair(f"({name})", f"({grade})"))


_AS_A_WHOLE, _PAIR = _as_a_whole()
_WINNERS: Mapping[str, Letter] = {letter: letter for letter in get_args(Letter)}


def read_fields(values: Mapping[str, JsonValue], criteria: Sequence[str], case: str | None) -> Parsed:
    """A verdict from the fields of a tool call or a JSON object.

    Raises:
        Unreadable: no winner among them, or not one of the three.
        WrongCase: they name another case.
    """
    if "winner" not in values:
        raise Unreadable('the verdict has no "winner"')
    letter = letter_of(values["winner"])
    if letter is None:
        raise Unreadable(f'"winner" was {str(values["winner"])[:60]!r}; it must be "A", "B" or "tie"')
    if names_case(values.get("case"), case) is False:
        raise WrongCase(f"the reply is to case {values['case']}, not to case {case}")
    reason = values.get("reasons") or values.get("reason") or ""
    margin = margin_of(values.get("margin"), letter)
    return Parsed(letter, str(reason), _scores(values.get("scores"), criteria), margin)


def read_text(text: str, criteria: Sequence[str], case: str | None) -> Parsed:
    """A verdict from a reply's text: an object in it, else the last line that states one.

    Raises:
        Unreadable: neither, or not without doubt.
        WrongCase: it names another case.
        Refused: it says that the judge will not judge.
    """
    if not text.strip():
        raise Unreadable("the reply was empty")
    said = spoken(text)
    if said.unended is not None:
        return _from_thought(said.text, said.unended, criteria, case)
    if not said.text.strip():
        raise Unreadable("the reply was only thinking, and never came to a verdict")
    return _read(said.text, criteria, case, strict=False)


def _from_thought(before: str, thought: str, criteria: Sequence[str], case: str | None) -> Parsed:
    """A thought without an end: only a verdict at its very end that names the case is no draft."""
    unended = Unreadable("the reply ended while it was still thinking")
    if before.strip():
        raise unended
    try:
        objects = objects_in(thought[-SEARCHED:])
        if objects.verdicts and objects.without[objects.verdicts[-1].end :].strip("` \n"):
            raise unended
        return _read(thought, criteria, case, strict=True)
    except (Unreadable, Refused):
        raise unended from None


def _read(text: str, criteria: Sequence[str], case: str | None, *, strict: bool) -> Parsed:
    tail = text[-SEARCHED:]
    objects = objects_in(tail)
    own = _own(objects, case, strict=strict)
    if own:
        return _from_objects(own, objects, criteria, case)
    if objects.broken:
        raise Unreadable(_BROKEN)
    if objects.alone and "{" in tail:
        _explain(objects, criteria, case)
    quotes = bool(objects.verdicts)
    found = stated(objects.without, case, strict=strict or quotes)
    if found is not None:
        margin = margin_of(found.margin, found.letter)
        return Parsed(found.letter, text.strip(), _scores(found.scores, criteria), margin)
    if _REFUSAL.match(unicodedata.normalize("NFKC", text[:400]).casefold()):
        raise Refused(text.strip()[:400])
    raise Unreadable(
        f"an object with a winner and other text around it must name the case: {_NO_LINE}"
        if quotes
        else _NO_LINE
    )


def _explain(objects: Objects, criteria: Sequence[str], case: str | None) -> None:
    """Why an object that is the whole reply is no verdict."""
    if not objects.verdicts:
        raise Unreadable('the verdict has no "winner"')
    for located in objects.verdicts:
        if not located.quoted:
            read_fields(located.fields, criteria, case)


def _own(objects: Objects, case: str | None, *, strict: bool) -> list[Located]:
    """The objects that are the judge's: those that name the case, or that are the whole reply."""
    named = [v for v in objects.verdicts if names_case(v.fields.get("case"), case)]
    if named:
        # One without a number that comes later may take the verdict back; earlier ones are drafts.
        last = max(v.end for v in named)
        later = [v for v in objects.verdicts if v.start >= last and not v.quoted]
        return named + [v for v in later if names_case(v.fields.get("case"), case) is None]
    if strict or not objects.alone or any(v.quoted for v in objects.verdicts):
        return []
    return [v for v in objects.verdicts if names_case(v.fields.get("case"), case) is None]


def _from_objects(
    own: Sequence[Located], objects: Objects, criteria: Sequence[str], case: str | None
) -> Parsed:
    parsed = _agreeing([read_fields(v.fields, criteria, case) for v in own])
    end = max(v.end for v in own)
    if any(at > end or letter not in (None, parsed.letter) for at, letter in objects.broken):
        raise Unreadable(_BROKEN)
    if states_other(objects.without[end:], parsed.letter):
        raise Unreadable(_TWO)
    return parsed


def _agreeing(verdicts: Sequence[Parsed]) -> Parsed:
    if len({verdict.letter for verdict in verdicts}) > 1:
        raise Unreadable("two verdicts named different winners")
    return verdicts[-1]


def _scores(values: JsonValue, criteria: Sequence[str]) -> dict[str, dict[str, float]]:
    """Scores of 1 to 5 by criterion and letter; anything else is left out."""
    if not isinstance(values, dict):
        return {}
    by_key = {key_of(str(name)): pair for name, pair in values.items()}
    scores: dict[str, dict[str, float]] = {}
    for name in criteria:
        pair = by_key.get(key_of(name))
        if not isinstance(pair, dict):
            continue
        if pair.keys() != _AS_ASKED:
            pair = {str(letter).strip().casefold(): grade for letter, grade in pair.items()}
        a, b = _grade(pair.get("a")), _grade(pair.get("b"))
        if a is not None and b is not None:
            scores[name] = {"A": a, "B": b}
    return scores


_AS_ASKED = {"a", "b"}
"""Letters of a pair of scores, as an object's keys are read."""


def _grade(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 5:
        return None
    return float(value)
