"""Can surface text alone tell which side an answer is from? If it can, so can a judge.

A bag of words and signs (TF-IDF) and a logistic regression learn on some prompts to tell the two
answers of a pair apart, and are tested on others. Telling sides apart is no proof that a judge
does; failing to is good evidence that it cannot by style alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from brie.analyse.arrays import Floats, Ints, generator, group_mean
from brie.analyse.bootstrap import plus_one
from brie.checks.evidence import Pair

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST_PAIRS = 5000
FEWEST_PROMPTS = 20
"""Below this many prompts a classifier learns too little for its failure to mean anything."""
FOLDS = 5
FEATURES = 20_000
PATTERN = r"\w+|[^\w\s]|\n+"
"""Words, single signs, and breaks of lines."""
EQUAL = 1e-6
"""Scores nearer than this are a tie: solvers on different machines agree to about 1e-7."""


@dataclass(frozen=True)
class Surface:
    """How often each rule, learned on other prompts, names the candidate's answer of a pair."""

    words: float
    low: float
    high: float
    length: float
    """What "the longer one" or "the shorter one", whichever holds in training, achieves."""
    pairs: int
    prompts: int


def surface(pairs: Sequence[Pair], seed: int, level: float) -> Surface | str:
    """Cross-validated by prompt; a string says why there is no answer.

    Args:
        pairs: comparisons with texts; of more than MOST_PAIRS a seeded draw is taken.
        seed: of the draw.
        level: of the interval, prompts as the unit.
    """
    different = [p for p in pairs if p.candidate.text != p.baseline.text]
    if len(different) > MOST_PAIRS:
        rng = generator(seed, "checks.surface")
        kept = rng.choice(len(different), MOST_PAIRS, replace=False)
        different = [different[i] for i in sorted(kept.tolist())]
    names = {name: n for n, name in enumerate(dict.fromkeys(p.prompt for p in different))}
    if len(names) < FEWEST_PROMPTS:
        return f"fewer than {FEWEST_PROMPTS} prompts have two different answers"
    prompt = np.array([names[p.prompt] for p in different], np.int64)
    right, by_length = _right(different, prompt)
    means = group_mean(prompt, right, len(names))
    ends = plus_one(means, generator(seed, "checks.surface.interval")).interval(level)
    longer = float(group_mean(prompt, by_length, len(names)).mean())
    return Surface(float(means.mean()), ends.low, ends.high, longer, len(different), len(names))


def _right(pairs: Sequence[Pair], prompt: Ints) -> tuple[Floats, Floats]:
    """For each pair whether words, and length, name the candidate: 1, 0, or .5 for a tie."""
    from sklearn.model_selection import GroupKFold

    words, length = _features(pairs)
    right, by_length = np.zeros(len(pairs)), np.zeros(len(pairs))
    for train, test in GroupKFold(FOLDS).split(words, groups=prompt):
        right[test] = _named(words[test] @ _weights(words[train]))
        by_length[test] = _named(length[test] * np.sign(np.sign(length[train]).sum()))
    return right, by_length


def _features(pairs: Sequence[Pair]) -> tuple[csr_matrix, Floats]:
    """Candidate minus baseline: TF-IDF of words and signs (pairs, features), and characters."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    candidate = [p.candidate.text or "" for p in pairs]
    baseline = [p.baseline.text or "" for p in pairs]
    bag = TfidfVectorizer(token_pattern=PATTERN, max_features=FEATURES, sublinear_tf=True)
    # "a": a vocabulary even where all answers are empty.
    vectors = bag.fit_transform([*candidate, *baseline, "a"])
    difference = vectors[: len(pairs)] - vectors[len(pairs) : -1]
    length = np.array([len(c) - len(b) for c, b in zip(candidate, baseline, strict=True)], np.float64)
    return difference, length


def _weights(difference: csr_matrix) -> Floats:
    """Logistic regression on differences, turned round alternately so that it sees two classes."""
    import scipy.sparse
    from sklearn.linear_model import LogisticRegression

    turn = np.where(np.arange(difference.shape[0]) % 2 == 0, 1.0, -1.0)
    # The dual has one number a pair, of which there are far fewer than words: 80 times as fast.
    model = LogisticRegression(
        fit_intercept=False, C=10.0, solver="liblinear", dual=True, tol=1e-9, max_iter=10_000,
        random_state=0,
    )  # fmt: skip
    model.fit(scipy.sparse.diags(turn) @ difference, turn)
    return np.asarray(model.coef_[0])


def _named(scores: Floats) -> Floats:
    return np.where(np.abs(scores) < EQUAL, 0.5, (scores > 0).astype(np.float64))
