"""Answers that are labels, what sources and categories give away of them, and two simple baselines.

A model that is trained to say yes or no can learn where a text comes from instead of what it says.
Here labels are crossed with sources and categories, and the rows are classified twice without a model:
always the same answer, and by words (TF-IDF and logistic regression, both of scikit-learn).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import JsonValue

from brie.errors import UsageError, unknown
from brie.number_format import percent, plural, two_digits
from brie.records import Conversation, Record

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

MOST = 12
"""Labels: more different answers are no classes."""
LONGEST = 40
"""Characters of a label."""
FEWEST_ROWS = 20
"""Rows from which anything is said of labels."""
SPREAD = 0.2
"""Least difference of a label's share between two groups that is told."""
ALPHA = 0.01
"""Of the test that labels and groups hang together, after Holm."""
FEWEST_OF_GROUP = 5
"""Rows that a source or category needs to be crossed."""
MOST_GROUPS = 8
"""Sources that are held out in turn, the largest first."""
MOST_WORDS = 20_000
"""Rows that are classified by their words; more take minutes."""
_WORD = r"(?u)\b\w+\b"
LABEL = "label"
ANSWER = "answer"
_COLUMNS = ("label", "labels", "class")
Row = Mapping[str, JsonValue]
Pair = tuple[str, str]
"""What a row asks, and its label."""
By = Literal["source", "category"]


class Shortcut(Record):
    """Labels that hang together with a source or category."""

    label: str
    """The key, or `answer`."""
    by: By
    shown: str
    """The label whose share differs most."""
    shares: dict[str, float]
    """Group -> that label's share, largest first."""
    rows: dict[str, int]
    """Group -> rows."""
    p_value: float
    """Of Pearson's chi-squared test of independence, after Holm."""


class Scores(Record):
    """How a way of answering does on rows it was not made from."""

    name: str
    accuracy: float
    macro_f1: float | None
    """The mean of the labels' F1, 0 for a label that is never right; None where the rows have one label
    only, of which no F1 is defined."""

    def words(self) -> str:
        """How often it is right, and its F1."""
        f1 = "" if self.macro_f1 is None else f", macro-F1 {two_digits(self.macro_f1)}"
        return f"{self.name} {percent(self.accuracy)} right{f1}"


class Baselines(Record):
    """Both baselines on one split."""

    split: str
    """How the rows to be answered were set aside."""
    rows: int
    scores: tuple[Scores, ...]

    def words(self) -> str:
        """Both, as a line."""
        scores = "; ".join(score.words() for score in self.scores)
        return f"{self.split} ({plural(self.rows, 'row')}): {scores}"


class LabelReport(Record):
    """What `brie data check` says where answers are labels."""

    label: str
    """The key, or `answer`."""
    classes: dict[str, int]
    """Label -> rows."""
    shortcuts: tuple[Shortcut, ...] = ()
    baselines: tuple[Baselines, ...] = ()


def labels_of(
    rows: Sequence[Conversation],
    extras: Mapping[int, Row],
    key: str | None = None,
    fewest: int = 2,
) -> tuple[str, dict[int, str]] | None:
    """Line -> label, and where the labels stand; None where there are none.

    Args:
        rows: a training file's.
        extras: line -> what else a row has.
        key: where to look; None or `label`: a key of that name, else the answers where they are few and
            short.
        fewest: labels without which there are none; a source by itself may have one alone.

    Raises:
        UsageError: a key was named that the rows have not.
    """
    named = key not in (None, LABEL, ANSWER)
    columns = _columns(rows, extras)
    if named and key not in columns:
        raise unknown("label", str(key), [*columns, ANSWER])
    wanted = [str(key)] if named else [] if key == ANSWER else [c for c in _COLUMNS if c in columns]
    for column in wanted:
        values = columns[column]
        if named or _are_labels(list(values.values()), len(rows), fewest):
            return column, values
    answers = {row.line: answer_of(row) for row in rows}
    if key == ANSWER or _are_labels(list(answers.values()), len(rows), fewest):
        return ANSWER, answers
    return None


def _columns(rows: Sequence[Conversation], extras: Mapping[int, Row]) -> dict[str, dict[int, str]]:
    columns: dict[str, dict[int, str]] = {
        "source": {row.line: row.source for row in rows},
        "category": {row.line: row.category for row in rows},
    }
    for row in rows:
        for name, value in extras.get(row.line, {}).items():
            if isinstance(value, str | int | float):
                columns.setdefault(name, {})[row.line] = str(value)
    return columns


def answer_of(row: Conversation) -> str:
    """What a row answers at its end."""
    return row.messages[-1].content.strip()


