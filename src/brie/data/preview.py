"""`brie data preview`: a row as the model sees it, with what is learned told from what is not."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from brie.data.encode import IGNORED, Encoded
from brie.data.tokenizer import Tokenizer


class Segment(NamedTuple):
    """A stretch of text that is learned, or is not."""

    text: str
    learned: bool
    tokens: int


def segments(row: Encoded, tokenizer: Tokenizer) -> list[Segment]:
    """A row's tokens as text, special tokens written out, in stretches of equal labelling."""
    labelled = zip(row.ids, (label != IGNORED for label in row.labels), strict=True)
    stretches = []
    for learned, run in groupby(labelled, key=lambda item: item[1]):
        ids = [token for token, _ in run]
        text = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        stretches.append(Segment(text, learned, len(ids)))
    return stretches
