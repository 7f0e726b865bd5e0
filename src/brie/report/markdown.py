"""The same report as Markdown, for pull requests and model cards.

Texts of models stand in fenced blocks whose fence is longer than any run of backticks inside;
every other string is escaped, so that no link, image, mention or HTML of a model comes alive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from brie import number_format
from brie.records import Check
from brie.report import facts
from brie.report.accuracy import RightAndWrong
from brie.report.clean import clean, one_line
from brie.report.page import Page
from brie.report.sentence import interval_of
from brie.report.shown import ShownExample

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$^=])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_NOTHING = "<!-- -->"
"""Parts a text where a reader would make something of the whole, and shows nothing itself. An entity
does not: mentions and references are looked for in what has been rendered."""
_ALIVE = re.compile(
    r"(?i)(?<=[@#])(?=\S)|(?<=gh-)(?=\d)|(?<=\w)(?=://)|(?<=www)(?=\.)"
    r"|(?<=mailto)(?=:)|(?<=xmpp)(?=:)|(?<=javascript)(?=:)|(?<=data)(?=:)"
    r"|(?<=[0-9a-f]{6})(?=[0-9a-f])"
)
"""Where a mention, a reference, a commit or an address is parted: `@name`, `#1`, `GH-1`, `a0b1c2d`."""
_HEX = re.compile(r"[0-9a-fA-F]{7}")
_LEAD = re.compile(r"^(\s*)([-+>]|\d+[.)](?=\s|$))")
_CODE = re.compile(r"`([^`]*)`")
_BAR = 40


def render_markdown(page: Page) -> str:
    """The report's content as GitHub-flavoured Markdown, ending in one line feed."""
    blocks = [
        f"# {prose(page.opening.title)}",
        f"{escape(page.opening.names)}",
        prose(page.opening.line),
        *(f"- {prose(remark)}" for remark in page.opening.remarks),
        _bar(page),
        *_models(page),
        *_checks(page.checks),
        *_how_sure(page),
        *(block for group in page.groups for block in _group(group)),
        *_right("Right and wrong", page.right),
        *_right("Benchmarks", page.benchmarks),
        *(["## Looked at in other ways", bullets(page.robustness)] if page.robustness else []),
        *_people(page),
        *_examples(page.shelves.best),
        *_provenance(page),
        f"*{escape(page.scope)}*",
    ]
    return spaced(block for block in blocks if block)


def escape(text: str) -> str:
    """A string as inert Markdown text on one line."""
    plain = _NOTHING.join(_escaped(part) for part in _parted(one_line(text, 2_000)))
    return _LEAD.sub(lambda m: f"{m[1]}\\{m[2]}" if not m[2][0].isdigit() else _number(m), plain)


def _parted(text: str) -> list[str]:
    """A text in parts of which none is alive on GitHub, nor together with what parts them."""
    parts: list[str] = []
    start = 0
    for place in _ALIVE.finditer(text):
        at = place.start()
        # Of a long run of hexadecimal signs, every sixth place parts it.
        if _HEX.fullmatch(text[max(0, at - 6) : at + 1]) and at - start < 6:
            continue
        if at > start:
            parts.append(text[start:at])
            start = at
    return [*parts, text[start:]]


def _escaped(part: str) -> str:
    plain = "".join(_ENTITIES.get(char, char) for char in part)
    return _SPECIAL.sub(r"\\\1", plain)


def prose(text: str) -> str:
    """Our own sentence with names between backticks: the names become code, the rest is escaped."""
    parts = _CODE.split(one_line(text, 2_000))
    return "".join(
        (code_span(part) or _NOTHING) if index % 2 else escape_kept(part)
        for index, part in enumerate(parts)
    )


def escape_kept(text: str) -> str:
    """`escape` that keeps the spaces at both ends."""
    lead, tail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{lead and ' '}{escape(text)}{(tail and ' ') if text.strip() else ''}"


