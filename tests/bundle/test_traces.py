"""An evaluation as sessions: the public form, blind, and every verdict told in the letters shown."""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from brie.bundle import unbundle, write_traces
from brie.bundle.traces import EXCHANGED
from brie.cli import cli
from brie.errors import UsageError
from brie.evaluation.folders import find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.views import comparison_views
from brie.project import Project
from brie.records.analysis import ComparisonView, JudgedView
from brie.store import Store
from tests.web.sample import SECRETS
from tests.web.test_ballot import GOOD_END


class Message(BaseModel):
    """A message as the Hub's page on the format has it."""

    model_config = ConfigDict(extra="forbid")
    role: str = Field(pattern="^(user|assistant|system|tool)$")
    content: str
    reasoningContent: str = ""
    model: str = ""


class Head(BaseModel):
    """A session's line; more keys are allowed."""

    type: str = Field(pattern="^session$")
    harness: str = Field(min_length=1)
    id: str = Field(min_length=1)
    name: str


class Envelope(BaseModel):
    """Every other line."""

    model_config = ConfigDict(extra="forbid")
    type: str = Field(pattern="^message$")
    message: Message


Session = tuple[Head, list[Message]]


def traced(project: Project, out: Path) -> Path:
    write_traces(find_evaluation(None, project), project, out)
    return out


def sessions(file: Path) -> dict[str, Session]:
    """Every session of a file by its name, read by the format's rules alone."""
    found = {}
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            first, *rest = archive.read(name).decode().splitlines()
            messages = [Envelope.model_validate_json(line).message for line in rest]
            found[name] = (Head.model_validate_json(first), messages)
    return found


