"""How far may a file in few bits lie from its checkpoint? Sound exports against planted faults.

    python -m bench.shipped_limits                          the tiny base, four random adapters
    python -m bench.shipped_limits --base FOLDER --seeds 2 --prompts 16 --name 135m

Checkpoints are a base with a LoRA adapter of rank 8 of random numbers; seed 0 of a real base is the base
itself. Each is exported by the real converters, as `brie export` does it, and read as `brie check` does,
by transformers and by the engine that serves it. Faults are planted in the unpacked file, so that the
packing is under them. A tool that is not installed is named, and its formats are left out.

Rates are of two judgements: by the limits of divergence and equal first choices alone, and by everything
that is compared. `brie.fidelity.verdict.quantised_limits` holds what was chosen from them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from bench.output import RESULTS, save, table
from brie.catalog import load_suite
from brie.errors import UsageError
from brie.export.convert import to_bitsandbytes, to_gguf, to_mlx
from brie.fidelity.check import Checked, as_folder, check_file
from brie.fidelity.explained import Explained, noise_alone
from brie.fidelity.reference import Reference, make_reference
from brie.fidelity.verdict import stated_few_bits, widened
from brie.forms.detect import OnDisk, detect
from brie.pin import Resolved, packaged_base, resolve
from brie.pin.weights import load_causal_lm
from brie.progress import Silent
from brie.project import Project

FORMATS = ("q8_0", "q6_k", "q4_k_m", "q4_0", "int8", "nf4", "mlx-8bit", "mlx-4bit")
PLANTED_IN = ("q8_0", "q4_k_m", "nf4", "mlx-4bit")
MODULES = ["q_proj", "v_proj", "down_proj"]
_SIZE = {"tiny": 0.2, "real": 0.02}
"""How large a random adapter's B is, about as training makes it."""
Row = dict[str, object]
Numbers = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Model:
    """A checkpoint and what its exports are held against."""

    side: Resolved
    reference: Reference
    seed: int

    @property
    def layer(self) -> str:
        """A matrix in the middle."""
        config = json.loads((self.reference.merged / "config.json").read_text("utf-8"))
        return f"model.layers.{config['num_hidden_layers'] // 2}.mlp.up_proj.weight"

    def added(self) -> Numbers:
        """What the adapter adds to each tensor of its base."""
        merged = load_file(self.reference.merged / "model.safetensors")
        base = load_file(self.side.base_folder / "model.safetensors")
        return {name: merged[name] - base[name].float() for name in merged if name in base}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", type=Path)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--planted", type=int, default=2, help="seeds that faults are planted in")
    parser.add_argument("--prompts", type=int, default=12)
    parser.add_argument("--formats", nargs="*", default=FORMATS)
    parser.add_argument("--planted-in", nargs="*", default=PLANTED_IN)
    parser.add_argument("--name", default="tiny")
    parser.add_argument("--again", action="store_true", help="judge the kept rows by today's limits")
    parser.add_argument("--add", action="store_true", help="to the rows that are kept")
    asked = parser.parse_args()
    kept = RESULTS / f"shipped_limits_{asked.name}.json"
    before = json.loads(kept.read_text("utf-8")) if kept.is_file() else {"rows": []}
    rows: list[Row] = before["rows"] if asked.again or asked.add else []
    rows = _each_once(rows if asked.again else [*rows, *_all_rows(asked)])
    if not rows:
        sys.exit("no file was made; install the tools that are named above")
    for part in (_sound(rows), _faults(rows)):
        if part:
            print(table(part))
    settings = {"base": asked.base.name if asked.base else "tiny", "prompts": asked.prompts}
    if asked.again:
        settings = before["settings"]
    save(
        kept.stem,
        {"settings": settings, "sound": _sound(rows), "planted": _faults(rows), "rows": rows},
    )


def _each_once(rows: list[Row]) -> list[Row]:
    """The last row of each file, fault and engine."""
    return list(
        {tuple(row[k] for k in ("format", "seed", "fault", "engine")): row for row in rows}.values()
    )


