"""The text form of a verdict: the last line that states one without doubt.

    Case: 1234
    Winner: B

A line that is quoted, or that has more after it, may be somebody else's. It counts only beside its
case line: no answer can know the number, which depends on the other answer as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from brie.judge.readings import Letter, Unreadable, WrongCase, letter_of, names_case

_OF_CASE = r"[,(]?\s*(?:(?:for|on|of|in)\s+)?case\s*(?:number|no\.?)?\s*[:#]?\s*"
_MARK = re.compile(
    r"(?:^|(?<=[.!?;]\s))(?:(?:so|therefore|thus|hence|overall|in conclusion)[,:]?\s+)?"
    rf"(?:{_OF_CASE}(?P<before>\d{{2,9}})\)?[,:]?\s+)?"
    r"(?:(?:the|my)\s+)?(?:(?:final|overall)\s+)?"
    r"(?:(?:winner|verdict|answer|choice|decision|judgment|judgement|preference|"
    r"better answer|better response|preferred answer|preferred response|winning answer)"
    rf"(?:\s*{_OF_CASE}(?P<behind>\d{{2,9}})\)?)?"
    r"\s*(?:is\s*:?|:|=+>?|-+>?|–|—|→|⇒)|(?:winner|verdict)(?=\s+(?:(?:answer|response)\s+)?(?:[ab]|tie)\W*$))"
    r"\s*(?P<what>.*)$",
    re.IGNORECASE,
)
_CASE = re.compile(r"^case(?:\s+(?:number|no\.?))?\s*[:#=]*\s*[\"']?(?P<number>\d+)\W*", re.IGNORECASE)
_SCORE = re.compile(
    r"^(?P<name>.+?)\s*[:：]\s*a\s*[=:]?\s*(?P<a>[1-5])(?:/5)?\s*[,;/|]?\s*(?:and\s+)?"
    r"b\s*[=:]?\s*(?P<b>[1-5])(?:/5)?\W*$",
    re.IGNORECASE,
)
_MARGIN = re.compile(r"^margin\s*[:=]\s*(\S{1,20})\s*$", re.IGNORECASE)
_QUOTE = re.compile(
    r"\"[^\"]*\"|“[^”]{0,4000}”|«[^»]{0,4000}»|‘[^’]{0,4000}’|(?<!\w)'[^']*'(?!\w)|`[^`]*`"
    r"|⟦.{0,400}?⟧"
)
_BULLET = re.compile(r"^(?:[-•*+]|\d{1,2}[.)])\s+")
_ITEM = re.compile(rf"#{{1,6}}\s|{_BULLET.pattern[1:]}")
_LETTER_ALONE = 8
"""Characters of a last line that may be a letter alone."""
_FENCE = ("```", "~~~")
_INTRODUCES = re.compile(
    r"\b(?:answer|response|text|line|it)s?\b.*"
    r"\b(?:says?|said|contains?|ends?|writes?|reads?|includes?|states?|claims?|line|words)\b[^.!?]*:?$",
    re.IGNORECASE,
)
"""A line after which an answer's own words stand."""
_SENTENCE = 200
"""Characters of such a line that are looked at."""
_TAG = re.compile(
    r"<(winner|verdict|final_verdict|answer|choice|decision|preference)>\s*([^<>]{1,40}?)\s*</\1>",
    re.IGNORECASE,
)
_CASE_TAG = re.compile(r"<case>\s*(\d+)\s*</case>", re.IGNORECASE)
_SHELL = re.compile(
    r"</?(?:response|reply|answer|output|result|final|verdict)>|<[|｜][^<>|｜\n]{1,40}[|｜]>",
    re.IGNORECASE,
)
"""What stands around a text: tags of a shell, and tokens that open or end a turn."""
_BOX = re.compile(r"\\boxed\{\s*(?:\\text(?:bf)?\{)?([^{}]{1,40})\}*")
_ORNAMENTS = re.compile(r"^[^\w\s\"'`“‘«⟦(\[{<>|\\$.,;:!?~=+/%&@#*-]+\s*|[\u200b-\u200f\u2060\ufeff]+")
"""An emoji before a line, and invisible marks."""
_IDLE = re.compile(r"^(?:\W*|</?\w+>)$")


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    block: int
    """0: the judge's own words; else the number of the quotation the line stands in."""
    is_item: bool = False
    """A heading, or an item of a list: a letter alone in it names what follows or is listed."""

    @property
    def case(self) -> str | None:
        """The case number it names."""
        match = _CASE.match(self.text)
        return match["number"] if match else None

    @property
    def is_detail(self) -> bool:
        """Whether it gives a criterion's scores, or the margin."""
        return bool(_SCORE.match(self.text) or _MARGIN.match(self.text))


@dataclass(frozen=True, slots=True)
class _Statement:
    at: int
    letter: Letter | None
    case: str | None
    """The number of the case line beside it."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What the lines say."""

    letter: Letter
    scores: dict[str, JsonValue]
    """Criterion as written -> letter -> 1..5."""
    margin: str
    """As written; "": there is none."""


