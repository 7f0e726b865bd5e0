"""Which judges an evaluation gets where nobody names any.

In this order: the judges of the panel `default` whose keys are set; a server of models on this machine
that answers on its usual port and lists one model; else nobody, and the ways to get one. What is chosen
is said, priced with everything else, and sealed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brie.catalog import Panel, load_defaults, load_judge, load_panel, load_suite
from brie.errors import UsageError
from brie.judge.local import Answering, answering
from brie.judge.settings import key_variable, missing_key
from brie.lines import command as command_line
from brie.project import Project
from brie.records import JudgeSpec, Suite

if TYPE_CHECKING:
    from brie.train.runs import RunInfo

SHIPPED = "default"
"""The panel whose judges are looked at."""
LOCAL = "local server"
"""What a panel of one local server is called in a plan."""
INSTRUMENTS = ("longer",)
FIRST_SUITE = "in_domain"
_OTHER_SUITE = "out_of_domain"
_RULES = {
    "exact": "right or wrong",
    "reference": "agreement with the references",
    "distinct": "repetition alone",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Judges that were chosen."""

    name: str
    panel: Panel
    said: str
    """The choice in words."""
    left_out: tuple[str, ...] = ()
    """Judges of the panel whose keys are not set."""


def choose(
    suite: Suite,
    project: Project,
    command: Sequence[str],
    look: Callable[[], list[Answering]] = answering,
) -> Choice:
    """The judges that can be reached.

    Args:
        suite: what they are to judge.
        project: whose judges and panels count.
        command: the command that was typed, to be given again with a judge.
        look: finds the servers on this machine.

    Raises:
        UsageError: there is none, or there are several models to choose from; lists the commands.
    """
    shipped = _shipped(project)
    if shipped is not None:
        return shipped
    models = [name for server in look() for name in server.judges]
    typed = shlex.join(command)
    if len(models) == 1:
        panel = Panel(judges=(models[0],), instruments=INSTRUMENTS)
        return Choice(LOCAL, panel, f"judge: {models[0]}, which answers on this machine; free.")
    if models:
        listed = "".join(f"\n  {typed} --judge {shlex.quote(name)}" for name in models)
        raise UsageError(f"several models on this machine can judge; choose one:{listed}")
    raise UsageError(_nobody(suite, project, typed))


def reachable_judges(project: Project, look: Callable[[], list[Answering]] = answering) -> str:
    """Who would judge here where nobody is named, in words."""
    shipped = _shipped(project)
    if shipped is not None:
        return shipped.said.removeprefix("judges: ")
    models = [name for server in look() for name in server.judges]
    if not models:
        return "none: set a key, or start a server of models (Ollama, LM Studio, vLLM, llama.cpp)"
    return ", ".join(models) if len(models) == 1 else f"one of {', '.join(models)} (--judge ID)"


def reachable_names(project: Project) -> tuple[str, ...]:
    """Ids of the judges that would be taken; () where there are none, or where somebody must choose."""
    shipped = _shipped(project)
    if shipped is not None:
        return shipped.panel.judges
    models = [name for server in answering() for name in server.judges]
    return tuple(models) if len(models) == 1 else ()


def _shipped(project: Project) -> Choice | None:
    panel = load_panel(SHIPPED, project)
    specs = [load_judge(name, project) for name in panel.judges]
    with_key = tuple(spec.id for spec in specs if missing_key(spec) is None)
    if not with_key:
        return None
    without = tuple(spec for spec in specs if missing_key(spec))
    why = ", ".join(f"{spec.id} ({key_variable(spec)})" for spec in without)
    rest = f"; not set are the keys of {why}" if why else ""
    said = f"judges: {', '.join(with_key)}, of the panel {SHIPPED}{rest}."
    chosen = Panel(judges=with_key, instruments=panel.instruments)
    return Choice(SHIPPED, chosen, said, tuple(spec.id for spec in without))


