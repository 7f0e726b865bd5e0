"""Every version that decides what a row or a document means, each in one place.

Raising one touches new plans only. What was sealed under an older one keeps its rows, verifies and
can be reported: a plan names the sampler its answers were made with, the digests its judges were
sealed under, and pins with their version; documents name theirs. How to raise one:

* a field is added to a record that is digested or sealed: declare it with `records.later`, so that
  records that do not have it keep their digests;
* what a digest covers changes: raise the number here, and keep computing the older ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SAMPLER = "2"
"""Of brie's sampler, part of every completion's key: raised when the same key could give another
text. Rows of two versions never mix. 2: adapters are known to leave their base as it is, and templates
are told their thinking mode and the date as in training."""

DRAWS = "1"
"""Of the noise a completion is drawn from: raised only where the draws themselves change. A sampler
or a pin of a newer version covers more and changes no text by itself."""

PROMPT_FORMATS: tuple[str, ...] = ("1", "2")
"""Of the judge prompt and of the rules, part of every judge's digest; the last one is written."""
PROMPT_FORMAT = PROMPT_FORMATS[-1]

MARGIN_FORMAT = "3"
"""Of judges that give numbers instead of words, part of their digest: what each measured is kept, and
two presentations make one outcome. Before it, such a judge's letters were its verdicts."""

BALLOT = "1"
"""Of what a voter is shown, part of every voter's digest."""

PIN = 2
"""Of what a pin's digest covers: 1 the weights, the config and the tokenizer's vocabulary; 2 also the
tokenizer's configuration, the chat template and the index of the weights' files."""

STORE = 4
"""Of the store's tables; `store.database` holds the steps that lead to it."""

_NAMES = (
    "agreement", "analysis", "anchors", "bundle", "carried", "check", "checked", "compare", "curve",
    "drift", "export", "job", "judge_check", "judges", "manifest", "pin", "plan", "plan-table", "recipe",
    "run", "suites", "suites-plan", "sweep", "sweep-table",
    "train", "training", "tried", "work",
)  # fmt: skip
DOCUMENTS: dict[str, int] = dict.fromkeys(_NAMES, 1) | {"pin": PIN}
"""Of the JSON documents: `brie.NAME/N` is their key `schema`. Keys are added, never renamed."""


def schema_id(name: str) -> str:
    """What a document of this version calls itself, such as `brie.plan/1`."""
    return f"brie.{name}/{DOCUMENTS[name]}"


def schema_version(schema: str, *, like: str) -> int:
    """The version in a document's `schema`.

    Args:
        schema: what it calls itself.
        like: what such a document calls itself here.

    Raises:
        ValueError: it is another kind of document, or of a newer brie.
    """
    kind, _, number = schema.rpartition("/")
    ours, _, newest = like.rpartition("/")
    if kind != ours or not number.isascii() or not number.isdigit() or int(number) < 1:
        raise ValueError(f"it should be {like}")
    if int(number) > int(newest):
        raise ValueError(
            f"{schema} was written by a newer brie, this one knows {like}; "
            "upgrade: pip install -U brie-eval"
        )
    return int(number)


_ENDS = ("low", "high")
_COEFFICIENTS = ("percent", "kappa", "alpha", "alpha_ordinal", "ac1")
_FACTORS = ("position", "label", "layout")


def _paths(*wholes: str, parts: tuple[str, ...], ends: tuple[str, ...] = _ENDS) -> tuple[str, ...]:
    return tuple(f"{whole}{part}.{end}" for whole in wholes for part in parts for end in ends)


@dataclass(frozen=True)
class Method:
    """How one quantity of `analysis.json` is computed."""

    version: int
    paths: tuple[str, ...]
    """The numbers that another version may give otherwise; `*` stands for names and numbers."""


METHODS: dict[str, Method] = {
    "presentation": Method(
        2, _paths("", "by_judge.*.", "checks.position.evidence.", parts=_FACTORS)
    ),
    "length": Method(
        2,
        _paths("", parts=("length_controlled", "checks.length.evidence"),
               ends=("low", "high", "coefficient_low", "coefficient_high")),
    ),
    "agreement": Method(
        2,
        (
            *_paths("agreement.pairs[*].", "agreement.panel.", "agreement.by_category.*.",
                    "checks.judges.evidence.", parts=_COEFFICIENTS),
            *_paths("agreement.consistency.*.", "by_judge.*.consistency.", parts=("same",)),
            *_paths("agreement.panel.", parts=("precision_gain",)),
            "agreement.pairs[*].marginal_intervals.*",
        ),
    ),
    "variance": Method(
        2,
        ("variance.intervals.prompt[*]", "variance.intervals.sample[*]",
         "variance.intervals.prompt_judge[*]", "variance.intervals.noise[*]",
         "checks.sampling.evidence.low", "checks.sampling.evidence.high"),
    ),
    "planning": Method(
        2,
        ("win_rate.prompts_needed", "majority.prompts_needed", "by_category.*.win_rate.prompts_needed",
         "checks.sample_size.evidence.smallest_detectable"),
    ),
    "accuracy": Method(1, _paths("accuracy.*", parts=("",))),
    "equivalence": Method(2, ()),
    "sources": Method(2, ("win_rate.by_source_interval", "checks.sources.evidence.new_sources")),
    "removal": Method(
        2, ("checks.*.evidence.without*.p_value", "checks.*.evidence.without*.changes"),
    ),
}  # fmt: skip
"""Quantities whose method has changed. `analysis.json` names the versions it was made with, and none of
a quantity is version 1. Verifying compares every number but those of another version; the win rate,
its interval, its p-value and all counts are not among them and cannot be."""


def methods() -> dict[str, int]:
    """The versions that are written."""
    return {name: method.version for name, method in METHODS.items()}


@cache
def build(release: str) -> str:
    """A release with what its code is, such as `0.1.0+1f3a5c7e`: two builds with other keys, checks
    or formulas are two, even where both carry the same number.

    Args:
        release: `brie.__version__`.
    """
    hashed = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        hashed.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{release}+{hashed.hexdigest()[:8]}"


def release_of(version: str) -> str:
    """The release of a build, as people know it."""
    return version.partition("+")[0]
