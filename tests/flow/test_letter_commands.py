"""A judge of letters through whole commands: scored first, sealed with its threshold, held to both."""

from __future__ import annotations

import json
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
    assert "counts, so nothing says which of its answers are better" in " ".join(taught.err.split())


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


def test_its_anchors_are_outcomes_so_that_a_lean_hides_no_change(planted: Bench) -> None:
    assert planted.score(NAME, pairs=6).code == 0
    sealed = planted.call("judges", "drift", "seal", "--judge", NAME, "--yes", "--json")
    assert sealed.code == 0, sealed.err
    (row,) = json.loads(sealed.out)["judges"]
    assert (row["anchors"], row["flipped"], row["noise"]) == (24, 0, 0.0)
    same = planted.call("judges", "drift", "--yes")
    assert (same.code, "0 of 24 stored verdicts changed" in same.out) == (0, True), same.err

    planted.openai.script = letters(
        lambda seen: 4.0 + (len(seen.answers["B"]) - len(seen.answers["A"])) / 20
    )
    changed = planted.call("judges", "drift", "--yes")
    assert changed.code == 4, changed.err
    assert "24 of 24 stored verdicts changed (0 expected), 24 when asked again" in changed.out
    told = judged(planted).err
    assert f"brie judges score --judge {NAME}" in told


def test_no_pairs_are_made_of_what_a_judge_says_that_does_not_count(planted: Bench) -> None:
    assert planted.score(NAME, pairs=6).code == 0
    assert judged(planted, "--controls", "0").code == 0
    evaluation = planted.manifest()["id"]
    assert not planted.analysis()["by_judge"][NAME]["margins"]["counts"]
    said = planted.call("data", "prefs", evaluation, "-o", "prefs.jsonl")
    assert (said.code, f"no judge of {evaluation} counts" in said.err) == (2, True), said.err
    assert not (planted.folder / "prefs.jsonl").exists()
