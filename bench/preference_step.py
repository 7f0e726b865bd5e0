"""Steps of `dpo` and `kto` at real size: do they run, and does the dry run say what memory they take?

    python -m bench.preference_step                    0.5B on this machine

The base has Qwen2.5's shape and random weights; nothing is downloaded. Each setting is a whole run
through the front door, two steps and both evaluations, in a process of its own, whose peak is held
against the estimate of the dry run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.output import save, table
from bench.train_base import FOLDER, make_base, make_rows
from brie.project import Project
from brie.train.config import TrainRequest
from brie.train.memory import LIBRARIES, estimate
from brie.train.prepare import prepare
from brie.train.progress import Silent
from brie.train.run import train
from brie.train.runs import read_manifest
from brie.train.surroundings import versions

SETTINGS = (("dpo", False, 256, 1), ("dpo", True, 256, 2), ("kto", False, 256, 2), ("kto", True, 256, 4))
"""Method, on an adapter or a new one, tokens a row, rows at a time."""
WITHIN = 0.25


def make_pairs(length: int) -> Path:
    """Twelve pairs that fill rows of so many tokens."""
    path = FOLDER / f"pairs-{length}.jsonl"
    rows = [json.loads(line) for line in make_rows(length).read_text("utf-8").splitlines()[:13]]
    pairs = [
        {"prompt": row["prompt"], "chosen": row["completion"], "rejected": after["completion"]}
        for row, after in pairwise(rows)
    ]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs), encoding="utf-8")
    return path


def make_adapter(size: str) -> Path:
    """An adapter of a recipe's shape on the base of that size, as PEFT begins one."""
    folder = FOLDER / f"{size}-adapter"
    if (folder / "adapter_model.safetensors").is_file():
        return folder
    from peft import get_peft_model

    from brie.pin.weights import load_causal_lm
    from brie.train.lora import lora_config
    from brie.train.recipes import load_recipe

    base = make_base(size)
    model = get_peft_model(
        load_causal_lm(base, "bfloat16"), lora_config(load_recipe(size, Project(FOLDER)), base)
    )
    model.peft_config["default"].base_model_name_or_path = str(base)
    model.save_pretrained(folder)
    return folder


def request(size: str, method: str, *, on_adapter: bool, length: int, rows: int) -> TrainRequest:
    """The run, as `brie train` would be asked for it."""
    settings = (
        "dtype=float32", f"batch_size={rows}", f"micro_batch_size={rows}", f"max_length={length}",
        "max_steps=2", "checkpoint_steps=2", "learning_rate=1e-5", "val_fraction=0.05",
    )  # fmt: skip
    return TrainRequest(
        size=size, method="dpo" if method == "dpo" else "kto", prefs=str(make_pairs(length)),
        settings=settings, device="cpu",
        start=str(make_adapter(size)) if on_adapter else None,
        base=None if on_adapter else str(make_base(size)),
    )  # fmt: skip


def measured(size: str, method: str, *, on_adapter: bool, length: int, rows: int) -> dict[str, Any]:
    """One setting: the run's peak beside the estimate, in this process."""
    asked = request(size, method, on_adapter=on_adapter, length=length, rows=rows)
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder).resolve())
        job = prepare(asked, project, Silent())
        shape, recipe = job.config.recipe.architecture, job.config.recipe
        if shape is None:
            from brie.train.memory import read_architecture

            shape = read_architecture(job.base_folder)
        assert shape is not None
        longest = max(len(row.ids) for row in (*job.train, *job.val))
        need = estimate(shape, recipe, "float32", longest, copied=on_adapter)
        manifest = read_manifest(train(asked, project, Silent()))
    peak, said = manifest.peak_memory_bytes or 0, need.total + LIBRARIES
    last = manifest.evaluations[-1]
    return {
        "method": method, "begins with": "adapter" if on_adapter else "base", "tokens a row": longest,
        "rows": rows, "steps": manifest.step, "s a step": manifest.history[-1].seconds / manifest.step,
        "estimate GB": said / 1e9, "peak GB": peak / 1e9, "peak / estimate": peak / said,
        "loss": last.loss, "margin": last.margin, "KL": last.kl,
    }  # fmt: skip


def main() -> None:
    """Measure every setting and save the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", default="0.5b")
    size = parser.parse_args().size
    make_base(size)
    make_adapter(size)
    rows = []
    for method, on_adapter, length, at_once in SETTINGS:
        code = (
            "import json, sys; from bench.preference_step import measured; "
            "print(json.dumps(measured(**json.loads(sys.argv[1]))))"
        )
        asked = {
            "size": size, "method": method, "on_adapter": on_adapter, "length": length, "rows": at_once,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", code, json.dumps(asked)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(rows[-1], flush=True)
    print(table(rows))
    ok = all(abs(row["peak / estimate"] - 1) <= WITHIN for row in rows)
    save("preference_step", {"size": size, "rows": rows, "within": WITHIN, "ok": ok, **versions()})
    raise SystemExit(not ok)


if __name__ == "__main__":
    main()
