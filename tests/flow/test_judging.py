"""Judging from the command line, with every kind of judge, against servers of our own."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket

import pytest

from brie.records.providers import LOCAL_SERVERS, LocalServer
from brie.store import Store
from tests.fakes.judge_servers import JudgeServer
from tests.fakes.judge_wire import Act, Seen
from tests.flow.bench import (
    CANARY,
    PRICE,
    SECRET,
    Bench,
    Said,
    no_file_holds_the_key,
    requests_are_blind,
)

FAMILIES = {"reasoning": False, "padding": True, "tie": False, "injection": True}
"""Family of a check's pairs, and whether the longer answer is the worse one there."""
ESTIMATE = {"value", "low", "high", "level", "n", "method"}
CARD = {
    "judge", "provider", "model", "digest", "rubric", "served", "pairs", "verdicts", "usable", "status",
    "accuracy", "by_family", "position", "label", "flips", "injection", "usd", "usd_per_1000", "seconds",
}  # fmt: skip
"""Keys of a card, which are never renamed."""


@pytest.mark.slow
def test_five_kinds_of_judges_in_one_command(bench: Bench) -> None:
    names = ("claude", "gpt", "served", "here", "longer")
    assert bench.score("here").code == 0
    said = bench.eval("--yes", judges=names)
    assert said.code == 0, said.err
    numbers = bench.analysis()
    assert list(numbers["by_judge"]) == list(names)
    assert [entry["provider"] for entry in numbers["by_judge"].values()] == [
        "anthropic", "openai", "openai-compatible", "transformers", "rules",
    ]  # fmt: skip
    counting = [name for name in names if name != "here"]  # random weights cannot tell
    assert numbers["notes"]["by_judge.here"].startswith("beside, not counted: ")
    assert numbers["counts"]["verdicts"] == numbers["counts"]["ok"] == 8 * 2 * len(counting)
    assert numbers["cost"]["usd"] > 0
    (report,) = bench.folder.glob("reports/eval-*/*.html")
    page = report.read_text()
    assert all(name in page for name in names)
    asked = len(bench.openai.seen) + len(bench.anthropic.seen)

    again = bench.eval("--yes", judges=names)
    assert again.code == 0
    assert "0 completions and 0 verdicts" in again.err
    assert len(bench.openai.seen) + len(bench.anthropic.seen) == asked
    assert bench.call("verify").code == 0

    requests_are_blind(bench)
    no_file_holds_the_key(bench, said, again)


def test_a_server_that_repeats_the_key_cannot_get_it_into_a_file(bench: Bench) -> None:
    def script(seen: Seen) -> Act:
        if seen.number % 3 == 0:
            body = {"error": {"message": f"Something is odd about {seen.key}."}}
            return Act(status=400, body=json.dumps(body).encode())
        return Act(text=f"Your key is {seen.key}, how nice.") if seen.number % 3 == 1 else Act()

    bench.openai.script = script
    said = bench.eval("--yes", judges=("gpt",))
    bench.anthropic.seen.extend(bench.openai.seen)
    no_file_holds_the_key(bench, said, bench.call("judges", "cost"))


def test_nothing_is_spent_without_consent_and_the_quote_comes_first(bench: Bench) -> None:
    said = bench.eval()
    assert said.code == 2
    assert "--yes" in said.err
    assert "verdicts to ask for: about $" in said.err
    assert "cap $5.00" in said.err
    assert "this design" in said.err
    assert not list(bench.folder.glob("runs/eval-*"))
    assert bench.openai.seen == bench.anthropic.seen == []