def _nobody(suite: Suite, project: Project, typed: str) -> str:
    variables = [key_variable(load_judge(n, project)) for n in load_panel(SHIPPED, project).judges]
    first, *others = dict.fromkeys(name for name in variables if name)
    rule = _rule(suite)
    what = f"a rule: {_RULES[rule]}"
    return (
        f"no judge can be reached for suite {suite.name!r}; give one its key, start one on this "
        "machine, or let a rule judge:\n"
        f"  export {first}=YOUR_KEY        # or {', '.join(others)}\n"
        "  ollama pull qwen2.5:7b-instruct        # Ollama serves it by itself\n"
        f"  {typed} --judge {rule}        # {what}"
    )


def to_start_with(
    project: Project,
    suite: str | Path | None = None,
    look: Callable[[], list[Answering]] = answering,
) -> str:
    """Suite and judge of a first evaluation, as options of `brie eval` that work in this project.

    Args:
        project: whose suites and judges count.
        suite: its name or file, such as a run's own; None: the one that brie comes with.
        look: finds the servers on this machine.
    """
    if isinstance(suite, Path) and suite.is_relative_to(Path.cwd()):
        suite = suite.relative_to(Path.cwd())
    named = str(suite or FIRST_SUITE)
    return f"--suite {shlex.quote(named)}{_judged_by(load_suite(named, project), project, look)}"


def first_evaluation(
    run: RunInfo, project: Project, look: Callable[[], list[Answering]] = answering
) -> str:
    """The command that evaluates a run first: what learned from pairs, against what it began with, and
    not on the suite they came from.

    Args:
        run: the training run.
        project: whose suites and judges count.
        look: finds the servers on this machine.
    """
    pairs, start = run.manifest.config.pairs, run.manifest.config.start
    words = ["eval", "--candidate", f"{run.name}:best"]
    words += ["--baseline", start.name if start.run else start.reference] if start else []
    suite: Path | str | None = run.suite
    if pairs is not None and FIRST_SUITE in pairs.suites:
        suite = _OTHER_SUITE
    return f"{command_line(*words)} {to_start_with(project, suite, look)}"


def _judged_by(suite: Suite, project: Project, look: Callable[[], list[Answering]]) -> str:
    """What has to be added so that somebody judges; "" where somebody does."""
    panel, rule = load_defaults(project).panel, f" --judge {_rule(suite)}"
    if panel is not None:
        specs = [load_judge(name, project) for name in load_panel(panel, project).judges]
        able = all(missing_key(spec) is None and _can_judge(spec, suite) for spec in specs)
        return "" if able else rule
    if _shipped(project) is not None:
        return ""
    models = [name for server in look() for name in server.judges]
    if len(models) == 1:
        return ""
    return f" --judge {shlex.quote(models[0])}" if models else rule


def _rule(suite: Suite) -> str:
    """The rule that says most of a suite where no model judges."""
    if all(prompt.check and prompt.check.kind == "exact" for prompt in suite.prompts):
        return "exact"
    return "reference" if any(prompt.reference for prompt in suite.prompts) else "distinct"


def _can_judge(spec: JudgeSpec, suite: Suite) -> bool:
    return spec.model != "reference" or any(prompt.reference for prompt in suite.prompts)


def refuse_mute_rule(judge: JudgeSpec, suite: Suite) -> None:
    """A rule that can say nothing of a suite is refused before any work.

    Raises:
        UsageError: this judge is one.
    """
    kinds = {p.check.kind for p in suite.prompts if p.check and p.check.kind != "python"}
    able = {
        "reference": any(p.reference for p in suite.prompts),
        "check": bool(kinds),
        **{kind: kind in kinds for kind in ("exact", "numeric", "regex")},
    }
    if not able.get(judge.model, True):
        raise UsageError(
            f"the rule {judge.model!r} can say nothing of suite {suite.name!r}: none of its prompts "
            f"has a {_NEEDS.get(judge.model, f'{judge.model} check')}. "
            "Without --judge, --panel and a panel in brie.toml the models that can be reached judge; "
            "--judge distinct is a rule that looks at repetition alone."
        )


_NEEDS = {"reference": "reference", "check": "machine check"}
"""Rule -> what a prompt must have for it, where that is not a check of its name."""
