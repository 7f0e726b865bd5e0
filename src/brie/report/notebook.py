"""A result as a notebook shows it: the verdict, the scale, and the checks that do not pass.

No script and no request; every text of models, judges and files is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence

from brie.records import Manifest
from brie.records.analysis import Analysis
from brie.report import charts, facts
from brie.report.accuracy import right_and_wrong
from brie.report.html import environment
from brie.report.opening import opening
from brie.report.sentence import interval_of, tone, verdict_sentence


def result_html(analysis: Analysis, manifest: Manifest | None, report: str) -> str:
    """An analysis as a card.

    Args:
        analysis: the numbers.
        manifest: the plan, where there is one.
        report: where the whole report lies; "" where none is written.
    """
    rate = analysis.win_rate
    low, high = (interval_of(rate) if rate else None) or (None, None)
    right = right_and_wrong(analysis)
    checks = facts.checks_worst_first(analysis)
    return (
        environment()
        .get_template("notebook.html")
        .render(
            top=opening(analysis, manifest),
            tone=tone(analysis),
            sentence=verdict_sentence(analysis, manifest),
            scale=charts.scale(rate.value, low, high, None) if rate else None,
            right=right.sentences[0] if right else "",
            checks=[check for check in checks if check.status in ("fail", "warn")],
            passed=sum(check.status == "pass" for check in checks),
            not_run=sum(check.status == "not_run" for check in checks),
            report=report,
        )
    )


def table_html(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], remarks: Sequence[str] = ()
) -> str:
    """A table as a card; the first cell of a row is its name."""
    return (
        environment()
        .get_template("notebook_table.html")
        .render(title=title, head=head, rows=rows, remarks=remarks)
    )
