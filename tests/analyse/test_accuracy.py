"""Right and wrong: scikit-learn's figures, intervals over prompts and sources, exact tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from bench import accuracy
from brie.analyse.accuracy import SIDES, Graded, accuracy_of
from brie.analyse.arrays import Ints
from brie.analyse.win_rate import Settings
from brie.records.accuracy import Accuracy
from brie.records.estimates import Estimate
from tests.present import present

FAST = Settings(resamples=399)


def made(
    prompts: int = 60, samples: int = 1, *, sources: int = 4, seed: int = 1, good: float = 0.9
) -> Graded:
    """Two labels and answers outside them; the candidate is right more often."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(prompts) < 0.6).astype(np.int64)
    said = {}
    for side, rate in zip(SIDES, (good, 0.7), strict=True):
        right = rng.random((prompts, samples)) < rate
        wrong = np.where(rng.random((prompts, samples)) < 0.3, 2, 1 - truth[:, None])
        said[side] = np.where(right, truth[:, None], wrong).astype(np.int64)
    return Graded(
        right={side: said[side] == truth[:, None] for side in SIDES},
        source=np.arange(prompts) % sources,
        sources=tuple(f"s{n}" for n in range(sources)),
        labels=("no", "yes"),
        truth=truth,
        said=said,
    )


def measured(graded: Graded, *, seen: Ints | None = None, settings: Settings = FAST) -> Accuracy:
    known = None if seen is None else np.isin(graded.source, seen)
    return accuracy_of(graded, settings, 5, kinds={"label": graded.prompts}, seen=known)


def flat(graded: Graded) -> tuple[Ints, Ints]:
    assert graded.truth is not None
    assert graded.said is not None
    return np.repeat(graded.truth, graded.samples), graded.said["candidate"].ravel()


@pytest.mark.parametrize("samples", [1, 3])
def test_figures_are_those_of_scikit_learn_with_answers_outside_the_labels_wrong(samples: int) -> None:
    graded = made(samples=samples)
    truth, said = flat(graded)
    numbers = measured(graded)
    ours = numbers.candidate
    assert ours.accuracy.value == pytest.approx(accuracy_score(truth, said), abs=1e-12)
    assert present(ours.macro_f1).value == pytest.approx(
        f1_score(truth, said, labels=[0, 1], average="macro"), abs=1e-12
    )
    yes = ours.by_label["yes"]
    for value, figure in (
        (yes.precision, precision_score), (yes.recall, recall_score),
        (present(yes.f1).value, f1_score),
    ):  # fmt: skip
        assert value == pytest.approx(figure(truth, said, labels=[1], average=None)[0], abs=1e-12)
    assert yes.prompts == int((present(graded.truth) == 1).sum())
    assert ours.outside == int((said == 2).sum()) > 0


def test_one_answer_a_prompt_is_compared_by_mcnemars_exact_test_and_more_by_sign_flips() -> None:
    graded = made()
    alone = measured(graded).difference
    first, second = (graded.right[side][:, 0] for side in SIDES)
    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    assert (alone.method, alone.candidate_only, alone.baseline_only) == ("mcnemar-exact", b, c)
    assert alone.p_value == pytest.approx(binomtest(b, b + c).pvalue, abs=1e-12)
    assert alone.accuracy.value == pytest.approx((b - c) / graded.prompts)
    several = measured(made(samples=3)).difference
    assert several.method == "sign-flip"
    assert present(several.accuracy.low) > 0


def test_exchanging_the_sides_turns_the_difference_around() -> None:
    graded = made(samples=2)
    said = present(graded.said)
    other = Graded(
        right={"candidate": graded.right["baseline"], "baseline": graded.right["candidate"]},
        source=graded.source, sources=graded.sources, labels=graded.labels, truth=graded.truth,
        said={"candidate": said["baseline"], "baseline": said["candidate"]},
    )  # fmt: skip
    one, turned = measured(graded).difference, measured(other).difference
    assert one.accuracy.value == pytest.approx(-turned.accuracy.value, abs=1e-12)
    assert present(one.accuracy.low) == pytest.approx(-present(turned.accuracy.high), abs=1e-12)
    assert one.p_value == pytest.approx(turned.p_value, abs=1e-12)
    assert present(one.macro_f1).value == pytest.approx(-present(turned.macro_f1).value, abs=1e-12)


