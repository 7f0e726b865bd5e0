"""What reads a file: transformers here, llama.cpp and mlx-lm in environments of their own.

A folder that bitsandbytes packed is read twice: its numbers unpacked, in float32, which shows what the
packing has changed; and as it is, by bitsandbytes, in the formats that its config names.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from brie.errors import PinError, UsageError
from brie.fidelity.figures import compare
from brie.fidelity.reference import Reference, Row, write_logits
from brie.forms.detect import OnDisk
from brie.forms.tools import LLAMA, MLX, Tool
from brie.pin.few_bits import BITSANDBYTES, require_bitsandbytes
from brie.pin.folders import json_or_empty
from brie.pin.libraries import quiet_transformers
from brie.pin.weights import load_causal_lm
from brie.progress import Screen
from brie.records.shipping import Figures
from brie.wire.started import environment

_RUNNERS = Path(__file__).parent / "runners"


@dataclass(frozen=True, slots=True)
class Outside:
    """An engine in an environment of its own."""

    tool: Tool
    runner: Path
    label: str
    expected: bool = True
    """Whether the form is made for it, so that its absence is said; else it is a second opinion."""


ENGINES: dict[str, Outside] = {
    "gguf": Outside(LLAMA, _RUNNERS / "read_llama_cpp.py", "llama.cpp (llama-cpp-python {version})"),
    "mlx": Outside(MLX, _RUNNERS / "read_mlx.py", "mlx-lm {version}"),
    "merged": Outside(MLX, _RUNNERS / "read_mlx.py", "mlx-lm {version}", expected=False),
}
"""Form -> what reads it besides transformers."""


def read_here(reference: Reference, file: OnDisk, folder: Path, work: Path, screen: Screen) -> Figures:
    """The file's figures by transformers.

    Args:
        reference: the checkpoint.
        file: what is looked at.
        folder: the same as a folder.
        work: where logits are kept meanwhile.
        screen: progress.

    Raises:
        PinError: transformers cannot load it.
    """
    from transformers import __version__

    form = {"gguf": ", its GGUF loader", "mlx": ", the numbers unpacked"}.get(file.form, "")
    form = ", the numbers unpacked" if file.is_packed else form
    label = f"transformers {__version__}{form}"
    if file.header is None:
        return _read_folder(reference, file, folder, label, work, screen)
    why = "the tokenizer that transformers rebuilds is not the one that serves the file"
    logits = _logits(reference, file, folder, work, screen)
    figures = compare(reference, logits, label, same_ids=None, why=why)
    logits.unlink()
    return figures


def _read_folder(
    reference: Reference, file: OnDisk, folder: Path, label: str, work: Path, screen: Screen
) -> Figures:
    """Figures of a folder that has its own tokenizer, loaded as its config says."""
    logits = _logits(reference, file, folder, work, screen)
    figures = compare(reference, logits, label, same_ids=True, why="")
    logits.unlink()
    return _with_tokens(figures, reference, _read_here(reference, folder))


def _logits(reference: Reference, file: OnDisk, folder: Path, work: Path, screen: Screen) -> Path:
    """Logits of the rows by transformers, as an array file.

    Raises:
        PinError: it cannot be loaded.
    """
    with quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = load_causal_lm(folder, "float32").eval().requires_grad_(False)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise PinError(f"{file.path} cannot be loaded: {str(error).splitlines()[0]}") from error
        logits = work / "transformers.npy"
        write_logits(model, reference.rows, logits, reference.encoder.vocabulary, screen)
    return logits


def _read_here(reference: Reference, folder: Path) -> list[list[int]]:
    from brie.pin.weights import load_tokenizer_of

    tokenizer = load_tokenizer_of(folder)
    return [tokenizer(row.text, add_special_tokens=False)["input_ids"] for row in reference.rows]


def _others(reference: Reference, read: list[list[int]]) -> list[Row]:
    """Rows whose text became other tokens than the checkpoint's."""
    pairs = zip(reference.rows, read, strict=True)
    return [
        row
        for row, ids in pairs
        if tuple(ids)[: len(row.ids)] != (row.ids[: row.start] if row.answer else row.ids)
    ]


