"""`brie check --judge`: a judge that tosses a coin decides nothing, whatever it happens to say."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from brie.cli import cli
from brie.errors import BrieError
from brie.fidelity.verdict import conclude
from brie.records.shipping import Figures, JudgedAnswers, Limits, ShippedVerdict
from tests.fakes.openai_server import Body, FakeServer, Reply, answer
from tests.fidelity import planted

JUDGE = """provider = "openai-compatible"
model = "coin"
output = "text"
base_url = "{url}"
endpoint = "mint"
"""


def _figures(identical: int) -> Figures:
    return Figures(
        engine="e", positions=10, max_logit_difference=1.0, kl=0.1, same_argmax=0.9,
        identical=identical, answers=10, same_ids=True,
    )  # fmt: skip


def _judged(met: bool | None) -> JudgedAnswers:
    return JudgedAnswers(
        evaluation="e",
        judges=("j",),
        win_rate=0.5,
        low=0.4,
        high=0.6,
        margin=0.05,
        met=met,
        sentence="s",
    )


@pytest.mark.parametrize(
    ("identical", "judged", "verdict"),
    [
        (10, None, "sound"),
        (9, None, "open"),
        (9, _judged(None), "open"),
        (9, _judged(True), "sound"),
        (9, _judged(False), "worse"),
    ],
)
def test_quantised_answers_that_differ_are_open_until_a_judge_that_counts_has_spoken(
    identical: int, judged: JudgedAnswers | None, verdict: ShippedVerdict
) -> None:
    limits = Limits(kl=0.3, same_argmax=0.8)
    assert conclude((), (_figures(identical),), limits, judged, same_model=True) == verdict


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_coin_as_judge_makes_a_check_say_neither_sound_nor_worse(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def toss(body: Body) -> Reply:
        mark = sha256(f"{seed}{json.dumps(body['messages'])}".encode()).digest()[0]
        text = f"I toss a coin.\nWinner: {'AB'[mark % 2]}"
        message = {"role": "assistant", "content": text}
        return answer(body, choices=[{"index": 0, "finish_reason": "stop", "message": message}])

    monkeypatch.chdir(tmp_path)
    (tmp_path / "brie.toml").write_text("", "utf-8")
    planted.build_adapter(tmp_path / "first")
    with FakeServer(models=("coin",)) as server:
        server.behave = toss
        (tmp_path / "judges").mkdir()
        (tmp_path / "judges" / "coin.toml").write_text(JUDGE.format(url=server.base_url), "utf-8")
        done = CliRunner().invoke(cli, ["check", "first", "--judge", "coin", "--yes", "--budget", "1"])
    assert isinstance(done.exception, BrieError), done.output
    assert done.exception.exit_code == 5, str(done.exception)
    assert "no judge that counts has said" in str(done.exception)
