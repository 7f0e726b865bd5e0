"""A model's own sampling settings, and where they differ from those of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import JsonValue

from brie.errors import InputError, UsageError
from brie.records import Sampling

_TAKEN = (
    "temperature",
    "top_p",
    "top_k",
    "repetition_penalty",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
)
_GREEDY = ("repetition_penalty", "presence_penalty", "frequency_penalty")
_OFF: dict[str, tuple[JsonValue, ...]] = {
    "typical_p": (None, 1, 1.0),
    "epsilon_cutoff": (None, 0, 0.0),
    "eta_cutoff": (None, 0, 0.0),
    "num_beams": (None, 1),
    "no_repeat_ngram_size": (None, 0),
    "encoder_repetition_penalty": (None, 1, 1.0),
    "guidance_scale": (None, 1, 1.0),
    "penalty_alpha": (None, 0, 0.0),
    "bad_words_ids": (None, []),
    "suppress_tokens": (None, []),
    "begin_suppress_tokens": (None, []),
    "sequence_bias": (None, {}, []),
}
"""Settings brie does not have, and the values at which they do nothing."""


def model_sampling(folder: Path, asked: Sampling) -> tuple[Sampling, tuple[str, ...]]:
    """What the model's own generation config says, for `--sampling model`.

    Args:
        folder: the model's folder.
        asked: limit, seed and thinking mode are kept from here.

    Returns:
        The settings, and the names of settings in the config that brie does not apply.

    Raises:
        UsageError: the model has no generation config.
        InputError: the config is damaged, or holds a value out of range.
    """
    path = folder / "generation_config.json"
    if not path.is_file():
        raise UsageError(
            f"{folder} has no generation_config.json, so it has no sampling of its own; "
            "leave out --sampling model, and give --temperature or the suite's [sampling]."
        )
    try:
        loaded = json.loads(path.read_text("utf-8"))
        settings = {key: loaded[key] for key in _TAKEN if loaded.get(key) is not None}
        if not loaded.get("do_sample", False):
            settings = {"temperature": 0.0} | {
                key: value for key, value in settings.items() if key in _GREEDY
            }
        else:
            settings = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, **settings}
        if loaded.get("stop_strings"):
            stop = loaded["stop_strings"]
            settings["stop"] = [stop] if isinstance(stop, str) else stop
        ignored = tuple(key for key, off in _OFF.items() if loaded.get(key) not in off)
        return Sampling.model_validate(asked.model_dump() | settings), ignored
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError(f"{path} does not describe a sampling: {str(error)[:200]}") from error


def differences(*, used: Sampling, models_own: Sampling) -> dict[str, tuple[float, float]]:
    """Settings that differ: name -> (used here, the model's own); the seed and limit aside."""
    pairs = {name: (float(getattr(used, name)), float(getattr(models_own, name))) for name in _TAKEN}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
