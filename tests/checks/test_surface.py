"""What surface text tells, and which family a name belongs to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from brie.checks import Answer, Pair
from brie.checks.families import distinctive, family_of, names_itself
from brie.checks.surface import MOST_PAIRS, Surface, surface
from tests.checks.cases import WORDS

Texts = Callable[[int, int], tuple[str, str]]


def pairs(texts: Texts, prompts: int = 60, samples: int = 3) -> list[Pair]:
    """Comparisons with the texts of (prompt, sample)."""
    made = [(n, k, *texts(n, k)) for n in range(prompts) for k in range(samples)]
    return [Pair(f"p{n}", k, Answer(one), Answer(two)) for n, k, one, two in made]


def chance(n: int, k: int) -> tuple[str, str]:
    """Two answers from one distribution."""
    rng = np.random.default_rng([n, k])
    one, two = (" ".join(rng.choice(WORDS, size=25)) for _ in range(2))
    return one, two


def told(made: list[Pair]) -> Surface:
    """The result, which must be one."""
    found = surface(made, seed=1, level=0.95)
    assert isinstance(found, Surface)
    return found


def test_answers_from_one_distribution_are_not_told_apart() -> None:
    found = told(pairs(chance, prompts=120))
    assert found.low < 0.5 < found.high
    assert 0.35 < found.length < 0.65


def test_a_habit_in_every_answer_is_learned_from_other_prompts() -> None:
    found = told(pairs(lambda n, k: (f"Well, {chance(n, k)[0]}", chance(n, k)[1])))
    assert found.words > 0.95
    assert found.length < 0.8


def test_what_is_peculiar_to_a_prompt_does_not_help_as_prompts_stay_together() -> None:
    def peculiar(n: int, k: int) -> tuple[str, str]:
        one, two = chance(n, k)
        return f"{one} mine{n}", f"{two} yours{n}"

    assert told(pairs(peculiar)).words < 0.65


def test_a_small_liking_for_a_word_shows_as_a_small_figure() -> None:
    def sometimes(n: int, k: int) -> tuple[str, str]:
        one, two = chance(n, k)
        return (f"{one} indeed" if (n + k) % 3 == 0 else one), two

    assert 0.55 < told(pairs(sometimes, prompts=120)).words < 0.8


def test_signs_and_line_breaks_count_as_much_as_words() -> None:
    assert told(pairs(lambda n, k: (chance(n, k)[0] + " !", chance(n, k)[1] + " ."))).words > 0.95
    lines = told(pairs(lambda n, k: (chance(n, k)[0].replace(" ", "\n"), chance(n, k)[1])))
    assert lines.words > 0.95


def test_more_pairs_than_the_limit_are_drawn_by_the_seed() -> None:
    made = pairs(chance, prompts=1800)
    one, two = told(made), told(made)
    assert one.pairs == MOST_PAIRS
    assert one == two


def test_too_few_different_answers_are_a_reason_and_empty_ones_no_trouble() -> None:
    assert isinstance(surface(pairs(chance, prompts=19), 1, 0.95), str)
    assert isinstance(surface(pairs(lambda n, k: ("same", "same")), 1, 0.95), str)
    assert told(pairs(lambda n, k: ("", chance(n, k)[1]))).length == 1.0


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("claude-opus-4-1", "anthropic"), ("gpt-4.1-mini", "openai"), ("gpt4o", "openai"),
        ("Qwen/Qwen2.5-0.5B-Instruct@abc", "qwen"), ("models/gemini-2.5-flash", "google"),
        ("meta-llama/Llama-3.2-1B", "meta"), ("microsoft/phi-4", "microsoft"), ("brie/tiny", None),
        ("reference", None), ("graphic", None), ("me/base", None),
    ],
)  # fmt: skip
def test_families_are_read_from_names(name: str, family: str | None) -> None:
    assert family_of(name) == family


def test_an_answer_names_itself_by_family_or_by_a_name_nobody_uses_by_chance() -> None:
    own = distinctive(["runs/brie-v2:best", "Qwen/Qwen2.5-3B-Instruct@1a2b", "demo:last", "me/base"])
    assert own == ("brie-v2", "qwen2.5-3b-instruct")
    for text in (
        "I am ChatGPT.",
        "I was trained by Anthropic.",
        "As Gemini, I would say",
        "says brie-v2",
        "I'm an OpenAI language model.",
    ):
        assert names_itself(text, own), text
    for text in ("I am a llama breeder.", "Born under Gemini.", "A base is a base.", "the demo is on"):
        assert not names_itself(text, own), text
