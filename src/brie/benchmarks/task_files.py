"""Task files of lm-eval, read before any of them is run: what they bring, and what they would do.

A task file is YAML that can name Python (`!function utils.score`), and its templates are programs. So
it is read here first, with nothing of it executed: which files it is made of, where its documents
come from, and what in it would run code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue, TypeAdapter, ValidationError

from brie.digest import digest, file_digest
from brie.errors import InputError, UsageError

if TYPE_CHECKING:
    from yaml.nodes import Node  # type: ignore[import-untyped,unused-ignore]

FUNCTION = "!function "
"""What a value that names Python begins with, once it is read."""
BUILDERS = {"json": "json", "csv": "csv", "parquet": "parquet", "text": "text", "arrow": "arrow"}
"""What `dataset_path` names where documents lie in files: not a data set of the Hub."""
_GENERATION = {
    "until", "do_sample", "temperature", "top_p", "top_k", "min_p", "max_gen_toks", "max_new_tokens",
    "max_length", "repetition_penalty", "num_beams", "min_new_tokens",
}  # fmt: skip
"""Settings of generation that name no code; transformers has others that load some."""
_MOST_BYTES = 5_000_000
_MOST_INCLUDES = 20
_MOST_VALUES = 100_000
"""Of a task file, its aliases written out: a short file may name itself into billions."""
Config = dict[str, JsonValue]
_CONFIG: TypeAdapter[Config] = TypeAdapter(Config)


@dataclass(frozen=True)
class TaskFile:
    """A task's definition, read and not run."""

    path: Path
    config: Config
    """As YAML says, with the files it includes; a value that names Python begins with `FUNCTION`."""
    definition: tuple[Path, ...]
    """The file, those it includes, and the Python beside it that it names."""
    runs: tuple[str, ...]
    """What of it would run code that came with it, in words."""

    @property
    def name(self) -> str:
        """What the task is called."""
        return str(self.config.get("task"))

    @property
    def data_files(self) -> dict[str, JsonValue]:
        """Split -> the files of its documents, absolute; empty where they are not in files.

        Raises:
            InputError: one is not there, or is an address.
        """
        kwargs = self.config.get("dataset_kwargs")
        named = kwargs.get("data_files") if isinstance(kwargs, Mapping) else None
        if self.config.get("dataset_path") not in BUILDERS or named is None:
            return {}
        splits = named if isinstance(named, Mapping) else {"train": named}
        return {str(split): self._located(files) for split, files in splits.items()}

    def digest(self) -> str:
        """Over the definition and the files of its documents, wherever they lie."""
        data = [Path(str(file)) for files in self.data_files.values() for file in _each(files)]
        named = sorted({(path.name, file_digest(path)) for path in (*self.definition, *data)})
        return digest({"task": self.name, "files": [list(pair) for pair in named]})

    def _located(self, files: JsonValue) -> JsonValue:
        located: list[JsonValue] = []
        for file in _each(files):
            path = self.path.parent / str(file)
            if "://" in str(file) or not path.is_file():
                raise InputError(
                    f"{self.path}: its documents, {file}, are not there; files are named from where the "
                    "task file lies, and addresses are not followed."
                )
            located.append(str(path.resolve()))
        return located


def _each(files: JsonValue) -> Sequence[JsonValue]:
    return files if isinstance(files, list) else [files]


def read_task_file(path: Path) -> TaskFile:
    """Read a task file and those it includes; no code of it runs.

    Raises:
        InputError: it cannot be read, is no YAML mapping, or defines no task.
    """
    config, files = _merged(path.resolve(), (path.resolve(),))
    if "group" in config or isinstance(config.get("task"), list):
        raise InputError(
            f"{path} defines a group of tasks; name the tasks' files, or their folder, instead."
        )
    if not isinstance(config.get("task"), str):
        raise InputError(f"{path} defines no task: it has no key `task`.")
    python = [path.parent / f"{module.replace('.', '/')}.py" for module in _modules(config)]
    definition = (*files, *(file.resolve() for file in python if file.is_file()))
    return TaskFile(path.resolve(), config, tuple(dict.fromkeys(definition)), tuple(_runs(config)))


