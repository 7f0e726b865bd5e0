"""From names and files to lm-eval's tasks, and what a plan seals of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING

from pydantic import JsonValue

from brie.benchmarks.harness import at_work, version
from brie.benchmarks.hub import refuse_unreachable
from brie.benchmarks.naming import AskedAs, Named
from brie.benchmarks.task_files import BUILDERS, TaskFile, read_task_file, refuse_code, task_files
from brie.digest import digest, text_digest
from brie.errors import InputError, UsageError
from brie.records import TaskSpec

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask  # type: ignore[import-untyped,unused-ignore]
    from lm_eval.tasks import TaskManager  # type: ignore[import-untyped,unused-ignore]

Say = Callable[[str], None]
"""One line for people."""
_SEED = 1234
"""lm-eval's own, of the examples that stand before documents."""
_FEW = 8
"""Documents that are looked at to tell how much all are."""
_TOKENS = 256
"""That lm-eval lets a model write where a task does not say."""
_PLACES = ("config_source",)
"""Keys of a task's metadata that name folders of this machine."""


@dataclass(frozen=True)
class Reading:
    """About how much a side has to do for a task."""

    characters: int
    """Of everything that it reads."""
    requests: int
    tokens: int
    """That it may write, at most."""


@dataclass(frozen=True)
class Loaded:
    """A task that can be run."""

    spec: TaskSpec
    task: ConfigurableTask
    sandboxed: bool
    """Its templates reach no Python."""
    work: Reading
    """About how much a side reads and writes."""


def load_tasks(
    references: Sequence[str],
    root: Path,
    *,
    asked_as: AskedAs,
    allow_code: bool,
    say: Say,
    most: int | None = None,
    as_sealed: Mapping[str, TaskSpec] | None = None,
) -> tuple[Loaded, ...]:
    """The tasks that were named, with their documents.

    Args:
        references: `NAME`, a task file, or a folder of them; `#METRIC` picks a metric.
        root: what relative paths start from.
        asked_as: as conversations or as plain text.
        allow_code: code that comes with tasks may run here.
        say: one line for people.
        most: documents of each task; None: all.
        as_sealed: task -> how a plan asks it, which `asked_as` and `most` do not overrule.

    Raises:
        UsageError: lm-eval is not here, a name is unknown, a download is needed and not to be had, code
            would run without consent, or a task has no metric by which documents can be paired.
        InputError: a task file or its documents cannot be read.
    """
    program = version()
    named = [Named.of(reference) for reference in references]
    files = {reference.target: _files(reference.target, root) for reference in named}
    refuse_code([file for group in files.values() for file in group], allowed=allow_code)
    loaded: list[Loaded] = []
    with at_work(sandboxed=not allow_code):
        entries = [reference.target for reference in named if not files[reference.target]]
        _refuse_names(entries, allow_code=allow_code, say=say)
        for reference in named:
            made = _of_files(files[reference.target], say) or _of_name(reference.target)
            for task, definition, group in made:
                spec = _spec(task, definition, group, program, reference, asked_as)
                several = most
                if as_sealed and (sealed := as_sealed.get(spec.name)):
                    spec = spec.model_copy(update={"chat": sealed.chat})
                    several = sealed.documents if sealed.of else None
                loaded.append(Loaded(_drawn(spec, several), task, not allow_code, _reading(task)))
    names = [one.spec.name for one in loaded]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"task {sorted(twice)[0]!r} is named twice.")
    return tuple(loaded)


# --- files ------------------------------------------------------------------------------------


def _files(target: str, root: Path) -> list[TaskFile]:
    """The task files a reference names; empty for a name of lm-eval's own."""
    path = root / target
    if path.is_dir():
        return [read_task_file(file) for file in task_files(path)]
    if path.is_file():
        return [read_task_file(path)]
    if target.endswith((".yaml", ".yml")) or "/" in target:
        raise InputError(f"there is no task file {target}.")
    return []


Made = list[tuple["ConfigurableTask", str, str]]
"""Tasks, each with the digest of its definition and the group it is a part of."""


def _of_files(files: Sequence[TaskFile], say: Say) -> Made:
    return [(task := _built(file, say), _digest(file, task), "") for file in files]


