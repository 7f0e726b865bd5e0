"""Truncation: what is cut, what is lost, and what is counted."""

from __future__ import annotations

import pytest

from brie.data.encode import IGNORED, Encoded, Encoder, trainable
from brie.data.preview import segments
from brie.data.template import choose
from brie.data.tokenizer import load_tokenizer
from brie.project import packaged
from tests.data.rows import conversation


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    tokenizer = load_tokenizer(packaged("models", "tiny"))
    return Encoder(tokenizer, choose(tokenizer), 4096)


def at(encoder: Encoder, length: int) -> Encoded:
    """A row of known shape under a limit."""
    limited = Encoder(encoder.tokenizer, encoder.template, length)
    (row,) = limited.encode(conversation("Where is the kettle?", "It stands on the stove."))
    return row


def test_a_limit_that_leaves_the_end_token_leaves_the_row_whole(encoder: Encoder) -> None:
    whole = at(encoder, 4096)
    last = max(i for i, label in enumerate(whole.labels) if label != IGNORED)
    assert at(encoder, last + 1).cut == "whole"  # the line break after the end token may go
    assert at(encoder, last).cut == "cut"


def test_an_answer_cut_away_whole_is_lost_and_not_trained_on(encoder: Encoder) -> None:
    whole = at(encoder, 4096)
    first = whole.labels.index(next(label for label in whole.labels if label != IGNORED))
    assert at(encoder, first + 1).cut == "cut"
    lost = at(encoder, first)
    assert lost.cut == "lost"
    assert lost.learned == 0
    assert trainable([whole, lost]) == [whole]


def test_lengths_are_counted_before_truncation(encoder: Encoder) -> None:
    assert at(encoder, 8).length == at(encoder, 4096).length == len(at(encoder, 4096).ids)


def test_a_row_of_a_hundred_thousand_tokens_is_cut_not_refused(encoder: Encoder) -> None:
    limited = Encoder(encoder.tokenizer, encoder.template, 512)
    (row,) = limited.encode(conversation("Say much.", "word " * 100_000))
    assert (len(row.ids), row.cut) == (512, "cut")
    assert row.length > 100_000
    assert limited.encode(conversation("word " * 100_000, "Short."))[0].cut == "lost"


def test_text_loss_covers_every_token(encoder: Encoder) -> None:
    (whole,) = Encoder(encoder.tokenizer, encoder.template, 4096, "text").encode(conversation("Why?"))
    assert whole.labels == whole.ids


def test_the_preview_shows_all_text_and_what_is_learned(encoder: Encoder) -> None:
    (row,) = encoder.encode(conversation("Why?", "So it is."))
    shown = segments(row, encoder.tokenizer)
    assert [s.text for s in shown if s.learned] == ["So it is.<|im_end|>"]
    assert "".join(s.text for s in shown) == encoder.tokenizer.decode(row.ids)
    assert sum(s.tokens for s in shown) == len(row.ids)
