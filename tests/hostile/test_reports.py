"""A report and its text for a pull request ping nobody and lead nowhere, whatever they quote."""

from __future__ import annotations

from tests.fakes.openai_server import Body, Reply, answer
from tests.hostile.github import PIECES, is_dead
from tests.hostile.world import World, verdict


def test_a_report_and_its_pull_request_text_are_dead(world: World) -> None:
    hostile = " ".join(piece for piece in PIECES if piece.isprintable() and "`" not in piece)
    world.judge("gpt", model="judge@octocat")

    def answering(body: Body) -> Reply:
        message = {"role": "assistant", "content": hostile}
        return answer(
            body, choices=[{"index": 0, "finish_reason": "stop", "message": message}],
            system_fingerprint="@octocat #1 http://evil.example a0b1c2d3e4",
        )  # fmt: skip

    world.answering = answering
    world.judging = lambda body: verdict(body, hostile, model="@octocat/judge#2")
    suite = world.folder / "small.toml"
    told = suite.read_text("utf-8").replace(
        "Question 0?", "Ask @octocat about #1, org/repo#2 and www.evil.example"
    )
    suite.write_text(told.replace('id = "p1"', 'id = "@octocat"\ncategory = "GH-4 a0b1c2d3"'), "utf-8")
    assert world.eval("--yes").code == 0
    name = world.evaluation().name
    is_dead((world.folder / "reports" / name / "report.md").read_text("utf-8"))
    said = world.brie("report", name, "--pr")
    if said.code == 0:
        is_dead(said.out)
