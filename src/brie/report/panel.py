"""Who judged, in words: rules are rules, models are judges, people are people."""

from __future__ import annotations

from dataclasses import dataclass

from brie.number_format import counted, listed
from brie.records import Manifest, kind_of
from brie.records.analysis import Analysis

RULES = frozenset({"reference", "longer", "first", "distinct", "check", "exact", "numeric", "regex"})
"""Ids of the shipped rules, for an analysis that does not say who its judges are."""


@dataclass(frozen=True)
class Panel:
    """The judges of the headline, by kind."""

    models: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    people: tuple[str, ...] = ()

    @property
    def only_rules(self) -> bool:
        """True where neither a model nor a person judged."""
        return not self.models and not self.people

    @property
    def judges(self) -> tuple[str, ...]:
        """Everyone's id."""
        return self.models + self.people + self.rules

    @property
    def size(self) -> int:
        """How many judges there are."""
        return len(self.judges)

    @property
    def subject(self) -> str:
        """The panel as the subject of a sentence, without a capital."""
        if self.only_rules:
            return _named("the rule", self.rules)
        if self.size == 1:
            return f"the judge {_code((self.models + self.people)[0])}"
        if self.rules:
            return f"judges ({listed(self._parts())})"
        return "people voting blind" if not self.models else "judges"

    @property
    def verb(self) -> str:
        """Rules choose; only models and people prefer."""
        return "chose" if self.only_rules else "preferred"

    def _parts(self) -> list[str]:
        parts = [
            f"{counted(len(group))} {word if len(group) == 1 else many}"
            for group, word, many in (
                (self.models, "model", "models"),
                (self.people, "person", "people"),
            )
            if group
        ]
        return [*parts, _named("the rule", self.rules)]


def panel_of(analysis: Analysis, manifest: Manifest | None = None) -> Panel:
    """The judges behind the headline: those of the sealed plan, else those the analysis lists."""
    kinds = judge_kinds(analysis, manifest)
    named = (
        _headline(manifest)
        if manifest
        else [name for name, entry in analysis.by_judge.items() if not entry.outside]
    )
    groups = {
        kind: tuple(name for name in named if kinds.get(name) == kind)
        for kind in ("model", "rule", "person")
    }
    return Panel(groups["model"], groups["rule"], groups["person"])


def _headline(manifest: Manifest) -> list[str]:
    """The sealed judges without instruments and without those that were stopped; all of them
    where every one was stopped."""
    sealed = [seat.judge.id for seat in manifest.plan.seats if not seat.instrument]
    stopped: set[str] = set()
    for link in manifest.amendments:
        if link.kind == "stopped":
            stopped.add(link.judge)
        elif link.kind == "resumed":
            stopped.discard(link.judge)
    return [name for name in sealed if name not in stopped] or sealed


def judge_kinds(analysis: Analysis, manifest: Manifest | None = None) -> dict[str, str]:
    """Judge id -> "model", "rule" or "person", for every judge that is named anywhere."""
    kinds = {name: _kind(name, entry.provider) for name, entry in analysis.by_judge.items()}
    if manifest:
        kinds |= {s.judge.id: _kind(s.judge.id, s.judge.provider) for s in manifest.plan.seats}
    return kinds


def _kind(name: str, provider: str | None) -> str:
    if provider is None:
        if name.startswith("human:"):
            return "person"
        return "rule" if name in RULES else "model"
    return kind_of(provider)


def _named(word: str, names: tuple[str, ...]) -> str:
    return f"{word if len(names) == 1 else word + 's'} {listed([_code(n) for n in names])}"


def _code(name: str) -> str:
    return "`" + name.replace("`", "'") + "`"
