"""Who judged, in words: rules are rules, models are judges, people are people."""

from __future__ import annotations

from dataclasses import dataclass

from brie.number_format import counted, listed, plural
from brie.records import Manifest, kind_of
from brie.records.analysis import Analysis
from brie.records.judges import not_counted

RULES = frozenset({"reference", "longer", "first", "distinct", "check", "exact", "numeric", "regex"})
"""Ids of the shipped rules, for an analysis that does not say who its judges are."""

_LISTED = 3
"""Judges of a kind that are named one by one."""


@dataclass(frozen=True)
class Panel:
    """The judges of the headline, by kind."""

    models: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    imported: bool = False
    """Of judgments made elsewhere: nothing says that a judge is a model."""

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
    def by(self) -> str:
        """Who judged, after the word "by": kinds with their names, or with their number where many."""
        if not self.size:
            return "judges without a name"
        if self.only_rules:
            return f"{_kind_of_many('rule', self.rules)}, no model and no person"
        groups = (
            ("judge" if self.imported else "model", self.models),
            ("person", self.people),
            ("rule", self.rules),
        )
        return listed([_kind_of_many(word, names) for word, names in groups if names])

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
    outside = [name for name, entry in analysis.by_judge.items() if entry.outside]
    sealed = panel_judges(manifest) if manifest else list(analysis.by_judge)
    named = [name for name in sealed if name not in outside]
    groups = {
        kind: tuple(name for name in named if kinds.get(name) == kind)
        for kind in ("model", "rule", "person")
    }
    return Panel(groups["model"], groups["rule"], groups["person"], analysis.audit is not None)


def panel_judges(manifest: Manifest) -> list[str]:
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


def voters(analysis: Analysis) -> list[str]:
    """Names of the people who voted beside the headline; who was not blind is said to be that."""
    added = [(name, entry) for name, entry in analysis.by_judge.items() if entry.added]
    return [
        name.removeprefix("human:") + (" (not blind)" if entry.saw else "")
        for name, entry in added
        if _kind(name, entry.provider) == "person"
    ]


def roll(analysis: Analysis) -> str:
    """Everybody with a number in it, counted by kind: "1 rule, 3 instruments", "2 models, 1 voter"."""
    kinds = judge_kinds(analysis)
    titles = [
        "instrument" if entry.instrument else
        "judge beside, not counted" if not_counted(entry) else
        ("voter not blind" if entry.saw else "voter") if entry.added and kinds[name] == "person" else
        "added judge" if entry.added else kinds[name]
        for name, entry in analysis.by_judge.items()
    ]  # fmt: skip
    order = (
        "model", "person", "rule", "judge beside, not counted", "instrument", "added judge", "voter",
        "voter not blind",
    )  # fmt: skip
    several = {
        "person": "people", "voter not blind": "voters not blind",
        "judge beside, not counted": "judges beside, not counted",
    }  # fmt: skip
    return ", ".join(
        plural(
            titles.count(title),
            title,
            several.get(title, ""),
        )
        for title in order
        if title in titles
    )


def _kind_of_many(word: str, names: tuple[str, ...]) -> str:
    """ "a rule (`reference`)", "2 models (`a`, `b`)", "5 models"."""
    several = {"person": "people"}.get(word, f"{word}s")
    count = f"a {word}" if len(names) == 1 else f"{len(names)} {several}"
    return f"{count} ({', '.join(_code(name) for name in names)})" if len(names) <= _LISTED else count


def _named(word: str, names: tuple[str, ...]) -> str:
    return f"{word if len(names) == 1 else word + 's'} {listed([_code(n) for n in names])}"


def _code(name: str) -> str:
    return "`" + name.replace("`", "'") + "`"
