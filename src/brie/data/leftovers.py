"""What a program left in the text of rows: marks of other templates, speakers' names, broken characters.

A tokenizer that has no such token reads `</s>` or `[INST]` as its letters, and a model learns to
write them. Nothing of it keeps a file from being trained on: a text about templates may hold them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from brie.data.turns import counted
from brie.records import Conversation

_MARKS = re.compile(
    r"<\|[A-Za-z][\w ]{0,30}\|>|</?s>|<(?:bos|eos|pad|unk|EOS|BOS|(?:start|end)_of_turn)>"
    r"|\[/?INST\]|<</?SYS>>|\[end of text\]"
)
_SPEAKERS = re.compile(
    r"^(?:#{2,3} ?(?:Human|User|Assistant|System|Instruction|Input|Response)\b:?"
    r"|(?:Human|User|Assistant|System|Bot|AI):)",
    re.MULTILINE,
)
_MEDIA = re.compile(r"<(?:image|video|audio)>|<\|(?:image|video|audio)(?:_pad)?\|>")
_ENTITIES = re.compile(r"&(?:lt|gt|amp|quot|nbsp|#\d{2,5});")
_BROKEN = re.compile(
    "\ufffd|\u00c3[\u0080-\u00bf]|\u00e2\u20ac[\u0153\u009d\u2122\u201c\u201d\u0093\u0094\u0099]"
)
_BREAKS = re.compile(r"\\n")
_SHOWN = 8
"""Kinds that are named."""
_NOTHING = {"nan", "none", "null", "n/a", "undefined", "[]", "{}"}


def leftovers(rows: Sequence[Conversation], known: Collection[str] = ()) -> tuple[str, ...]:
    """What stands in the text of rows that no person may have written there, a sentence a kind.

    Args:
        rows: the conversations.
        known: tokens that are spoken of elsewhere, such as the tokenizer's own.
    """
    seen: dict[str, list[int]] = {}
    for row in rows:
        for turn in row.messages:
            answer = turn.role == "assistant" and turn.learned
            for what in _in(turn.content, answer=answer, known=known):
                lines = seen.setdefault(what, [])
                if row.line not in lines[-1:]:
                    lines.append(row.line)
    shown = [f"{what} ({counted(lines)})" for what, lines in list(seen.items())[:_SHOWN]]
    more = [f"{len(seen) - _SHOWN} more kinds of leftovers"] if len(seen) > _SHOWN else []
    return (*shown, *more)


def _in(text: str, *, answer: bool, known: Collection[str]) -> list[str]:
    """Kinds of leftovers in one text."""
    where = "answers" if answer else "prompts"
    found = [
        f"marks of templates that are read as plain text stand in {where}: {mark}"
        for mark in dict.fromkeys(_MARKS.findall(text))
        if mark not in known and not _MEDIA.fullmatch(mark)
    ]
    if spoken := _SPEAKERS.search(text):
        found.append(f"a speaker's name begins a line of {where}: {spoken[0]}")
    if medium := _MEDIA.search(text):
        found.append(f"a picture, sound or film is spoken of in {where} and is not there: {medium[0]}")
    if _ENTITIES.search(text):
        found.append(f"HTML's names of characters stand in {where}, such as &lt;")
    if _BROKEN.search(text):
        found.append(f"characters of {where} were broken by another encoding")
    if "\n" not in text and len(_BREAKS.findall(text)) > 1:
        found.append(f"line breaks of {where} stand as a backslash and an n")
    if answer and text.strip().lower() in _NOTHING:
        found.append(f"answers that hold no value: {text.strip()}")
    return found
