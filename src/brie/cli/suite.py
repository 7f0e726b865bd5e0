"""`brie suite check`: is a suite of prompts well made, and what can it show?"""

from __future__ import annotations

import click

from brie.cli import screen
from brie.cli.groups import Group
from brie.number_format import percent


@click.group(cls=Group, epilog="\b\nExample:\n  brie suite check my.toml\n")
def command() -> None:
    """Look at suites of prompts."""


@command.command(
    "check", epilog="\b\nExamples:\n  brie suite check in_domain\n  brie suite check my.toml\n"
)
@click.argument("suite")
def check(suite: str) -> None:
    """Check a SUITE (a name or a file): its keys, its size, its balance, and repeated prompts."""
    from brie.studies.suite_check import check_suite

    report = check_suite(suite, screen.project())
    loaded = report.suite
    screen.show(f"{loaded.name} {loaded.version}: {len(loaded.prompts)} prompts, rubric {loaded.rubric}")
    for title, counts in report.tables.items():
        told = ", ".join(f"{name} {n}" for name, n in counts.most_common())
        screen.show(f"  {title}: {told}", hanging=4)
    for samples, least in report.detectable.items():
        rate = f"a true win rate of {percent(least)} or more" if least else "nothing"
        screen.show(f"  with {samples} sample{'s' * (samples > 1)} a prompt it can find {rate}")
    for warning in report.warnings:
        screen.show(f"warning: {warning}", hanging=2)
    count = len(report.warnings)
    screen.show(f"{count or 'no'} warning{'s' * (count != 1)}.")
