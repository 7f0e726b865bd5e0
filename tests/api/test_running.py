"""Where an event loop runs already, as in a notebook, work runs beside it and can be interrupted."""

from __future__ import annotations

import asyncio
import signal
import threading
from pathlib import Path

import pytest

import brie
from brie.api import running
from brie.api.screens import Bars, default_screen, in_notebook
from brie.progress import Screen, Silent
from tests.api.conftest import columns


def test_an_evaluation_runs_inside_a_running_loop(here: Path) -> None:
    async def cell() -> str:
        result = brie.evaluate(
            pairs=columns(), prompt="question", candidate="mine", baseline="theirs", judges="longer"
        )
        return repr(result)

    assert asyncio.run(cell()).startswith("<brie mine against theirs")


def test_without_a_loop_it_runs_in_its_own_thread() -> None:
    assert running.run(lambda screen: threading.current_thread(), Silent()) is threading.main_thread()


def test_an_interrupt_reaches_the_work_at_its_next_step() -> None:
    main = threading.main_thread()
    if threading.current_thread() is not main:
        pytest.skip("signals are for the main thread")
    heard: list[str] = []

    def work(screen: Screen) -> None:
        signal.pthread_kill(main.ident or 0, signal.SIGINT)
        try:
            with screen.bar("judging", 2_000_000, "verdicts") as advance:
                while True:
                    advance(0)
        except KeyboardInterrupt:
            heard.append("stopped")
            raise

    async def cell() -> None:
        running.run(work, Silent())

    loop = asyncio.new_event_loop()  # as a kernel has it: Ctrl-C raises, and cancels no task
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(cell())
    loop.close()
    assert heard == ["stopped"]


def test_an_error_comes_out_as_it_is() -> None:
    def work(screen: Screen) -> None:
        raise brie.BrieError("say what is asked")

    async def cell() -> None:
        running.run(work, Silent())

    with pytest.raises(brie.BrieError, match="say what is asked"):
        asyncio.run(cell())


def test_bars_are_for_notebooks(capsys: pytest.CaptureFixture[str]) -> None:
    assert not in_notebook()
    assert isinstance(default_screen(), Silent)
    screen = Bars()
    screen.say("sealed")
    with screen.bar("judging", 4, "verdicts") as advance:
        advance(1)
        advance(3, "one judge waits")
    told = capsys.readouterr()
    assert told.out == ""
    assert "sealed" in told.err
    assert "judging" in told.err
