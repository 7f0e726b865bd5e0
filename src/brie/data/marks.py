"""Special tokens inside the text of rows: a tokenizer takes them for what they are to the model.

An answer that holds `<|im_end|>` teaches the model to end there, and a question that holds it ends
early. Text of that kind is mostly left over from another program.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from brie.data.families import FAMILIES
from brie.data.tokenizer import Tokenizer
from brie.data.turns import counted
from brie.records import Conversation

_THOUGHTS = ("<think>", "</think>")


@dataclass(frozen=True)
class Marks:
    """Where special tokens stand."""

    answers: dict[str, list[int]] = field(default_factory=dict)
    """Token -> lines of rows with it in something that is learned."""
    prompts: dict[str, list[int]] = field(default_factory=dict)
    """Token -> lines of rows with it elsewhere."""

    @property
    def answer_lines(self) -> tuple[int, ...]:
        """Rows with any of them in an answer."""
        return tuple(sorted({line for lines in self.answers.values() for line in lines}))


def known_marks() -> frozenset[str]:
    """Tokens that chat templates of any family are made of: what can be said without a tokenizer."""
    families = FAMILIES.values()
    named = {token for family in families for token in (*family.tokens, *family.special.values())}
    return frozenset(named - {*_THOUGHTS, "<s>"})


def special_texts(tokenizer: Tokenizer) -> frozenset[str]:
    """What a tokenizer reads as special tokens wherever it stands."""
    added = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    return frozenset(token for token in added | set(tokenizer.all_special_tokens) if token.strip())


def marks_in(rows: Sequence[Conversation], tokens: Collection[str]) -> Marks:
    """Special tokens in the text of rows."""
    found = Marks()
    if not tokens:
        return found
    longest_first = sorted(tokens, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    for row in rows:
        for turn in row.messages:
            where = found.answers if turn.role == "assistant" and turn.learned else found.prompts
            for token in dict.fromkeys(pattern.findall(f"{turn.reasoning or ''}{turn.content}")):
                lines = where.setdefault(token, [])
                if row.line not in lines[-1:]:
                    lines.append(row.line)
    return found


def listed(where: dict[str, list[int]]) -> str:
    """Tokens with how many rows hold them, and the first lines."""
    return ", ".join(f"{token} ({counted(lines)})" for token, lines in where.items())