@pytest.fixture(scope="session")
def traces(made: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return traced(made, tmp_path_factory.mktemp("traces") / "t.zip")


@pytest.fixture(scope="session")
def views(made: Project) -> dict[str, ComparisonView]:
    return views_of(made)


def views_of(project: Project) -> dict[str, ComparisonView]:
    """The comparisons, unblinded, by what their sessions are called."""
    with Store.open(project.store, read_only=True) as store:
        every = comparison_views(gather(find_evaluation(None, project).manifest, store))
    return {f"{view.prompt_id}, sample {view.sample + 1}": view for view in every}


def letters(messages: list[Message]) -> tuple[str, str]:
    """The letter of the candidate, which a test can tell by its text, and the one shown first."""
    answers = [m for m in messages if m.model.startswith("answer ")]
    (good,) = (m for m in answers if GOOD_END in m.content)
    return good.model[-1], answers[0].model[-1]


def as_told(view: ComparisonView, candidate: str) -> list[JudgedView]:
    """Verdicts in the order of a session: judge by judge, that with answer A first before the other."""
    judges = [verdict.judge for verdict in view.verdicts]
    return sorted(
        view.verdicts,
        key=lambda v: (judges.index(v.judge), (v.order == "candidate_first") != (candidate == "A")),
    )


def test_every_comparison_is_a_session_of_the_public_form(
    traces: Path, views: dict[str, ComparisonView]
) -> None:
    found = sessions(traces)
    assert {head.name for head, _ in found.values()} == set(views)
    assert len({head.id for head, _ in found.values()}) == len(views) == 24
    for head, messages in found.values():
        view = views[head.name]
        assert (head.type, head.harness) == ("session", "brie")
        turns = [(message.role, message.content) for message in messages[: len(view.messages)]]
        assert turns == [(turn.role, turn.content) for turn in view.messages]
        said = messages[len(view.messages) :]
        assert {m.content.partition("\n\n")[2] for m in said[:2]} == {
            view.candidate_text, view.baseline_text,
        }  # fmt: skip
        assert Counter(m.model for m in said[2:]) == Counter(v.judge for v in view.verdicts)


def test_verdicts_are_told_in_the_letters_that_are_shown(
    traces: Path, views: dict[str, ComparisonView]
) -> None:
    for head, messages in sessions(traces).values():
        view = views[head.name]
        candidate, _ = letters(messages)
        heard = [message for message in messages if message.model in {v.judge for v in view.verdicts}]
        for message, verdict in zip(heard, as_told(view, candidate), strict=True):
            better = re.match(r"Answer ([AB]) is better\.", message.content)
            if verdict.winner in ("candidate", "baseline"):
                assert better is not None
                assert (better[1] == candidate) == (verdict.winner == "candidate")
                first = re.search(r"Shown first: answer ([AB])\.", message.content)
                assert first is not None
                assert (first[1] == candidate) == (verdict.order == "candidate_first")
                assert message.reasoningContent == verdict.reason, "no letter is in these"
            else:
                assert better is None
                unusable = "cannot be used (invalid)" in message.content
                assert unusable == (verdict.winner is None)


def test_a_reason_with_other_letters_says_so(sender: Project, tmp_path: Path) -> None:
    with Store.open(sender.store) as store:
        store._db.execute(
            "UPDATE verdicts SET body = replace(body, 'It answers the question.', 'A is nicer than B.')"
        )
    views, told = views_of(sender), Counter[tuple[bool, bool]]()
    for head, messages in sessions(traced(sender, tmp_path / "t.zip")).values():
        candidate, _ = letters(messages)
        heard = messages[-len(views[head.name].verdicts) :]
        for message, verdict in zip(heard, as_told(views[head.name], candidate), strict=True):
            if verdict.winner is not None and verdict.reason.startswith("A is nicer"):
                exchanged = verdict.candidate_letter != candidate
                said = f"{EXCHANGED}\n\n{verdict.reason}" if exchanged else verdict.reason
                assert message.reasoningContent == said
                told[exchanged, verdict.order == "candidate_first"] += 1
    assert len(told) == 4


def test_no_file_tells_which_side_is_which(made: Project, traces: Path) -> None:
    manifest = find_evaluation(None, made).manifest
    pins = (manifest.plan.candidate, manifest.plan.baseline)
    digests = {part[7:19] for pin in pins for part in (pin.digest, pin.config, *pin.files.values())}
    secrets = {*SECRETS, *manifest.names.values(), *manifest.locations.values(), *digests, manifest.seal}
    with zipfile.ZipFile(traces) as archive:
        texts = [archive.read(name).decode() + name for name in archive.namelist()]
    assert not [secret for secret in secrets for text in texts if secret in text]
    cells = Counter(letters(messages) for _, messages in sessions(traces).values())
    assert len(cells) == 4, "neither the letter nor the place tells the side"
    assert max(cells.values()) <= 14


def test_the_place_of_a_verdict_tells_no_side(traces: Path) -> None:
    begins, sides = Counter[str](), Counter[bool]()
    for _, messages in sessions(traces).values():
        candidate, _ = letters(messages)
        for judge in {m.model for m in messages if "Shown first" in m.content}:
            told = [m.content for m in messages if m.model == judge and "Shown first" in m.content]
            shown = [text.partition("Shown first: answer ")[2][0] for text in told]
            if len(shown) == 2:
                begins["".join(shown)] += 1
                sides[shown[0] == candidate] += 1
    assert set(begins) == {"AB"}, "always the same letter"
    assert min(sides[True], sides[False]) > 3, "which is now one side, now the other"


def test_the_same_evaluation_gives_the_same_sessions_on_another_machine(
    made: Project, file: Path, traces: Path, empty: Project, tmp_path: Path
) -> None:
    assert traced(made, tmp_path / "again.zip").read_bytes() == traces.read_bytes()
    unbundle(file, empty)
    assert sessions(traced(empty, tmp_path / "there.zip")) == sessions(traces)


def test_a_key_or_a_folder_of_this_machine_is_refused(
    sender: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-secret-0123456789")
    for planted, words in (("sk-secret-0123456789", "a key of this"), (str(sender.root), "a folder")):
        with Store.open(sender.store) as store:
            store._db.execute(
                "UPDATE completions SET body = json_set(body, '$.text', ?) WHERE sample = 0", (planted,)
            )
        with pytest.raises(UsageError, match=words):
            traced(sender, tmp_path / "t.zip")
        assert list(tmp_path.glob("*.zip")) == []


def test_the_command_says_what_it_wrote_and_refuses_what_has_no_comparisons(
    sender: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sender.root)
    name = find_evaluation(None, sender).manifest.id
    done = CliRunner().invoke(cli, ["bundle", name, "--traces"])
    assert done.exit_code == 0, done.output
    assert "24 sessions, one a comparison" in done.stdout
    assert len(sessions(sender.root / f"{name}-traces.zip")) == 24
    run = CliRunner().invoke(cli, ["bundle", "letters", "--traces"])
    assert "for one evaluation" in str(run.exception)
    with Store.open(sender.store) as store:
        store._db.execute("DELETE FROM completions")
    bare = CliRunner().invoke(cli, ["bundle", name, "--traces"])
    assert f"brie generate {name}" in str(bare.exception)


def test_extra_keys_of_a_session_name_its_prompt_alone(traces: Path) -> None:
    with zipfile.ZipFile(traces) as archive:
        first = archive.read(archive.namelist()[0]).decode().splitlines()[0]
    head = TypeAdapter(dict[str, JsonValue]).validate_python(json.loads(first))
    assert set(head) == {
        "type", "harness", "id", "name", "evaluation", "suite", "category", "source", "sample",
    }  # fmt: skip
