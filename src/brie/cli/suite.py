"""`brie suite check`: is a suite of prompts well made, and what can it show?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

import click

from brie.cli import screen
from brie.cli.groups import Group
from brie.records import Suite

FEWEST_A_CATEGORY = 8
"""Prompts a category needs for an interval of its own."""
FEWEST_SOURCES = 8
"""Sources an interval for new sources needs to be read without care."""
SHARED_WORDS = 8
"""Consecutive words that make two prompts suspiciously alike."""


@click.group(cls=Group, epilog="\b\nExample:\n  brie suite check my.toml\n")
def command() -> None:
    """Look at suites of prompts."""


@command.command(
    "check", epilog="\b\nExamples:\n  brie suite check in_domain\n  brie suite check my.toml\n"
)
@click.argument("suite")
def check(suite: str) -> None:
    """Check a SUITE (a name or a file): its keys, its size, its balance, and repeated prompts."""
    from brie.analyse.power import smallest_detectable, variance_ratio
    from brie.catalog import load_suite

    loaded = load_suite(suite, screen.project())
    click.echo(f"{loaded.name} {loaded.version}: {len(loaded.prompts)} prompts, rubric {loaded.rubric}")
    for title, counts in tables(loaded).items():
        click.echo(f"  {title}: " + ", ".join(f"{name} {n}" for name, n in counts.most_common()))
    for samples in (1, 3):
        least = smallest_detectable(len(loaded.prompts), variance_ratio(samples))
        found = f"a true win rate of {least:.0%} or more" if least else "nothing"
        click.echo(f"  with {samples} sample{'s' * (samples > 1)} a prompt it can find {found}")
    warnings = list(concerns(loaded))
    for warning in warnings:
        click.echo(f"warning: {warning}")
    click.echo(f"{len(warnings) or 'no'} warning{'s' * (len(warnings) != 1)}.")


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
    for one, two in alike(suite):
        yield f"{one} and {two} share {SHARED_WORDS} words in a row"


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
