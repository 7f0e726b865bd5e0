"""What goes wrong with judges, from the command line: named, counted, and never paid for twice."""

from __future__ import annotations

import json
import socket

import pytest

from brie.records.providers import LOCAL_SERVERS
from tests.fakes.judge_servers import JudgeServer
from tests.fakes.judge_wire import Act, Seen
from tests.flow.bench import PRICE, Bench, no_file_holds_the_key, requests_are_blind

FAULTS = {
    "Question 0?": Act(text="Both are good in their way."),
    "Question 1?": Act(changed={"winner": "C"}),
    "Question 2?": Act(text=""),
    "Question 3?": Act(stop="length"),
    "Question 4?": Act(stop="content_filter", text=""),
}


def _faulty(seen: Seen) -> Act:
    """Five prompts get no usable verdict in one of their orders, however often it is asked for."""
    found = [act for question, act in FAULTS.items() if question in seen.text]
    first, second = (seen.answers[letter] for letter in seen.letters)
    return found[0] if found and first > second else Act()


def test_verdicts_that_cannot_be_used_are_in_the_headline_and_are_no_ties_and_no_losses(
    bench: Bench,
) -> None:
    bench.openai.script = _faulty
    said = bench.eval("--yes", "--full")
    assert said.code == 0, said.err
    numbers = bench.analysis()
    counts = numbers["counts"]
    assert (counts["ok"], counts["invalid"], counts["refused"]) == (32 - 5, 4, 1)
    assert counts["half"] == 5
    assert "5 of 32 verdicts could not be used (4 invalid, 1 refused)" in " ".join(said.out.split())
    outcomes = numbers["by_judge"]["gpt"]["outcomes"]
    assert sum(outcomes.values()) == 16 - 5 - 5 + 5
    low, high = numbers["win_rate"]["bounds"]
    assert low < numbers["win_rate"]["value"] < high or low == high
    assert numbers["verdict_survives_missing"] is not None
    (page,) = bench.folder.glob("reports/*/*.html")
    assert "unusable" in page.read_text() or "invalid" in page.read_text()

    asked = len(bench.openai.seen)
    assert bench.eval("--yes").code == 0
    assert len(bench.openai.seen) == asked, "invalid and refused verdicts were asked for again"
    bench.openai.script = lambda seen: Act()
    again = bench.call("judge", "--retry", "--yes")
    assert again.code == 0, again.err
    assert len(bench.openai.seen) >= asked + 5
    assert bench.analysis()["counts"]["ok"] == 32
    assert [link["kind"] for link in bench.manifest()["amendments"]] == ["retry"]
    assert bench.call("verify").code == 0


def test_a_price_asks_nothing_again_and_one_word_of_a_rubric_asks_that_judge_again(
    bench: Bench,
) -> None:
    rubrics = bench.folder / "judges" / "rubrics"
    rubrics.mkdir()
    (rubrics / "mine.md").write_text("# Mine\n\n## Criteria\n\n- **Sense**: it makes sense.\n")
    gpt = bench.folder / "judges" / "gpt.toml"
    gpt.write_text('rubric = "mine"\n' + gpt.read_text())
    assert bench.eval("--yes").code == 0
    asked = len(bench.anthropic.seen), len(bench.openai.seen)
    seal = bench.manifest()["seal"]

    for name in ("gpt", "claude"):
        path = bench.folder / "judges" / f"{name}.toml"
        path.write_text(path.read_text().replace("input = 3.0", "input = 4.5"))
    said = bench.eval("--yes")
    assert said.code == 0, said.err
    assert (len(bench.anthropic.seen), len(bench.openai.seen)) == asked
    assert bench.manifest()["seal"] == seal

    (rubrics / "mine.md").write_text("# Mine\n\n## Criteria\n\n- **Sense**: it makes good sense.\n")
    said = bench.eval("--yes")
    assert said.code == 0, said.err
    assert (len(bench.anthropic.seen), len(bench.openai.seen)) == (asked[0], 2 * asked[1])
    assert len(list(bench.folder.glob("runs/eval-*"))) == 2


