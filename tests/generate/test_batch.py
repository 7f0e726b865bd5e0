"""A row under way ends at a stop token or its limit; which models let rows join a batch."""

from __future__ import annotations

import pytest
from transformers import LlamaConfig

from brie.generate.batch import Row, is_joinable
from tests.generate.conftest import Ask


@pytest.fixture
def row(ask: Ask) -> Row:
    (request,) = ask(1)
    return Row(request, [1, 2, 3], limit=2)


def test_a_stop_token_ends_an_answer_and_is_no_part_of_it(row: Row) -> None:
    row.take(7, frozenset({0}), str)
    assert (row.ids, row.finish) == ([1, 2, 3, 7], None)
    row.take(0, frozenset({0}), str)
    assert (row.new, row.finish) == ([7], "stop")


def test_the_limit_ends_an_answer_with_its_last_token(row: Row) -> None:
    for token in (7, 8):
        row.take(token, frozenset({0}), str)
    assert (row.new, row.finish) == ([7, 8], "length")


def test_a_rows_randomness_is_its_keys(ask: Ask) -> None:
    first, second = ask(2)
    assert Row(first, [1], 1).seed == Row(first, [2], 9).seed
    assert Row(first, [1], 1).seed != Row(second, [1], 1).seed


@pytest.mark.parametrize(
    ("layers", "joinable"),
    [
        (None, True),
        (["full_attention", "sliding_attention"], True),
        (["full_attention", "linear_attention"], False),
    ],
)
def test_rows_join_only_where_the_whole_past_is_keys_and_values(
    layers: list[str] | None, joinable: bool
) -> None:
    config = LlamaConfig(num_hidden_layers=2)
    if layers is not None:
        config.layer_types = layers
    assert is_joinable(config) is joinable