def _all_rows(asked: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="brie-limits-") as name:
        for seed in range(asked.first, asked.first + asked.seeds):
            work = Path(name) / str(seed)
            model = _model(asked.base, seed, asked.prompts, work)
            planted_in = asked.planted_in if seed < asked.planted else ()
            for row in _measured(model, asked.formats, planted_in, work):
                rows.append(row)
                print(json.dumps(row), flush=True)
            shutil.rmtree(work)
    return rows


def _model(base: Path | None, seed: int, prompts: int, work: Path) -> Model:
    work.mkdir()
    project = Project.find(work)
    suite = load_suite("demo", project)
    suite = suite.model_copy(update={"prompts": suite.prompts[:prompts]})
    folder = base or packaged_base("tiny")
    if base is not None and seed == 0:
        side = resolve(str(folder.resolve()), project)
    else:
        size = _SIZE["tiny" if base is None else "real"]
        adapter = _adapter(folder, work / "adapter", seed, size)
        side = resolve(str(adapter), project, base=str(folder.resolve()) if base else "tiny")
    (work / "reference").mkdir()
    reference = make_reference(side, suite, work / "reference", Silent(), tokens=16)
    return Model(side, reference, seed)


def _adapter(base: Path, folder: Path, seed: int, size: float) -> Path:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    config = LoraConfig(
        r=8, lora_alpha=32, target_modules=MODULES, init_lora_weights=False, task_type="CAUSAL_LM"
    )
    model = get_peft_model(load_causal_lm(base, "float32"), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data *= size
    model.save_pretrained(folder)
    return folder


def _measured(
    model: Model, formats: Sequence[str], planted_in: Sequence[str], work: Path
) -> Iterator[Row]:
    for number_format in formats:
        part = work / number_format
        part.mkdir()
        try:
            file = detect(_pack(model.reference.merged, number_format, part))
        except UsageError as error:
            print(f"{number_format}: left out: {error}", file=sys.stderr)
            continue
        checked = check_file(model.reference, file, part, Silent())
        opened = as_folder(file, part)
        noise = noise_alone(model.reference, opened, part, Silent())
        yield from _rows(model, file, checked, noise, number_format, "none")
        if number_format in planted_in:
            for name, break_it in FAULTS.items():
                if name in OF_ADAPTER and model.side.adapter is None:
                    continue
                broken = part / "broken"
                shutil.copytree(opened, broken)
                break_it(broken, model)
                (part / "again").mkdir()
                unpacked = OnDisk(broken, "adapter", file.number_format)  # read by transformers alone
                again = check_file(model.reference, unpacked, part / "again", Silent())
                noise = noise_alone(model.reference, broken, part, Silent())
                yield from _rows(model, file, again, noise, number_format, name)
                shutil.rmtree(broken)
                shutil.rmtree(part / "again")
        shutil.rmtree(part)


def _pack(merged: Path, number_format: str, folder: Path) -> Path:
    if number_format in ("nf4", "int8"):
        (folder / "made").mkdir()
        to_bitsandbytes(merged, folder / "made", number_format, "bfloat16")
        return folder / "made"
    if number_format.startswith("mlx"):
        to_mlx(merged, folder / "made", number_format, "bfloat16")
        return folder / "made"
    to_gguf(merged, folder / "made.gguf", number_format, "made")
    return folder / "made.gguf"


def _rows(
    model: Model, file: OnDisk, checked: Checked, noise: Explained, number_format: str, fault: str
) -> Iterator[Row]:
    engines = {figures.engine for figures in checked.figures}  # the limits' own faults stand there
    for figures in checked.figures:
        yield {
            "format": number_format,
            "most": file.number_format,
            "seed": model.seed,
            "fault": fault,
            "engine": _engine(figures.engine),
            "kl": figures.kl,
            "same": figures.same_argmax,
            "noise kl": noise.kl,
            "noise same": noise.same_argmax,
            "identical": f"{figures.identical}/{figures.answers}",
            "named": [each.kind for each in checked.faults if each.where not in engines],
        }


def _engine(label: str) -> str:
    """An engine's name without versions."""
    name = label.split(" ")[0].rstrip(",")
    return "bitsandbytes" if " with bitsandbytes" in label else name


def _is_far(row: Row) -> bool:
    """Whether the limits that stand now would refuse it."""
    noise = Explained(float(str(row["noise kl"])), float(str(row["noise same"])))
    limits = widened(stated_few_bits(str(row["most"])), noise)
    kl, same = float(str(row["kl"])), float(str(row["same"]))
    return kl > (limits.kl or 0.0) or same < (limits.same_argmax or 0.0)


# --- faults ------------------------------------------------------------------------------


def _change(folder: Path, change: Callable[[Numbers], object]) -> None:
    path = folder / "model.safetensors"
    read = load_file(path)
    change(read)
    save_file({name: t.contiguous() for name, t in read.items()}, path, {"format": "pt"})


def _config(folder: Path, **keys: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **keys}), "utf-8")


