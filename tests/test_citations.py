"""What code and documents cite is in this repository, and says what it is cited for by number."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("src", "tests", "bench", "models")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("judges/rubrics/*.md")])
STANDARDS = {"AND", "HTTP", "ISO", "MPL", "PEP", "RFC", "UTF"}
"""Capitals before a number that name no document."""

_NUMBER = r"\d+(?:\.\d+)*"
_SECTIONS = re.compile(rf"\b(docs/\w+\.md)((?: |, | and ){_NUMBER}(?:(?:, | and ){_NUMBER})*)")
_INVARIANTS = re.compile(r"\binvariants? I\d+(?:(?:, | and )I\d+)*")
_INVARIANT = re.compile(r"\bI\d+\b")
_CAPITALS = re.compile(rf"\b([A-Z]{{3,}})(?:\.md)? I?{_NUMBER}")
_PATH = re.compile(r"(?<![\w/.])((?:src|tests|bench|docs|models)/[\w/.-]+\.(?:py|md|json|png))\b")
_BENCH = re.compile(r"python -m (bench\.\w+)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def prose(path: Path) -> str:
    """Docstrings and comments of a module."""
    text = path.read_text("utf-8")
    return "\n".join([*_docstrings(text), *_comments(text)])


def broken(text: str) -> list[str]:
    """Citations in a text that lead nowhere."""
    found = []
    for page, numbers in _SECTIONS.findall(text):
        known = sections(ROOT / page)
        found += [f"{page} {n}" for n in re.findall(_NUMBER, numbers) if n not in known]
    cited = [number for whole in _INVARIANTS.findall(text) for number in _INVARIANT.findall(whole)]
    found += [f"invariant {number}" for number in cited if number not in invariants()]
    found += [f"{number} of no document" for number in _INVARIANT.findall(_INVARIANTS.sub("", text))]
    found += [whole[0] for whole in _CAPITALS.finditer(text) if whole[1] not in STANDARDS]
    found += [path for path in _PATH.findall(text) if not (ROOT / path).is_file()]
    found += [m for m in _BENCH.findall(text) if not (ROOT / f"{m.replace('.', '/')}.py").is_file()]
    return found


@lru_cache
def headings(page: Path) -> tuple[str, ...]:
    """Headings of a Markdown file, outside its code blocks."""
    return tuple(_HEADING.findall(_FENCED.sub("", page.read_text("utf-8")))) if page.is_file() else ()


def sections(page: Path) -> set[str]:
    """Numbers of a page's numbered sections."""
    return {found[0] for heading in headings(page) if (found := re.match(_NUMBER, heading))}


def invariants() -> set[str]:
    """The invariants that docs/architecture.md states."""
    stated = headings(ROOT / "docs" / "architecture.md")
    return {found[0] for heading in stated if (found := _INVARIANT.match(heading))}


def anchor(heading: str) -> str:
    """A heading's anchor, as hosting sites make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def dead_links(page: Path, text: str) -> list[str]:
    """Relative links of a page that lead to no file or no heading."""
    found = []
    for link in _LINK.findall(_FENCED.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, mark = link.partition("#")
        target = (page.parent / name) if name else page
        if not target.exists() or (mark and mark not in map(anchor, headings(target))):
            found.append(link)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_a_module_cites_is_here(path: Path) -> None:
    assert broken(prose(path)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_a_page_cites_is_here(page: Path) -> None:
    text = page.read_text("utf-8")
    assert broken(_HEADING.sub("", text)) == []
    assert dead_links(page, text) == []


def test_all_ten_invariants_are_stated_in_order() -> None:
    stated = [heading.split()[0] for heading in headings(ROOT / "docs" / "architecture.md")]
    assert [word for word in stated if word in invariants()] == [f"I{n}" for n in range(1, 11)]


def test_sections_are_numbered_once_and_in_order() -> None:
    page = ROOT / "docs" / "statistics.md"
    numbers = [tuple(map(int, number.split("."))) for number in _numbers_of(page)]
    assert numbers == sorted(set(numbers))
    assert [number[0] for number in numbers if len(number) == 1] == list(range(1, numbers[-1][0] + 1))


@pytest.mark.parametrize(
    "text",
    [
        "docs/statistics.md 1.99",
        "docs/statistics.md 1.5 and 99",
        "docs/absent.md 1",
        "docs/absent.md",
        "(invariant I11)",
        "(I5)",
        "DESIGN 5",
        "PLAN I9",
        "tests/test_absent.py",
        "python -m bench.absent",
    ],
)
def test_a_citation_of_what_is_not_here_is_found(text: str) -> None:
    assert broken(f"A sentence ({text}).") != []


@pytest.mark.parametrize(
    "text",
    ["docs/statistics.md 1.5", "docs/statistics.md 1, 3 and 12.11", "invariants I1 and I10", "HTTP 429"],
)
def test_a_citation_of_what_is_here_is_not(text: str) -> None:
    assert broken(f"A sentence ({text}).") == []


@pytest.mark.parametrize("link", ["absent.md", "statistics.md#99-absent", "#absent"])
def test_a_link_to_what_is_not_here_is_found(link: str) -> None:
    assert dead_links(ROOT / "docs" / "checks.md", f"[text]({link})") == [link]


def _numbers_of(page: Path) -> Iterator[str]:
    for heading in headings(page):
        found = re.match(_NUMBER, heading)
        if found:
            yield found[0]


def _docstrings(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def _comments(text: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
