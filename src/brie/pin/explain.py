"""What a model folder really is: a run root that aliases a checkpoint, a symlink, a duplicate."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from brie.digest import file_digest
from brie.lines import command
from brie.pin.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS


@dataclass(frozen=True, slots=True)
class Explanation:
    """Facts about a folder, and where it is ambiguous the commands that pick one meaning."""

    facts: tuple[str, ...]
    choices: tuple[str, ...]


def explain(path: Path) -> Explanation:
    """Say what lies behind a path, without following it silently."""
    facts = []
    if path.is_symlink():
        facts.append(f"{path} is a symbolic link to {path.readlink()}: it can change what it means.")
    folder = path.resolve()
    steps = _steps(folder)
    facts += _history(folder, sorted(steps))
    if steps and (folder / ADAPTER_WEIGHTS).is_file():
        digest = file_digest(folder / ADAPTER_WEIGHTS)
        twins = [f"checkpoint-{n}" for n, p in sorted(steps.items()) if _same(p, digest)]
        what = f"byte-identical to {' and '.join(twins)}" if twins else "none of its checkpoints"
        facts.append(f"the adapter in {path} itself is {what}.")
    choices = tuple(
        f"  {command('pin', f'{path}/{p.relative_to(folder)}')}" for _, p in sorted(steps.items())
    )
    return Explanation(tuple(facts), choices + _pins(path, folder))


def duplicates(folder: Path) -> list[str]:
    """Neighbouring checkpoints with the same weights, for a checkpoint folder."""
    weights = folder / ADAPTER_WEIGHTS
    if not weights.is_file():
        return []
    digest = file_digest(weights)
    around = [p for p in folder.parent.glob("checkpoint-*") if p != folder and _same(p, digest)]
    parent = [folder.parent] if _same(folder.parent, digest) else []
    return [f"{folder.name} has the same weights as {p.name}." for p in sorted(around) + parent]


def adapter_fact(path: Path) -> list[str]:
    """What an adapter's own config says it is, for a folder or its last checkpoint."""
    folder = path.resolve()
    folders = [folder, *(p for _, p in sorted(_steps(folder).items(), reverse=True))]
    config = next((c for c in (_load(candidate / ADAPTER_CONFIG) for candidate in folders) if c), {})
    modules = config.get("target_modules")
    if not modules or "base_model_name_or_path" not in config:
        return []
    named = ", ".join(sorted(map(str, modules))) if isinstance(modules, list) else str(modules)
    commit = config.get("revision")
    at = f"at {commit}" if commit else "of no commit: which weights that was is not recorded"
    return [
        f"its adapter_config.json says: LoRA r={config.get('r')} alpha={config.get('lora_alpha')} on "
        f"{named}, for {config['base_model_name_or_path']} {at}."
    ]


def by_step(paths: Iterable[Path]) -> dict[int, Path]:
    """Checkpoint folders by step, of paths some of which are called `checkpoint-N`."""
    steps = ((path.name.removeprefix("checkpoint-"), path) for path in paths)
    return {int(step): path for step, path in steps if step.isdigit() and path.is_dir()}


def _steps(folder: Path) -> dict[int, Path]:
    patterns = ("checkpoint-*", "checkpoints/checkpoint-*")
    return by_step(path for pattern in patterns for path in folder.glob(pattern))


def _same(folder: Path, digest: str) -> bool:
    weights = folder / ADAPTER_WEIGHTS
    return weights.is_file() and file_digest(weights) == digest


def _pins(path: Path, folder: Path) -> tuple[str, ...]:
    return tuple(
        f"  {command('pin', f'{path}/pins/{p.name}')}" for p in sorted(folder.glob("pins/*.json"))
    )


def _history(folder: Path, saved: list[int]) -> list[str]:
    """Whether the best measured step was kept, from a `trainer_state.json` where there is one."""
    states = [folder / "trainer_state.json"]
    states += [p / "trainer_state.json" for _, p in sorted(_steps(folder).items(), reverse=True)]
    state = next((s for s in map(_load, states) if s), {})
    measured = _measured(state.get("log_history"))
    if not measured:
        return []
    best = min(measured, key=lambda step: measured[step])
    steps = sorted(measured)
    every = steps[1] - steps[0] if len(steps) > 1 else steps[0]
    last = ", the last one measured" if best == steps[-1] else ""
    facts = [f"validation loss was measured every {every} steps and was lowest at step {best}{last}."]
    if saved and best not in saved:
        gap = f"every {saved[1] - saved[0]} steps" if len(saved) > 1 else "elsewhere"
        facts.append(
            f"step {best}, the best one measured, was never saved: checkpoints were kept {gap}."
        )
    credited = str(state.get("best_model_checkpoint") or "").rsplit("-", 1)[-1]
    if credited.isdigit() and int(credited) != best:
        facts.append(f"its trainer state calls checkpoint-{credited} the best, which it was not.")
    return facts


def _measured(history: JsonValue) -> dict[int, float]:
    """Step -> validation loss, from a trainer's log."""
    rows = [row for row in history if isinstance(row, dict)] if isinstance(history, list) else []
    return {
        int(step): float(loss)
        for step, loss in ((row.get("step"), row.get("eval_loss")) for row in rows)
        if isinstance(step, (int, float)) and isinstance(loss, (int, float))
    }


def _load(path: Path) -> dict[str, JsonValue]:
    try:
        loaded: JsonValue = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}