def stated(text: str, case: str | None, *, strict: bool = False) -> Stated | None:
    """The verdict that a text states; None where no line of it states any.

    Args:
        text: the reply, without thoughts.
        case: the request's number; None: it is not known, and nothing can stand beside it.
        strict: only a verdict beside its case line counts.

    Raises:
        Unreadable: the last line that states one names no winner, or needs a case line it lacks.
        WrongCase: it stands beside another case.
    """
    lines = list(_lines(text))
    all_statements = list(_statements(lines))
    own = [s for s in all_statements if lines[s.at].block == 0 or names_case(s.case, case)]
    if any(names_case(s.case, case) for s in own):
        # A reply that runs on makes up another case and judges that.
        own = [s for s in own if names_case(s.case, case) is not False]
    if not own:
        return None
    last = own[-1]
    if last.letter is None:
        raise Unreadable(f"its last line of that kind says {lines[last.at].text[:60]!r}")
    known = names_case(last.case, case)
    if known is False:
        raise WrongCase(f"the reply is to case {last.case}, not to case {case}")
    if not known:
        _must_be_last(lines, last, strict=strict)
        _must_agree(own, case)
    margins = [match[1] for line in lines if (match := _MARGIN.match(line.text))]
    return Stated(last.letter, _scores(lines), margins[-1] if margins else "")


def states_other(text: str, letter: Letter) -> bool:
    """Whether a text that follows a verdict states another one, or one that cannot be read."""
    if not text or text.isspace():
        return False
    lines = list(_lines(text))
    own = [s for s in _statements(lines) if lines[s.at].block == 0]
    return bool(own) and own[-1].letter != letter


def _must_be_last(lines: Sequence[_Line], last: _Statement, *, strict: bool) -> None:
    after = [line for line in lines[last.at + 1 :] if not (line.case or line.is_detail)]
    if strict or any(not _IDLE.match(line.text) for line in after):
        raise Unreadable("the line that names a winner needs the line `Case: NUMBER` before it")


def _must_agree(own: Sequence[_Statement], case: str | None) -> None:
    if any(names_case(s.case, case) and s.letter != own[-1].letter for s in own):
        raise Unreadable("more than one verdict was given")


def _lines(text: str) -> Iterator[_Line]:
    """The reply's lines without what they quote, and where each stands."""
    plain = _CASE_TAG.sub(r"\nCase: \1\n", _TAG.sub(_as_line, _BOX.sub(r"\1", text)))
    plain = _SHELL.sub("\n", plain)
    block = fences = 0
    inside = False
    before = ""
    flush = any(raw[:1].strip() for raw in plain.splitlines())
    for raw in unicodedata.normalize("NFKC", plain).splitlines():
        line = raw.strip()
        if line.startswith((*_FENCE, "⟦")):
            # Marks of the request itself stand around what it showed, in a reply that repeats it.
            inside = not line.startswith("⟦end of") if line.startswith("⟦") else not inside
            fences += inside
            continue
        if not line:
            continue
        indented = flush and raw.startswith(("    ", "\t"))
        states = _MARK.search(line) or (len(line) <= _LETTER_ALONE and letter_of(line))
        introduced = bool(states and _INTRODUCES.search(before[-_SENTENCE:]))
        if inside:
            block = fences
        elif line.startswith(">") or indented or introduced:
            block = block if block < 0 else -1 - fences
        else:
            block = 0
        yield _Line(_bare(line.lstrip("> ")), block, bool(_ITEM.match(line)))
        before = line


def _as_line(tag: re.Match[str]) -> str:
    """A tag as a line of its own, quoted where the line it stands in is."""
    is_quoted = tag.string[tag.string.rfind("\n", 0, tag.start()) + 1 : tag.start()].lstrip()[:1] == ">"
    return f"\n{'> ' if is_quoted else ''}Winner: {tag[2]}\n"


def _bare(line: str) -> str:
    plain = re.sub(r"[*_#]+", "", _QUOTE.sub(_unless_a_letter, line)).strip()
    return _ORNAMENTS.sub("", _BULLET.sub("", plain))


def _unless_a_letter(quoted: re.Match[str]) -> str:
    """`Winner: "B"` names a winner and `Case: "1234"` a case; a longer quotation is somebody's words."""
    return quoted[0] if letter_of(quoted[0]) or quoted[0][1:-1].isdigit() else " "


def _statements(lines: Sequence[_Line]) -> Iterator[_Statement]:
    heading = -1
    for at, line in enumerate(lines):
        if at == heading:
            continue
        prefix = _CASE.match(line.text)
        text = line.text[prefix.end() :] if prefix else line.text
        matched = _MARK.search(text)
        if matched is not None:
            number = line.case or matched["before"] or matched["behind"] or _case_beside(lines, at)
            under = lines[at + 1] if at + 1 < len(lines) else None
            if not matched["what"] and under and under.block == line.block and letter_of(under.text):
                heading = at + 1
                yield _Statement(at + 1, letter_of(under.text), number)
                continue
            yield _Statement(at, letter_of(matched["what"]), number)
        elif line.is_item or at < len(lines) - 1 or len(text) > _LETTER_ALONE:
            continue
        elif letter := letter_of(text.strip("[]() ")):
            yield _Statement(at, letter, line.case or _case_beside(lines, at))


def _case_beside(lines: Sequence[_Line], at: int) -> str | None:
    """The number of the case line before or after a line; only details may stand between."""
    for step in (-1, 1):
        beside = at + step
        while 0 <= beside < len(lines) and lines[beside].block == lines[at].block:
            number = lines[beside].case
            if number is not None and not _MARK.search(lines[beside].text):
                return number
            if not lines[beside].is_detail:
                break
            beside += step
    return None


def _scores(lines: Sequence[_Line]) -> dict[str, JsonValue]:
    matches = [_SCORE.match(line.text) for line in lines]
    return {m["name"]: {"A": int(m["a"]), "B": int(m["b"])} for m in matches if m}
