"""Perplexity: the number is its definition, the interval resamples conversations."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brie.data.encode import Encoded
from brie.errors import UsageError
from brie.pin import resolve
from brie.pin.resolve import as_base
from brie.project import Project
from brie.train.perplexity import LEAST, Scores, batches, bootstrap, perplexity
from brie.train.run import train
from brie.train.runs import read_manifest
from tests.train.world import Watcher, demo_rows, make_project, request


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    project = make_project(tmp_path_factory.mktemp("project"), demo_rows(60))
    folder = train(request(project, "max_steps=4", "checkpoint_steps=4", name="p"), project, Watcher())
    return project, folder


def validation_rows(project: Project, folder: Path) -> Path:
    """The rows the run set aside, as a file."""
    import random

    from brie.data.load import load
    from brie.data.split import split

    path = project.root / "rows.jsonl"
    seed = read_manifest(folder).config.recipe.seed
    halves = split(load(path), by="prompt", fraction=0.1, generator=random.Random(seed), seed=seed)
    lines = path.read_text("utf-8").split("\n")
    target = project.root / "held.jsonl"
    target.write_text("".join(lines[c.line - 1] + "\n" for c in halves.val), encoding="utf-8")
    return target


def test_it_is_the_runs_own_validation_loss(trained: tuple[Project, Path]) -> None:
    """One definition: `brie perplexity` on the validation rows gives what the run recorded."""
    project, folder = trained
    side = resolve("p:last", project)
    report = perplexity(
        validation_rows(project, folder),
        candidate=side,
        baseline=as_base(side),
        generator=np.random.default_rng(0),
        resamples=99,
    )
    first, *_, last = read_manifest(folder).evaluations
    assert report.candidate.value == pytest.approx(last.perplexity, rel=1e-5)
    assert report.baseline.value == pytest.approx(first.perplexity, rel=1e-5)
    assert report.ratio.value == pytest.approx(last.perplexity / first.perplexity, rel=1e-5)
    assert report.tokens == last.tokens


def test_a_model_against_itself_is_exactly_one(trained: tuple[Project, Path]) -> None:
    project, _ = trained
    side = resolve("p:best", project)
    path = project.root / "rows.jsonl"
    report = perplexity(
        path, candidate=side, baseline=side, generator=np.random.default_rng(0), resamples=99
    )
    assert (report.ratio.value, report.ratio.low, report.ratio.high) == (1, 1, 1)


def test_taking_the_adapter_off_gives_the_base_back_exactly(trained: tuple[Project, Path]) -> None:
    project, _ = trained
    side, path = resolve("p:best", project), project.root / "rows.jsonl"
    base = as_base(side)
    fresh = perplexity(
        path, candidate=base, baseline=base, generator=np.random.default_rng(0), resamples=9
    )
    after = perplexity(
        path, candidate=side, baseline=base, generator=np.random.default_rng(0), resamples=9
    )
    assert after.baseline.value == fresh.baseline.value
    assert after.candidate.value != after.baseline.value


def test_a_limit_no_answer_fits_into_is_refused(trained: tuple[Project, Path]) -> None:
    project, _ = trained
    side = resolve("p:best", project)
    with pytest.raises(UsageError, match="raise --max-length"):
        perplexity(
            project.root / "rows.jsonl",
            candidate=side,
            baseline=side,
            generator=np.random.default_rng(0),
            max_length=4,
        )


# --- the interval ------------------------------------------------------------------------


def scores(nll: list[float], tokens: list[float]) -> Scores:
    return Scores(np.array(nll), np.array(tokens))


def test_the_point_is_the_mean_over_tokens_not_over_conversations() -> None:
    side = scores([10.0, 1.0], [100, 1])
    value, _, _ = bootstrap(candidate=side, baseline=side, generator=np.random.default_rng(0))
    assert value.value == pytest.approx(math.exp(11 / 101))


def test_below_eight_conversations_there_is_no_interval() -> None:
    side = scores([1.0] * (LEAST - 1), [2.0] * (LEAST - 1))
    value, _, ratio = bootstrap(candidate=side, baseline=side, generator=np.random.default_rng(0))
    assert (value.low, value.high, ratio.low) == (None, None, None)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0.1, 5), min_size=LEAST, max_size=30), st.integers(0, 99))
def test_exchanging_the_sides_inverts_the_ratio(losses: list[float], seed: int) -> None:
    count = len(losses)
    first = scores(losses, [1.0 + i % 3 for i in range(count)])
    second = scores([x * 1.1 for x in losses[::-1]], [1.0 + i % 3 for i in range(count)])
    ab = bootstrap(
        candidate=first, baseline=second, generator=np.random.default_rng(seed), resamples=199
    )
    ba = bootstrap(
        candidate=second, baseline=first, generator=np.random.default_rng(seed), resamples=199
    )
    assert ab[0] == ba[1]
    assert ab[2].value == pytest.approx(1 / ba[2].value)
    assert ab[2].low is not None
    assert ba[2].high is not None
    assert ab[2].low == pytest.approx(1 / ba[2].high)
    assert ab[2].low <= ab[2].value <= (ab[2].high or 0) or count < 12


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """200 files of 60 conversations from one law: 95 % intervals miss in 2 to 9 % of them."""
    generator = np.random.default_rng(5)
    missed = 0
    for _ in range(200):
        tokens = generator.integers(5, 40, size=60).astype(float)
        rate = generator.gamma(20, 0.05, size=60)  # mean 1 a conversation, whatever its length
        side = Scores(tokens * rate, tokens)
        value, _, _ = bootstrap(candidate=side, baseline=side, generator=generator, resamples=499)
        assert value.low is not None
        assert value.high is not None
        missed += not value.low <= math.e <= value.high
    assert 4 <= missed <= 18


def test_batches_hold_every_row_once_and_stay_small() -> None:
    rows = [
        Encoded(line=n, ids=[1] * n, labels=[1] * n, length=n, cut="whole")
        for n in (5000, 3, 900, 2000, 7)
    ]
    made = batches(rows)
    assert sorted(i for batch in made for i in batch) == [0, 1, 2, 3, 4]
    for batch in made:
        assert len(batch) == 1 or max(len(rows[i].ids) for i in batch) * len(batch) <= 4096
