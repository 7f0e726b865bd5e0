"""`brie suite from`: a suite of what people have, and what a file that is no suite gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from brie.catalog import load_suite
from brie.cli import cli
from brie.errors import InputError, UsageError
from brie.project import Project
from brie.records import Message, Prompt
from brie.studies.suite_from import NewSuite, SuiteRequest, suite_from
from tests.data.rows import row, write

CALL = {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f"}}]}
LONG = "Why does the old ferry leave the harbour only when the tide is turning?"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path.resolve())


def made(project: Project, file: Path, **more: Any) -> tuple[NewSuite, tuple[Prompt, ...]]:
    """The new suite, and its prompts as an evaluation reads them."""
    new = suite_from(SuiteRequest(file, **more), project)
    return new, load_suite(new.path.stem, project).prompts


def brie(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in arguments])


def test_answers_become_references_and_labels_stay(project: Project) -> None:
    talk = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello?"},
        {"role": "assistant", "content": "Good day."},
        {"role": "user", "content": "And now?"},
        {"role": "assistant", "content": "Bye.", "reasoning_content": "The end."},
    ]
    rows = [
        row("Why?", "So.", category="c", source="s"),
        {"messages": talk},
        row("Why?", "Another answer."),
        {"messages": [{"role": "user", "content": "Call."}, CALL]},
    ]  # fmt: skip
    new, prompts = made(project, write(project.root / "val.jsonl", rows))
    assert [(p.messages[-1].content, p.reference, p.category, p.source) for p in prompts] == [
        ("Why?", "So.", "c", "s"),
        ("And now?", "Bye.", "all", "unknown"),
    ]
    assert [m.role for m in prompts[1].messages] == ["system", "user", "assistant", "user"]
    assert (new.made.rows, new.made.repeated, new.made.unfit) == (4, 1, 1)


def test_ids_are_of_the_content_and_stay_when_rows_are_added_or_moved(project: Project) -> None:
    first = made(project, write(project.root / "a.jsonl", [row("One?"), row("Two?")]))[1]
    other = made(project, write(project.root / "b.jsonl", [row("Two?"), row("Three?"), row("One?")]))[1]
    assert {p.messages: p.id for p in first}.items() <= {p.messages: p.id for p in other}.items()
    listed = project.root / "c.txt"
    listed.write_text("Two?\n\nOne?\n")
    assert {p.id for p in made(project, listed)[1]} == {p.id for p in first}


@pytest.mark.parametrize(
    ("name", "content", "mapping"),
    [
        ("q.txt", "Who?\nWhy, then?\n", {}),
        ("q.json", json.dumps(["Who?", "Why, then?"]), {}),
        ("q.jsonl", '{"prompt": "Who?"}\n{"prompt": "Why, then?"}\n', {}),
        ("q.csv", 'question,topic\nWho?,a\n"Why, then?",b\n', {"prompt": "question"}),
        ("q.jsonl", "".join(json.dumps({"messages": [{"role": "user", "content": q}]}) + "\n"
                            for q in ("Who?", "Why, then?")), {}),
    ],
)  # fmt: skip
def test_questions_without_answers_are_prompts_without_references(
    project: Project, name: str, content: str, mapping: dict[str, str]
) -> None:
    (project.root / name).write_text(content)
    prompts = made(project, project.root / name, mapping=mapping)[1]
    assert [p.messages for p in prompts] == [
        (Message(role="user", content=text),) for text in ("Who?", "Why, then?")
    ]
    assert {p.reference for p in prompts} == {None}


def test_what_stands_in_the_training_file_is_left_out_and_counted(project: Project) -> None:
    train = write(
        project.root / "train.jsonl", [row(LONG), row("Short?"), row("Other?", f"{LONG} Ask.")]
    )
    asked = [row(LONG.upper()), row("Short?"), row(f"{LONG} Or when it has turned?"), row("New?")]
    new, prompts = made(project, write(project.root / "val.jsonl", asked), exclude=(train,))
    assert [p.messages[0].content for p in prompts] == ["New?"]
    assert sum((new.made.left_out or {}).values()) == 3
    with pytest.raises(UsageError, match=r"every prompt stands in .*train\.jsonl"):
        suite_from(SuiteRequest(train, name="same", exclude=(train,)), project)


def test_a_limit_draws_the_same_prompts_whatever_stands_beside_them(project: Project) -> None:
    rows = [row(f"Question {n}?") for n in range(30)]
    few = made(project, write(project.root / "a.jsonl", rows), limit=5)[1]
    again = made(project, write(project.root / "b.jsonl", rows[::-1]), limit=5)[1]
    assert {p.id for p in few} == {p.id for p in again}
    assert [p.id for p in few] == [p.id for p in again[::-1]]


def test_the_command_says_what_was_made_and_one_that_evaluates_it(project: Project) -> None:
    rows = [{"instruction": f"Say {n}.", "output": str(n), "source": "ab"[n % 2]} for n in range(24)]
    write(project.root / "mine.jsonl", [*rows, rows[0]])
    done = brie("suite", "from", "mine.jsonl")
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "read as Alpaca: instruction -> user, output -> assistant; 25 rows" in said
    assert "prompt_suites/mine.jsonl 24 prompts" in said
    assert "of 25 rows, 1 repeat an earlier question" in said
    assert "with 3 samples a prompt it can find a true win rate of" in said
    assert "next brie eval --suite mine" in said
    assert "there is a suite 'mine' already" in str(brie("suite", "from", "mine.jsonl").exception)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("chat.jsonl", json.dumps(row()) + "\n"),
        ("alpaca.jsonl", '{"instruction": "Go.", "output": "Gone."}\n'),
        ("sharegpt.jsonl", '{"conversations": [{"from": "human", "value": "Hi"}]}\n'),
        ("noid.jsonl", '{"prompt": "Why?"}\n'),
        ("faq.csv", "question,answer\nWhy?,So.\n"),
        ("list.json", json.dumps([row()])),
    ],
)
@pytest.mark.parametrize("verb", [("suite", "check"), ("eval", "--candidate", "base", "--suite")])
def test_a_file_that_is_no_suite_yet_is_answered_with_the_command_that_makes_one(
    project: Project, name: str, content: str, verb: tuple[str, ...]
) -> None:
    (project.root / name).write_text(content)
    wrong = brie(*verb, name).exception
    assert isinstance(wrong, UsageError)
    assert str(wrong).endswith(f"brie suite from {name}")


def test_a_row_that_asks_nothing_is_named(project: Project) -> None:
    path = write(project.root / "odd.jsonl", [row(), {"messages": []}])
    with pytest.raises(InputError, match=r"odd\.jsonl:2: `messages` must be a list"):
        suite_from(SuiteRequest(path), project)
    suite = project.root / "mine.toml"
    suite.write_text("")
    with pytest.raises(UsageError, match="is a suite already"):
        suite_from(SuiteRequest(suite), project)


def test_labels_are_what_answers_are_held_against(project: Project) -> None:
    both = [row(f"{n}?", "yes" if n % 3 else "no") for n in range(30)]
    alone = [row(f"{n}?", "yes", source="chosen") for n in range(30)]
    free = [row(f"{n}?", f"Answer {n}.") for n in range(30)]
    for name, rows, values in (("a", both, {"yes", "no"}), ("b", alone, {"yes"}), ("c", free, set())):
        prompts = made(project, write(project.root / f"{name}.jsonl", rows))[1]
        assert {p.check.value for p in prompts if p.check} == values
