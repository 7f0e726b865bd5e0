"""Several suites as one table: for a terminal, as a page, as Markdown and as a card.

Every sentence is made once, here; each writer only lays it out. A file of its own is written by
`write_suites_report`, beside the reports of the suites, to which the page leads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from brie.number_format import (
    difference,
    listed,
    number,
    p_equals,
    percent,
    plural,
    points,
    signed,
    signed_span,
    span,
)
from brie.records.suites import DomainGap, SuiteLine, SuitesDocument, SuitesManifest
from brie.report.clean import one_line, without_paths
from brie.report.markdown import escape, fenced, prose, spaced, table
from brie.report.sheets import render_sheet, write_sheets

_NAME = 60


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """A row of the table."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    prompts: int
    word: str
    """What is shown of it, in words."""
    note: str = ""
    link: str = ""
    """Id of the evaluation; "" for all together."""


@dataclass(frozen=True, slots=True)
class SuitesPage:
    """What is said of several suites, in the order of the page."""

    id: str
    created: str
    seal: str
    names: str
    sentence: str
    rows: tuple[SuiteRow, ...]
    gap: DomainGap | None
    gap_name: str
    gap_words: str
    kept: tuple[str, ...]
    """Of each suite outside the domain: whether something was forgotten."""
    warnings: tuple[str, ...]
    method: str
    command: str


def suites_page(document: SuitesDocument, manifest: SuitesManifest) -> SuitesPage:
    """Everything that is said, once.

    Args:
        document: the table.
        manifest: what was sealed, and the command.
    """
    gap = document.difference
    return SuitesPage(
        id=document.id,
        created=document.created,
        seal=document.seal,
        names=f"{_cut(document.candidate.name)} against {_cut(document.baseline.name)}",
        sentence=_sentence(document),
        rows=tuple(_rows(document)),
        gap=gap,
        gap_name=f"{_cut(gap.inside)} minus {_outside(gap)}" if gap else "",
        gap_words=f"{gap.word}, p {p_equals(gap.p_value)}" if gap else "",
        kept=tuple(_kept(document)),
        warnings=document.warnings,
        method=_method(document),
        command=without_paths(manifest.command),
    )


def suites_lines(document: SuitesDocument, manifest: SuitesManifest) -> list[str]:
    """The table for a terminal of 80 columns; longer lines are sentences, to be folded."""
    page = suites_page(document, manifest)
    wide = min(24, max(len(_cut(row.name, 24)) for row in page.rows))
    lines = [f"{page.sentence}", f"{page.names}", ""]
    for row in page.rows:
        rate = points(row.value) if row.value is not None else "–"
        ends = span(row.low, row.high) if row.low is not None and row.high is not None else "–"
        told = row.word or row.note
        lines.append(
            f"  {_cut(row.name, 24):<{wide}} {rate:>5}  {ends:<9} n {row.prompts:<4} {told}".rstrip()
        )
    if page.gap:
        ends = signed_span(page.gap.low, page.gap.high)
        lines += ["", f"{page.gap_name}: {signed(page.gap.value)} points ({ends}), {page.gap_words}."]
    lines += [f"Forgetting: {said}" for said in page.kept]
    lines += [f"Careful: {warning}.".replace("`", "") for warning in page.warnings]
    return lines


def in_a_line(document: SuitesDocument) -> str:
    """The suites with their rates, as lists of evaluations have them."""
    rates = [
        f"{_cut(line.suite, 24)} {percent(line.value)} ({span(line.low, line.high)})"
        if line.value is not None and line.low is not None and line.high is not None
        else f"{_cut(line.suite, 24)} unfinished"
        for line in document.suites
    ]
    names = f"{_cut(document.candidate.name)} vs {_cut(document.baseline.name)}"
    return f"{names}  {', '.join(rates)}"


def write_suites_report(
    document: SuitesDocument, manifest: SuitesManifest, folder: Path, *, card: bool = False
) -> Path:
    """Write `index.html`, `report.md` and `suites.json`; returns the page. Equal input, equal bytes.

    Args:
        document: the table.
        manifest: what was sealed.
        folder: where to.
        card: also a picture to share, SVG and PNG, in its folder `figures`.

    Raises:
        UsageError: the folder cannot be written.
    """
    files = suites_files(document, manifest)
    write_sheets(folder, {**files, "suites.json": document.model_dump_json(indent=1) + "\n"})
    if card:
        from brie.report.suites_card import write_suites_card

        write_suites_card(suites_page(document, manifest), folder / "figures")
    return folder / "index.html"