def _with_tokens(figures: Figures, reference: Reference, read: list[list[int]]) -> Figures:
    """The figures with what became of texts: prompts decide, a fixed text that differs is told.

    Vocabulary and merges of the file have been compared by themselves; where they are the same, an
    engine that splits a rare text otherwise does so for the checkpoint's own release too.
    """
    others = _others(reference, read)
    notes = dict(figures.notes)
    if texts := [row.name for row in others if not row.answer]:
        told = f"{', '.join(texts)} of the fixed texts becomes other tokens in {figures.engine}"
        notes["texts"] = told
    same = not any(row.answer for row in others)
    return figures.model_copy(update={"same_ids": same, "notes": notes})


def read_outside(reference: Reference, file: OnDisk, work: Path, screen: Screen) -> Figures | str | None:
    """The file's figures by the program that serves it.

    Returns:
        Figures; why there are none; or None where no other program reads this form.

    Raises:
        UsageError: the program is there and failed.
    """
    if file.is_packed:
        return _read_packed(reference, file, work, screen)
    engine = ENGINES.get(file.form)
    if engine is None:
        return None
    python = engine.tool.python()
    if python is None and not engine.expected:
        return None
    if (wish := _own_code(file)) is not None:
        return wish
    if python is None:
        return f"{engine.tool.package} is not installed; to measure with it: {engine.tool.install}"
    label = engine.label.format(version=engine.tool.version(python))
    with tempfile.TemporaryDirectory(dir=work) as name:
        asked, logits, tokens = (Path(name) / part for part in ("asked.json", "out.npy", "ids.json"))
        rows = [
            {"ids": list(row.ids), "start": row.start, "text": row.text, "answer": row.answer}
            for row in reference.rows
        ]
        asked.write_text(json.dumps({"rows": rows}), "utf-8")
        command = [python, engine.runner, file.path.resolve(), asked, logits, tokens]
        try:
            _run(list(map(str, command)), label, len(rows), screen)
        except UsageError as error:
            if engine.expected:
                raise
            return str(error)
        read: list[list[int]] = json.loads(tokens.read_text("utf-8"))
        figures = compare(reference, logits, label, same_ids=True, why="")
        return _with_tokens(figures, reference, read)


def _read_packed(reference: Reference, file: OnDisk, work: Path, screen: Screen) -> Figures | str:
    """The figures by transformers with bitsandbytes, or why there are none."""
    from transformers import __version__

    try:
        require_bitsandbytes("it")
    except UsageError as error:
        return str(error)
    label = f"transformers {__version__} with {BITSANDBYTES} {version(BITSANDBYTES)}"
    return _read_folder(reference, file, file.path, label, work, screen)


def _own_code(file: OnDisk) -> str | None:
    """Why a folder is not handed to another engine: it names code that some versions of it would run."""
    for name, keys in (
        ("config.json", ("model_file", "auto_map")),
        ("tokenizer_config.json", ("auto_map",)),
    ):
        asked = [key for key in keys if file.path.is_dir() and key in json_or_empty(file.path / name)]
        if asked:
            return f"{name} asks to run code of its own ({asked[0]}), which brie never does"
    return None


def _run(command: list[str], label: str, total: int, screen: Screen) -> None:
    with (
        tempfile.TemporaryFile("w+", errors="replace") as output,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            env=environment(HF_HUB_OFFLINE="1"),
        ) as process,
        screen.bar(label, total, "texts") as advance,
    ):
        for _ in process.stdout or ():
            advance(1)
        if process.wait():
            output.seek(0)
            lines = [line for line in output.read().splitlines() if line.strip()]
            raise UsageError(f"{label} failed: {lines[-1][:400] if lines else 'it said nothing'}")
