"""A judge behind a server that changes its rule: alarm, refusal, new verdicts."""

from __future__ import annotations

import json

import pytest

from tests.fakes.judge_servers import prefer_longer
from tests.fakes.judge_wire import Seen
from tests.flow.bench import Bench, Said

CHANGED = "16 of 16 stored verdicts changed (0 expected)"


def prefer_shorter(seen: Seen) -> str:
    """Another rule under the same name."""
    return {"A": "B", "B": "A"}.get(prefer_longer(seen), "tie")


def evaluate(bench: Bench, seed: int, *more: str) -> tuple[str, Said]:
    """The evaluation with a seed, by its id, and what was said."""
    before = {path.name for path in bench.folder.glob("runs/eval-*")}
    said = bench.eval("--yes", "--seed", str(seed), *more, judges=("gpt",))
    assert said.code == 0, said.err
    (name,) = {path.name for path in bench.folder.glob("runs/eval-*")} - before
    return name, said


def report(bench: Bench, name: str) -> str:
    """The short report of an evaluation."""
    return (bench.folder / "reports" / name / "report.md").read_text().replace("\\", "")


def asked(bench: Bench) -> int:
    """Requests about the suite's pairs so far."""
    return len(bench.openai.seen)


@pytest.fixture
def sealed(bench: Bench) -> tuple[Bench, str]:
    """A project with one evaluation whose judge's anchors are sealed and were asked again once."""
    first, _ = evaluate(bench, 0)
    assert "brie judges drift seal EVALUATION" in bench.call("judges", "drift").err
    said = bench.call("judges", "drift", "seal", first, "--yes", "--json")
    assert said.code == 0, said.err
    (row,) = json.loads(said.out)["judges"]
    assert (row["anchors"], row["flipped"], row["repeats"], row["noise"]) == (16, 0, 80, 0.0)
    assert row["power"] < 0.5
    before = asked(bench)
    again = bench.call("judges", "drift", "seal", first, "--yes")
    assert "sealed already" in again.err
    assert asked(bench) == before
    said = bench.call("judges", "drift", "--yes")
    assert said.code == 0, said.err
    assert "0 of 16 stored verdicts changed (0 expected)" in said.out
    assert asked(bench) == before + 16
    return bench, first


@pytest.mark.slow
def test_a_judge_that_changes_is_found_refused_and_asked_anew(sealed: tuple[Bench, str]) -> None:
    bench, first = sealed
    (bench.folder / "brie.toml").write_text("budget = 5.0\ndrift_days = 0.000001\n")
    bench.openai.mind = prefer_shorter
    fresh, said = evaluate(bench, 1, "--drift", "off")
    assert "see whether it has changed" not in said.err

    assert bench.eval("--yes", "--seed", "0", judges=("gpt",)).code == 0  # nothing is missing of it
    before = asked(bench)
    after, said = evaluate(bench, 2)
    assert "32 of these ask gpt again what is sealed, to see whether it has changed: 16 now" in said.err
    assert f"gpt has changed: {CHANGED}, 16 when they were asked once more." in said.err
    assert asked(bench) == before + 32 + 22  # the anchors twice, then what the evaluation needs
    assert f"{fresh}: gpt gave verdicts to it after" in said.err
    assert f"{first}: gpt gave verdicts" not in said.err
    assert "`gpt` had changed by" in report(bench, after)
    assert CHANGED in report(bench, after)
    assert "nobody knows" in report(bench, fresh)
    assert bench.call("verify", first).code == bench.call("verify", fresh).code == 0

    for other in (after, fresh):
        mixed = bench.call("compare", first, other)
        assert mixed.code == 2
        assert "judge gpt has changed between the verdicts of" in mixed.err
        assert CHANGED in mixed.err
    more = bench.call("judge", first, "--repeat", "1", "--yes")
    assert more.code == 2
    assert "they would be another judge's" in more.err


def test_an_alarm_counts_once_it_is_confirmed_and_stands_until_the_judge_is_sealed_anew(
    sealed: tuple[Bench, str],
) -> None:
    bench, first = sealed
    start = asked(bench)
    bench.openai.mind = lambda seen: (
        prefer_shorter(seen) if asked(bench) - start <= 16 else prefer_longer(seen)
    )
    said = bench.call("judges", "drift", "--yes")
    assert said.code == 0, said.err
    assert "an alarm; its anchors are asked once more" in said.err
    assert "not confirmed" in said.out
    before = asked(bench)
    assert bench.eval("--yes", "--seed", "0", judges=("gpt",)).code == 0
    assert asked(bench) == before  # its stored verdicts are used

    bench.openai.mind = prefer_shorter
    for known in (False, True):
        before = asked(bench)
        said = bench.call("judges", "drift", "--yes", "--judge", "gpt", "--json")
        assert said.code == 4
        assert asked(bench) == before + (0 if known else 32)
        assert json.loads(said.out)["judges"][0]["outcome"] == "changed"
        assert "gpt has changed." in said.err
    old = bench.call("judges", "drift", "seal", first, "--yes")
    assert old.code == 2
    assert "brie judges drift seal --judge gpt" in old.err
    before = asked(bench)
    after, _ = evaluate(bench, 0)  # the same question as the first
    assert asked(bench) == before + 22  # no verdict from before is used
    assert bench.call("judges", "drift", "seal", after, "--yes").code == 0
    assert bench.call("judges", "drift", "--yes").code == 0

    (path,) = (p for p in bench.folder.glob("runs/drift-gpt-*/anchors.json") if after in p.read_text())
    path.write_text(path.read_text().replace('"changed": 0', '"changed": 9', 1))
    said = bench.eval("--yes", "--seed", "5", judges=("gpt",))
    assert said.code == 2
    assert "was changed after it was sealed" in said.err


def test_rules_need_no_anchors(bench: Bench) -> None:
    said = bench.call("judges", "drift", "seal", "--judge", "longer")
    assert said.code == 2
    assert "it is a rule" in said.err
