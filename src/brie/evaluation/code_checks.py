"""Checks that are Python of the suite: run with consent, in a process of their own, and kept.

What the code said of each answer is kept as `checked.json` in the evaluation's folder: numbers are
made of that, and nothing is run to report, verify or unbundle an evaluation.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from brie.digest import digest, short
from brie.errors import UsageError
from brie.evaluation.rows import EvaluationData
from brie.project import write_text
from brie.records import Document, Prompt, Suite, schema_field
from brie.suite_code import PYTHON, parts

FILE = "checked.json"
SECONDS = 60
"""That one function may take for all answers of an evaluation."""
_RUNNER = """
import contextlib, inspect, json, sys
asked = json.load(sys.stdin)
said = []
with contextlib.redirect_stdout(sys.stderr):
    names = {"__name__": "check"}
    exec(compile(asked["source"], asked["file"], "exec"), names)
    function = names[asked["function"]]
    several = len(inspect.signature(function).parameters) > 1
    for answer, reference in asked["answers"]:
        try:
            said.append(bool(function(answer, reference) if several else function(answer)))
        except Exception:
            said.append(None)
print(json.dumps(said))
"""


class Checked(Document):
    """`checked.json`."""

    schema_: str = schema_field("checked")
    passed: dict[str, bool | None] = Field(default_factory=dict)
    """Key of code, function, answer and reference -> whether it passes; None: the code failed on it."""


Passed = Mapping[str, bool | None]


def refuse_code(suite: Suite, *, allowed: bool) -> None:
    """Code of a suite is run with consent alone, and can be run.

    Raises:
        UsageError: nobody agreed to it, with the files and their digests; or it cannot be loaded.
    """
    if suite.code and not allowed:
        files = ", ".join(f"{name} ({short(digest(text), 12)})" for name, text in suite.code.items())
        raise UsageError(
            f"suite {suite.name!r} checks answers with Python code of its own, {files}: it would run on "
            "this machine with your rights. If you have read it and trust it: --allow-code"
        )
    checks = {prompt.check.value for prompt in suite.prompts if _is_code(prompt) and prompt.check}
    for value in sorted(checks):
        _run(suite, value, ())


def recorded_checks(folder: Path) -> dict[str, bool | None]:
    """What code has said of an evaluation's answers; empty where nothing is kept."""
    try:
        return Checked.model_validate_json((folder / FILE).read_text("utf-8")).passed
    except (OSError, ValidationError, UnicodeDecodeError):
        return {}


def key_of(suite: Suite, prompt: Prompt, answer: str) -> str:
    """What the result of a prompt's code on an answer is kept under."""
    file, function = parts(prompt.check.value if prompt.check else "")
    return digest([suite.code.get(file, ""), function, answer, prompt.reference])


def check_by_code(folder: Path, data: EvaluationData, say: Callable[[str], None]) -> bool:
    """Run the suite's code on the answers that it has not seen, and keep what it says.

    What cannot be run is said, and tried again by the same command.

    Args:
        folder: the evaluation's.
        data: plan and answers; consent was given to run its code.
        say: one line for people.

    Returns:
        Whether there were any.
    """
    passed = recorded_checks(folder)
    suite = data.manifest.plan.suite
    todo: dict[str, dict[str, tuple[str, str | None]]] = {}
    for prompt, answer in _answers(data):
        assert prompt.check is not None
        key = key_of(suite, prompt, answer)
        if key not in passed:
            todo.setdefault(prompt.check.value, {})[key] = (answer, prompt.reference)
    for value, answers in todo.items():
        try:
            passed |= dict(zip(answers, _run(suite, value, list(answers.values())), strict=True))
        except UsageError as error:
            say(str(error))
    if todo:
        write_text(folder / FILE, Checked(passed=passed).model_dump_json(indent=1) + "\n")
    return bool(todo)


def _is_code(prompt: Prompt) -> bool:
    return prompt.check is not None and prompt.check.kind == PYTHON


def _answers(data: EvaluationData) -> Iterator[tuple[Prompt, str]]:
    """Every answer to a prompt whose check is code."""
    for name in data.prompts:
        prompt = data.work.prompts[name]
        if not _is_code(prompt):
            continue
        for sample in range(data.manifest.plan.samples):
            for key in (
                data.work.key("candidate", name, sample),
                data.work.key("baseline", name, sample),
            ):
                if key in data.completions:
                    yield prompt, data.completions[key].text


def _run(suite: Suite, value: str, answers: Sequence[tuple[str, str | None]]) -> Sequence[bool | None]:
    """One function on its answers: it is given no variable of the environment."""
    file, function = parts(value)
    asked: dict[str, JsonValue] = {
        "source": suite.code[file], "file": file, "function": function,
        "answers": [list(pair) for pair in answers],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-c", _RUNNER], input=json.dumps(asked), capture_output=True,
                text=True, timeout=SECONDS, cwd=folder, env={}, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise UsageError(f"the check {value} took more than {SECONDS} s; mend it.") from error
    try:
        said = TypeAdapter(list[bool | None]).validate_json(done.stdout)
    except ValidationError as error:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UsageError(f"the check {value} cannot be run: {last[:200]}.") from error
    if len(said) != len(answers):
        raise UsageError(f"the check {value} ended before its last answer; mend it.")
    return said
