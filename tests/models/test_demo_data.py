"""The demo's files come from the corpus, byte for byte, and the suite is really held out."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from random import Random

import pytest

from brie.catalog import load_suite
from brie.data.load import load
from brie.project import Project, packaged
from brie.records import Conversation, Suite
from models.demo_data import ANSWERS, demo_jsonl, pretraining, suite_toml
from models.tiny_corpus import ASPECTS, CATEGORIES, QUICK_CATEGORY, Corpus, Subject, load_corpus
from models.tiny_grammar import flat_answer, vivid_answer

CORPUS = load_corpus()
SEED = 3
RUN = 8
"""Words in a row that a reference may not share with an answer."""
PAIRS = [pytest.param(s, a, id=f"{s.name}-{a}") for s, a in product(CORPUS.subjects[::4], ASPECTS)]


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite("demo", Project(packaged()))


@pytest.fixture(scope="module")
def rows() -> list[Conversation]:
    return list(load(packaged("data", "demo.jsonl")))


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.casefold())


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[n : n + length]) for n in range(len(found) - length + 1)}


def sentences(texts: Iterable[str]) -> set[str]:
    return {s for text in texts for s in re.split(r"(?<=\.) ", text)}


def read(corpus: Corpus, size: int) -> Iterator[tuple[str, str]]:
    """Questions (empty for notes) and answers of the base's own training."""
    for text in pretraining(corpus, size, Random(SEED)):
        yield ("", text) if isinstance(text, str) else (text[0]["content"], text[1]["content"])


# --- the files ---------------------------------------------------------------------------


def test_the_training_file_is_what_the_corpus_gives() -> None:
    assert packaged("data", "demo.jsonl").read_bytes() == demo_jsonl(CORPUS).encode()


def test_the_suite_is_what_the_corpus_gives() -> None:
    assert packaged("prompt_suites", "demo.toml").read_bytes() == suite_toml(CORPUS).encode()


def test_every_training_prompt_has_several_different_answers(rows: list[Conversation]) -> None:
    by_prompt = Counter(row.messages[0].content for row in rows)
    assert len(rows) >= 300
    assert set(by_prompt.values()) == {ANSWERS}
    assert len({row.messages[1].content for row in rows}) == len(rows)
    assert {row.category for row in rows} == set(CATEGORIES)
    assert len({row.source for row in rows}) >= 8


def test_training_rows_say_which_model_family_helped_to_write_them() -> None:
    lines = packaged("data", "demo.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["author_family"] for line in lines} == {"claude"}


def test_the_suite_is_large_and_spread(suite: Suite) -> None:
    by_category = Counter(prompt.category for prompt in suite.prompts)
    assert len(suite.prompts) >= 48
    assert set(by_category) == {*CATEGORIES, QUICK_CATEGORY}
    assert min(by_category.values()) >= 10
    assert len({prompt.source for prompt in suite.prompts}) >= 8
    assert all(prompt.reference for prompt in suite.prompts)


# --- held out ----------------------------------------------------------------------------


def test_no_source_and_no_question_is_shared(suite: Suite, rows: list[Conversation]) -> None:
    assert {p.source for p in suite.prompts}.isdisjoint(row.source for row in rows)
    asked = {row.messages[0].content for row in rows}
    assert asked.isdisjoint(p.messages[0].content for p in suite.prompts)


def test_no_pair_of_subject_and_aspect_is_shared(rows: list[Conversation]) -> None:
    asked = {row.messages[0].content for row in rows}
    for entry in CORPUS.suite:
        if entry.aspect in ASPECTS:
            assert asked.isdisjoint(v.ask(entry.subject, entry.aspect) for v in CORPUS.notes)


def test_no_question_is_a_near_duplicate(suite: Suite, rows: list[Conversation]) -> None:
    trained = [runs(text, 3) for text in {row.messages[0].content for row in rows}]
    for prompt in suite.prompts:
        mine = runs(prompt.messages[0].content, 3)
        assert max(len(mine & other) / len(mine | other) for other in trained) < 0.34


def test_the_base_never_read_a_question_of_the_suite(suite: Suite) -> None:
    read_by_base = {question for question, _ in read(CORPUS, 4_000)}
    assert read_by_base.isdisjoint(prompt.messages[0].content for prompt in suite.prompts)


def test_references_are_written_for_the_suite_not_taken_from_answers(suite: Suite) -> None:
    learned = {run for _, answer in read(CORPUS, 6_000) for run in runs(answer, RUN)}
    for prompt in suite.prompts:
        assert prompt.reference is not None
        if prompt.category != QUICK_CATEGORY:
            assert runs(prompt.reference, RUN).isdisjoint(learned), prompt.id


# --- the grammar -------------------------------------------------------------------------


@pytest.mark.parametrize(("subject", "aspect"), PAIRS)
def test_a_vivid_answer_opens_with_its_subject(subject: Subject, aspect: str) -> None:
    for seed in range(20):
        answer = vivid_answer(subject, aspect, Random(seed))
        first = re.split(r"(?<=\.) ", answer)[0].casefold()
        assert subject.a.split()[-1] in first
        assert "{" not in answer
        assert 12 <= len(answer.split()) <= 60


@pytest.mark.parametrize(("subject", "aspect"), PAIRS)
def test_a_vivid_answer_never_says_a_sentence_twice(subject: Subject, aspect: str) -> None:
    for seed in range(20):
        said = re.split(r"(?<=\.) ", vivid_answer(subject, aspect, Random(seed)))
        assert len(set(said)) == len(said)


def test_flat_and_vivid_answers_share_no_sentence() -> None:
    rng = Random(SEED)
    pairs = list(product(CORPUS.subjects, ASPECTS)) * 5
    flat = sentences(flat_answer(subject, aspect, rng) for subject, aspect in pairs)
    assert flat.isdisjoint(sentences(vivid_answer(subject, aspect, rng) for subject, aspect in pairs))


def test_every_subject_has_its_own_words() -> None:
    said = Counter(line for s in CORPUS.subjects for line in (*s.details, *s.closings, *s.tips))
    assert [line for line, count in said.items() if count > 1] == []
