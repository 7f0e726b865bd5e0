"""Text of models, suites, judges and files made harmless for the eye, wherever it is shown.

Escaping for HTML or Markdown is a second step of the writer; this one removes what no
escaping catches: control characters (ANSI sequences begin with one), characters that turn the
reading direction around, invisible characters that hide text, and unpaired surrogates. Each
stays visible as a sign, so a reader sees that something was there.
"""

from __future__ import annotations

import re
from typing import Final

_SUSPECT: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\ud800-\udfff\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def clean(text: str) -> str:
    """`text` with control, direction and invisible characters turned into visible signs.

    Line feeds and tabs stay, CRLF becomes LF. The result encodes to UTF-8 and contains no
    character that moves a terminal's cursor or reverses a line.
    """
    if text.isascii() and text.isprintable():
        return text
    return _SUSPECT.sub(_sign, text.replace("\r\n", "\n"))


def _sign(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"⟨U+{code:04X}⟩"
