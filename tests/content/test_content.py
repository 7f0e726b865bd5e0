"""The shipped suites, pairs and training sample are as large, balanced and separate as they say."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

import pytest

from brie.blinding import JudgeInput
from brie.catalog import load_suite
from brie.data.load import load
from brie.judge.providers.rules import RULES, RuleJudge
from brie.project import Project, packaged
from brie.records import Message, Suite
from brie.studies.suite_check import concerns

WORDS = 8
LARGE = {
    "in_domain": (100, 6, 15, 10),
    "out_of_domain": (100, 6, 15, 10),
    "comprehensive": (150, 8, 15, 10),
}
"""Suite -> least prompts, categories, prompts a category, sources."""


def suite(name: str) -> Suite:
    return load_suite(name, Project(packaged()))


def pairs() -> list[dict[str, Any]]:
    lines = packaged("judges", "judge_check.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def runs(texts: Iterable[str]) -> Iterator[tuple[str, ...]]:
    for text in texts:
        words = text.casefold().split()
        yield from (tuple(words[n : n + WORDS]) for n in range(len(words) - WORDS + 1))


def asked(messages: Iterable[Message]) -> list[str]:
    return [m.content for m in messages if m.role == "user"]


def texts(name: str) -> set[tuple[str, ...]]:
    if name == "judge_check":
        return set(runs(row["prompt"] for row in pairs()))
    if name.endswith(".jsonl"):
        rows, _ = sample(name)
        return set(runs(text for row in rows for text in asked(row.messages)))
    return set(runs(text for p in suite(name).prompts for text in asked(p.messages)))


def sample(name: str) -> tuple[list[Any], Counter[str]]:
    rows = list(load(packaged("data", name)))
    return rows, Counter(row.category for row in rows)


@pytest.mark.parametrize("name", LARGE)
def test_a_suite_is_as_large_and_spread_as_promised(name: str) -> None:
    prompts, categories, least, sources = LARGE[name]
    found = suite(name)
    by_category = Counter(p.category for p in found.prompts)
    assert len(found.prompts) >= prompts
    assert len(by_category) >= categories
    assert min(by_category.values()) >= least
    assert len({p.source for p in found.prompts}) >= sources
    assert list(concerns(found)) == []


def test_smoke_is_twelve_prompts() -> None:
    assert len(suite("smoke").prompts) == 12
    assert list(concerns(suite("smoke"))) == []


PARTS = (*LARGE, "smoke", "judge_check", "sample.jsonl", "sample.val.jsonl")


@pytest.mark.parametrize(("one", "two"), list(combinations(PARTS, 2)))
def test_no_two_parts_share_a_run_of_words(one: str, two: str) -> None:
    assert not texts(one) & texts(two)


def test_the_sample_is_grouped_labelled_and_long_enough() -> None:
    train, categories = sample("sample.jsonl")
    held_out, _ = sample("sample.val.jsonl")
    every = train + held_out
    assert len(every) >= 300
    assert len(categories) >= 5
    assert len({row.source for row in every}) >= 10
    first = [{row.messages[0].content for row in part} for part in (train, held_out)]
    assert not first[0] & first[1]
    answers = [m.content for row in every for m in row.messages if m.role == "assistant"]
    assert sum(len(a.split()) for a in answers) / len(answers) >= 150
    assert sum(len(row.messages) > 2 for row in every) >= 30


def test_the_pairs_cover_six_families_and_ties() -> None:
    families = Counter(row["family"] for row in pairs())
    assert families.pop("tie") >= 20
    assert set(families) == {"reasoning", "completeness", "instruction", "prose", "padding", "injection"}
    assert min(families.values()) >= 25
    assert sum(families.values()) >= 150


def accuracy(rule: str) -> float:
    """Share of pairs a rule gets right, shown in both orders, a tie counting half."""
    judge = RuleJudge(RULES[rule])
    right = []
    for row in pairs():
        if row["better"] is None:
            continue
        for first in (0, 1):
            shown = JudgeInput(
                messages=(),
                reference=None,
                check=None,
                first=row["answers"][first],
                second=row["answers"][1 - first],
                first_letter="A",
            )
            letter = asyncio.run(judge.ask(shown)).letter
            chosen = {"A": first, "B": 1 - first, "tie": None}[letter or "tie"]
            right.append(0.5 if chosen is None else float(chosen == row["better"]))
    return sum(right) / len(right)


def test_length_and_place_alone_know_nothing_of_the_pairs() -> None:
    assert 0.45 <= accuracy("longer") <= 0.55
    assert accuracy("first") == 0.5
    stored = [row["better"] for row in pairs() if row["better"] is not None]
    assert stored.count(0) * 2 == len(stored)


def test_reading_the_answer_key_scores_everything() -> None:
    for row in pairs():
        if row["better"] is not None:
            key = row["answers"][row["better"]]
            assert [text == key for text in row["answers"]].count(True) == 1
            assert row["ground"]