def _digest(file: TaskFile, task: ConfigurableTask) -> str:
    """Of a task file and its documents, wherever they come from."""
    return file.digest() if file.data_files else digest([file.digest(), _described(task)])


def _built(file: TaskFile, say: Say) -> ConfigurableTask:
    """A task of a file, its documents read from where the file lies.

    Raises:
        InputError: lm-eval cannot make a task of it.
    """
    data = file.data_files
    if not data and "custom_dataset" not in file.config and "class" not in file.config:
        _refuse_elsewhere(file, say)
    config = import_module("lm_eval.tasks._yaml_loader").load_yaml(file.path)
    with TemporaryDirectory(prefix="brie-tasks-") as folder:
        if data:
            kept = {"data_files": data, "cache_dir": folder, "keep_in_memory": True}
            config["dataset_kwargs"] = {
                **(config.get("dataset_kwargs") or {}),
                "data_files": data,
                **kept,
            }
        manager = import_module("lm_eval.tasks").TaskManager(include_defaults=False)
        with _explained(str(file.path)):
            (task,) = manager.load([config])["tasks"].values()
    return task


def _refuse_elsewhere(file: TaskFile, say: Say) -> None:
    """A task file's documents lie in files; what else they may be is a data set of the Hub."""
    source = str(file.config.get("dataset_path"))
    if source in BUILDERS or (file.path.parent / source).exists():
        raise InputError(
            f"{file.path} names no files of documents: write dataset_path: json, and under "
            "dataset_kwargs, data_files: {test: FILE}."
        )
    refuse_unreachable({file.name: [source]}, say)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Whatever a task's definition or its documents make lm-eval raise, as one sentence.

    Raises:
        InputError: something was raised.
    """
    try:
        yield
    except UsageError:
        raise
    except Exception as error:  # definitions are programs: they may fail in any way
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise InputError(f"lm-eval cannot make a task of {what}: {reason}.") from error


# --- names of lm-eval's own -----------------------------------------------------------------------


@cache
def _manager() -> TaskManager:
    """lm-eval's own tasks; reading their list takes seconds."""
    return import_module("lm_eval.tasks").TaskManager()


def _refuse_names(names: Sequence[str], *, allow_code: bool, say: Say) -> None:
    """Unknown names, code and downloads, before any task is loaded."""
    needed: dict[str, list[str]] = {}
    for name in names:
        leaves = list(_leaves(name))
        unsafe = [leaf for leaf, config in leaves if config.get("unsafe_code")]
        if unsafe and not allow_code:
            raise UsageError(
                f"{name} runs code that the models write ({unsafe[0]}: unsafe_code), on this machine, "
                "with your rights. If you accept that: --allow-code"
            )
        repos = [str(config.get("dataset_path")) for _, config in leaves if config.get("dataset_path")]
        needed[name] = [repo for repo in dict.fromkeys(repos) if repo not in BUILDERS]
    refuse_unreachable(needed, say)


def _leaves(name: str) -> Iterator[tuple[str, Mapping[str, JsonValue]]]:
    """The tasks behind a name, each with its definition, unresolved.

    Raises:
        UsageError: lm-eval has nothing of that name.
    """
    index = _manager().task_index
    entry = index.get(name)
    if entry is None:
        near = get_close_matches(name, index, n=3, cutoff=0.6)
        guess = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(f"lm-eval has no task {name!r}: {guess}See: lm-eval ls tasks")
    if entry.kind.name == "TAG":
        for member in sorted(entry.tags):
            yield from _leaves(member)
        return
    members = (entry.cfg or {}).get("task")
    if entry.kind.name != "GROUP" or not isinstance(members, list):
        yield name, _definition(entry.yaml_path)
        return
    for member in members:
        inline = isinstance(member, dict)
        inner = str(member.get("group") or member.get("task")) if inline else str(member)
        if inner in index:
            yield from _leaves(inner)
        elif inline:
            yield inner, member


def _definition(path: Path) -> Mapping[str, JsonValue]:
    loader: ModuleType = import_module("lm_eval.tasks._yaml_loader")
    config: dict[str, JsonValue] = loader.load_yaml(path, resolve_func=False)
    return config


