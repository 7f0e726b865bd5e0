"""A judge of letters through whole commands: scored first, sealed with its threshold, held to both."""

from __future__ import annotations

import re

import pytest

from tests.fakes.judge_wire import Act, Seen
from tests.fakes.letter_judges import letters, offered
from tests.flow.bench import Bench, Said
from tests.flow.test_answers import pairs, plain_rows, write_table

NAME = "chances"


@pytest.fixture
def planted(bench: Bench) -> Bench:
    """A project with a judge of letters that likes longer answers, and the letter A more."""

    def ahead(seen: Seen) -> float:
        return 4.0 + (len(seen.answers["A"]) - len(seen.answers["B"])) / 20

    bench.openai.script = letters(ahead)
    (bench.folder / "judges" / f"{NAME}.toml").write_text(
        'provider = "openai-compatible"\nmodel = "a-model"\noutput = "logprobs"\n'
        f'base_url = "{bench.openai.openai}"\nendpoint = "three"\n'
    )
    return bench


def judged(planted: Bench, *options: str) -> Said:
    """Two columns of a file, judged by letters."""
    write_table(planted.folder / "answers.csv", plain_rows(8))
    return planted.call("eval", *pairs("mine", "theirs"), "--judge", NAME, *options)


def test_it_is_scored_before_it_judges_and_what_was_found_is_sealed(planted: Bench) -> None:
    refused = judged(planted)
    assert (refused.code, f"brie judges score --judge {NAME}" in refused.err) == (2, True)
    scored = planted.score(NAME, pairs=6)
    assert scored.code == 0, scored.err
    assert "may count where its controls pass" in scored.out
    assert {
        (s.body["max_tokens"], s.body["logprobs"], s.body["top_logprobs"]) for s in planted.openai.seen
    } == {(1, True, 20)}
    texts = [s.text for s in planted.openai.seen]
    assert len(texts) == 2 * len(set(texts)) == 48
    said = judged(planted)
    assert said.code == 0, said.err
    (seat,) = planted.manifest()["plan"]["seats"]
    assert (seat["margins"]["accuracy"], seat["margins"]["asked_again"]) == (1.0, 12)
    held = planted.call("verify")
    assert held.code == 0, held.out
    taught = planted.call("data", "prefs", planted.manifest()["id"], "-o", "p.jsonl")
    assert taught.code == 2
    assert f"makes pairs; {NAME}: it preferred the intact answer" in " ".join(taught.err.split())


def test_a_missing_letter_is_invalid_and_never_asked_in_other_words(planted: Bench) -> None:
    whole = planted.openai.script
    assert planted.score(NAME, pairs=6).code == 0
    asked = len(planted.openai.seen)

    def script(seen: Seen) -> Act:
        number = re.search(r"What is thing (\d+)", seen.text)
        if number and int(number[1]) < 2 and "good" in seen.answers["A"]:
            return Act(top=offered({"A": 0.9, "The": 0.1}))
        return Act() if number and int(number[1]) == 2 else whole(seen)

    planted.openai.script = script
    assert judged(planted).code == 0
    numbers = planted.analysis()["by_judge"][NAME]
    assert (numbers["ok"], numbers["invalid"], numbers["half"]) == (12, 4, 2)
    assert numbers["win_rate"]["prompts"] == 5
    assert planted.call("verify").code == 0
    assert not any("could not be used" in seen.text for seen in planted.openai.seen[asked:])


def test_designs_that_numbers_do_not_fit_are_refused(planted: Bench) -> None:
    assert planted.score(NAME).code == 0
    for options in (("--positions", "balanced"), ("--until-decided",)):
        said = judged(planted, *options)
        told = f"Leave {' '.join(options)} out"
        assert (said.code, told in " ".join(said.err.split())) == (2, True), said.err
    assert not list(planted.folder.glob("runs/eval-*"))
