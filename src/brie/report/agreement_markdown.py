"""The agreement report as Markdown, for pull requests and model cards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brie.number_format import percent, signed, signed_span, span, two_digits
from brie.report.agreement import OUTCOMES, AgreementPage, Pair
from brie.report.clean import one_line
from brie.report.coefficients import Coefficient
from brie.report.markdown import bullets, escape, fenced, prose, spaced, summary, table
from brie.report.measured import Measured

ALL_FIGURES = "All figures: points of the win rate for one standard deviation more"


def render_agreement_markdown(page: AgreementPage) -> str:
    """The page's content as GitHub-flavoured Markdown, ending in one line feed."""
    return spaced(block for block in _blocks(page) if block)


def _blocks(page: AgreementPage) -> Iterator[str]:
    yield f"# Agreement of the judges: {escape(page.title)}"
    yield prose(f"{page.sentence} {page.beyond}")
    yield "\n".join(f"- {prose(caveat)}" for caveat in page.caveats)
    yield table(("", ""), [(f"**{escape(name)}**", escape(value)) for name, value in page.facts])
    if page.panel:
        yield "## The whole panel"
        yield _coefficients(page.panel)
    yield bullets(page.panel_said)
    yield "## What it resembles" if page.alone else "## Pairs, those that agree least first"
    for pair in page.pairs:
        yield from _pair(pair)
    if page.categories:
        yield "## By category"
        yield _categories(page)
    for measured in page.people:
        yield from _people(measured)
    yield "## What each judge rewards"
    yield "\n".join(f"- {prose(sentence)}" for sentence in page.rewards)
    if page.tendencies:
        yield f"<details><summary>{summary(ALL_FIGURES)}</summary>"
        rows = [
            (escape(t.judge), escape(t.difference), escape(t.step), signed(t.effect),
             signed_span(t.low, t.high))
            for t in page.tendencies
        ]  # fmt: skip
        yield table(
            ("Judge", "Difference", "One standard deviation", "Points", "Interval"), rows, "lllrr"
        )
        yield "</details>"
    yield "## Each judge with itself"
    yield _selves(page)
    yield from _examples(page)
    yield "## Provenance"
    for e in page.evaluations:
        source = (
            ("Evaluation", e.id), ("Candidate", e.candidate), ("Baseline", e.baseline),
            ("Suite", e.suite), ("Sealed", e.created), ("Fingerprint of the plan", e.seal),
            ("Digest of the rows", e.rows_digest),
        )  # fmt: skip
        yield table(("", ""), [(name, escape(value)) for name, value in source])
    if page.notes:
        yield "What is not shown, and why:"
        yield table(("", ""), [(escape(name), escape(reason)) for name, reason in page.notes])
    yield "*Intervals are 95 % percentile intervals of a bootstrap over prompts.*"


def _pair(pair: Pair) -> Iterator[str]:
    yield f"### {escape(pair.title)}"
    yield _coefficients(pair.coefficients)
    head = (f"{escape(pair.one)} ↓ {escape(pair.two)} →", *OUTCOMES)
    yield table(
        head,
        [(verdict, *(f"{count:,}" for count in counts)) for verdict, counts in pair.confusion],
        "lrrr",
    )
    yield table(
        ("Base rates", *OUTCOMES),
        [
            (escape(rate.judge), *(_share(value, low, high) for value, low, high in rate.shares))
            for rate in pair.rates
        ],
        "lrrr",
    )


def _people(measured: Measured) -> Iterator[str]:
    yield f"## Held against people: {escape(measured.evaluation)}"
    yield bullets(list(measured.sentences))
    for name, rows in (("Kappa", measured.kappa), ("Krippendorff's alpha", measured.alpha)):
        yield f"{name} with people:"
        yield _coefficients(rows)
    head = ("Judge", *(escape(figure.head) for figure in measured.judges[0].figures))
    rows_of_judges = [
        (escape(row.judge), *(f"{f.value} ({f.ends})" if f.ends else f.value for f in row.figures))
        for row in measured.judges
    ]
    yield table(head, rows_of_judges, "l" + "r" * (len(head) - 1))


def _share(value: float, low: float | None, high: float | None) -> str:
    held = f" ({span(low, high)})" if low is not None and high is not None else ""
    return percent(value) + held


def _coefficients(rows: Sequence[Coefficient]) -> str:
    return table(
        ("Measure", "Value", "Interval"),
        [
            (escape(c.name) + (f" ({escape(c.note)})" if c.note else ""), _value(c), _held(c))
            for c in rows
        ],
        "lrr",
    )


def _value(c: Coefficient) -> str:
    if c.value is None:
        return "–"
    return percent(c.value) if c.share else two_digits(c.value)


def _held(c: Coefficient) -> str:
    if c.low is None or c.high is None:
        return "–"
    return span(c.low, c.high, " to ") if c.share else f"{two_digits(c.low)} to {two_digits(c.high)}"


def _categories(page: AgreementPage) -> str:
    names = [c.name for c in page.categories[0].coefficients]
    rows = [
        (
            escape(category.name),
            f"{category.prompts:,}",
            *(
                f"{_value(c)} ({_held(c)})" if c.value is not None else "–"
                for c in category.coefficients
            ),
        )
        for category in page.categories
    ]
    return table(
        ("Category", "Prompts", *(escape(n) for n in names)), rows, "l" + "r" * (len(names) + 1)
    )


def _selves(page: AgreementPage) -> str:
    rows = [
        (
            escape(judge.judge),
            percent(judge.exchanged) if judge.exchanged is not None else "–",
            percent(judge.again.value) if judge.again.value is not None else escape(judge.again.note),
            span(judge.again.low, judge.again.high)
            if judge.again.low is not None and judge.again.high is not None
            else "–",
        )
        for judge in page.selves
    ]
    return table(("Judge", "Same when exchanged", "Same when asked again", "Interval"), rows, "lrrr")


def _examples(page: AgreementPage) -> Iterator[str]:
    if not page.examples:
        return
    yield "## Where they disagree most"
    for example in page.examples:
        yield f"<details><summary>{summary(example.title)}</summary>"
        yield "Prompt"
        yield fenced(example.prompt)
        yield f"Candidate ({escape(example.candidate_remark)})"
        yield fenced("".join(piece.text for piece in example.answers.candidate))
        yield f"Baseline ({escape(example.baseline_remark)})"
        yield fenced("".join(piece.text for piece in example.answers.baseline))
        yield table(
            ("Judge", "Shown", "Chose", "Why"),
            [
                (escape(j.judge), escape(s.shown), escape(s.choice), escape(one_line(s.reason, 300)))
                for j in (*example.judges, *example.beside)
                for s in j.said
            ],
        )
        yield "</details>"