def suites_files(document: SuitesDocument, manifest: SuitesManifest) -> dict[str, str]:
    """The report's files by name, the page last."""
    page = suites_page(document, manifest)
    return {"report.md": _markdown(page), "index.html": render_sheet("suites.html", page)}


def _markdown(page: SuitesPage) -> str:
    rows = [
        (
            escape(row.name),
            points(row.value) if row.value is not None else "–",
            span(row.low, row.high) if row.low is not None and row.high is not None else "–",
            number(row.prompts),
            prose("; ".join(part for part in (row.word, row.note) if part)),
        )
        for row in page.rows
    ]
    blocks = [
        f"# {prose(page.sentence)}",
        escape(page.names),
        table(("Suite", "Win rate", "Interval", "Prompts", "Shown"), rows, "lrrrl"),
    ]
    if page.gap:
        ends = signed_span(page.gap.low, page.gap.high)
        blocks.append(
            f"**{escape(page.gap_name)}**: {signed(page.gap.value)} points ({ends}), "
            f"{prose(page.gap_words)}."
        )
    blocks += [f"- Forgetting: {prose(said)}" for said in page.kept]
    blocks += [f"- Careful: {prose(warning)}." for warning in page.warnings]
    blocks += [prose(page.method), fenced(page.command, "sh"), f"`{page.id}`, `{page.seal}`"]
    return spaced(block for block in blocks if block)


def _rows(document: SuitesDocument) -> Iterator[SuiteRow]:
    for line in document.suites:
        yield SuiteRow(
            _cut(line.suite), line.value, line.low, line.high, line.prompts, _word(line), _note(line),
            line.evaluation,
        )  # fmt: skip
    whole = document.together
    if whole is not None:
        shared = f"{plural(whole.shared, 'prompt')} of several suites counted once"
        yield SuiteRow(
            "all together", whole.value, whole.low, whole.high, whole.prompts, "",
            shared if whole.shared else f"its own {percent(whole.level)} interval",
        )  # fmt: skip


def _word(line: SuiteLine) -> str:
    """What is shown of a suite, as far as it stands."""
    if line.word is None:
        return ""
    state = line.standing.state if line.standing else "stands"
    if line.word != "undecided" and state != "stands":
        return f"{line.word}? {state}"
    return line.word


def _note(line: SuiteLine) -> str:
    if line.word is None or line.p_adjusted is None:
        return "not judged to the end"
    reasons = line.standing.reasons if line.standing and line.standing.state != "stands" else ()
    because = f"; {line.standing.state}: {reasons[0].text}" if line.standing and reasons else ""
    return f"p after Holm {p_equals(line.p_adjusted)}{because}"


def _kept(document: SuitesDocument) -> Iterator[str]:
    """Of each suite outside the domain, whether it is shown not to be worse."""
    for line in document.suites[1:]:
        name, reason = _cut(line.suite), line.kept_reason.removeprefix(f"{line.kept}: ").rstrip(".")
        if line.kept == "not shown":
            yield f"it is not shown that {name} is not worse: {reason}."
        elif line.kept is not None:
            yield f"{name} is {line.kept}: {reason}."


def _sentence(document: SuitesDocument) -> str:
    """The table in one sentence: where it is better, and what is not shown."""
    names = [_cut(line.suite) for line in document.suites]
    if document.interim:
        return f"INTERIM: {listed(names)} are not judged to the end, and no verdict is given."
    by_word: dict[str, list[str]] = {}
    for line in document.suites:
        by_word.setdefault(_word(line), []).append(_cut(line.suite))
    parts = [f"{word} on {listed(where)}" for word, where in by_word.items()]
    sentence = "; ".join(parts)
    gap = document.difference
    if gap is not None and gap.word != "no difference shown":
        sentence += f"; {difference(gap.value)} {gap.word} on {_cut(gap.inside)} than outside it"
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _outside(gap: DomainGap) -> str:
    if len(gap.outside) == 1:
        return _cut(gap.outside[0])
    return f"the prompts of {listed([_cut(name) for name in gap.outside])}"


def _method(document: SuitesDocument) -> str:
    floor = percent(0.5 - document.margin)
    return (
        f"The suites' intervals hold together at {percent(document.level)} (each has level "
        f"{100 * document.suites[0].level:.4g} %); those of all together and of the difference are "
        f"{percent(document.level)} intervals by themselves. In all together every prompt weighs the "
        f"same. “Not worse” means above {floor}, for all suites outside the domain at once, by judges "
        "that recognised damaged answers. Each suite's own report has its verdict, checks and judges."
    )


def _cut(name: str, most: int = _NAME) -> str:
    return one_line(name, most)
