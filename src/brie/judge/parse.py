"""From a judge's raw reply to a verdict, or to the reason why there is none.

A structured reply (tool call, JSON) is read first. Plain text counts only where its last line that
states a verdict does so without doubt: `Winner: B` does, "B is better than A", a numbered list, a
word that contains "tie" and a verdict quoted from an answer do not. What cannot be read is never
guessed: it is `Unreadable`, which is neither a tie nor a loss.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from brie.judge.schema import key_of

Letter = Literal["A", "B", "tie"]

_TAIL = 60_000
"""Characters at the end of a text reply that are searched; a verdict stands at the end."""
_LETTERS: dict[str, Letter] = {
    "a": "A", "answer a": "A", "response a": "A",
    "b": "B", "answer b": "B", "response b": "B",
    "tie": "tie", "a tie": "tie", "it's a tie": "tie", "draw": "tie", "a draw": "tie", "equal": "tie",
}  # fmt: skip
_MARK = re.compile(
    r"(?:^|(?<=[.!?;]\s))(?:(?:so|therefore|thus|hence|overall|in conclusion)[,:]?\s+)?"
    r"(?:(?:the|my)\s+)?(?:(?:final|overall)\s+)?"
    r"(?:winner|verdict|answer|choice|decision|judgment|judgement|preference|"
    r"better answer|better response|preferred answer|preferred response|winning answer)"
    r"\s*(?:is\s*:?|:|=|-+|–|—)\s*(?P<what>.*)$"
)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»|‘[^’]*’|(?<!\w)'[^']*'(?!\w)|`[^`]*`|⟦.*?⟧")
_REFUSAL = re.compile(
    r"^\W*(?:i['’]?m\s+(?:really\s+|very\s+)?sorry|sorry|i\s+apologi[sz]e|unfortunately)?\W*(?:but\W+)?"
    r"(?:i\s+(?:can(?:no|['’])?t|could\s*n['’]t|won['’]t|will\s+not|must\s+decline|decline|refuse)"
    r"|i(?:['’]m|\s+am)\s+(?:not\s+able|unable)|as\s+an\s+ai\b)"
)
_SCORE = re.compile(
    r"^(?P<name>.+?)\s*[:：]\s*a\s*[=:]?\s*(?P<a>[1-5])(?:/5)?\s*[,;/|]?\s*(?:and\s+)?b\s*[=:]?\s*(?P<b>[1-5])(?:/5)?\W*$"
)


class Unreadable(Exception):
    """The reply states no verdict; the text says why, as the judge may be told."""


class CutOff(Exception):
    """The reply ended before it was finished, so nothing in it is its last word."""


class WrongCase(Exception):
    """The reply is to another request, or the judge did not see the top of this one."""


class Refused(Exception):
    """The judge declined to judge."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A verdict that was read."""

    letter: Letter
    reason: str = ""
    scores: dict[str, dict[str, float]] = field(default_factory=dict)


def read_fields(values: Mapping[str, JsonValue], criteria: Sequence[str], case: str | None) -> Parsed:
    """A verdict from the fields of a tool call or a JSON object.

    Raises:
        Unreadable: no winner among them, or not one of the three.
        WrongCase: they name another case.
    """
    if "winner" not in values:
        raise Unreadable('the verdict has no "winner".')
    letter = _letter(values["winner"]) if isinstance(values["winner"], str) else None
    if letter is None:
        raise Unreadable(f'"winner" was {str(values["winner"])[:60]!r}; it must be "A", "B" or "tie".')
    _same_case(values.get("case"), case)
    reason = values.get("reasons") or values.get("reason") or ""
    return Parsed(letter, str(reason), _scores(values.get("scores"), criteria))


def read_text(text: str, criteria: Sequence[str], case: str | None) -> Parsed:
    """A verdict from a text reply: a JSON object in it, else its last line that states one.

    Raises:
        Unreadable: neither.
        WrongCase: it names another case.
        Refused: it says that the judge will not judge.
    """
    fields = _object_in(text, case)
    if fields is not None:
        return read_fields(fields, criteria, case)
    if not text.strip():
        raise Unreadable("the reply was empty.")
    lines = _own_lines(text[-_TAIL:])
    letter = _stated(lines)
    if letter is None:
        if _REFUSAL.match(unicodedata.normalize("NFKC", text[:400]).casefold()):
            raise Refused(text.strip()[:400])
        raise Unreadable(
            "the reply had no last line that says `Winner: A`, `Winner: B` or `Winner: tie`."
        )
    _same_case(_named_case(lines), case)
    return Parsed(letter, text.strip(), _scores(_score_lines(lines), criteria))


