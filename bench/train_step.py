"""A training step of brie beside the same step of a bare TRL script, at real size.

    python -m bench.train_step --length 128                      0.5B on this machine
    python -m bench.train_step --size 3b --device cuda --rows 8 --length 1024 --checkpointing \\
        --peak-tflops 989 --name train_step_3b_checkpointing

The base has Qwen2.5's shape and random weights, so nothing is downloaded; its weights mean
nothing, its sizes are real. Both trainers live in one process and take turns step by step, so
that a busy machine slows both alike. Memory is measured in a process of its own for each. At
the end the same size goes through the whole way: train, interrupt, resume, pin.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.output import save, table
from bench.train_base import FOLDER, make_base, make_rows
from brie.errors import Stopped
from brie.project import Project
from brie.train.config import TrainPoint, TrainRequest
from brie.train.device import choose_device
from brie.train.memory import estimate, parameters
from brie.train.prepare import Job, prepare
from brie.train.progress import Silent
from brie.train.recipes import Architecture, load_recipe
from brie.train.surroundings import versions

LEAST_RATIO = 0.90


@dataclass(frozen=True)
class Setting:
    """What is measured."""

    size: str
    device: str
    dtype: str
    rows: int
    """Rows a step."""
    length: int
    """Tokens a row."""
    steps: int
    checkpointing: bool

    def request(self, **more: Any) -> TrainRequest:
        """The run, as `brie train` would be asked for it."""
        settings = (
            f"dtype={self.dtype}",
            f"batch_size={self.rows}",
            f"micro_batch_size={self.rows}",
            f"max_length={self.length}",
            f"max_steps={self.steps + 1}",
            f"gradient_checkpointing={str(self.checkpointing).lower()}",
            "val_fraction=0.05",
        )
        return TrainRequest(
            size=self.size,
            base=str(make_base(self.size)),
            data=str(make_rows(self.length)),
            settings=settings,
            device=self.device,
            **more,
        )


# --- who trains -------------------------------------------------------------------------


def brie_trainer(job: Job, folder: Path, hooks: list[Any]) -> Any:
    """brie's trainer with everything a kept run has, but evaluation and saving."""
    from brie.train.build import build_trainer
    from brie.train.hooks import Interrupt
    from brie.train.metrics import MetricsFile
    from brie.train.sft import build_hooks

    metrics = MetricsFile(folder)
    kept = build_hooks(job, folder, metrics, Interrupt(), Silent(), lambda step: None)
    return build_trainer(job, folder, metrics, [*kept, *hooks], measuring=True)


def bare_trainer(job: Job, folder: Path, hooks: list[Any]) -> Any:
    """What a user would write: a model, a LoRA, SFTTrainer on `messages`."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    from brie.data.load import load

    recipe = job.config.recipe
    tokenizer = AutoTokenizer.from_pretrained(job.base_folder)
    model = AutoModelForCausalLM.from_pretrained(
        job.base_folder, dtype=getattr(torch, job.config.dtype.value)
    )
    rows = [
        {"messages": [m.model_dump() for m in row.messages]}
        for row in load(make_rows(recipe.max_length))
    ]
    half = job.config.dtype.value == "bfloat16"
    config = SFTConfig(
        output_dir=str(folder / "bare"),
        assistant_only_loss=True,
        max_length=recipe.max_length,
        max_steps=job.config.planned_steps,
        per_device_train_batch_size=recipe.micro_batch_size,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup,
        gradient_checkpointing=recipe.gradient_checkpointing,
        bf16=half,
        use_cpu=job.config.device.type == "cpu",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=recipe.seed,
    )
    lora = LoraConfig(
        r=recipe.r,
        lora_alpha=recipe.alpha,
        target_modules=list(recipe.target_modules),
        task_type="CAUSAL_LM",
    )
    return SFTTrainer(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=lora,
        callbacks=hooks,
    )


MAKERS = {"brie": brie_trainer, "bare": bare_trainer}


# --- taking turns ------------------------------------------------------------------------


@dataclass
class Turns:
    """Who may compute: the trainers hand it to each other after every step."""

    names: list[str]
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, name: str) -> None:
        """Until it is this one's turn."""
        with self.changed:
            self.changed.wait_for(lambda: self.names[0] == name)

    def pass_on(self, name: str, *, for_good: bool = False) -> None:
        """Give the turn away, to come back to it unless for good."""
        with self.changed:
            self.names.remove(name)
            if not for_good:
                self.names.append(name)
            self.changed.notify_all()


def timer(name: str, turns: Turns, times: list[float]) -> Any:
    """A callback that measures from one step's beginning to the next, without the waiting."""
    from transformers import TrainerCallback

    class Timer(TrainerCallback):
        began: float | None = None

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self._end()
            turns.pass_on(name)
            turns.wait(name)
            self.began = time.perf_counter()

        def on_train_end(self, *_: Any, **__: Any) -> None:
            self._end()

        def _end(self) -> None:
            if self.began is not None:
                times.append(time.perf_counter() - self.began)

    return Timer()


def interleaved(setting: Setting) -> dict[str, list[float]]:
    """Seconds of each step of both, the first one left out."""
    from brie.train.quiet import quiet

    job = prepare(setting.request(), Project(FOLDER), Silent())
    times: dict[str, list[float]] = {name: [] for name in MAKERS}
    turns = Turns(list(MAKERS))
    failed: list[BaseException] = []

    def run(name: str, folder: Path) -> None:
        turns.wait(name)
        try:
            MAKERS[name](job, folder, [timer(name, turns, times[name])]).train()
        except BaseException as error:
            failed.append(error)
        finally:
            turns.pass_on(name, for_good=True)

    with tempfile.TemporaryDirectory() as folder, quiet():
        threads = [threading.Thread(target=run, args=(name, Path(folder))) for name in MAKERS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]
    return {name: steps[1:] for name, steps in times.items()}


