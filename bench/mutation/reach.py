"""Which test touches which line: a pytest plugin over coverage.py.

    REACH_FILES=src/brie/digest.py REACH_OUT=reach.json python -m pytest -p bench.mutation.reach tests

A line run while a fixture of a wider scope than a function is made counts for every test that uses
that fixture, not only for the first.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coverage import Coverage

FILES, OUT = "REACH_FILES", "REACH_OUT"


def pytest_configure(config: pytest.Config) -> None:
    """Start before any test file is imported."""
    config.pluginmanager.register(Reach(), "reach-recorder")


class Reach:
    """Records one run."""

    def __init__(self) -> None:
        files = [str(Path(name).resolve()) for name in os.environ[FILES].split(os.pathsep)]
        self._coverage = Coverage(data_file=None, config_file=False, include=files, branch=False)
        self._coverage.start()
        self._now = ""
        self._seconds: dict[str, float] = defaultdict(float)
        self._shared: dict[str, float] = defaultdict(float)
        self._bad: set[str] = set()
        self._fixtures: dict[str, list[str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Everything between one test's start and end is its own."""
        self._fixtures[item.nodeid] = sorted(_wider(item))
        self._switch(item.nodeid)
        try:
            return (yield)
        finally:
            self._switch("")

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """Except what is made for several tests."""
        if fixturedef.scope == "function":
            return (yield)
        before, started = self._now, time.perf_counter()
        self._switch(_name(fixturedef))
        try:
            return (yield)
        finally:
            took = time.perf_counter() - started
            self._shared[_name(fixturedef)] += took
            self._seconds[before] -= took
            self._switch(before)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """How long it took, and whether it can tell anything at all."""
        self._seconds[report.nodeid] += report.duration
        if not report.passed:
            self._bad.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write what was seen."""
        self._coverage.stop()
        data = self._coverage.get_data()
        lines = {
            os.path.relpath(file): _by_context(data.contexts_by_lineno(file))
            for file in data.measured_files()
        }
        tests = {
            name: {"seconds": max(0.0, round(self._seconds[name], 4)), "fixtures": fixtures}
            for name, fixtures in self._fixtures.items()
            if name not in self._bad
        }
        Path(os.environ[OUT]).write_text(
            json.dumps({"tests": tests, "shared": self._shared, "lines": lines}), "utf-8"
        )

    def _switch(self, name: str) -> None:
        self._now = name
        self._coverage.switch_context(name)


def _by_context(found: dict[int, list[str]]) -> dict[str, list[int]]:
    """Context -> lines: a test touches many."""
    turned: dict[str, list[int]] = defaultdict(list)
    for line, names in sorted(found.items()):
        for name in names:
            turned[name].append(line)
    return dict(turned)


def _wider(item: pytest.Item) -> Iterator[str]:
    info = getattr(item, "_fixtureinfo", None)
    for definitions in (info.name2fixturedefs if info else {}).values():
        yield from (_name(one) for one in definitions if one.scope != "function")


def _name(fixturedef: Any) -> str:
    return f"fixture {fixturedef.baseid} {fixturedef.argname}"