def task_files(folder: Path) -> list[Path]:
    """The task files of a folder: YAML that is no part of others (`_name.yaml`).

    Raises:
        InputError: there is none.
    """
    paths = sorted(path for path in folder.glob("*.yaml") if not path.name.startswith("_"))
    if not paths:
        raise InputError(f"{folder} holds no task file (*.yaml).")
    return paths


def _merged(path: Path, seen: tuple[Path, ...]) -> tuple[Config, tuple[Path, ...]]:
    """A file's keys over those of the files it includes, as lm-eval merges them."""
    config = _parsed(path)
    included = Config()
    files: tuple[Path, ...] = (path,)
    for name in _each(config.pop("include", [])):
        other = (path.parent / str(name)).resolve()
        if other in seen or len(seen) > _MOST_INCLUDES:
            raise InputError(f"{path} includes {name}, which includes it in turn.")
        inherited, more = _merged(other, (*seen, other))
        inherited.pop("task_list", None)
        included |= inherited
        files += more
        if len(files) > _MOST_INCLUDES:
            raise InputError(f"{path} includes more than {_MOST_INCLUDES} files.")
    return {**included, **config}, files


def _parsed(path: Path) -> Config:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """YAML with lm-eval's one tag of its own."""

    Loader.add_constructor("!function", lambda loader, node: FUNCTION + loader.construct_scalar(node))
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path} is too large to be a task file.")
        loader = Loader(path.read_text("utf-8"))
        node = loader.get_single_node()
        if _nodes(node, {}) > _MOST_VALUES:
            raise InputError(f"{path} is too large to be a task file: its aliases stand for too much.")
        return _CONFIG.validate_python(loader.construct_document(node) if node else None)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    except (yaml.YAMLError, RecursionError) as error:
        where = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is no YAML that lm-eval reads: {where}.") from error
    except ValidationError as error:
        raise InputError(f"{path} is no task file: it is not a mapping of names to values.") from error


def _nodes(node: Node | None, counted: dict[int, int]) -> int:
    """Of a document, its aliases written out; a node inside itself counts there as none."""
    parts = node.value if node is not None else ""
    if isinstance(parts, str):
        return 1
    if id(node) not in counted:
        counted[id(node)] = 0
        inner = (part for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,)))
        counted[id(node)] = 1 + sum(_nodes(part, counted) for part in inner)
    return counted[id(node)]


def _runs(config: Config) -> Iterator[str]:
    """What a definition would run, in words."""
    functions = sorted(set(_functions(config)))
    if functions:
        yield f"Python of its own ({', '.join(functions)})"
    if config.get("dataset_path") == "pandas":
        yield "what its documents say, for they are pickles (dataset_path: pandas)"
    if config.get("unsafe_code"):
        yield "code that models write (unsafe_code)"
    if config.get("use_prompt"):
        yield "templates of another package (use_prompt)"
    metrics = config.get("metric_list")
    for metric in metrics if isinstance(metrics, list) else []:
        if isinstance(metric, Mapping) and metric.get("hf_evaluate"):
            yield f"a metric that is downloaded ({metric.get('metric')})"
    generation = config.get("generation_kwargs")
    other = set(generation) - _GENERATION if isinstance(generation, Mapping) else set()
    if other:
        yield f"settings of generation that brie does not know ({', '.join(sorted(other))})"


def _functions(value: JsonValue) -> Iterator[str]:
    """Every Python function that is named anywhere in a definition."""
    if isinstance(value, str) and value.startswith(FUNCTION):
        yield value.removeprefix(FUNCTION)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _functions(part)
    elif isinstance(value, list):
        for part in value:
            yield from _functions(part)


def _modules(config: Config) -> list[str]:
    return sorted({name.rpartition(".")[0] for name in _functions(config)})


def refuse_code(files: Sequence[TaskFile], *, allowed: bool) -> None:
    """Code that comes with task files runs with consent alone.

    Raises:
        UsageError: nobody agreed; names each file, its digest and what it would run.
    """
    running = [file for file in files if file.runs]
    if running and not allowed:
        listed = "; ".join(f"{file.path.name} runs {' and '.join(file.runs)}" for file in running)
        raise UsageError(
            f"{listed}: on this machine, with your rights. If you have read it and trust it: "
            "--allow-code"
        )
