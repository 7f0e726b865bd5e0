"""Machine checks: whether an answer is right, as a program can tell.

exact        its last line is the value, but for case, emphasis, quotes and "Answer:"
numeric      its last number is the value, within the tolerance
regex        the pattern is found somewhere in it
contains     the value stands somewhere in it, whatever the case
json_schema  it is JSON, bare or in its only code block, that the schema allows
length       it has so many words, characters or lines
"""

from __future__ import annotations

import json
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import JsonValue

from brie.errors import InputError, UsageError
from brie.provenance import install_command
from brie.records import CheckKind, MachineCheck, Suite

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator
    from regex import Pattern

_BLOCK = re.compile(r"^```[\w+-]*[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


LONGEST_SEARCH = 1.0
"""Seconds a pattern may search one answer."""


class CannotCompile(ValueError):
    """A pattern that is none."""


class TooSlow(Exception):
    """A pattern that finds no end on an answer."""


def passes(check: MachineCheck, answer: str) -> bool:
    """Whether an answer passes its machine check.

    Raises:
        TooSlow: its pattern took longer than its limit.
        UsageError: the library that a JSON Schema needs is not installed.
    """
    return _KINDS[check.kind](check, answer)


def bare(line: str) -> str:
    """A line without emphasis, quotes, a leading "Answer:" and a final full stop, in one case."""
    text = unicodedata.normalize("NFKC", line).strip().strip("*_`\"'“”‘’ ")
    text = re.sub(r"^(final\s+)?answer\s*[:=]\s*", "", text, flags=re.IGNORECASE)
    return text.strip("*_`\"'“”‘’ ").removesuffix(".").strip("*_`\"'“”‘’ ").casefold()


def refuse_broken(suite: Suite) -> None:
    """Every machine check of a suite can be made.

    Raises:
        InputError: one cannot; names the prompt.
        UsageError: the library that a JSON Schema needs is not installed.
    """
    for prompt in suite.prompts:
        why = _broken(prompt.check) if prompt.check is not None else None
        if why is not None:
            raise InputError(f"suite {suite.name!r}: the check of prompt {prompt.id!r}: {why}.")


def _broken(check: MachineCheck) -> str | None:
    if check.kind == "regex":
        try:
            _compiled(check.value)
        except CannotCompile as error:
            return str(error)
    if check.kind != "json_schema":
        return None
    from jsonschema.exceptions import SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    try:
        validator = _validator(check.value)
        validator.check_schema(validator.schema)
        resource = DRAFT202012.create_resource(validator.schema)
        resolver = Registry().with_resource("", resource).resolver()
        for reference in _references(validator.schema):
            resolver.lookup(reference)
    except SchemaError as error:
        return f"its JSON Schema is not valid: {error.message}"
    except Unresolvable as error:
        return f"its JSON Schema refers to {error.ref!r}, which it does not hold; nothing is fetched"
    return None


def _references(schema: JsonValue) -> Iterator[str]:
    """Everything a schema refers to."""
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield reference
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for part in parts:
        yield from _references(part)


def _exact(check: MachineCheck, answer: str) -> bool:
    lines = [line for line in answer.splitlines() if line.strip()]
    return bool(lines) and bare(lines[-1]) == bare(check.value)


def _numeric(check: MachineCheck, answer: str) -> bool:
    numbers = re.findall(r"[-−]?\d[\d,]*(?:\.\d+)?", answer)
    return bool(numbers) and abs(_number(numbers[-1]) - float(check.value)) <= check.tolerance + 1e-12


def _number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def _regex(check: MachineCheck, answer: str) -> bool:
    return _found(check.value, answer)


def _found(pattern: str, text: str) -> bool:
    """Whether a pattern of a suite is found in a text, within its limit of time.

    Raises:
        TooSlow: it is not known by then.
    """
    found = _search(pattern, text)
    if found is None:
        raise TooSlow(f"the pattern {pattern[:60]!r} finds no end within {LONGEST_SEARCH:g} s")
    return found


@lru_cache(maxsize=4096)
def _search(pattern: str, text: str) -> bool | None:
    """The same, None where it is not known in time; what is known is not searched again."""
    try:
        return _compiled(pattern).search(text, timeout=LONGEST_SEARCH) is not None
    except TimeoutError:
        return None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Pattern[str]:
    """The pattern as `re` reads it.

    Raises:
        CannotCompile: it is none.
    """
    import regex

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return regex.compile(pattern, regex.VERSION0)
        except (regex.error, RecursionError, OverflowError, MemoryError) as error:
            raise CannotCompile(f"{pattern[:60]!r} is no regular expression: {error}") from error


def _contains(check: MachineCheck, answer: str) -> bool:
    return _plain(check.value) in _plain(answer)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _json_schema(check: MachineCheck, answer: str) -> bool:
    blocks = _BLOCK.findall(answer)
    try:
        value: JsonValue = json.loads(blocks[0] if len(blocks) == 1 else answer)
        return bool(_validator(check.value).is_valid(value))
    except (ValueError, RecursionError):
        return False


@lru_cache(maxsize=256)
def _validator(schema: str) -> Validator:
    """Draft 2020-12 unless the schema names another; nothing it refers to is fetched."""
    try:
        import jsonschema
        from referencing import Registry
    except ImportError as error:
        raise UsageError(
            f"a check by JSON Schema needs jsonschema: {install_command('json-schema')}"
        ) from error
    loaded = json.loads(schema)
    kind = jsonschema.validators.validator_for(loaded, default=jsonschema.Draft202012Validator)
    timed = jsonschema.validators.extend(kind, {"pattern": _pattern})
    validator: Validator = timed(loaded, registry=Registry())
    return validator


def _pattern(
    validator: Validator, pattern: str, instance: JsonValue, schema: JsonValue
) -> Iterator[ValidationError]:
    """The keyword `pattern`, within the limit of time."""
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, str) and not _found(pattern, instance):
        yield ValidationError(f"{instance[:60]!r} does not match {pattern[:60]!r}")


def _length(check: MachineCheck, answer: str) -> bool:
    counted = {
        "words": lambda: len(answer.split()),
        "characters": lambda: len(answer),
        "lines": lambda: sum(bool(line.strip()) for line in answer.splitlines()),
    }[check.unit]()
    return (check.min is None or counted >= check.min) and (check.max is None or counted <= check.max)


_KINDS: dict[CheckKind, Callable[[MachineCheck, str], bool]] = {
    "exact": _exact,
    "numeric": _numeric,
    "regex": _regex,
    "contains": _contains,
    "json_schema": _json_schema,
    "length": _length,
}
