"""Chats that a trainer's script had written out as one text: ChatML, read back into its turns.

    {"text": "<|im_start|>user\\nWhy?<|im_end|>\\n<|im_start|>assistant\\nBecause.<|im_end|>\\n"}

The form in which the original Brie was trained, and many after it. Only a text that is turns from end to
end is read; nothing is taken from its ends, so that what is written again is the same text.
"""

from __future__ import annotations

import re

from brie.reading.names import role_of

_START, _END = "<|im_start|>", "<|im_end|>"
_TURN = re.compile(rf"{re.escape(_START)}(\w+)\n(.*?){re.escape(_END)}\n?", re.DOTALL)


def turns_of(text: str) -> list[tuple[str, str]] | None:
    """Role and content of each turn; None where the text is not turns and nothing else.

    Args:
        text: with its marks, from the first turn's to the last one's.
    """
    turns: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        turn = _TURN.match(text, at)
        if turn is None or _START in turn[2] or (role := role_of(turn[1])) is None:
            return None
        turns.append((role, turn[2]))
        at = turn.end()
    return turns or None
