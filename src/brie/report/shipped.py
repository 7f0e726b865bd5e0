"""A check's card and badge: Markdown for a repository, SVG for its front page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from brie.digest import short
from brie.project import write_text
from brie.records.shipping import CheckReport, Figures
from brie.report.badge import COLOURS, draw_badge
from brie.report.clean import one_line
from brie.report.markdown import escape, table

_WORDS = {
    "sound": ("export sound", "better"),
    "identical": ("export identical", "better"),
    "fault": ("export at fault", "worse"),
    "worse": ("export worse", "worse"),
    "open": ("export answers otherwise", "open"),
}
"""Verdict -> what the badge says, and whose colour it has."""


def check_lines(report: CheckReport) -> Iterator[str]:
    """What was compared, for a terminal: one line a thing, none of it longer than 80 columns' worth."""
    for what, agrees in report.same.items():
        yield f"  {what:<14} {'the same' if agrees else 'DIFFERS'}"
    for figures in report.figures:
        yield f"  read by {figures.engine}:"
        for name, value in figure_rows(figures):
            yield f"    {name:<26} {value}"
        if "texts" in figures.notes:
            yield f"    note: {one_line(figures.notes['texts'])}"
    for what, why in report.not_measured.items():
        yield f"  not measured: {what}: {why}"
    for fault in report.faults:
        yield f"  {fault.kind}: {one_line(fault.sentence)}"


def figure_rows(figures: Figures) -> list[tuple[str, str]]:
    """Name and value of each figure; what was not measured says so."""
    rows = [
        ("identical answers", _of(figures.identical, figures.answers)),
        ("same first choice", _share(figures.same_argmax, figures.positions)),
        ("divergence (nats)", _number(figures.kl)),
        ("largest logit difference", _number(figures.max_logit_difference)),
    ]
    if figures.same_ids is not None:
        rows.append(("same tokens", "yes" if figures.same_ids else "NO"))
    return rows


def _of(count: int | None, total: int | None) -> str:
    return "not measured" if count is None else f"{count:,} of {total:,}"


def _share(share: float | None, of: int) -> str:
    return "not measured" if share is None else f"{share:.2%} of {of:,} tokens"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2g}"


def write_card(report: CheckReport, reports: Path) -> Path:
    """Write `check.json`, `card.md` and `badge.svg`; returns their folder.

    Args:
        report: what was found.
        reports: folder of all reports.
    """
    name = "".join(c if c.isalnum() or c in "-._" else "-" for c in report.file.name)[:60]
    folder = reports / f"check-{name}-{short(report.file.digest)}"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "check.json", report.model_dump_json(indent=2) + "\n")
    write_text(folder / "card.md", card(report))
    write_text(folder / "badge.svg", badge(report))
    return folder


def card(report: CheckReport) -> str:
    """The card, in Markdown; names of files and tokens from the world are escaped."""
    file = report.file
    facts = [
        ["file", f"{escape(file.name)} ({file.form}, {file.number_format}, {file.bytes / 1e6:,.1f} MB)"],
        ["fingerprint", short(file.digest, 16)],
        ["held against", f"{escape(report.against)} ({short(report.against_digest, 16)})"],
        [
            "read on",
            f"{report.prompts:,} prompts of {escape(report.suite)}, {report.texts:,} fixed texts",
        ],
    ]
    parts = [
        f"# Check of {escape(file.name)}",
        escape(report.sentence),
        table(["", ""], facts),
    ]
    if report.same:
        rows = [[what, "the same" if agrees else "**differs**"] for what, agrees in report.same.items()]
        parts += ["## Structure", table(["what", ""], rows)]
    for figures in report.figures:
        parts += [
            f"## Read by {escape(figures.engine)}",
            table(["figure", "value"], [list(row) for row in figure_rows(figures)]),
        ]
        parts += [
            escape(why) + "." if k == "texts" else f"Not measured: {k}: {escape(why)}."
            for k, why in figures.notes.items()
        ]
        parts += [_divergences(figures)] if figures.divergences else []
    if report.faults:
        lines = [
            f"* **{fault.kind}** ({escape(fault.where)}): {escape(fault.sentence)}"
            for fault in report.faults
        ]
        parts += ["## Faults", "\n".join(lines)]
    parts += [f"Not measured: {escape(k)}: {escape(why)}." for k, why in report.not_measured.items()]
    if report.judged is not None:
        parts += ["## Judges", escape(report.judged.sentence)]
    return "\n\n".join(parts) + "\n"


def _divergences(figures: Figures) -> str:
    rows = [[escape(d.prompt), str(d.token), f"{d.gap:.3g}"] for d in figures.divergences]
    head = ["answer leaves the checkpoint's", "at token", "gap of its first two choices (logits)"]
    return table(head, rows)


def badge(report: CheckReport) -> str:
    """The badge as SVG: what was checked, and what came of it."""
    word, tone = _WORDS[report.verdict]
    return draw_badge(f"{word}: {_short_answers(report)}", COLOURS[tone])


def _short_answers(report: CheckReport) -> str:
    counted = [each for each in report.figures if each.identical is not None]
    if not counted:
        return "not compared"
    fewest = min(counted, key=lambda each: each.identical or 0)
    return f"{fewest.identical:,} of {fewest.answers:,} answers the same"