@pytest.mark.parametrize("command", [("judge", "--judge", "gpt"), ("judges", "score", "--judge", "gpt")])
def test_a_missing_key_names_only_ways_out_that_the_command_has(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    assert bench.eval(judges=("served",)).code == 0
    monkeypatch.delenv("CANARY_KEY")
    said = bench.call(*command)
    assert said.code == 2
    assert "gpt: set CANARY_KEY" in said.err
    assert "--judge longer" in said.err
    assert "--panel" not in said.err
    assert "--skip-missing-judges" not in said.err


def test_a_local_server_that_answers_is_pointed_out_where_a_key_is_missing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CANARY_KEY")
    server = next((s for s in LOCAL_SERVERS if is_free(s.port)), None)
    if server is None:
        pytest.skip("all usual ports are taken on this machine")
    told = f"{server.name} answers on this machine: --judge {server.label}:a-model"
    with JudgeServer(listen=server.port):
        said = bench.eval("--yes")
    assert said.code == 2
    assert told in said.err
    assert told not in bench.eval("--yes").err


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine."""
    with socket.socket() as place:
        return bool(place.connect_ex(("127.0.0.1", port)))


BROKEN: dict[str, tuple[str, str]] = {
    "a rubric that is not there": ('rubric = "nowhere"\n', "nowhere"),
    "a rubric with an unknown placeholder": ('rubric = "bad"\n', "{answer_a} is no placeholder"),
    "a key that is not set": ('api_key_env = "NO_SUCH_KEY"\n', "set NO_SUCH_KEY"),
    "a setting that is brie's": ("[parameters]\nstream = true\n", "stream is set by brie"),
    "an unknown setting": ("temprature = 1\n", "temprature"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_second_judge_needs_is_checked_before_the_first_one_is_paid(
    bench: Bench, name: str
) -> None:
    line, told = BROKEN[name]
    folder = bench.folder / "judges"
    (folder / "rubrics").mkdir()
    (folder / "rubrics" / "bad.md").write_text("Judge.\n\n## Case\n\n{answer_a}\n")
    text = (folder / "served.toml").read_text()
    (folder / "served.toml").write_text(text + line)
    said = bench.eval("--yes", judges=("claude", "served"))
    assert said.code == 2
    assert told in said.err
    assert "Traceback" not in said.err
    assert bench.anthropic.seen == bench.openai.seen == []
    assert not list(bench.folder.glob("runs/eval-*"))


def test_batches_are_blind_keep_the_key_and_cost_half(bench: Bench) -> None:
    for server in (bench.openai, bench.anthropic):
        server.batch_rounds = 0
        server.price = (3.0, 15.0)
    said = bench.eval("--yes", "--batch")
    assert said.code == 0, said.err
    assert bench.anthropic.seen == bench.openai.seen == []
    for server in (bench.openai, bench.anthropic):
        (batch,) = server.batches.submitted
        assert len(batch.items) > 16, "controls are judged too"
        server.seen.extend(
            Seen.of(batch.api, {}, json.dumps(body).encode(), n)
            for n, (_, body) in enumerate(batch.items)
        )
    requests_are_blind(bench)
    numbers = bench.analysis()
    assert numbers["counts"]["ok"] == 32
    billed = bench.openai.billed + bench.anthropic.billed
    assert numbers["cost"]["usd"] == pytest.approx(billed)
    # A plain request shows that the key was in use at all.
    assert bench.call("judge", "--judge", "claude", "--repeat", "1", "--yes").code == 0
    no_file_holds_the_key(bench, said, bench.call("judges", "cost"), bench.call("ls"))
    assert bench.call("verify").code == 0


def test_half_a_price_is_refused_with_the_file_to_change(bench: Bench) -> None:
    path = bench.folder / "judges" / "gpt.toml"
    path.write_text(path.read_text().replace(PRICE, "[price]\ninput = 1\n"))
    said = bench.eval("--yes")
    assert said.code == 2
    assert "judges/gpt.toml" in said.err
    assert bench.openai.seen == []