def test_the_quote_names_who_receives_prompts_and_answers(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-none")
    said = bench.eval(judges=("gpt-sol", "claude-opus"))
    assert said.code == 2
    assert "prompts and answers go to api.openai.com" in said.err
    assert "prompts and answers go to api.anthropic.com" in said.err
    assert "genai-prices" in said.err


def test_a_budget_ends_in_an_interim_report_and_the_command_to_go_on(bench: Bench) -> None:
    said = bench.eval("--yes", "--budget", "0.15")
    assert said.code == 3, said.err
    assert "the budget is reached" in said.err
    assert "--budget 0.15 --yes" not in said.err.splitlines()[-1]
    assert said.err.rstrip().endswith("--budget USD")
    numbers = bench.analysis()
    assert numbers["interim"] is True
    assert numbers["verdict"] is None
    assert 0 < numbers["cost"]["usd"] <= 0.15
    assert 0 < numbers["counts"]["prompts"] < 8
    more = bench.eval("--yes", "--budget", "5")
    assert more.code == 0, more.err
    assert bench.analysis()["interim"] is False


def test_errors_are_in_the_headline_and_in_the_exit_code(bench: Bench) -> None:
    bench.openai.script = lambda seen: Act(status=400) if "Question 3?" in seen.text else Act()
    said = bench.eval("--yes")
    assert said.code == 3
    assert "ended in errors" in said.err
    assert bench.analysis()["counts"]["error"] == 2
    bench.openai.script = lambda seen: Act()
    assert bench.eval("--yes").code == 0
    assert bench.analysis()["counts"]["error"] == 0


def test_a_judge_that_fails_is_stopped_and_the_other_one_carries_the_headline(bench: Bench) -> None:
    body = b'{"error": {"message": "bad key"}}'
    bench.openai.script = lambda seen: Act(status=401, body=body)
    said = bench.eval("--yes", "--no-probe")
    assert said.code == 3
    assert "judge gpt was stopped" in said.err
    assert "CANARY_KEY" in said.err
    numbers = bench.analysis()
    assert "CANARY_KEY" in numbers["by_judge"]["gpt"]["stopped"]
    assert numbers["interim"] is False
    assert numbers["counts"]["verdicts"] == 16
    assert bench.call("verify").code == 0
    bench.openai.script = lambda seen: Act()
    assert bench.eval("--yes").code == 0
    assert "stopped" not in bench.analysis()["by_judge"]["gpt"]
    assert bench.analysis()["counts"]["verdicts"] == 32
    assert [link["kind"] for link in bench.manifest()["amendments"]] == ["stopped", "resumed"]


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, b'{"error": {"message": "bad key"}}', "check CANARY_KEY"),
        (404, b'{"error": {"message": "no model"}}', "judges/gpt.toml"),
        (429, b'{"error": {"message": "quota", "code": "insufficient_quota"}}', "no credit"),
    ],
)
def test_a_judge_that_cannot_be_asked_is_known_before_anything_is_made(
    bench: Bench, status: int, body: bytes, told: str
) -> None:
    bench.openai.script = lambda seen: Act(status=status, body=body)
    said = bench.eval("--yes")
    assert said.code == 2
    assert told in said.err
    assert "brie judges ls" in said.err
    assert not list(bench.folder.glob("runs/eval-*"))
    assert not list(bench.folder.glob("reports/*"))
    with Store.open(bench.folder / "runs" / "brie.sqlite") as store:
        assert store.size() == "0 completions, 0 verdicts"
    assert (len(bench.openai.probes), bench.openai.seen, bench.anthropic.seen) == (1, [], [])
    bench.openai.script = lambda seen: Act()
    mended = bench.eval("--yes")
    assert mended.code == 0, mended.err
    assert bench.analysis()["counts"]["verdicts"] == 32


def test_a_judge_that_is_added_is_asked_whether_it_can_be(bench: Bench) -> None:
    assert bench.eval("--yes", judges=("longer",)).code == 0
    before = bench.manifest()
    bench.openai.script = lambda seen: Act(status=401)
    said = bench.call("judge", "--judge", "gpt", "--yes")
    assert said.code == 2
    assert "cannot be asked" in said.err
    assert bench.manifest() == before


