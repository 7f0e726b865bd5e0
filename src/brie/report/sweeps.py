"""What evaluations say of a sweep's settings, and of a recipe, in words."""

from __future__ import annotations

from collections.abc import Iterator

from brie.number_format import listed, percent, plural, points, signed, signed_span, span
from brie.records.sweeps import Doubling, RecipeTable, SettingRate, SettingsTable, SweepTable


def table_lines(document: SweepTable) -> Iterator[str]:
    """`brie compare SWEEP` for people, line by line."""
    table = document.table
    yield (
        f"sweep {document.name} on {document.suite}: win rate against {document.baseline}, "
        f"{plural(table.prompts, 'prompt')}, {plural(table.runs, 'run')} of each setting"
    )
    for row in table.settings:
        mark = "*" if row.best and table.freedom is not None else " "
        yield f"{mark} {row.name}: {_rate(row)}{_runs(row)}{_behind(row)}"
    yield from _best_lines(table)
    if table.doubling is not None:
        yield from _doubling_lines(table.doubling)
    yield f"{document.scope}."


def _best_lines(table: SettingsTable) -> Iterator[str]:
    if table.freedom is None:
        return
    best = [row.name for row in table.settings if row.best]
    if len(table.settings) == 1:
        return
    if len(best) == len(table.settings):
        yield "No setting can be told from the best: the first is perhaps the luckiest."
    elif len(best) == 1:
        yield f"* {best[0]} is better than all others; the intervals hold together (max-T)."
    else:
        yield f"* cannot be told from the best: {listed(best)}; the intervals hold together (max-T)."


def _doubling_lines(doubling: Doubling) -> Iterator[str]:
    """What twice the data changed."""
    shares = listed([f"{share:g}" for share in doubling.shares])
    ends = signed_span(doubling.low, doubling.high)
    gain = f"{signed(doubling.value)} points ({ends})"
    yield f"twice the data: {gain} for each doubling, from shares {shares}"
    if doubling.last is not None and doubling.last_low is not None and doubling.last_high is not None:
        ends = signed_span(doubling.last_low, doubling.last_high)
        yield f"the last doubling alone: {signed(doubling.last)} points ({ends})"
    yield "Beyond the data that are there the curve is a guess."


def _rate(row: SettingRate) -> str:
    if row.low is None or row.high is None:
        return percent(row.value)
    return f"{percent(row.value)} ({span(row.low, row.high)})"


def _runs(row: SettingRate) -> str:
    return f", runs {span(row.least, row.most)}" if row.runs > 1 else ""


def _behind(row: SettingRate) -> str:
    if row.best or row.behind_low is None or row.behind_high is None:
        return ""
    ends = span(row.behind_low, row.behind_high, " to ")
    return f", {points(row.behind)} points behind the first ({ends})"


def recipe_lines(document: RecipeTable) -> Iterator[str]:
    """A recipe's rate for people, line by line."""
    rate = document.rate
    yield (
        f"recipe {document.setting} of sweep {document.name} on {document.suite}, against "
        f"{document.baseline}: {plural(rate.runs, 'run')}, {plural(rate.prompts, 'prompt')}"
    )
    ends = f"{percent(rate.least)} and {percent(rate.most)}"
    yield f"the runs win between {ends}, {percent(rate.value)} on average"
    if rate.low is not None and rate.high is not None:
        level = f"{100 * rate.level:g} %"
        yield f"the recipe wins {percent(rate.value)} ({span(rate.low, rate.high)}, {level} interval)"
    if rate.new_low is not None and rate.new_high is not None:
        yield (
            f"another training run of this recipe would win between {percent(rate.new_low)} and "
            f"{percent(rate.new_high)}"
        )
    yield f"{document.scope}."
