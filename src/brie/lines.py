"""What brie prints, as lines: folded between words, measured in columns, with commands that can be
pasted.

Everything printed for people goes through `folded`; no other code folds text. A command is never
taken apart in the middle: it stays whole where a line has room for it, else its lines end in the
shell's own sign for "goes on".
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

_COMMAND = re.compile(r"(?:(?<=: )|(?<=  )|(?<=[Nn]ext )|^)brie [a-z][a-z-]*(?= |$|[.,;)])")
"""Where a command begins: after a colon, a gap or "next", or alone."""
_QUOTED = re.compile(r"`[^`]*`[^\s`]*")
_WORDS = re.compile(r"(?:'[^']*'|\"[^\"]*\"|[^\s'\"]|['\"])+")
_GOES_ON = " \\"
_ENDS = re.compile(r"[^.,;)][.,;)]+$")
_CLAUSE = re.compile(r"[.;:,](?= )")


def command(*words: str) -> str:
    """A command of brie as it is typed: names with spaces are quoted for the shell."""
    return shlex.join(("brie", *words))


def folded(
    text: str, width: int, *, first: str = "", hanging: str | None = None, whole: bool = True
) -> list[str]:
    """A text in lines of at most `width` terminal columns; wide scripts count double.

    Args:
        text: one paragraph, or several lines, each folded by itself; a line's own indentation is kept.
        width: columns of a line.
        first: what stands before the text.
        hanging: what stands before every other line; None: blanks as wide as `first` and the line's
            own indentation.
        whole: a word wider than a line stays whole, so that a path can be copied; otherwise it is
            broken at the edge, where a terminal would break it.
    """
    lines: list[str] = []
    for number, paragraph in enumerate(text.split("\n") or [""]):
        own = paragraph[: len(paragraph) - len(paragraph.lstrip(" "))]
        start = first if number == 0 else hanging if hanging is not None else " " * columns(first)
        rest = hanging if hanging is not None else " " * columns(first) + own
        lines += _filled(paragraph.strip(), width, start + own, rest, whole=whole)
    return lines


def columns(text: str) -> int:
    """How many terminal columns a text takes."""
    from rich.cells import cell_len

    return cell_len(text)


def shortened(text: str, room: int) -> str:
    """A text in at most so many columns: whole, up to its last clause that fits, or to its last word."""
    if columns(text) <= room:
        return text
    begins = [text[: at.start()] for at in _CLAUSE.finditer(text)]
    whole = [part for part in begins if part.count("(") == part.count(")")]
    clauses = [part for part in whole if 2 * room // 3 <= columns(part) <= room]
    if clauses:
        return clauses[-1]
    kept = ""
    for word in text.split():
        longer = f"{kept} {word}".lstrip()
        if columns(longer) > room - 1:
            break
        kept = longer
    return f"{kept or _cut(text, room - 1)[0]}…"


def _filled(text: str, width: int, first: str, rest: str, *, whole: bool) -> Iterator[str]:
    line, used, empty = first, columns(first), True
    for gap, piece in _pieces(text, width - columns(rest)):
        size = columns(piece)
        if not empty and used + columns(gap) + size > width:
            yield line.rstrip()
            line, used, empty = rest, columns(rest), True
        if not empty:
            line, used = line + gap, used + columns(gap)
        if size > width - used and _is_command(piece):
            *before, piece = _continued(piece, width, used, columns(rest))
            for part in before:
                yield line + part
                line = rest + "    "
        elif size > width - used and not whole:
            *before, piece = _cut(piece, max(width - columns(rest), 2), width - used)
            for part in before:
                yield (line + part).rstrip()
                line = rest
        line, used, empty = line + piece, columns(line + piece), False
    yield line.rstrip()


def _pieces(text: str, room: int) -> Iterator[tuple[str, str]]:
    """What stays together, with the blanks before it: words, and commands."""
    at = 0
    together = {match.start(): _command_at(text, match.start()) for match in _COMMAND.finditer(text)}
    quoted = {m.start(): m.group() for m in _QUOTED.finditer(text) if columns(m.group()) <= room}
    while at < len(text):
        start = at + len(text[at:]) - len(text[at:].lstrip(" "))
        piece = together.get(start) or quoted.get(start) or text[start:].split(" ", 1)[0]
        yield text[at:start], piece
        at = start + len(piece)


def _command_at(text: str, start: int) -> str:
    """The command that begins there: up to the end of its clause, two blanks, or a bracket."""
    end = start
    for word in _WORDS.finditer(text, start):
        if end > start and (word.start() > end + 1 or word.group().startswith("(")):
            break
        end = word.end()
        if _ENDS.search(word.group()):
            break
    return text[start:end]


def _is_command(piece: str) -> bool:
    return piece.startswith("brie ")


def _continued(piece: str, width: int, used: int, rest: int) -> list[str]:
    """A command in several lines that a shell reads as one; options keep their values."""
    parts: list[str] = []
    for word in _WORDS.findall(piece):
        if parts and parts[-1].startswith("-") and " " not in parts[-1] and not word.startswith("-"):
            parts[-1] = f"{parts[-1]} {word}"
        else:
            parts.append(word)
    lines, room = [parts[0]], width - used - len(_GOES_ON)
    for part in parts[1:]:
        if columns(lines[-1]) + 1 + columns(part) <= room:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
            room = width - rest - 4 - len(_GOES_ON)
    return [*(line + _GOES_ON for line in lines[:-1]), lines[-1]]


def _cut(word: str, room: int, start: int | None = None) -> list[str]:
    """A word in parts of at most so many columns; the first part has `start` of them."""
    parts, left = [""], room if start is None else start
    for sign in word:
        size = columns(sign)
        if size > left and parts[-1]:
            parts.append("")
            left = room
        parts[-1] += sign
        left -= size
    return parts