def _of_name(name: str) -> Made:
    with _explained(name):
        found = _manager().load([name])
    group = name if name in found["groups"] else ""
    return [(task, _described(task), group) for task in found["tasks"].values()]


def _described(task: ConfigurableTask) -> str:
    """Digest of a task's settings and documents: it has no file of one's own."""
    settings = deepcopy(task.dump_config())
    settings["metadata"] = {
        key: value for key, value in (settings.get("metadata") or {}).items() if key not in _PLACES
    }
    documents = [_text(document) for document in task.eval_docs]
    return digest({"settings": _text(settings), "documents": [text_digest(text) for text in documents]})


def _text(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)


# --- what is sealed of a task ---------------------------------------------------------------------


def _spec(
    task: ConfigurableTask,
    definition: str,
    group: str,
    program: str,
    named: Named,
    asked_as: AskedAs,
) -> TaskSpec:
    name, output = str(task.task_name), str(task.OUTPUT_TYPE)
    if getattr(task, "MULTIMODAL", False):
        raise UsageError(f"{name} shows pictures or plays sounds, which models here do not take.")
    metric, filtered = _measure(task, name, named)
    if task.get_config("num_fewshot") is None:
        task.set_config("num_fewshot", 0)
    task.set_fewshot_seed(_SEED)
    return TaskSpec(
        name=name,
        group=group,
        digest=definition,
        program=program,
        output=output,
        chat=output == "generate_until" if asked_as == "auto" else asked_as == "chat",
        fewshot=int(task.get_config("num_fewshot")),
        documents=len(task.eval_docs),
        metric=metric,
        filter=filtered,
        higher_is_better=bool(task.higher_is_better().get(metric, True)),
    )


def _drawn(spec: TaskSpec, most: int | None) -> TaskSpec:
    """A task with so many of its documents at most."""
    if most is None or most >= spec.documents:
        return spec
    return spec.model_copy(update={"documents": most, "of": spec.documents})


def _measure(task: ConfigurableTask, name: str, named: Named) -> tuple[str, str]:
    """The metric and the filter that count: those named, or the task's first that is a mean.

    Raises:
        UsageError: there is none, or not the one that was named.
    """
    means = [key for key, function in task.aggregation().items() if _is_mean(function)]
    filters = [str(pipeline.name) for pipeline in getattr(task, "_filters", ())] or ["none"]
    if not means:
        every = ", ".join(task.aggregation())
        raise UsageError(
            f"{name} cannot be paired document by document: {every} is computed over all at once."
        )
    metric, filtered = named.metric or means[0], named.filter or filters[0]
    if metric not in means or filtered not in filters:
        choices = [f"#{key}" + (f",{f}" if len(filters) > 1 else "") for key in means for f in filters]
        asked = ",".join(filter(None, (named.metric, named.filter)))
        raise UsageError(f"{name} has no metric {asked!r} that is a mean; it has {', '.join(choices)}.")
    return metric, filtered


def _is_mean(function: Callable[..., float]) -> bool:
    return getattr(function, "__name__", "") in ("mean", "nanmean")


def _reading(task: ConfigurableTask) -> Reading:
    """What a few documents ask for, times all."""
    documents = task.eval_docs
    count = len(documents)
    few = [documents[at] for at in range(0, count, max(1, count // _FEW))]
    settings = task.get_config("generation_kwargs") or {}
    with _explained(str(task.task_name)):
        asked = [_asked(task, document) for document in few]
        longest = int(settings.get("max_gen_toks") or settings.get("max_new_tokens") or _TOKENS)
    shots = 1 + int(task.get_config("num_fewshot") or 0)
    characters, requests = (sum(part[at] for part in asked) * count // len(few) for at in (0, 1))
    writes = task.OUTPUT_TYPE == "generate_until"
    return Reading(characters * shots, requests, longest * count if writes else 0)


def _asked(task: ConfigurableTask, document: Mapping[str, JsonValue]) -> tuple[int, int]:
    """Characters and requests of one document: every choice is read behind the question."""
    question = len(str(task.doc_to_text(document)))
    choices = task.doc_to_choice(document) if task.OUTPUT_TYPE == "multiple_choice" else [""]
    return sum(question + len(str(choice)) for choice in choices), len(choices)
