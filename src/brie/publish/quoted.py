"""Numbers and words of a document, each written after the marker that `brie verify --claims` reads."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import JsonValue

from brie.ci.claim_sources import Cited
from brie.digest import short
from brie.number_format import points
from brie.report.clean import one_line
from brie.report.markdown import code_span, escape, prose

_SAFE = "._:-"
"""Signs of a path that a marker may hold as they are."""
_HEX = 16
_PER_CENT = "\u00a0%"
_A_NUMBER = re.compile(r"\s*[-+−]?\d[\d.,]*\s*%?\s*")
_WORD = re.compile(r"[A-Za-z]+(?:_[A-Za-z]+)*")


@dataclass(frozen=True, slots=True)
class Quoted:
    """A document, or a part of it, whose figures are written with their claims."""

    name: str
    """What a marker calls it: the id of an evaluation or a run, or the name of a file."""
    document: Cited
    within: tuple[str, ...] = ()

    def under(self, *keys: str) -> Quoted:
        """A part of it."""
        return Quoted(self.name, self.document, (*self.within, *keys))

    def value(self, *keys: str) -> JsonValue:
        """What stands at a path; None where there is nothing."""
        value: JsonValue = self.document
        for key in (*self.within, *keys):
            if isinstance(value, dict):
                value = value.get(key)
            elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
                value = value[int(key)]
            else:
                return None
        return value

    def table(self, *keys: str) -> dict[str, JsonValue]:
        """The table at a path, empty where there is none."""
        value = self.value(*keys)
        return value if isinstance(value, dict) else {}

    def rows(self, *keys: str) -> list[Quoted]:
        """What a list holds."""
        value = self.value(*keys)
        many = len(value) if isinstance(value, list) else 0
        return [self.under(*keys, str(place)) for place in range(many)]

    def said(self, *keys: str) -> str:
        """The bare words at a path, for code and addresses; "" where there are none."""
        value = self.value(*keys)
        return value if isinstance(value, str) else ""

    def number(self, *keys: str, digits: int = 6) -> str:
        """A number as it is, with so many significant digits; "not known" where there is none."""
        value = self.value(*keys)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return UNKNOWN
        return self._marked(keys, f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}")

    def share(self, *keys: str) -> str:
        """A share in per cent."""
        value = self.value(*keys)
        if not isinstance(value, float):
            return UNKNOWN
        return self._marked(keys, f"{_hundredths(value)}{_PER_CENT}")

    def interval(self, *keys: str) -> str:
        """Both ends of an interval, in per cent; "" where there is none."""
        low: tuple[str, ...] = ("low",)
        high: tuple[str, ...] = ("high",)
        if self.value(*keys, "low") is None and self.value(*keys, "betting_interval") is not None:
            low, high = ("betting_interval", "0"), ("betting_interval", "1")
        if not all(isinstance(self.value(*keys, *end), float) for end in (low, high)):
            return ""
        first = self.share(*keys, *low)
        # A number below 1 would be read as a share without its unit.
        bare = first.removesuffix(_PER_CENT)
        first = bare if abs(float(bare.rpartition(">")[2])) > 1 else first
        return f"{first} to {self.share(*keys, *high)}"

    def word(self, *keys: str) -> str:
        """One word, or yes and no as they are stored."""
        value = self.value(*keys)
        if isinstance(value, bool):
            return self._marked(keys, str(value).lower())
        if not isinstance(value, str) or not value:
            return UNKNOWN
        return self._marked(keys, value if _WORD.fullmatch(value) else escape(value))

    def text(self, *keys: str) -> str:
        """A sentence, names between backticks as code."""
        value = self.value(*keys)
        return self._marked(keys, prose(value)) if isinstance(value, str) and value else UNKNOWN

    def code(self, *keys: str, in_table: bool = False) -> str:
        """Words to be compared or copied, every sign as it is.

        Args:
            keys: where they stand.
            in_table: they go into a cell, which a bar would end.
        """
        value = self.value(*keys)
        if not isinstance(value, str) or not value:
            return UNKNOWN
        shown = code_span(value)
        if "|" in value:
            shown = shown.replace("¦", "\\|" if in_table else "|")
        return self._marked(keys, shown)

    def fingerprint(self, *keys: str) -> str:
        """The start of a digest."""
        value = self.value(*keys)
        return self._marked(keys, f"`{short(value, _HEX)}`") if isinstance(value, str) else UNKNOWN

    def any(self, *keys: str) -> str:
        """Whatever stands there, by its kind; the items of a list one after the other."""
        value = self.value(*keys)
        if isinstance(value, list):
            return ", ".join(item.any() for item in self.rows(*keys)) or "none"
        if value is None:
            return "none"
        if isinstance(value, str):
            return self.code(*keys, in_table=True) if value else "none"
        return self.word(*keys) if isinstance(value, bool) else self.number(*keys)

    def entry(self, *keys: str) -> str:
        """A value of YAML, its claim behind it."""
        value = self.value(*keys)
        if isinstance(value, str):
            shown = json.dumps(one_line(value), ensure_ascii=False)
        else:
            shown = f"{value:.4f}" if isinstance(value, float) else str(value)
        return f"{shown} # brie:{self._path(keys)} {self.name}"

    def _marked(self, keys: tuple[str, ...], shown: str) -> str:
        return f"<!-- brie:{self._path(keys)} {self.name} -->{shown}"

    def _path(self, keys: tuple[str, ...]) -> str:
        return ".".join(quote(key, safe=_SAFE) for key in (*self.within, *keys))


UNKNOWN = "not known"


def named(name: str) -> str:
    """A name as code, quoted where it would be read as a number that nothing confirms."""
    return code_span(f'"{name}"' if _A_NUMBER.fullmatch(name) else name)


def _hundredths(share: float) -> str:
    """A share as a number from 0 to 100 that is the share when it is rounded as it is written."""
    shown = points(share)
    digits = len(shown.partition(".")[2])
    near = abs(float(shown) - 100 * share) <= 0.5 * 10.0**-digits
    return shown if near else f"{100 * share:.6g}"