# --- memory and the whole way ------------------------------------------------------------


def peak_alone(setting: Setting, name: str) -> int:
    """Peak memory in bytes of one trainer in a process of its own, two steps."""
    code = (
        "import sys, json; from bench.train_step import *; "
        f"print(json.dumps(two_steps(Setting(**json.loads(sys.argv[1])), {name!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(vars(setting) | {"steps": 1})],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(json.loads(done.stdout.splitlines()[-1]))


def two_steps(setting: Setting, name: str) -> int:
    """Run two steps here; the peak memory of this process."""
    from brie.train.device import peak_memory
    from brie.train.quiet import quiet

    with tempfile.TemporaryDirectory() as folder, quiet():
        job = prepare(setting.request(), Project(FOLDER), Silent())
        MAKERS[name](job, Path(folder), []).train()
    return peak_memory(job.config.device.type)


class _StopAfter(Silent):
    """Presses Ctrl-C after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def stepped(self, point: TrainPoint, total: int, seconds_left: float) -> None:
        """Interrupt."""
        if point.step == self.step:
            import signal

            os.kill(os.getpid(), signal.SIGINT)


def whole_way(setting: Setting) -> dict[str, Any]:
    """Train, interrupt after a step, resume, pin: at full size through the front door."""
    from brie.pin import resolve
    from brie.train.run import train
    from brie.train.runs import read_manifest

    short = Setting(**vars(setting) | {"steps": 2})
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder).resolve())
        began = time.perf_counter()
        try:
            train(short.request(name="bench"), project, _StopAfter(1))
            stopped = False
        except Stopped:
            stopped = True
        again = TrainRequest(resume="bench", data=short.request().data, device=setting.device)
        manifest = read_manifest(train(again, project, Silent()))
        side = resolve("bench:last", project)
        return {
            "interrupted_and_resumed": stopped and manifest.state == "complete",
            "steps": manifest.step,
            "pin": side.pin.digest,
            "adapter_parameters": side.pin.lora.parameters if side.pin.lora else None,
            "seconds": time.perf_counter() - began,
        }


# --- the report --------------------------------------------------------------------------


def step_operations(shape: Architecture | None, tokens: int) -> int:
    """Floating-point operations a LoRA step needs, attention scores and the adapter left out.

    Forward and the gradient of the activations, two operations each for a parameter and token:
    four, where full fine-tuning has six (Kaplan et al. 2020, section 2.1), since frozen weights
    have no gradient. What gradient checkpointing computes again does not count.
    """
    if shape is None:
        return 0
    lookup = 0 if shape.tied else shape.vocabulary * shape.hidden  # read, not multiplied with
    return 4 * (parameters(shape) - lookup) * tokens


def measure(setting: Setting, peak_tflops: float | None, *, memory: bool) -> dict[str, Any]:
    """All figures of one setting."""
    times = interleaved(setting)
    medians = {name: statistics.median(steps) for name, steps in times.items()}
    recipe = load_recipe(setting.size, Project(FOLDER))
    shape = recipe.architecture
    tokens = setting.rows * setting.length
    tflops = {name: step_operations(shape, tokens) / s / 1e12 for name, s in medians.items()}
    need = recipe.model_copy(
        update={"micro_batch_size": setting.rows, "gradient_checkpointing": setting.checkpointing}
    )
    rows = [
        {
            "trainer": name,
            "steps": len(times[name]),
            "median s": medians[name],
            "min s": min(times[name]),
            "max s": max(times[name]),
            "tokens/s": tokens / medians[name],
            "TFLOP/s": tflops[name],
            "MFU": tflops[name] / peak_tflops if peak_tflops else None,
            "peak GiB": peak_alone(setting, name) / 2**30 if memory else None,
        }
        for name in MAKERS
    ]
    estimated = estimate(shape, need, setting.dtype, setting.length).total / 2**30 if shape else None
    return {
        "setting": vars(setting),
        "machine": machine(setting.device),
        "versions": versions(),
        "trainers": rows,
        "seconds": times,
        "ratio_of_medians": medians["bare"] / medians["brie"],
        "estimated_gib_without_libraries": estimated,
    }


def machine(device: str) -> dict[str, Any]:
    """Where this was measured."""
    import torch

    here, _ = choose_device(device)
    return {
        "device": here.name,
        "type": here.type,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0],
    }


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", default="0.5b")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--peak-tflops", type=float, help="of the device, for MFU: 989 for H100, H200")
    parser.add_argument("--speed-only", action="store_true", help="no memory, no whole way")
    parser.add_argument("--name", default="train_step")
    asked = parser.parse_args()
    setting = Setting(
        size=asked.size,
        device=asked.device,
        dtype=asked.dtype,
        rows=asked.rows,
        length=asked.length,
        steps=max(asked.steps, 5),
        checkpointing=asked.checkpointing,
    )
    document = measure(setting, asked.peak_tflops, memory=not asked.speed_only)
    print(table(document["trainers"]))
    print(f"estimated without libraries: {document['estimated_gib_without_libraries']:.2f} GiB")
    print(f"ratio of medians (bare / brie): {document['ratio_of_medians']:.3f}, wanted >= {LEAST_RATIO}")
    if not asked.speed_only:
        document["whole_way"] = whole_way(setting)
        print(f"train, interrupt, resume, pin: {document['whole_way']}")
    print(save(asked.name, document))


if __name__ == "__main__":
    main()
