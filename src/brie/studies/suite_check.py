"""Is a suite of prompts well made, and what can it show?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from brie.analyse.power import smallest_detectable, variance_ratio
from brie.catalog import load_suite
from brie.checks.sample_size import FEW
from brie.judge.machine_checks import refuse_broken
from brie.number_format import percent, plural
from brie.project import Project
from brie.records import Suite

FEWEST_A_CATEGORY = 8
"""Prompts a category needs for an interval of its own."""
FEWEST_SOURCES = 8
"""Sources an interval for new sources needs to be read without care."""
SHARED_WORDS = 8
"""Consecutive words that make two prompts suspiciously alike."""
SAMPLES = (1, 3)


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """What a careful author would look at."""

    suite: Suite
    tables: dict[str, Counter[str]]
    """Heading -> counts of prompts."""
    detectable: dict[int, float | None]
    """Samples a prompt -> the smallest true win rate found at 80 % power; None: none at all."""
    warnings: tuple[str, ...]
    """What such an author would change."""


def check_suite(name: str, project: Project) -> SuiteReport:
    """Look at a suite: its size, its balance, and prompts that repeat others.

    Args:
        name: a suite's name or file.
        project: where suites are looked for.

    Raises:
        UsageError: there is no such suite.
        InputError: its file is wrong; the message names the line or key.
    """
    suite = load_suite(name, project)
    refuse_broken(suite)
    prompts = len(suite.prompts)
    return SuiteReport(
        suite=suite,
        tables=tables(suite),
        detectable={n: smallest_detectable(prompts, variance_ratio(n)) for n in SAMPLES},
        warnings=(*_size(suite), *concerns(suite)),
    )


def _size(suite: Suite) -> Iterator[str]:
    """That a suite is small, whatever it is for."""
    if len(suite.prompts) < FEW:
        least = smallest_detectable(len(suite.prompts), variance_ratio(1))
        found = f"only a true win rate of {percent(least)} or more" if least else "no true win rate"
        yield f"{plural(len(suite.prompts), 'prompt')} with one sample find {found}"


def tables(suite: Suite) -> dict[str, Counter[str]]:
    """Counts by category, source and difficulty, and of what prompts carry."""
    prompts = suite.prompts
    return {
        "categories": Counter(p.category for p in prompts),
        "sources": Counter(p.source for p in prompts),
        "difficulty": Counter(p.difficulty or "not set" for p in prompts),
        "with": Counter(
            {
                "reference": sum(p.reference is not None for p in prompts),
                "machine check": sum(p.check is not None for p in prompts),
                "system prompt": sum(p.messages[0].role == "system" for p in prompts),
                "earlier turns": sum(sum(m.role == "user" for m in p.messages) > 1 for p in prompts),
            }
        ),
    }


def concerns(suite: Suite) -> Iterator[str]:
    """What a careful author would change."""
    counts = tables(suite)
    few = [name for name, n in counts["categories"].items() if n < FEWEST_A_CATEGORY]
    if few and len(suite.prompts) >= 2 * FEWEST_A_CATEGORY:
        yield f"fewer than {FEWEST_A_CATEGORY} prompts in {', '.join(sorted(few))}: no interval there"
    sources = len(counts["sources"])
    if 1 < sources < FEWEST_SOURCES and len(suite.prompts) >= 2 * FEWEST_A_CATEGORY:
        yield f"{sources} sources; {FEWEST_SOURCES} are needed to say what new sources would show"
    lonely = [p.id for p in suite.prompts if p.check is not None and p.reference is None]
    if lonely:
        yield f"a machine check but no reference: {', '.join(lonely[:5])}"
    for left, right in alike(suite):
        yield f"{left} and {right} share {SHARED_WORDS} words in a row"


def alike(suite: Suite) -> list[tuple[str, str]]:
    """Pairs of prompts whose user turns share a long run of words."""
    runs: dict[tuple[str, ...], list[str]] = {}
    for prompt in suite.prompts:
        words = " ".join(m.content for m in prompt.messages if m.role == "user").casefold().split()
        for start in range(len(words) - SHARED_WORDS + 1):
            run = tuple(words[start : start + SHARED_WORDS])
            owners = runs.setdefault(run, [])
            if prompt.id not in owners:
                owners.append(prompt.id)
    return sorted({pair for owners in runs.values() for pair in combinations(sorted(owners), 2)})