# --- JSON ------------------------------------------------------------------------------


def _object_in(text: str, case: str | None) -> dict[str, JsonValue] | None:
    """The JSON object a reply consists of, or ends with.

    An object after other text may be a quotation from an answer, so it must name the case, whose
    number no answer can know.

    Raises:
        Unreadable: the object is cut off, broken, names two winners, or more follows it.
    """
    stripped = re.sub(r"^```(?:json)?\s*|\s*```$", "", text.strip())
    if stripped.startswith("{"):
        return _loaded(stripped)
    tail = stripped[-_TAIL:]
    start = tail.rfind('{"reasons"') if case and tail.endswith("}") else -1
    if start < 0:
        return None
    fields = _loaded(tail[start:])
    return fields if str(fields.get("case")) == case else None


def _loaded(text: str) -> dict[str, JsonValue]:
    decoder = json.JSONDecoder(object_pairs_hook=_no_two, strict=False)
    for attempt in (text, re.sub(r",(\s*[}\]])", r"\1", text)):
        try:
            value, end = decoder.raw_decode(attempt)
        except (ValueError, RecursionError):
            continue
        rest = attempt[end:]
        if "{" in rest or _stated(_own_lines(rest[-_TAIL:])) is not None:
            raise Unreadable("more than one verdict was given.")
        if isinstance(value, dict):
            return value
    raise Unreadable("the JSON was cut off or broken.")


def _no_two(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    winners = {str(value) for key, value in pairs if key == "winner"}
    if len(winners) > 1:
        raise Unreadable("the JSON named two winners.")
    return dict(pairs)


# --- text ------------------------------------------------------------------------------


def _own_lines(text: str) -> list[str]:
    """The reply's lines without what it quotes, plain and in lower case."""
    lines = []
    inside = False
    for raw in unicodedata.normalize("NFKC", text).splitlines():
        line = raw.strip()
        if line.startswith(("```", "~~~")):
            inside = not inside
        elif not inside and line and not line.startswith(">"):
            bare = _QUOTED.sub(_unless_a_letter, line.casefold())
            lines.append(re.sub(r"[*_#]+", "", bare).strip())
    return lines


def _unless_a_letter(quoted: re.Match[str]) -> str:
    """`Winner: "B"` names a winner; a longer quotation is somebody else's words."""
    return quoted[0] if _letter(quoted[0]) else " "


def _stated(lines: Sequence[str]) -> Letter | None:
    for from_end, line in enumerate(reversed(lines)):
        matched = _MARK.search(line)
        if matched is not None:
            return _letter(matched["what"])
        if from_end == 0 and (letter := _letter(line.strip("[]() "))) and len(line) <= 8:
            return letter
    return None


def _letter(value: object) -> Letter | None:
    plain = unicodedata.normalize("NFKC", str(value)).casefold().replace("’", "'")
    return _LETTERS.get(re.sub(r"\s+", " ", plain).strip(" \t.,;:!*_`'\"()[]{}\\$"))


def _named_case(lines: Sequence[str]) -> str | None:
    numbers = [line.partition(":")[2] for line in lines[-6:] if line.startswith("case")]
    return numbers[-1] if numbers else None


def _same_case(named: object, case: str | None) -> None:
    digits = re.sub(r"\D", "", str(named)) if named is not None else ""
    # Only a number of the right shape shows another request; a weak model's mumble shows nothing.
    if case and len(digits) == len(case) and digits != case:
        raise WrongCase(f"the reply is to case {digits}, not to case {case}.")


def _score_lines(lines: Sequence[str]) -> dict[str, dict[str, int]]:
    matches = [_SCORE.match(line.lstrip("-• ")) for line in lines]
    return {m["name"]: {"A": int(m["a"]), "B": int(m["b"])} for m in matches if m}


def _scores(values: object, criteria: Sequence[str]) -> dict[str, dict[str, float]]:
    """Scores of 1 to 5 by criterion and letter; anything else is left out."""
    if not isinstance(values, dict):
        return {}
    by_key = {key_of(str(name)): pair for name, pair in values.items()}
    scores: dict[str, dict[str, float]] = {}
    for name in criteria:
        pair = by_key.get(key_of(name))
        if isinstance(pair, dict) and all(_is_grade(pair.get(letter)) for letter in ("A", "B")):
            scores[name] = {letter: float(pair[letter]) for letter in ("A", "B")}
    return scores


def _is_grade(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 1 <= value <= 5