def fenced(text: str, info: str = "text") -> str:
    """A text as a code block it cannot break out of."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{info}\n{text}\n{fence}"


def code_span(text: str) -> str:
    """A text as a code span it cannot leave; a bar would end a table's cell even inside one."""
    inside = " ".join(text.replace("`", "'").split()).replace("|", "¦")
    return f"`{inside}`" if inside else ""


def _number(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2][:-1]}\\{match[2][-1]}"


def bar_line(page: Page) -> str:
    """The scale from 0 to 100 on one line: the interval, 50 and the rate; "" without a rate."""
    scale = _scale(page, "─")
    return f"`0 {scale} 100`" if scale else ""


def _bar(page: Page) -> str:
    line = _scale(page, " ")
    ends = f"0{'50':>{_BAR // 2 + 1}}{'100':>{_BAR // 2 + 1}}"
    return fenced("\n".join((line.rstrip(), ends))) if line else ""


def _scale(page: Page, ground: str) -> str:
    rate = page.analysis.win_rate
    if rate is None:
        return ""
    within = "━" if ground == "─" else "─"
    scale = [ground] * (_BAR + 1)
    ends = interval_of(rate)
    if ends is not None:
        first, last = (round(end * _BAR) for end in ends)
        scale[first : last + 1] = [within] * (last - first + 1)
    scale[_BAR // 2] = "┼" if scale[_BAR // 2] == within else "│"
    scale[round(rate.value * _BAR)] = "●"
    return "".join(scale)


def _how_sure(page: Page) -> list[str]:
    """The full sentence with its method, and the figures beside it."""
    return [
        "## How sure?",
        prose(page.sentence),
        *(f"- {prose(caveat)}" for caveat in page.caveats),
        escape(page.method),
        table(("", ""), [(f"**{escape(name)}**", escape(value)) for name, value in page.facts]),
        *(["What the audit found:", bullets(page.findings)] if page.findings else []),
    ]


def _models(page: Page) -> list[str]:
    if not page.ranking:
        return []
    rows = [
        (
            escape(row.name),
            number_format.points(row.value),
            number_format.span(row.low, row.high)
            if row.low is not None and row.high is not None
            else "–",
            escape(row.rank),
            f"{row.comparisons:,}",
        )
        for row in page.ranking
    ]
    head = ("Model", "Win rate", "Interval", "Rank", "Comparisons")
    return [
        "## All models",
        table(head, rows, "lrrrr"),
        "\n".join(f"- {prose(s)}" for s in page.unresolved),
    ]


def _checks(checks: Sequence[Check]) -> list[str]:
    if not checks:
        return []
    rows = [
        (
            f"{facts.STATUS_MARKS[c.status]} {facts.STATUS_WORDS[c.status]}".replace("!", "⚠"),
            escape(c.id.replace("_", " ")),
            prose(c.summary) + (f" *{prose(c.remedy)}*" if c.remedy and c.status != "pass" else ""),
        )
        for c in checks
    ]
    return ["## Checks, worst first", table(("Result", "Check", "Finding"), rows)]


def _group(group: facts.Group) -> list[str]:
    rows = [
        (
            escape(row.name) + (f" ({escape(row.note)})" if row.note else ""),
            number_format.points(row.value) if row.value is not None else "–",
            number_format.span(row.low, row.high)
            if row.low is not None and row.high is not None
            else "–",
            f"{row.n:,}" if row.n is not None else "–",
        )
        for row in group.rows
    ]
    rates = table((group.head, "Win rate", "Interval", "Prompts"), rows, "lrrr")
    return [f"## {group.title}", rates, escape(group.remark) if group.remark else ""]


def _right(title: str, right: RightAndWrong | None) -> list[str]:
    if right is None:
        return []
    blocks = [f"## {title}", *(escape(sentence) for sentence in right.sentences)]
    for grid in right.grids:
        rows = [[escape(cell) for cell in row] for row in grid.rows]
        head = [escape(name) for name in (grid.head[0] or grid.title, *grid.head[1:])]
        blocks += [table(head, rows, "l" + "r" * (len(head) - 1)), escape(grid.remark)]
    return blocks


def _people(page: Page) -> list[str]:
    rows = [
        (
            escape(voter),
            escape(judge),
            number_format.percent(cell.percent[0]) if cell.percent else "–",
            number_format.two_digits(cell.kappa[0]) if cell.kappa else "–",
            f"{cell.n:,}" if cell.n else "–",
        )
        for voter, judge, cell in page.people
    ]
    head = ("Voter", "Judge", "Equal verdicts", "Kappa", "Pairs")
    return ["## People who voted, and the judges", table(head, rows, "llrrr")] if rows else []


def _examples(examples: Sequence[ShownExample]) -> list[str]:
    if not examples:
        return []
    blocks = ["## Examples", "The comparisons that teach most, not a fair sample."]
    for example in examples:
        blocks += [
            f"<details><summary>{example.kind}: {summary(example.title)}</summary>",
            "Prompt",
            fenced(example.prompt),
            f"Candidate ({escape(example.candidate_remark)})",
            fenced("".join(piece.text for piece in example.answers.candidate)),
            f"Baseline ({escape(example.baseline_remark)})",
            fenced("".join(piece.text for piece in example.answers.baseline)),
            table(
                ("Judge", "Shown", "Chose", "Why"),
                [
                    (escape(j.judge), escape(s.shown), escape(s.choice), escape(one_line(s.reason, 300)))
                    for j in example.judges
                    for s in j.said
                ],
            ),
            "</details>",
        ]
    return blocks


def bullets(sentences: Sequence[str]) -> str:
    """Sentences as a list."""
    return "\n".join(f"- {escape(sentence)}" for sentence in sentences)


def _provenance(page: Page) -> list[str]:
    source = page.provenance
    blocks = ["## Provenance"]
    if source.command:
        blocks.append(fenced(clean(source.command), "sh"))
    blocks.append(table(("Counts", ""), [(escape(n), v) for n, v in source.counts], "lr"))
    for title, rows in source.tables:
        blocks.append(table((title, ""), [(escape(name), _exact(value)) for name, value in rows]))
    for seat in source.seats:
        blocks.append(table(("Judge", ""), [(escape(name), _exact(value)) for name, value in seat]))
    if source.amendments:
        blocks.append("Added after the plan was fixed:")
        blocks.append(bullets(source.amendments))
    if page.reasons:
        notes = [(escape(name), escape(reason)) for name, reason in page.reasons]
        blocks.append(table(("Notes on the numbers", ""), notes))
    if page.quote:
        blocks += ["## How to cite", f"> {escape(page.quote)}", fenced(clean(page.bibtex), "bibtex")]
    return blocks


def _exact(value: str) -> str:
    """A value to be compared or copied: one that holds a digest is code."""
    return code_span(one_line(value, 2_000)) if _HEX.search(value) else escape(value)


def summary(title: str) -> str:
    """Inside an HTML element Markdown should not be read; every sign is an entity all the same."""
    return _NOTHING.join(
        "".join(c if c.isalnum() or c in " ,-_" else f"&#{ord(c)};" for c in part)
        for part in _parted(one_line(title))
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> str:
    """Escaped cells as a table, "" without rows; `align` has "l" or "r" for each column."""
    body = [f"| {' | '.join(row)} |" for row in rows]
    if not body:
        return ""
    marks = ["---:" if side == "r" else "---" for side in align.ljust(len(head), "l")]
    return "\n".join([f"| {' | '.join(head)} |", f"| {' | '.join(marks)} |", *body])


def spaced(blocks: Iterable[str]) -> str:
    """Blocks separated by an empty line, the items of one list kept together."""
    out: list[str] = []
    for block in blocks:
        joined = bool(out) and block.startswith("- ") and out[-1].startswith("- ")
        if joined:
            out[-1] += "\n" + block
        else:
            out.append(block)
    return "\n\n".join(out) + "\n"
