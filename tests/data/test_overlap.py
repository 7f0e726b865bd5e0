"""Texts two files share: exactly, inside longer ones, or nearly; and what is not shared is not found."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brie.catalog import read_suite
from brie.data.near import CONTAINED, NEAR, Entry, normal, search
from brie.data.overlap import compare_files, overlaps, texts_to_find
from brie.errors import InputError
from brie.project import packaged
from brie.records import Message

BASE = "what does the old lighthouse keeper do when the fog rolls in from the cold sea at night"
FILLER = "then river stone window early paper morning quietly seven against green letter".split()  # noqa: SIM905


def test_equal_but_for_case_spacing_punctuation_and_unicode_form_is_exact() -> None:
    (match,) = overlaps({"a": "  Héllo,\nWORLD! "}, {"b": "he\u0301llo world"})
    assert (match.left, match.right, match.exact, match.similarity) == ("a", "b", True, 1.0)


def test_one_added_word_is_near_and_another_question_is_not() -> None:
    (match,) = overlaps({"a": BASE[:40] + " really", "b": BASE[::-1]}, {"x": BASE[:40], "y": "no"})
    assert (match.left, match.right, match.way) == ("a", "x", "near")
    assert NEAR <= match.similarity < 1


def test_a_question_inside_a_longer_text_is_contained_and_a_short_one_is_not_looked_for_there() -> None:
    inside = Entry("row", ["something else entirely"], [f"He asked: {BASE}? Nobody could say."])
    found = search({"long": [BASE], "short": ["from the cold sea"]}, [inside])
    assert list(found) == ["long"]
    assert found["long"].way == "contained"
    assert found["long"].similarity == 1.0


def test_scripts_without_spaces_are_compared_by_character() -> None:
    asked = "灯台守は霧が海から来る夜に何をしますか"
    longer = "昔の話です。岬に古い塔がありました。" + asked + "教えてください、先生。お願いします。"
    (match,) = overlaps({"a": asked}, {"b": longer})
    assert match.way == "contained"
    assert match.similarity >= CONTAINED


def test_short_texts_match_only_exactly() -> None:
    assert overlaps({"a": "why not"}, {"b": "why so"}) == ()
    assert [m.exact for m in overlaps({"a": "Why so?"}, {"b": "why so"})] == [True]


def test_short_texts_can_be_near() -> None:
    (match,) = overlaps({"a": "why is snow so"}, {"b": "Why is snow so white?"})
    assert match.way == "near"


def test_an_empty_side_and_an_empty_text_share_nothing() -> None:
    assert overlaps({}, {"a": "x"}) == overlaps({"a": "x"}, {}) == overlaps({"a": ""}, {"b": BASE}) == ()


def test_every_key_of_a_text_that_stands_twice_is_found() -> None:
    assert [m.left for m in overlaps({"a": BASE, "b": BASE.upper()}, {"x": BASE})] == ["a", "b"]


def test_a_short_follow_up_alone_is_not_looked_for() -> None:
    turns = [("user", BASE), ("assistant", "It depends."), ("user", "Make it shorter.")]
    messages = [Message.model_validate({"role": role, "content": text}) for role, text in turns]
    assert texts_to_find(messages) == [f"{BASE}\nMake it shorter.", BASE]


words = st.lists(st.sampled_from(BASE.split()), min_size=1, max_size=14).map(" ".join)


@settings(deadline=None, max_examples=40)
@given(st.lists(words, min_size=1, max_size=6), st.lists(words, min_size=1, max_size=6))
def test_what_is_reported_is_the_true_similarity(left: list[str], right: list[str]) -> None:
    for match in overlaps(dict(_numbered(left)), dict(_numbered(right))):
        a, b = left[int(match.left)], right[int(match.right)]
        assert match.exact == (a == b)
        if match.way == "near":
            assert match.similarity == pytest.approx(_jaccard(a, b))
        if match.way == "contained":
            assert match.similarity == pytest.approx(_share_inside(a, b))


def _numbered(texts: list[str]) -> list[tuple[str, str]]:
    return [(str(i), text) for i, text in enumerate(texts)]


def _jaccard(left: str, right: str) -> float:
    one, two = ({t[i : i + 5] for i in range(max(1, len(t) - 4))} for t in (left, right))
    return len(one & two) / len(one | two)


def _share_inside(left: str, right: str) -> float:
    one, two = ({tuple(t.split()[i : i + 5]) for i in range(len(t.split()) - 4)} for t in (left, right))
    return len(one & two) / len(one)


# --- planted leaks -----------------------------------------------------------------------


def punctuated(text: str, draw: random.Random) -> str:
    """Another case, other punctuation, other line breaks."""
    return "\n".join(f"{word.title()}," for word in text.split())


def misspelt(text: str, draw: random.Random) -> str:
    """One letter changed."""
    place = draw.randrange(len(text))
    return text[:place] + draw.choice("aeiou") + text[place + 1 :]


def one_word_in(share: int) -> Callable[[str, random.Random], str]:
    """Every so many words one is replaced, dropped, or gains a neighbour."""

    def edited(text: str, draw: random.Random) -> str:
        parts = text.split()
        for place in draw.sample(range(len(parts)), max(1, round(len(parts) / share))):
            word = draw.choice(FILLER)
            parts[place] = draw.choice([word, "", f"{parts[place]} {word}"])
        return " ".join(parts)

    return edited


def prompts_of(suite: str) -> dict[str, str]:
    """Prompts of eight words or more of a packaged suite."""
    read = read_suite(packaged("prompt_suites", f"{suite}.toml"))
    texts = {p.id: "\n".join(m.content for m in p.messages if m.role == "user") for p in read.prompts}
    return {name: text for name, text in texts.items() if len(normal(text).split()) >= 8}


@pytest.mark.parametrize(
    ("edit", "rate"),
    [
        (punctuated, 1.0),
        (misspelt, 1.0),
        (one_word_in(20), 0.99),
        (one_word_in(10), 0.99),
        (one_word_in(5), 0.95),
    ],
    ids=["punctuation", "one letter", "1 word in 20", "1 in 10", "1 in 5"],
)
def test_planted_leaks_are_found_at_five_edit_distances(
    edit: Callable[[str, random.Random], str], rate: float
) -> None:
    draw, wanted = random.Random(3), prompts_of("comprehensive")
    leaked = {f"row {name}": edit(text, draw) for name, text in wanted.items()}
    found = {m.left: m.right for m in overlaps(wanted, leaked | prompts_of("out_of_domain"))}
    hits = sum(found.get(name) == f"row {name}" for name in wanted)
    assert hits >= rate * len(wanted), f"{hits} of {len(wanted)} planted leaks were found"


def test_unrelated_prompts_are_not_found() -> None:
    others = prompts_of("out_of_domain") | prompts_of("demo")
    assert overlaps(prompts_of("comprehensive"), others) == ()


# --- files -------------------------------------------------------------------------------


def write_rows(path: Path, *prompts: str) -> Path:
    """A training file that asks these."""
    rows = [{"prompt": p, "completion": "Quite so."} for p in prompts]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_a_suite_is_looked_for_in_a_training_file(tmp_path: Path) -> None:
    suite = tmp_path / "own.toml"
    suite.write_text(
        f'[[prompt]]\nid = "fog"\nprompt = "{BASE}?"\n[[prompt]]\nid = "b"\nprompt = "Hm."\n'
    )
    said = compare_files(suite, write_rows(tmp_path / "train.jsonl", "Why?", f"  {BASE.upper()}"))
    assert (said.prompts, said.rows, said.exact, said.shared) == (2, 2, 1, 1)
    assert (said.examples[0].left, said.examples[0].right) == ("fog", "line 2")


def test_two_training_files_and_two_suites_are_compared_alike(tmp_path: Path) -> None:
    one = write_rows(tmp_path / "a.jsonl", BASE, "Something else?")
    two = write_rows(tmp_path / "b.jsonl", "Nothing.", BASE)
    assert compare_files(one, two).exact == 1
    lines = tmp_path / "suite.jsonl"
    lines.write_text(json.dumps({"id": "x", "prompt": BASE}) + "\n")
    assert compare_files(lines, one).examples[0].left == "x"
    assert compare_files(one, lines).examples[0].right == "x"


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    other = tmp_path / "notes.jsonl"
    other.write_text("these are notes\n")
    with pytest.raises(InputError, match=r"notes\.jsonl:1"):
        compare_files(other, other)
