"""Settings of torch and transformers are lent for a block, and given back however it ends."""

from __future__ import annotations

from contextlib import suppress

import pytest
import torch
from transformers.utils import logging

from brie.pin.libraries import quiet_transformers, threads


@pytest.mark.parametrize("count", [1, 3])
def test_a_block_computes_with_the_threads_it_asks_for(count: int) -> None:
    before = torch.get_num_threads()
    with suppress(KeyError), threads(count):
        assert torch.get_num_threads() == count
        raise KeyError
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("bars", [True, False])
def test_transformers_is_as_loud_after_a_quiet_block_as_before(bars: bool) -> None:
    verbosity, shown = logging.get_verbosity(), logging.is_progress_bar_enabled()
    try:
        logging.set_verbosity_info()
        (logging.enable_progress_bar if bars else logging.disable_progress_bar)()
        with suppress(KeyError), quiet_transformers():
            assert logging.get_verbosity() == logging.ERROR
            assert not logging.is_progress_bar_enabled()
            raise KeyError
        assert logging.get_verbosity() == logging.INFO
        assert logging.is_progress_bar_enabled() is bars
    finally:
        logging.set_verbosity(verbosity)
        (logging.enable_progress_bar if shown else logging.disable_progress_bar)()