def test_f1_resamples_prompts_and_from_eight_sources_on_sources() -> None:
    few, many = measured(made(sources=7)), measured(made(sources=8))
    assert present(few.candidate.macro_f1).method == "prompt-bootstrap-plus-one"
    assert present(few.candidate.macro_f1).n == 60
    assert present(many.candidate.macro_f1).method == "source-bootstrap-plus-one"
    assert present(many.candidate.macro_f1).n == 8
    assert width(present(many.candidate.macro_f1)) > width(present(few.candidate.macro_f1))
    assert many.candidate.accuracy.n == 60


def width(estimate: Estimate) -> float:
    return present(estimate.high) - present(estimate.low)


def test_a_model_that_is_always_right_has_an_interval_and_few_prompts_have_none() -> None:
    perfect = present(measured(made(good=1.0)).candidate.macro_f1)
    assert perfect.value == 1
    assert present(perfect.low) < 0.99
    few = measured(made(prompts=7))
    assert few.candidate.accuracy.low is None
    assert present(few.candidate.macro_f1).low is None
    assert few.difference.accuracy.low is None


def test_a_source_of_one_label_has_recall_and_no_f1() -> None:
    graded = made()
    truth = present(graded.truth).copy()
    truth[graded.source == 0] = 1
    said = {side: present(graded.said)[side] for side in SIDES}
    one = Graded(
        right={side: said[side] == truth[:, None] for side in SIDES}, source=graded.source,
        sources=graded.sources, labels=graded.labels, truth=truth, said=said,
    )  # fmt: skip
    part = measured(one).by_source["s0"]
    assert part.only == "yes"
    assert part.candidate.macro_f1 is None
    assert part.candidate.by_label["yes"].f1 is None
    assert part.candidate.by_label["yes"].recall == pytest.approx(part.candidate.accuracy.value)
    assert present(part.always).accuracy == 1
    assert present(part.always).macro_f1 is None
    assert measured(one).by_source["s1"].only is None


def test_seen_and_unseen_sources_stand_beside_the_one_who_always_says_the_same() -> None:
    numbers = measured(made(), seen=np.array([0, 1]))
    assert list(numbers.by_training) == ["seen sources", "unseen sources"]
    seen, unseen = numbers.by_training.values()
    assert seen.prompts + unseen.prompts == numbers.prompts
    assert present(seen.candidate.macro_f1).low is not None
    always = present(numbers.always)
    truth = present(made().truth)
    assert always.label == "yes"
    assert always.accuracy == pytest.approx(truth.mean())
    assert always.macro_f1 == pytest.approx(f1_score(truth, np.ones_like(truth), average="macro"))
    assert measured(made()).by_training == {}


def test_checks_without_labels_have_accuracy_alone() -> None:
    graded = made()
    plain = Graded(right=graded.right, source=graded.source, sources=graded.sources)
    numbers = measured(plain)
    assert (numbers.labels, numbers.always, numbers.candidate.macro_f1) == ((), None, None)
    assert numbers.candidate.outside is None
    assert numbers.by_source["s0"].candidate.by_label == {}


def test_the_order_of_prompts_moves_no_figure() -> None:
    graded = made(samples=2)
    order = np.random.default_rng(2).permutation(graded.prompts)
    moved = Graded(
        right={side: graded.right[side][order] for side in SIDES}, source=graded.source[order],
        sources=graded.sources, labels=graded.labels, truth=present(graded.truth)[order],
        said={side: present(graded.said)[side][order] for side in SIDES},
    )  # fmt: skip
    one, other = measured(graded), measured(moved)
    assert one.candidate.accuracy == other.candidate.accuracy
    assert present(one.candidate.macro_f1).value == present(other.candidate.macro_f1).value
    assert one.difference.p_value == other.difference.p_value


@pytest.mark.parametrize("number", [0, 2])
def test_intervals_cover_where_a_plain_bootstrap_would_be_a_point(number: int) -> None:
    row = accuracy.measure(accuracy.SETTINGS[number], runs=60, seed=4)
    assert min(row[name] for name in accuracy.QUANTITIES) >= 0.88
