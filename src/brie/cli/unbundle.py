"""`brie unbundle`: merge another machine's bundle into this project."""

from __future__ import annotations

from pathlib import Path

import click

from brie.cli import screen
from brie.cli import suites as several
from brie.lines import command as command_line


@click.command(
    epilog="""\b
Examples:
  brie verify theirs.zip        what it claims, recomputed
  brie unbundle theirs.zip
"""
)
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Merge FILE into this project: all of it, or nothing. What is here already stays as it is."""
    from brie.bundle import unbundle
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.gather import gather
    from brie.evaluation.results import write_report
    from brie.records.analysis import Analysis
    from brie.store import Store

    screen.offline()
    project = screen.project()
    merged = unbundle(file, project)
    if merged.kind == "run":
        screen.show(f"{merged.id}: {'merged' if merged.new else 'was here already, nothing added'}")
        screen.show(f"Next    {command_line('pin', merged.id.rsplit('-', 1)[-1] + ':best')}")
        return
    screen.show(f"{merged.id}: {merged.completions:,} completions, {merged.verdicts:,} verdicts added")
    if merged.kind == "suites":
        several.unbundled(merged.id, project)
        return
    evaluation = find_evaluation(merged.id, project)
    if merged.outdated:
        screen.show(f"Its numbers were made without them: brie report {merged.id}")
    elif merged.new and evaluation.analysis_file.is_file():
        analysis = Analysis.read(evaluation.analysis_file.read_bytes())
        with Store.open(project.store, read_only=True) as store:
            rows = gather(evaluation.manifest, store, texts=False)
            report = write_report(evaluation, analysis, rows, project)
        screen.show(f"Report  {project.relative(report)}")
    judged = evaluation.analysis_file.is_file()
    screen.show(f"Next    brie {'verify' if judged else 'judge'} {merged.id}")
