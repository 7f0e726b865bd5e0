"""Which column of a table is what: by its name, or as the reader maps it.

Two columns are a pair where their names differ by the place alone (`model_a` and `model_b`,
`model1_response` and `model2_response`, `presented_as_A` and `presented_as_B`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from brie.audit.rows import SIDES

ALIASES: dict[str, tuple[str, ...]] = {
    "prompt": (
        "prompt", "question", "instruction", "input", "query", "user_prompt", "context", "conversation",
        "question_id", "prompt_id", "task_id", "item_id", "conversation_id", "example_id", "doc_id",
        "session_id", "uid", "qid", "id", "idx",
    ),
    "winner": (
        "winner", "winner_model", "winning_model", "preferred_model", "verdict", "preference",
        "preferred", "human_preference", "overall_preference", "choice", "vote", "decision", "judgment",
        "judgement", "better", "selected", "pairwise", "best", "outcome", "label",
    ),
    "judge": (
        "judge", "judge_model", "judge_name", "judge_id", "rater", "annotator", "annotator_id",
        "evaluator", "reviewer", "voter", "worker", "worker_id", "user", "user_id", "email",
        "completed_by",
    ),
    "order": (
        "order", "presentation_order", "shown_first", "first_shown", "first", "is_swapped", "swapped",
        "swap", "flipped", "is_flipped",
    ),
    "letter": (
        "letter", "candidate_letter", "candidate_label", "candidate_is_a", "candidate_is",
        "candidate_position", "candidate_side", "candidate_slot",
    ),
    "category": ("category", "topic", "domain", "dataset", "subset", "task_type"),
    "source": ("source",),
    "sample": ("sample", "sample_id", "sample_index", "trial", "run", "repeat", "turn", "epoch"),
    "candidate": ("candidate",),
    "baseline": ("baseline",),
    "a": (), "b": (), "answer_a": (), "answer_b": (),
}  # fmt: skip
"""brie's name of a column -> the names by which it is known, the likeliest first."""
COLUMNS = tuple(ALIASES)
_PLACES = (("a", "b"), ("1", "2"), ("left", "right"), ("first", "second"), ("0", "1"))
_NAMES = {"model", "models", "system", "generator", "name", "presented", "method", "llm", "player"}
_TEXTS = {
    "response", "responses", "answer", "output", "completion", "text", "reply", "generation", "content",
    "conversation", "summary", "translation", "candidate", "assistant",
}  # fmt: skip
_POINTS = {"score", "scores", "rating", "ratings", "grade", "points"}
_NEITHER = {
    "winner",
    "win",
    "wins",
    "votes",
    "length",
    "tokens",
    "id",
    "id_",
}


@dataclass(frozen=True)
class Shape:
    """A table's columns by what they are; None where there is none."""

    single: Mapping[str, str | None]
    """Names of `ALIASES` -> column."""
    models: tuple[str, str] | None = None
    """Columns that name the models."""
    answers: tuple[str, str] | None = None
    """Columns with the answers."""
    one_hot: tuple[str, str, str | None] | None = None
    """Columns that are 1 where the first, the second, or neither won."""
    raters: tuple[str, ...] = ()
    """Columns of one judge each."""
    named: tuple[str, str] | None = None
    """What to call the two answers where no column of each row says."""
    shown: bool = False
    """The columns of `models` say under which letter each was shown, A first."""
    defined: bool = False
    """The two answers are the candidate's and the baseline's by their columns' names."""
    extra: tuple[str, ...] = field(default=())
    """Columns that are passed over."""

    def __getitem__(self, name: str) -> str | None:
        """The column of one of `ALIASES`."""
        return self.single.get(name)


