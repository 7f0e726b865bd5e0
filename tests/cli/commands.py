"""Commands of brie named in texts: found, and held against the verbs and options there are.

A text can show a command as somebody would type it (a line of a code block, of a verb's examples):
then every required argument must be there. Or it mentions one (`` `brie verify` ``, "Next: brie
judge EVAL"): then what is missing is left to the reader, but every word must still exist.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Iterator
from itertools import pairwise, product
from typing import NamedTuple

import click

from brie.cli import MOVED, PLUMBING, VERBS, cli
from brie.errors import BrieError

FILLED = "X0"
"""What stands for `{…}` in a text that a program fills."""
ELLIPSES = ("…", "...")
WORDS = {*MOVED, *(verb for table in (VERBS | PLUMBING).values() for verb in table)}
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_TAG = re.compile(r"<code>(.*?)</code>", re.DOTALL)
_TYPED = re.compile(r"^\s*(?:\$ |\S+ .*-m )?brie ([a-z].*)$")
_LOOSE = re.compile(r"(?P<before>^|.)[ \n]*\bbrie (?=(?P<rest>[a-z][^\n]*))", re.DOTALL | re.MULTILINE)
_PROSE = re.compile(r"[;,)]|\s\(|\.(?=\s|$)|\s(?:and|or|then)\s|  ")
_PLACEHOLDER = re.compile(rf"\W*([A-Z][A-Z_]*|{FILLED})\W*")


class Named(NamedTuple):
    """A command that a text names."""

    words: str
    """What follows `brie`."""
    typed: bool
    """Whether it is shown as somebody would type it."""


# --- finding them ------------------------------------------------------------------------


def in_markdown(text: str) -> Iterator[Named]:
    """Lines of code blocks, and code spans."""
    prose = _FENCE.sub("", text)
    for language, block in _FENCE.findall(text):
        if language in ("", "bash", "console", "sh", "shell", "yaml"):
            yield from in_lines(block.splitlines())
    yield from in_lines(line for line in prose.splitlines() if line.startswith("    "))
    yield from in_spans(_SPAN.findall(prose))


def in_lines(lines: Iterable[str]) -> Iterator[Named]:
    """Whole lines, without the remark behind them; several commands where `&&` joins them."""
    for line in (part for whole in lines for part in whole.split(" && ")):
        match = _TYPED.match(line.replace("run: ", "", 1) if "run: brie " in line else line)
        if match:
            yield Named(re.split(r"\s+#|  ", match[1])[0], True)


def in_spans(spans: Iterable[str]) -> Iterator[Named]:
    """Pieces of code in a sentence."""
    for span in spans:
        match = _TYPED.match(" ".join(span.split()))
        if match:
            yield Named(match[1], False)


def in_yaml(text: str) -> Iterator[Named]:
    """Code spans and sentences of a form or a workflow."""
    yield from in_spans(_SPAN.findall(text))
    for line in _SPAN.sub("", text).splitlines():
        yield from in_message(line)


def in_template(text: str) -> Iterator[Named]:
    """Code of a page; what is filled in is a placeholder."""
    plain = re.sub(r"{%.*?%}", "", re.sub(r"{{.*?}}", FILLED, text))
    yield from in_spans(_TAG.findall(plain))


def in_python(source: str) -> Iterator[Named]:
    """Texts of a module: lines of examples and of documentation, code spans, commands in a message."""
    tree = ast.parse(source)
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node, text in _texts(tree):
        yield from in_spans(_SPAN.findall(text))
        if id(node) in documents or "Example" in text:
            yield from in_lines(_SPAN.sub("", text).splitlines())
        else:
            yield from in_message(_SPAN.sub("", text))


def in_message(text: str) -> Iterator[Named]:
    """Commands in a sentence without marks around them.

    After a colon stands a command, whatever its word; elsewhere "brie writes" is a sentence, so only
    words that are verbs, or were, are taken.
    """
    for match in _LOOSE.finditer(text):
        words = _PROSE.split(match["rest"])[0].split()
        if words and (match["before"] == ":" or words[0] in WORDS):
            yield Named(" ".join(_arguments(words)), False)


def _arguments(words: list[str]) -> Iterator[str]:
    """The verb and what cannot be prose: options with their values, placeholders, names with a mark."""
    yield words[0]
    nested = isinstance(cli.get_command(click.Context(cli), words[0]), click.Group)
    for before, word in pairwise(words):
        marked = word.startswith("-") or before.startswith("-") or re.search(r"[A-Z\d.:/]", word)
        if not (marked or (nested and before == words[0])):
            return
        yield word


def _texts(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    inside = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else FILLED for p in node.values)
            yield node, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node, node.value


# --- checking them -----------------------------------------------------------------------


def problem(named: Named) -> str | None:
    """What is wrong with a command; None: nothing."""
    words = [word.strip("[]") for word in shlex.split(named.words) if word not in ELLIPSES]
    elided = any(mark in named.words for mark in ELLIPSES)
    for choice in product(*(word.split("|") for word in words)):
        wrong = _wrong(list(choice), typed=named.typed and not elided)
        if wrong:
            return f"brie {named.words}: {wrong}"
    return None


def _wrong(words: list[str], *, typed: bool) -> str | None:
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        if command.invoke_without_command and (not words or words[0].startswith("-")):
            break
        if not words:
            return "a command is missing" if typed else None
        name = words.pop(0)
        if _PLACEHOLDER.fullmatch(name):
            return None
        found = command.get_command(context, name)
        if found is None:
            return f"there is no {name!r}"
        command = found
    try:
        arguments = list(_filled(command, words))
        if "--help" not in arguments:
            command.make_context("brie", arguments)
    except click.MissingParameter as error:
        return error.format_message() if typed else None
    except (click.UsageError, BrieError) as error:
        return str(error)
    return None


def _filled(command: click.Command, words: list[str]) -> Iterator[str]:
    """The words with a value that fits in every placeholder of an option."""
    options = {flag: param for param in command.params for flag in param.opts}
    waiting: click.Option | None = None
    for word in words:
        if waiting is not None:
            yield _sample(waiting, word)
            waiting = None
            continue
        yield word
        param = options.get(word)
        if isinstance(param, click.Option) and not param.is_flag:
            waiting = param
    if waiting is not None:
        yield _sample(waiting, "VALUE")


def _sample(option: click.Option, word: str) -> str:
    kind = option.type
    if not _PLACEHOLDER.fullmatch(word):
        return word
    if isinstance(kind, click.Choice):
        return str(kind.choices[0])
    if isinstance(kind, click.IntRange | click.FloatRange):
        return str(kind.max or max(1, kind.min or 1))
    return "1"
