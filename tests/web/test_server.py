"""Where the viewer listens."""

from __future__ import annotations

import pytest

from brie.errors import UsageError
from brie.web.server import free_socket


def test_a_port_in_use_gives_the_next_free_one() -> None:
    with free_socket("127.0.0.1", 18600) as first:
        taken = first.getsockname()[1]
        with free_socket("127.0.0.1", taken) as second:
            assert second.getsockname()[1] > taken


def test_it_listens_on_loopback_only() -> None:
    with free_socket("127.0.0.1", 18640) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_an_address_that_is_not_this_machines_is_said() -> None:
    with pytest.raises(UsageError, match="--port"):
        free_socket("203.0.113.7", 18680)