def shape_of(
    keys: Collection[str],
    mapped: Mapping[str, str] | None = None,
    raters: Sequence[str] = (),
    about: Mapping[str, JsonValue] | None = None,
) -> Shape:
    """The columns of a table.

    Args:
        keys: the names of its columns.
        mapped: brie's name -> the file's column, where the reader says so.
        raters: columns of one judge each.
        about: what the file says beside its rows: names of models, where rows have only places.
    """
    chosen = dict(mapped or {})
    names = {key: normal(key) for key in keys}
    single = {name: chosen.get(name) or _known(names, name) for name in ALIASES}
    pairs = _pairs(names)
    models = _mapped(chosen, "a", "b") or next((p for kind, p in pairs if kind == "names"), None)
    answers = _mapped(chosen, "answer_a", "answer_b") or next(
        (p for kind, p in pairs if kind == "texts" and p != models), None
    )
    by_side = _mapped(chosen, *SIDES) or _mapped(dict(single), *SIDES)
    if by_side and not models and not _mapped(chosen, "answer_a", "answer_b"):
        return Shape(single, None, by_side, None, tuple(raters), SIDES, defined=True)
    shown = models is not None and ("a" in chosen or "presented" in normal(models[0]).split("_"))
    return Shape(
        single,
        models,
        answers,
        _one_hot(pairs, names),
        tuple(raters),
        None if models or not answers else _labels(answers, about or {}),
        shown=shown,
    )


def score_columns(keys: Collection[str]) -> tuple[str, str] | None:
    """The two columns that score a row's two answers, where it names answers or models and no winner."""
    shape = shape_of(keys)
    if shape["winner"] or shape.one_hot or not (shape.models or shape.answers):
        return None
    pairs = {pair for kind, pair in _pairs({key: normal(key) for key in keys}) if kind == "scores"}
    return pairs.pop() if len(pairs) == 1 else None


def normal(key: str) -> str:
    """A column's name in lower case, its words and its place parted by single bars."""
    bare = re.sub(r"[^a-z0-9]+", "_", key.lower()).strip("_")
    return re.sub(r"(?<=[a-z])(?=[012](?:_|$))", "_", bare)


def _known(names: Mapping[str, str], wanted: str) -> str | None:
    by_name = {name: key for key, name in reversed(list(names.items()))}
    return next((by_name[alias] for alias in ALIASES[wanted] if alias in by_name), None)


def _mapped(single: Mapping[str, str | None], first: str, second: str) -> tuple[str, str] | None:
    one, two = single.get(first), single.get(second)
    return (one, two) if one and two else None


def _pairs(names: Mapping[str, str]) -> list[tuple[str, tuple[str, str]]]:
    """What each pair of columns holds ("names", "texts", "scores", "winner" or ""), and the two."""
    by_name = {name: key for key, name in names.items()}
    found = []
    for key, name in names.items():
        words = name.split("_")
        for first, second in _PLACES:
            for at in (at for at, word in enumerate(words) if word == first):
                other = by_name.get("_".join([*words[:at], second, *words[at + 1 :]]))
                if other:
                    found.append((_kind([*words[:at], *words[at + 1 :]]), (key, other)))
    return found


def _kind(words: Sequence[str]) -> str:
    """What a column holds by the last word of its name that says so."""
    if {"winner", "win"} & set(words):
        return "winner"
    for word in reversed(words):
        if word in _NEITHER:
            return ""
        if word in _POINTS:
            return "scores"
        if word in _NAMES:
            return "names"
        if word in _TEXTS:
            return "texts"
    return ""


def _one_hot(
    pairs: Sequence[tuple[str, tuple[str, str]]], names: Mapping[str, str]
) -> tuple[str, str, str | None] | None:
    pair = next((p for kind, p in pairs if kind == "winner"), None)
    if pair is None:
        return None
    tie = next((k for k, n in names.items() if "tie" in n.split("_") and n.startswith("win")), None)
    return (*pair, tie)


def _labels(answers: tuple[str, str], about: Mapping[str, JsonValue]) -> tuple[str, str]:
    """The models' names as the file says them beside its rows, or the two columns' own."""
    texts = {key: normal(key) for key, said in about.items() if isinstance(said, str) and said.strip()}
    places = [place for pair in _PLACES for place in pair]
    wanted = [[word for word in normal(column).split("_") if word in places][-1:] for column in answers]
    for kind, pair in _pairs(texts):
        if kind == "names" and [[normal(k).split("_")[-1]] for k in pair] == wanted:
            return str(about[pair[0]]), str(about[pair[1]])
    return answers
