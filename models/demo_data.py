"""The demo's two data files, from the corpus: what the fine-tune learns and what it is asked.

    data/demo.jsonl            pairs the suite does not ask, three vivid answers each
    prompt_suites/demo.toml    the held-out pairs, each with a reference of its own

and the text the tiny base itself is trained on (`pretraining`).
"""

from __future__ import annotations

import json
from itertools import product
from random import Random

from models.tiny_corpus import ASPECTS, QUICK_ASPECTS, QUICK_CATEGORY, Corpus, HeldOut, Subject
from models.tiny_grammar import flat_answer, quick_answer, vivid_answer

Chat = list[dict[str, str]]
Text = str | Chat
"""What the base reads: a plain note, or a chat."""
ANSWERS = 3
"""Answers to each prompt of the training file."""
AUTHOR_FAMILY = "claude"
"""The model family that helped to write `corpus/`: a judge of the same family is not neutral."""
SHARES = (0.40, 0.38, 0.10, 0.12)
"""Of the base's texts: notes, flat chats, vivid chats, questions of fact."""
SEED = 20
_VOICE_STEP = 3
"""Voices take turns in steps of three of ten, so that neighbouring rows do not sound alike."""

_SUITE_HEAD = """\
# The demo suite. Written by models/build_tiny.py from models/corpus/: edit there, not here.
#
# Held out from data/demo.jsonl by subject and question together: no pair of the two, no wording
# and no source is shared. References were written one by one. The category "quick" asks for one
# line; the training file never does.

name = "demo"
version = "1"
description = "Small questions about everyday things, for the tiny model"
license = "CC-BY-4.0"
rubric = "general"

[sampling]
temperature = 0.75
top_p = 1.0
max_new_tokens = 96
"""


def demo_jsonl(corpus: Corpus) -> str:
    """The training file: one conversation a line, rows of one prompt together."""
    rng = Random(SEED)  # noqa: S311 - a reproducible draw, not a secret
    rows: list[dict[str, object]] = []
    said: set[str] = set()
    for number, (subject, aspect) in enumerate(_training_pairs(corpus)):
        voice = corpus.notes[number * _VOICE_STEP % len(corpus.notes)]
        question = voice.ask(subject, aspect)
        for answer in _new_answers(subject, aspect, said, rng):
            messages = _chat(question, answer)
            row = {"messages": messages, "category": subject.category, "source": voice.name}
            rows.append({**row, "author_family": AUTHOR_FAMILY})
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def suite_toml(corpus: Corpus) -> str:
    """The suite file, prompts in the order of `corpus/suite.toml`."""
    return "\n".join([_SUITE_HEAD, *(_prompt_table(entry) for entry in corpus.suite)])


def pretraining(corpus: Corpus, size: int, rng: Random) -> list[Text]:
    """Texts for the base: plain vivid notes (strings) and chats that are mostly flat.

    The base reads vivid sentences as notes and in one chat of five, so it knows them and seldom
    answers with them: a fine-tune has something to bring out.
    """
    texts: list[Text] = []
    while len(texts) < size:
        subject = rng.choice(corpus.subjects)
        text = rng.choices((_note, _flat_chat, _vivid_chat, _quick_chat), SHARES)[0](
            corpus, subject, rng
        )
        if isinstance(text, str) or text[0]["content"] not in corpus.heldout_questions:
            texts.append(text)
    return texts


def _note(corpus: Corpus, subject: Subject, rng: Random) -> Text:
    return vivid_answer(subject, rng.choice(ASPECTS), rng)


def _flat_chat(corpus: Corpus, subject: Subject, rng: Random) -> Text:
    question, aspect = _any_question(corpus, subject, rng)
    return _chat(question, flat_answer(subject, aspect, rng))


def _vivid_chat(corpus: Corpus, subject: Subject, rng: Random) -> Text:
    question, aspect = _any_question(corpus, subject, rng)
    return _chat(question, vivid_answer(subject, aspect, rng))


def _quick_chat(corpus: Corpus, subject: Subject, rng: Random) -> Text:
    aspect = rng.choice(QUICK_ASPECTS)
    return _chat(rng.choice(corpus.quick).ask(subject, aspect), quick_answer(subject, aspect, rng))


def _any_question(corpus: Corpus, subject: Subject, rng: Random) -> tuple[str, str]:
    aspect = rng.choice(ASPECTS)
    return rng.choice(corpus.notes + corpus.heldout).ask(subject, aspect), aspect


def _training_pairs(corpus: Corpus) -> list[tuple[Subject, str]]:
    pairs = product(corpus.subjects, ASPECTS)
    return [(subject, aspect) for subject, aspect in pairs if not corpus.holds_out(subject, aspect)]


def _new_answers(subject: Subject, aspect: str, said: set[str], rng: Random) -> list[str]:
    """Answers that no earlier row gives; `said` remembers them."""
    answers: list[str] = []
    while len(answers) < ANSWERS:
        answer = vivid_answer(subject, aspect, rng)
        if answer not in said:
            answers.append(answer)
            said.add(answer)
    return answers


def _chat(question: str, answer: str) -> Chat:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def _prompt_table(entry: HeldOut) -> str:
    quick = entry.aspect in QUICK_ASPECTS
    values = {
        "id": f"{entry.subject.name}-{entry.aspect}",
        "category": QUICK_CATEGORY if quick else entry.subject.category,
        "source": entry.voice.name,
        "prompt": entry.question,
        "reference": entry.reference,
    }
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
    return "\n".join(["[[prompt]]", *lines, ""])
