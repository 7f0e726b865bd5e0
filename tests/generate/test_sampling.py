"""`--sampling model`: the settings a model is served with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brie.errors import InputError, UsageError
from brie.generate.sampling import differences, model_sampling
from brie.records import Sampling

ASKED = Sampling(max_new_tokens=77, seed=5)


def _config(folder: Path, **settings: object) -> Path:
    (folder / "generation_config.json").write_text(json.dumps(settings))
    return folder


def test_settings_come_from_the_model_limit_and_seed_from_the_user(tmp_path: Path) -> None:
    folder = _config(
        tmp_path, do_sample=True, temperature=0.7, top_p=0.8, top_k=20, repetition_penalty=1.1
    )
    own, ignored = model_sampling(folder, ASKED)
    assert own == Sampling(
        temperature=0.7, top_p=0.8, top_k=20, repetition_penalty=1.1, max_new_tokens=77, seed=5
    )
    assert ignored == ()
    assert differences(used=ASKED, models_own=own) == {
        "temperature": (0.75, 0.7),
        "top_p": (1.0, 0.8),
        "top_k": (0.0, 20.0),
        "repetition_penalty": (1.0, 1.1),
    }
    assert differences(used=own, models_own=own) == {}


def test_a_model_that_does_not_sample_is_greedy(tmp_path: Path) -> None:
    own, _ = model_sampling(_config(tmp_path, temperature=0.6, repetition_penalty=1.2), ASKED)
    assert (own.temperature, own.repetition_penalty, own.top_p) == (0, 1.2, 1)


def test_settings_left_unsaid_are_off(tmp_path: Path) -> None:
    own, _ = model_sampling(_config(tmp_path, do_sample=True), ASKED)
    assert (own.temperature, own.top_p, own.top_k) == (1, 1, 0)


def test_settings_that_are_not_applied_are_named(tmp_path: Path) -> None:
    _, ignored = model_sampling(_config(tmp_path, do_sample=True, typical_p=0.5, num_beams=1), ASKED)
    assert ignored == ("typical_p",)


def test_min_p_penalties_and_stop_texts_are_the_models_own(tmp_path: Path) -> None:
    own = {"do_sample": True, "min_p": 0.05, "presence_penalty": 1.5, "stop_strings": ["###"]}
    sampling, ignored = model_sampling(_config(tmp_path, **own), ASKED)
    assert (sampling.min_p, sampling.presence_penalty, sampling.stop) == (0.05, 1.5, ("###",))
    assert ignored == ()
    assert differences(used=ASKED, models_own=sampling)["min_p"] == (0.0, 0.05)


def test_missing_and_damaged_configs_are_explained(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no sampling of its own"):
        model_sampling(tmp_path, ASKED)
    for text in (
        "{",
        "[1]",
        '{"do_sample": true, "temperature": -1}',
        '{"do_sample": true, "top_p": "x"}',
    ):
        (tmp_path / "generation_config.json").write_text(text)
        with pytest.raises(InputError, match=r"generation_config\.json does not describe"):
            model_sampling(tmp_path, ASKED)