def _rope(folder: Path, _: Model, times: float) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    nested = config.get("rope_parameters") or {}
    base = float(nested.get("rope_theta") or config["rope_theta"]) * times
    _config(folder, rope_theta=base, rope_parameters={**nested, "rope_theta": base})


def _add(folder: Path, model: Model, times: float) -> None:
    added = model.added()

    def change(read: Numbers) -> None:
        for name in read.keys() & added.keys():
            read[name] = read[name] + times * added[name]

    _change(folder, change)


def _coarser(folder: Path, bits: int) -> None:
    """Matrices rounded once more, each row to so many bits: a quantiser that destroys."""

    def change(read: Numbers) -> None:
        for name, tensor in read.items():
            if tensor.ndim == 2:
                step = tensor.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
                read[name] = (tensor / step).round() * step

    _change(folder, change)


FAULTS: dict[str, Callable[[Path, Model], None]] = {
    "rope base x 100": lambda folder, model: _rope(folder, model, 100.0),
    "rope base x 2": lambda folder, model: _rope(folder, model, 2.0),
    "epsilon 1e-2": lambda folder, _: _config(folder, rms_norm_eps=1e-2),
    "layer zeroed": lambda folder, model: _change(folder, lambda read: read[model.layer].zero_()),
    "layer halved": lambda folder, model: _change(folder, lambda read: read[model.layer].mul_(0.5)),
    "layer's rows rolled": lambda folder, model: _change(
        folder, lambda read: read.update({model.layer: read[model.layer].roll(1, 0)})
    ),
    "4 bits a row": lambda folder, _: _coarser(folder, 4),
    "3 bits a row": lambda folder, _: _coarser(folder, 3),
    "adapter not merged": lambda folder, model: _add(folder, model, -1.0),
    "merged twice": lambda folder, model: _add(folder, model, 1.0),
    "alpha left out": lambda folder, model: _add(folder, model, 8 / 32 - 1),
}
OF_ADAPTER = ("adapter not merged", "merged twice", "alpha left out")


# --- what it comes to ---------------------------------------------------------------------


def _sound(rows: list[Row]) -> list[Row]:
    """One row a format and engine: how far sound files lie, and how many would be refused."""
    out = []
    for key in dict.fromkeys((row["format"], row["engine"]) for row in rows if row["fault"] == "none"):
        mine = [r for r in rows if r["fault"] == "none" and (r["format"], r["engine"]) == key]
        kls, same = [float(str(r["kl"])) for r in mine], [float(str(r["same"])) for r in mine]
        out.append(
            {
                "format": key[0], "engine": key[1], "files": len(mine), "kl least": min(kls),
                "kl most": max(kls), "same least": min(same),
                "refused by limits": sum(map(_is_far, mine)),
                "refused": sum(bool(r["named"]) or _is_far(r) for r in mine),
            }
        )  # fmt: skip
    return out


def _faults(rows: list[Row]) -> list[Row]:
    """One row a fault and format: how far it lies, and how often it is caught."""
    out = []
    for key in dict.fromkeys((row["fault"], row["format"]) for row in rows if row["fault"] != "none"):
        mine = [r for r in rows if (r["fault"], r["format"]) == key]
        kls = [float(str(r["kl"])) for r in mine]
        out.append(
            {
                "fault": key[0], "format": key[1], "files": len(mine), "kl least": min(kls),
                "kl most": max(kls), "caught by limits": sum(map(_is_far, mine)),
                "caught": sum(bool(r["named"]) or _is_far(r) for r in mine),
            }
        )  # fmt: skip
    return out


if __name__ == "__main__":
    main()
