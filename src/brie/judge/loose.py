"""An object as models write it where they do not write JSON: what it means is beyond doubt all the same.

    {'reasons': "it's thin", 'winner': 'B'}        single quotes, True, False and None, as in Python
    {reasons: "thin", winner: "B",}  // clearly    bare keys, commas at the end and comments, as in JSON5
    {"reasons": "uses \\(x\\)", "winner": "B"}     a backslash before what needs none
    {“reasons”: “thin”, “winner”: “B”}             quotation marks a word processor made

Nothing is completed and nothing is guessed: a quotation mark inside a string that is not escaped, or an
object without its end, is broken as ever.
"""

from __future__ import annotations

import json
import re

_LONGEST = 20_000
"""Characters of an object that are looked at."""
_TOKEN = re.compile(
    r"(?P<double>\"(?:[^\"\\]|\\.)*\")|(?P<single>'(?:[^'\\]|\\.)*')|(?P<curly>“[^“”\"\\]*”)"
    r"|(?P<comment>//[^\n]*|/\*.*?\*/|\#[^\n]*)|(?P<blank>\s+)|(?P<comma>,)"
    r"|(?P<word>[A-Za-z_]\w*)|(?P<number>-?\d+(?:\.\d+)?)|(?P<mark>[{}\[\]:])",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PLAIN = frozenset('"\\/bfnrt')
_WORDS = {"true": "true", "false": "false", "none": "null", "null": "null"}


def as_json(text: str, start: int) -> tuple[str, int] | None:
    """The object that opens at a place, written as JSON, and where it ends; None where it is broken.

    Args:
        text: a reply.
        start: where a `{` stands in it.
    """
    written: list[str] = []
    at, depth = start, 0
    while at < min(len(text), start + _LONGEST):
        token = _TOKEN.match(text, at)
        if token is None:
            return None
        at = token.end()
        kind, said = token.lastgroup, token[0]
        if kind in ("comment", "blank"):
            continue
        if kind == "mark" and said in "}]" and written[-1] == ",":
            written.pop()
        written.append(_strict(kind, said, is_key=_COLON.match(text, at) is not None))
        depth += (said in ("{", "[")) - (said in ("}", "]"))
        if depth == 0:
            return "".join(written), at
    return None


_COLON = re.compile(r"\s*:")


def _strict(kind: str | None, said: str, *, is_key: bool) -> str:
    """A token as JSON has it; a bare word that is no key stays what it is, which is no JSON."""
    if kind == "word":
        return json.dumps(said) if is_key else _WORDS.get(said.lower(), said)
    if kind not in ("double", "single", "curly"):
        return said
    inner = _ESCAPED.sub(_escape, said[1:-1])
    return f'"{inner}"' if kind != "single" else '"' + re.sub(r'(?<!\\)"', '\\"', inner) + '"'


def _escape(escaped: re.Match[str]) -> str:
    after = escaped[1]
    if after[0] in _PLAIN or len(after) > 1:
        return escaped[0]
    return "'" if after == "'" else "\\\\" + after