def _are_labels(values: Sequence[str], rows: int, fewest: int) -> bool:
    """Few, short, and each of them often."""
    distinct = set(values)
    return (
        len(values) == rows >= FEWEST_ROWS
        and fewest <= len(distinct) <= min(MOST, rows // 5)
        and all(0 < len(value) <= LONGEST for value in distinct)
    )


def shortcuts(
    rows: Sequence[Conversation], label: str, labels: Mapping[int, str]
) -> tuple[Shortcut, ...]:
    """Sources and categories that give the label away.

    Args:
        rows: a training file's.
        label: the label's key.
        labels: line -> label.
    """
    kinds: tuple[By, ...] = ("source", "category")
    crossed = [made for by in kinds if by != label and (made := _crossed(rows, by, label, labels))]
    ordered = sorted(crossed, key=lambda made: made.p_value)
    least, told = 0.0, []
    for rank, made in enumerate(ordered):  # Holm's steps
        least = max(least, min(1.0, made.p_value * (len(ordered) - rank)))
        if least < ALPHA and max(made.shares.values()) - min(made.shares.values()) >= SPREAD:
            told.append(made.model_copy(update={"p_value": least}))
    return tuple(told)


def _crossed(
    rows: Sequence[Conversation], by: By, label: str, labels: Mapping[int, str]
) -> Shortcut | None:
    from scipy.stats import chi2_contingency

    table: dict[str, Counter[str]] = {}
    for row in rows:
        group = row.source if by == "source" else row.category
        table.setdefault(group, Counter())[labels[row.line]] += 1
    table = {name: counts for name, counts in table.items() if counts.total() >= FEWEST_OF_GROUP}
    names = sorted({value for counts in table.values() for value in counts})
    if len(table) < 2 or len(names) < 2:
        return None
    tested = chi2_contingency([[counts[name] for name in names] for counts in table.values()])
    whole = sum(table.values(), Counter())

    def share(name: str, group: str) -> float:
        return table[group][name] / table[group].total()

    def apart(name: str) -> float:
        shares = [share(name, group) for group in table]
        return max(shares) - min(shares)

    shown = max(names, key=lambda name: (round(apart(name), 9), -whole[name], name))
    ordered = sorted(table, key=lambda group: (-share(shown, group), group))
    return Shortcut(
        label=label,
        by=by,
        shown=shown,
        shares={group: share(shown, group) for group in ordered},
        rows={group: table[group].total() for group in ordered},
        p_value=float(tested.pvalue),
    )


# --- baselines -------------------------------------------------------------------------------


def baselines(train: Sequence[Pair], val: Sequence[Pair], split: str) -> Baselines | None:
    """Always one answer, and words, learned on one half and tried on the other.

    Args:
        train: what rows ask, with their labels.
        val: the same of the rows to be answered.
        split: how they were parted, in words.

    Returns:
        None where a half is empty, or the training half has one label only.
    """
    if not val or len({label for _, label in train}) < 2:
        return None
    truth = [label for _, label in val]
    said = answers_of(train, [text for text, _ in val])
    return Baselines(
        split=split,
        rows=len(val),
        scores=tuple(_scores(name, truth, answers) for name, answers in said.items()),
    )


def answers_of(train: Sequence[Pair], asked: Sequence[str]) -> dict[str, list[str]]:
    """What both baselines answer; the first one's name has its answer."""
    labels = [label for _, label in train]
    most = Counter(labels).most_common(1)[0][0]
    said = {f"always {most!r}": [most] * len(asked)}
    if len(train) <= MOST_WORDS and any(re.search(_WORD, text) for text, _ in train):
        model = _words()
        model.fit([text for text, _ in train], labels)
        said["TF-IDF and logistic regression"] = [str(label) for label in model.predict(list(asked))]
    return said


def label_report(
    rows: Sequence[Conversation],
    extras: Mapping[int, Row],
    halves: Sequence[tuple[str, Sequence[Conversation], Sequence[Conversation]]],
) -> LabelReport | None:
    """What is to be said of a file's labels; None where it has none.

    Args:
        rows: all rows.
        extras: line -> what else a row has.
        halves: splits to try the baselines on, each with its name; then every source is held out.
    """
    found = labels_of(rows, extras)
    if found is None:
        return None
    key, labels = found
    told = shortcuts(rows, key, labels)
    tried = [baselines(_pairs(train, labels), _pairs(val, labels), name) for name, train, val in halves]
    tried += _by_source(rows, labels)
    return LabelReport(
        label=key,
        classes=dict(Counter(labels.values()).most_common()),
        shortcuts=told,
        baselines=tuple(made for made in tried if made),
    )


def _words() -> Pipeline:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    vectors = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=_WORD)
    return make_pipeline(vectors, LogisticRegression(max_iter=1000))


def _scores(name: str, truth: Sequence[str], said: Sequence[str]) -> Scores:
    from sklearn.metrics import accuracy_score, f1_score

    names = sorted(set(truth))
    f1 = f1_score(truth, said, average="macro", labels=names, zero_division=0)
    return Scores(
        name=name,
        accuracy=float(accuracy_score(truth, said)),
        macro_f1=float(f1) if len(names) > 1 else None,
    )


def _by_source(rows: Sequence[Conversation], labels: Mapping[int, str]) -> list[Baselines | None]:
    """Both baselines with each source held out in turn, the largest sources first."""
    sizes = Counter(row.source for row in rows)
    tried = []
    for source, _ in sizes.most_common(MOST_GROUPS) if len(sizes) > 1 else ():
        rest = [row for row in rows if row.source != source]
        held = [row for row in rows if row.source == source]
        halves = _pairs(rest, labels), _pairs(held, labels)
        tried.append(baselines(*halves, f"source {source} held out"))
    return tried


def _pairs(rows: Iterable[Conversation], labels: Mapping[int, str]) -> list[Pair]:
    return [(asked_of(row), labels[row.line]) for row in rows]


def asked_of(row: Conversation) -> str:
    """All that a row asks."""
    return "\n".join(turn.content for turn in row.messages if turn.role == "user")


# --- balance ---------------------------------------------------------------------------------


def repeats_of(labels: Mapping[int, str]) -> dict[str, float]:
    """Label -> how often a row of it is seen an epoch, so that every label is seen equally often.

    Raises:
        UsageError: there is one label only, or labels are hardly ever shared.
    """
    counts = Counter(labels.values())
    if len(counts) < 2:
        raise UsageError(f"--balance: every row has the label {next(iter(counts), '')!r}.")
    if 2 * len(counts) > len(labels):
        raise UsageError(f"--balance: {len(counts)} labels for {len(labels):,} rows are no classes.")
    most = max(counts.values())
    return {label: most / count for label, count in sorted(counts.items())}