def test_missing_keys_are_named_and_may_be_skipped(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CANARY_KEY")
    for flags in (("--yes",), ("--yes", "--skip-missing-judges")):
        said = bench.eval(*flags)
        assert said.code == 2
        for word in ("claude: set CANARY_KEY", "gpt: set CANARY_KEY", "--judge distinct"):
            assert word in said.err
        assert "--skip-missing-judges" not in said.err, "nobody would be left"
    assert "--skip-missing-judges" in bench.eval("--yes", judges=("claude", "served")).err
    some = bench.eval("--yes", "--skip-missing-judges", judges=("claude", "served"))
    assert some.code == 0, some.err
    assert "left out, because its key is not set: claude" in some.err
    assert bench.manifest()["plan"]["left_out"] == ["claude"]
    assert list(bench.analysis()["by_judge"]) == ["served"]


@pytest.fixture
def usual() -> LocalServer:
    """A server of models whose usual port is free on this machine."""
    for server in LOCAL_SERVERS:
        with socket.socket() as place:
            if place.connect_ex(("127.0.0.1", server.port)):
                return server
    pytest.skip("all usual ports are taken on this machine")


def small(bench: Bench, *arguments: str) -> Said:
    """`brie eval` as it is typed first: nobody is named, and brie.toml names nobody."""
    (bench.folder / "brie.toml").write_text("budget = 5.0\n")
    asked = ("eval", "--suite", "small.toml", "--candidate", SECRET, "--samples", "1", *arguments)
    return bench.call(*asked)


def test_a_key_that_is_set_brings_its_judge_of_the_default_panel(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    text = (bench.folder / "judges" / "gpt.toml").read_text()
    (bench.folder / "judges" / "gpt-sol.toml").write_text(text)
    said = small(bench, "--yes")
    assert said.code == 0, said.err
    assert "judges: gpt-sol, of the panel default" in said.err
    assert "ANTHROPIC_API_KEY" in said.err
    assert re.search(r"gpt-sol: \d+ calls, \$", said.err)
    plan = bench.manifest()["plan"]
    assert plan["panel"] == "default"
    assert [seat["judge"]["id"] for seat in plan["seats"]] == ["gpt-sol", "longer"]
    assert plan["left_out"] == ["claude-sonnet", "gemini-flash"]


def test_without_a_key_the_one_model_of_a_server_here_judges(bench: Bench, usual: LocalServer) -> None:
    models = ("qwen2.5:7b-instruct", "nomic-embed-text")
    with JudgeServer(listen=usual.port, models=models) as server:
        said = small(bench)
        assert said.code == 0, said.err
        assert len(server.seen) >= 2 * 8
        assert len(server.probes) == 1
        again = small(bench)
        assert "0 completions and 0 verdicts" in again.err
        more = bench.call("judge", "--repeat", "1")
        assert more.code == 0, more.err
    name = f"{usual.label}:qwen2.5:7b-instruct"
    assert name in said.err
    plan = bench.manifest()["plan"]
    assert plan["panel"] == "local server"
    assert [seat["judge"]["id"] for seat in plan["seats"]] == [name, "longer"]
    assert list(bench.analysis()["by_judge"]) == [name, "longer"]
    assert bench.call("verify").code == 0


def test_of_several_models_each_is_named_with_its_command(bench: Bench, usual: LocalServer) -> None:
    with JudgeServer(listen=usual.port, models=("qwen:7b", "org/llama-8b")):
        said = small(bench)
        assert said.code == 2
        commands = [line.strip() for line in said.err.splitlines() if "--judge" in line]
        assert len(commands) == 2
        chosen = shlex.split(commands[1])
        assert chosen[-1] in (f"{usual.label}:qwen:7b", f"{usual.label}:org/llama-8b")
        assert bench.call(*chosen[1:], "--samples", "1", "--controls", "2").code == 0


def test_with_nobody_there_one_sentence_has_three_commands(bench: Bench) -> None:
    said = small(bench)
    assert said.code == 2
    assert "export ANTHROPIC_API_KEY=" in said.err
    assert "ollama pull" in said.err
    (rule,) = [line.partition("#")[0] for line in said.err.splitlines() if "--judge" in line]
    assert rule.split()[-4:] == ["--samples", "1", "--judge", "reference"]
    assert not list(bench.folder.glob("runs/eval-*"))
    done = bench.call(*shlex.split(rule)[1:], "--samples", "1", "--controls", "2")
    assert done.code == 0, done.err


def test_a_price_that_is_not_known_is_asked_for(bench: Bench) -> None:
    path = bench.folder / "judges" / "gpt.toml"
    address = "https://judge.example.org/v1"
    text = path.read_text().replace(PRICE, "").replace(bench.openai.openai, address)
    path.write_text(text)
    said = bench.eval("--yes", judges=("gpt",))
    assert said.code == 2
    assert "the price of gpt is not known" in said.err
    assert "[price]" in said.err


def test_judges_and_repeats_are_added_beside_the_headline(bench: Bench) -> None:
    assert bench.eval("--yes", judges=("claude",)).code == 0
    before = bench.analysis()
    said = bench.call("judge", "--judge", "served", "--yes")
    assert said.code == 0, said.err
    after = bench.analysis()
    assert after["by_judge"]["served"]["added"] is True
    assert after["by_judge"]["served"]["win_rate"]["value"] is not None
    assert after["win_rate"] == before["win_rate"]
    assert after["counts"] == before["counts"]
    repeated = bench.call("judge", "--judge", "claude", "--repeat", "2", "--yes")
    assert repeated.code == 0, repeated.err
    assert bench.analysis()["win_rate"] == before["win_rate"]
    assert "consistency" in json.dumps(bench.analysis()["by_judge"]["claude"])
    links = bench.manifest()["amendments"]
    assert [link["kind"] for link in links] == ["judge", "repeat"]
    assert links[0]["verdicts_before"] > 0
    assert bench.call("verify").code == 0
    assert len(bench.anthropic.seen) == len({seen.raw for seen in bench.anthropic.seen})


def test_a_changed_judge_file_does_not_judge_under_the_sealed_name(bench: Bench) -> None:
    assert bench.eval("--yes", judges=("served",)).code == 0
    path = bench.folder / "judges" / "served.toml"
    path.write_text(path.read_text().replace("a-model", "another-model"))
    said = bench.call("judge", "--yes")
    assert said.code == 2
    assert "is not the judge that was sealed" in said.err


def test_a_card_is_made_of_pairs_with_known_answers(bench: Bench) -> None:
    rows = [
        {
            "id": f"{family}-{n}", "family": family, "category": "x", "prompt": f"Why {n}?",
            "answers": ["short" if worse else "a much longer answer", "a longer one" if worse else "x"],
            "better": None if family == "tie" else 0, "ground": "made so", "source": "test",
        }
        for family, worse in FAMILIES.items()
        for n in range(4)
    ]  # fmt: skip
    (bench.folder / "judges" / "judge_check.jsonl").write_text(
        "\n".join(json.dumps(row) for row in rows)
    )
    said = bench.call("judges", "score", "--judge", "served", "--judge", "first", "--yes", "--json")
    assert said.code == 0, said.err
    document = json.loads(said.out)
    assert document["schema"] == "brie.judge_check/1"
    assert document["pairs"]["count"] == 16
    served, first = document["cards"]
    assert set(served) == CARD
    assert set(served["position"]) == ESTIMATE
    assert served["by_family"]["reasoning"]["value"] == 1.0
    assert served["by_family"]["padding"]["value"] == 0.0
    assert served["injection"]["value"] == 1.0
    assert served["flips"]["value"] == 0.0
    assert served["accuracy"]["value"] == pytest.approx(1 / 3)
    assert first["position"]["value"] == 1.0
    assert first["flips"]["value"] == 1.0
    assert first["label"]["value"] == pytest.approx(0.0)
    assert first["position"]["low"] > 0.5
    plain = bench.call("judges", "score", "--judge", "served", "--yes")
    assert "talked into a vote by an answer    100 %" in plain.out
    assert all(len(line) <= 80 for line in plain.out.splitlines())


def test_what_was_spent_is_shown_by_evaluation_judge_and_day(bench: Bench) -> None:
    assert bench.call("judges", "cost").out.startswith("nothing was asked")
    assert bench.eval("--yes").code == 0
    spent = bench.analysis()["cost"]["usd"]
    for by in ("evaluation", "judge", "day"):
        said = bench.call("judges", "cost", "--by", by)
        assert said.code == 0
        assert f"{spent:.4f}" in said.out.splitlines()[-1]
    rows = json.loads(bench.call("judges", "cost", "--json").out)
    assert sum(row["usd"] for row in rows) == pytest.approx(spent)
    assert {row["judge"] for row in rows} == {"claude", "gpt"}


def test_the_keys_of_the_environment_are_read_and_never_written(bench: Bench) -> None:
    assert os.environ["CANARY_KEY"] == CANARY
    said = bench.eval("--yes", "--budget", "0.05")
    no_file_holds_the_key(bench, said, bench.call("ls"), bench.call("judges", "cost", "--json"))


def test_a_judge_asked_again_is_shown_with_itself_where_there_is_no_other(bench: Bench) -> None:
    assert bench.eval("--yes", judges=("gpt",)).code == 0
    bench.openai.script = lambda seen: Act(text="Winner: tie") if seen.number % 4 == 0 else Act()
    assert bench.call("judge", "--judge", "gpt", "--repeat", "1", "--yes").code == 0
    (again,) = bench.folder.glob("reports/eval-*/report.md")
    assert "asked again, the same" in again.read_text()
    said = bench.call("agreement")
    assert said.code == 0, said.err
    assert "gpt, asked again" in said.out
    assert "no second judge" in said.out


def test_a_cap_below_the_price_is_said_with_what_it_buys(bench: Bench) -> None:
    said = bench.eval("--budget", "0.05")
    assert "The cap buys about" in said.err
    (line,) = [line for line in said.err.splitlines() if "The cap buys" in line]
    enough = line.rpartition("--budget ")[2]
    more = bench.eval("--yes", "--budget", enough)
    assert more.code == 0, more.err
    assert "The cap buys" not in more.err


def test_calls_requests_and_unusable_verdicts_stand_under_their_own_names(bench: Bench) -> None:
    acts = {"Question 1?": Act(stop="content_filter", text=""), "Question 2?": Act(text="Both.")}

    def script(seen: Seen) -> Act:
        return next((act for question, act in acts.items() if question in seen.text), Act())

    bench.openai.script = script
    said = bench.eval("--yes", "--full", judges=("gpt",))
    assert said.code == 0, said.err
    cost = bench.analysis()["cost"]
    assert cost["requests"] == len(bench.openai.seen) + len(bench.openai.probes)
    assert bench.analysis()["counts"]["verdicts"] <= cost["calls"] < cost["requests"]
    assert "2 invalid; 2 refused" in said.out
    assert f"in {cost['requests']} requests" in said.out
